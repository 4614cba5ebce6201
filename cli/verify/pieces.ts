/** A sequence cut anywhere and the state carried over the cut, forwards and backwards. */
import type { Data, Program } from "../../runtime/device/program.ts";
import type { Tensor } from "../../runtime/files/safetensors.ts";
import { runWhole, type Job } from "../run/execute.ts";

type Tensors = Map<string, Tensor>;

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Steps `from` … `to` − 1 of `[batch, time, …]`. */
function window({ shape, data }: Tensor, from: number, to: number): Tensor {
  const [batch = 1, time = 1, ...rest] = shape;
  const one = count(rest);
  const length = (to - from) * one;
  const out = data.slice(0, batch * length);
  for (let b = 0; b < batch; b++) {
    const at = (b * time + from) * one;
    out.set(data.subarray(at, at + length), b * length);
  }
  return { shape: [batch, to - from, ...rest], data: out };
}

/** Pieces along time as one tensor. */
function join(parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  const [batch = 1, , ...rest] = first!.shape;
  const one = count(rest);
  const time = parts.reduce((n, p) => n + p.shape[1]!, 0);
  const data = new (first!.data.constructor as new (n: number) => Data)(batch * time * one);
  let at = 0;
  for (const { shape, data: piece } of parts) {
    const length = shape[1]! * one;
    for (let b = 0; b < batch; b++) {
      data.set(piece.subarray(b * length, (b + 1) * length), b * time * one + at);
    }
    at += length;
  }
  return { shape: [batch, time, ...rest], data };
}

/** Which tensors have a time axis. */
function sequences({ manifest }: Program): ReadonlySet<string> {
  return new Set([
    ...manifest.inputs.flatMap(({ name }) => [name, `d.${name}`]),
    ...manifest.outputs.flatMap(({ name }) => [name, `d.${name}`]),
  ]);
}

const startingWith = (tensors: ReadonlyMap<string, Tensor>, prefix: string): Tensors =>
  new Map([...tensors].filter(([name]) => name.startsWith(prefix)));

/**
 * The job in pieces that end before the steps `cuts` and at the end of time, each from the states that the one before
 * left; gradients backwards over the same pieces, each from the gradients of the next one's first states. The job gives
 * all first states, and cotangents of all last ones.
 */
export function runPieces(job: Job, cuts: readonly number[]): Tensors {
  const { program, tensors, sizes } = job;
  const timed = sequences(program);
  const ends = [...cuts, sizes.time];
  const pieces = ends.map((end, i) => ({ start: ends[i - 1] ?? 0, end }));
  const jobOf = (
    { start, end }: { start: number; end: number },
    states: Tensors,
    grad: boolean,
  ) => {
    const own = [...tensors].map(([name, tensor]) => {
      const part = timed.has(name) ? window(tensor, start, end) : (states.get(name) ?? tensor);
      return [name, part] as const;
    });
    const piece = { ...sizes, time: end - start, past: sizes.past + start };
    return { ...job, tensors: new Map(own), sizes: piece, grad };
  };
  const parts = new Map<string, Tensor[]>();
  const first: Tensors[] = [];
  let states = startingWith(tensors, "state.");
  for (const piece of pieces) {
    first.push(states);
    const found = runWhole(jobOf(piece, states, false));
    for (const [name, one] of found) {
      if (timed.has(name)) parts.set(name, [...(parts.get(name) ?? []), one]);
    }
    states = startingWith(found, "state.");
  }
  const sums: Tensors = new Map();
  let cotangents = startingWith(tensors, "d.state.");
  for (const [i, piece] of [...pieces.entries()].reverse()) {
    const found = runWhole(jobOf(piece, new Map([...first[i]!, ...cotangents]), true));
    for (const [name, one] of found) {
      if (!name.startsWith("d.") || name.startsWith("d.state.")) continue;
      const sum = sums.get(name);
      if (timed.has(name)) parts.set(name, [one, ...(parts.get(name) ?? [])]);
      else if (sum === undefined) sums.set(name, one);
      else for (let j = 0; j < one.data.length; j++) sum.data[j]! += one.data[j]!;
    }
    cotangents = startingWith(found, "d.state.");
  }
  const whole = [...parts].map(([name, all]) => [name, join(all)] as const);
  return new Map([...whole, ...sums, ...states, ...cotangents]);
}
