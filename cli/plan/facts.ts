/** What a compiled entry is going to do: its kernels with what each computes and moves, and the memory of it all. */
import type { CompiledEntry } from "../../compiler/plan/entry.ts";
import { costOf } from "../../compiler/plan/cost.ts";
import { BYTES, evaluateSize, placeScratch } from "../../runtime/device/arena.ts";
import type { BufferSpec, Sizes } from "../../runtime/format/program.ts";

export interface KernelFacts {
  readonly name: string;
  /** What it computes, as an equation. */
  readonly title: string;
  /** Float operations, functions such as exp counted as one each. */
  readonly flops: number;
  /** Of exp, tanh and their like alone. */
  readonly functions: number;
  /** What has to be moved at least: every buffer that it reads or writes, once each way. */
  readonly bytes: number;
}

export interface PlanFacts {
  readonly entry: string;
  readonly device: string;
  readonly sizes: Sizes;
  readonly kernels: readonly KernelFacts[];
  readonly flops: number;
  readonly bytes: number;
  /** In bytes. */
  readonly memory: {
    /** What the entry is given, parameters among it. */
    readonly inputs: number;
    readonly parameters: number;
    /** What it gives, apart from what is written over an input. */
    readonly outputs: number;
    /** Between kernels, buffers that are not needed at the same time in the same place. */
    readonly scratch: number;
    /** The same without sharing of places. */
    readonly unpacked: number;
    readonly peak: number;
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

export function planFacts(entry: CompiledEntry, device: string, sizes: Sizes): PlanFacts {
  const { spec } = entry;
  const lengths = new Map<string, number>();
  const size = ({ type, shape }: BufferSpec): number =>
    shape.reduce<number>((n, s) => n * evaluateSize(s, sizes), 1) * BYTES[type];
  [...spec.inputs, ...spec.outputs].forEach((port, i) =>
    lengths.set(entry.buffers[i]!, size(port)),
  );
  for (const { name, type, length } of spec.scratch) {
    lengths.set(name, evaluateSize(length, sizes) * BYTES[type]);
  }
  const kernels = entry.kernels.map((kernel, i): KernelFacts => {
    const { flops, functions } = costOf(kernel, sizes);
    const bytes = sum(
      kernel.buffers
        .filter((b) => b.space === "global")
        .map((b) => (lengths.get(b.name) ?? 0) * (b.access === "readwrite" ? 2 : 1)),
    );
    return { name: kernel.name, title: spec.kernels[i]!, flops, functions, bytes };
  });
  const inputs = sum(spec.inputs.map(size));
  const taken = new Set(entry.buffers.slice(0, spec.inputs.length));
  const outputs = sum(
    spec.outputs.map((port, i) =>
      taken.has(entry.buffers[spec.inputs.length + i]!) ? 0 : size(port),
    ),
  );
  const scratch = placeScratch(spec.scratch, sizes).total;
  return {
    entry: spec.name,
    device,
    sizes,
    kernels,
    flops: sum(kernels.map((k) => k.flops)),
    bytes: sum(kernels.map((k) => k.bytes)),
    memory: {
      inputs,
      parameters: sum(spec.inputs.filter((p) => p.role === "parameter").map(size)),
      outputs,
      scratch,
      unpacked: sum(spec.scratch.map((s) => lengths.get(s.name)!)),
      peak: inputs + outputs + scratch,
    },
  };
}
