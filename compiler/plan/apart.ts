/**
 * An entry taken apart: every kernel as an entry of its own, so that each can be called, and timed, alone. What kernels
 * hand to each other becomes inputs, which the entries share by binding them to the same memory; what a kernel keeps for
 * itself stays scratch memory.
 */
import type { BufferSpec, EntrySpec, ScratchSpec } from "../../runtime/format/program.ts";
import type { CompiledEntry } from "./entry.ts";

export interface Apart {
  /** An entry without kernels that has all shared memory as inputs; those of the whole entry under their own names. */
  readonly memory: CompiledEntry;
  /** In order. */
  readonly kernels: readonly CompiledEntry[];
}

/** Entries for kernels are called `NAME_alone_0`, `NAME_alone_1`, …, and the one for memory `NAME_memory`. */
export function takeApart(entry: CompiledEntry): Apart {
  const { spec } = entry;
  const ports = new Map<string, BufferSpec>();
  const note = (specs: readonly BufferSpec[], from: number, direction: string): void =>
    specs.forEach((port, i) => {
      const buffer = entry.buffers[from + i]!;
      // An output that is written over an input is that input.
      if (ports.has(buffer)) return;
      ports.set(
        buffer,
        direction === "in" ? port : { ...port, role: "input", name: `${direction}:${buffer}` },
      );
    });
  note(spec.inputs, 0, "in");
  note(spec.outputs, spec.inputs.length, "out");
  const own = new Map<string, ScratchSpec>();
  for (const scratch of spec.scratch) {
    if (scratch.first === scratch.last) own.set(scratch.name, scratch);
    else {
      const { type, length } = scratch;
      const name = `scratch:${scratch.name}`;
      ports.set(scratch.name, { role: "input", name, type, shape: [length] });
    }
  }
  const made = (
    name: string,
    k: readonly number[],
    used: (buffer: string) => boolean,
  ): CompiledEntry => {
    const shared = [...ports].filter(([buffer]) => used(buffer));
    const scratch = [...own.values()]
      .filter((s) => used(s.name))
      .map((s): ScratchSpec => ({ ...s, first: 0, last: 0 }));
    // Beside the whole entry in one module, functions need names of their own.
    const kernels = k.map((i) => {
      const kernel = entry.kernels[i]!;
      return { ...kernel, name: `alone_${kernel.name}` };
    });
    const alone: EntrySpec = {
      name,
      inputs: shared.map(([, port]) => port),
      outputs: [],
      scratch,
      kernels: k.map((i) => spec.kernels[i]!),
    };
    return {
      spec: alone,
      kernels,
      buffers: [...shared.map(([b]) => b), ...scratch.map((s) => s.name)],
    };
  };
  return {
    memory: made(`${spec.name}_memory`, [], (buffer) => ports.has(buffer)),
    kernels: entry.kernels.map((kernel, i) => {
      const names = new Set(kernel.buffers.map((b) => b.name));
      return made(`${spec.name}_alone_${i}`, [i], (buffer) => names.has(buffer));
    }),
  };
}
