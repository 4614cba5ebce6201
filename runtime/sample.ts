/** Text from a model, character by character. */
import { problem } from "./catalogue.ts";
import type { ProgramManifest, SignalSpec } from "./format/program.ts";
import type { Options } from "./format/training.ts";
import { random4, unitInterval } from "./format/random.ts";
import { readOptions, type Schema } from "./options.ts";
import type { Session } from "./session.ts";
import type { TextCodec } from "./tasks/task.ts";

export const sampleOptions = {
  length: { kind: "integer", default: 500, min: 0, about: "characters to write" },
  temperature: {
    kind: "number",
    default: 0.8,
    min: 0,
    about: "0: always the likeliest character; 1: as the model has learned them",
  },
  top_k: { kind: "integer", default: null, min: 1, about: "only among so many likeliest" },
  seed: { kind: "integer", default: 1, min: 0, max: 2 ** 32 - 1, about: "of the draws" },
} as const satisfies Schema;

const STREAM = 0x7361_6d70;

/**
 * One of the logits' indices, drawn with probability ∝ exp(logit / temperature) among the `topK` largest. `uniform` is in
 * [0, 1). Temperature 0 takes the largest, the first of equals.
 */
export function drawToken(
  logits: ArrayLike<number>,
  uniform: number,
  temperature: number,
  topK: number | null,
): number {
  const order = Array.from({ length: logits.length }, (_, i) => i);
  order.sort((a, b) => logits[b]! - logits[a]! || a - b);
  const kept = order.slice(0, topK ?? order.length);
  if (temperature === 0) return kept[0]!;
  const largest = logits[kept[0]!]!;
  const weights = kept.map((i) => Math.exp((logits[i]! - largest) / temperature));
  let left = uniform * weights.reduce((a, b) => a + b, 0);
  for (const [i, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return kept[i]!;
  }
  return kept.at(-1)!;
}

/** The input of tokens and the output with a logit for each. @throws DiagnosticError fwp6304. */
function ports(
  manifest: ProgramManifest,
  vocab: number,
): { input: SignalSpec; output: SignalSpec } {
  const fail = (reason: string) => problem("fwp6304", manifest.name, { reason });
  const [input] = manifest.inputs;
  if (input === undefined || manifest.inputs.length > 1 || input.vocab === null) {
    throw fail("it has other inputs than one of tokens");
  }
  if (input.vocab !== vocab) {
    throw fail(`it has ${input.vocab} tokens and the alphabet ${vocab} characters`);
  }
  const output = manifest.outputs.find(({ shape }) => shape.length === 1 && shape[0] === vocab);
  if (output === undefined) throw fail(`none of its outputs has the shape [${vocab}]`);
  return { input, output };
}

/**
 * Writes text: reads `prompt` (a line break when it is empty, so that there is something to go on from), then draws a
 * character, feeds it back, and so on. Each piece is one character, as soon as it is drawn. The session goes on from the
 * state it is in.
 * @throws DiagnosticError fwp6304 for a model that does not do this, fwp6106 for a prompt with foreign characters, fwp6101–
 * fwp6103 for bad options.
 */
export function* sample(
  session: Session,
  manifest: ProgramManifest,
  codec: TextCodec,
  prompt: string = "",
  given: Options = {},
): Generator<string, void, undefined> {
  const { length, temperature, top_k: topK, seed } = readOptions(sampleOptions, given, "sample");
  const { alphabet } = codec;
  const { input, output } = ports(manifest, alphabet.length);
  const opening = alphabet.includes("\n") ? "\n" : (alphabet[0] ?? "");
  const read = (token: number) => session.step({ [input.name]: [token] })[output.name]!;
  let logits: ArrayLike<number> = [];
  for (const token of codec.encode(prompt === "" ? opening : prompt)) logits = read(token);
  for (let i = 0; i < length; i++) {
    const uniform = unitInterval(random4(seed, STREAM, i)[0]);
    const token = drawToken(logits, uniform, temperature, topK);
    yield codec.decode([token]);
    logits = read(token);
  }
}
