/** A compiled program, loaded: the interface between what a target generated and everything that runs it. */
import type { BufferRole, ElementType, ProgramManifest, Sizes } from "../format/program.ts";

export type Data = Float32Array | Float64Array | Int32Array;

/** Names a buffer: `parameter:layers.0.k.weight`. Inputs and outputs of one role are told apart by direction. */
export type BufferKey = `${BufferRole}:${string}`;

/** One entry of a program with all its memory, for one choice of sizes. Nothing is allocated after it is made. */
export interface Instance {
  readonly sizes: Sizes;
  /** The memory that the program reads under this name. Fill it before `run`. */
  input(role: BufferRole, name: string): Data;
  /** The memory that the program writes under this name. Overwritten by the next `run`. */
  output(role: BufferRole, name: string): Data;
  run(): void;
  /** Bytes of scratch memory, after packing. */
  readonly scratchBytes: number;
  /** Gives the memory back, where that does not happen by itself. Neither it nor its arrays may be used any more. */
  release?(): void;
}

export interface InstanceOptions {
  /** Memory to use for inputs instead of new memory: how parameters are shared between entries. */
  readonly bind?: ReadonlyMap<BufferKey, Data>;
  /** Fills fresh scratch memory and outputs with NaN first, so that a read of what was never written shows. */
  readonly poison?: boolean;
}

export interface Program {
  readonly manifest: ProgramManifest;
  /** @throws DiagnosticError when the program has no such entry or a bound array has the wrong length. */
  instantiate(entry: string, sizes: Sizes, options?: InstanceOptions): Instance;
  /** Memory to bind that needs no copying, where not all memory is such; zeros. */
  allocate?(type: ElementType, length: number): Data;
}

/** The functions of a generated module: buffers in the order inputs, outputs, scratch. */
export type KernelModule = Readonly<
  Record<string, (buffers: readonly Data[], sizes: Sizes) => void>
>;
