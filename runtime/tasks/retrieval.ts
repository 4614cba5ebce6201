/**
 * Associative retrieval: key–value pairs, then a key to answer for (Schlag, Irie, Schmidhuber, "Linear transformers are
 * secretly fast weight programmers", ICML 2021, section 6.1).
 *
 * S keys and S values. Setting 1 (capacity): sequences of S pairs, keys and values drawn without replacement, the query
 * uniform over the pairs. Setting 2 (updates): 2 S pairs drawn with replacement, so keys repeat; the query is the key of
 * a pair drawn uniformly and the answer the value of that key's *last* pair. Loss ½ ‖answer − output‖² at the end of the
 * sequence; an output of zero scores ½.
 *
 * Evaluation: 20 sequences, each asked for every distinct key in it, the mean over all questions. As in the published
 * protocol these sequences have S pairs in *both* settings, so in setting 2 they are half as long as in training and hold
 * fewer repetitions; `eval_length` changes that. Ours are the same 20 at every evaluation, where the published ones are
 * drawn anew, and at most 200 keys were asked there.
 *
 * Published training: Adam at 1e-3, batches of 32, an evaluation every 100 steps, stop at a loss of 0.001 or after 11
 * evaluations without a new best, at most 100,000 steps.
 *
 * Fields per step: `key` token[pairs], `value` one-hot [pairs], `query` token[pairs] (the same at every step),
 * `target` one-hot [pairs] (the same at every step), `answer` [] (1 at the last step, else 0).
 */
import { problem, whole } from "../catalogue.ts";
import type { Options } from "../format/training.ts";
import { type PlaceOf, readOptions, type Schema } from "../options.ts";
import { type Dice, choose, dice } from "./draw.ts";
import type { Batch, Split, Task, TaskContext } from "./task.ts";

export const retrievalOptions = {
  pairs: { kind: "integer", default: 20, min: 2, max: 4096, about: "keys, and values: S" },
  setting: { kind: "integer", default: 1, min: 1, max: 2, about: "1: capacity, 2: updates" },
  length: {
    kind: "integer",
    default: null,
    min: 1,
    max: 65536,
    about: "pairs in a training sequence; S in setting 1, 2 S in setting 2",
  },
  eval_length: { kind: "integer", default: null, min: 1, max: 65536, about: "S unless given" },
  eval_sequences: { kind: "integer", default: 20, min: 1, about: "sequences of an evaluation" },
} as const satisfies Schema;

const STREAM: Readonly<Record<Split, number>> = { train: 0x7265_7401, validation: 0x7265_7402 };

interface Sequence {
  readonly keys: Int32Array;
  readonly values: Int32Array;
}

function draw(die: Dice, pairs: number, length: number, replace: boolean): Sequence {
  const keys = choose(die, pairs, length, replace);
  return { keys, values: choose(die, pairs, length, replace) };
}

/** Writes row `row` of a batch: a sequence and a question; no question (−1) counts nowhere. */
function write(
  batch: Batch,
  row: number,
  { keys, values }: Sequence,
  query: number,
  pairs: number,
) {
  const { time, fields } = batch;
  const field = (name: string) => fields.get(name)!;
  const target = query < 0 ? 0 : values[keys.lastIndexOf(query)]!;
  for (let t = 0; t < time; t++) {
    const at = row * time + t;
    field("key")[at] = keys[t]!;
    field("value")[at * pairs + values[t]!] = 1;
    field("query")[at] = Math.max(0, query);
    field("target")[at * pairs + target] = 1;
  }
  if (query >= 0) field("answer")[row * time + time - 1] = 1;
}

/** @throws DiagnosticError fwp6101–fwp6104. */
export function retrieval(given: Options, context: TaskContext, place?: PlaceOf): Task {
  const schema = retrievalOptions;
  const { pairs, setting, ...rest } = readOptions(schema, given, "task retrieval", place);
  const replace = setting === 2;
  const length = rest.length ?? (replace ? 2 * pairs : pairs);
  const evalLength = rest.eval_length ?? pairs;
  const sequences = rest.eval_sequences;
  if (!replace && Math.max(length, evalLength) > pairs) {
    const at = typeof place === "function" ? place("length") : (place ?? whole("task retrieval"));
    throw problem("fwp6104", at, {
      owner: "task retrieval",
      reason: `setting 1 draws without replacement, so a sequence holds at most ${pairs} pairs`,
    });
  }

  const empty = (batch: number, time: number): Batch => ({
    batch,
    time,
    fields: new Map<string, Float32Array | Int32Array>([
      ["key", new Int32Array(batch * time)],
      ["value", new Float32Array(batch * time * pairs)],
      ["query", new Int32Array(batch * time)],
      ["target", new Float32Array(batch * time * pairs)],
      ["answer", new Float32Array(batch * time)],
    ]),
  });

  return {
    name: "retrieval",
    description: `${pairs} keys, setting ${setting}: sequences of ${length} pairs, evaluated on ${sequences} of ${evalLength}`,
    options: {
      pairs,
      setting,
      length,
      eval_length: evalLength,
      eval_sequences: sequences,
    },
    fields: [
      { name: "key", shape: [], type: "token", vocab: pairs },
      { name: "value", shape: [pairs], type: "float", vocab: null },
      { name: "query", shape: [], type: "token", vocab: pairs },
      { name: "target", shape: [pairs], type: "float", vocab: null },
      { name: "answer", shape: [], type: "float", vocab: null, nonzero: "last" },
    ],
    provides: { pairs, setting, length, eval_length: evalLength },
    stream: false,
    validationBatches: () => sequences,
    batch(split, index, size) {
      if (split === "validation") {
        // One sequence, a row per key, so that all evaluations have the same shape; absent keys are rows that do not count.
        const die = dice(context.seed, STREAM.validation, index);
        const sequence = draw(die, pairs, evalLength, replace);
        const rows = Math.min(pairs, evalLength);
        const distinct = [...new Set(sequence.keys)].sort((a, b) => a - b);
        const batch = empty(rows, evalLength);
        for (let row = 0; row < rows; row++) {
          write(batch, row, sequence, distinct[row] ?? -1, pairs);
        }
        return batch;
      }
      const batch = empty(size, length);
      for (let row = 0; row < size; row++) {
        const die = dice(context.seed, STREAM.train, index * size + row);
        const sequence = draw(die, pairs, length, replace);
        write(batch, row, sequence, sequence.keys[die.below(length)]!, pairs);
      }
      return batch;
    },
  };
}
