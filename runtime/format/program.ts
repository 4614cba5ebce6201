/**
 * What a compiled program says of itself: `program.json` in a package, and what every target hands to the runtime.
 * Pure data, shared by the compiler (which writes it) and the runtime (which reads it).
 */

/** A size known when a program is run: a number, a run-time size, or arithmetic over such. */
export type SizeExpr =
  | number
  | "batch"
  | "time"
  | "past"
  | {
      readonly op: "add" | "mul" | "div" | "ceildiv" | "mod" | "max" | "min";
      readonly args: readonly SizeExpr[];
    };

/** Length of the batch and time axes, and of what growing states already hold (0 where there are none). */
export interface Sizes {
  readonly batch: number;
  readonly time: number;
  readonly past: number;
}

export type ElementType = "f32" | "f64" | "i32";

/** See compiler/graph/program.ts for what each role means. */
export type BufferRole =
  | "input"
  | "parameter"
  | "state"
  | "cotangent"
  | "optimizer"
  | "scalar"
  | "output"
  | "gradient"
  | "metric";

/** A buffer that the caller fills or reads. Row-major, no padding. */
export interface BufferSpec {
  readonly role: BufferRole;
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly SizeExpr[];
}

/** Bytes of a cache line: memory that is used apart begins at one. */
export const LINE = 64;
/**
 * Bytes between the pieces that threads have of some memory. Processors fetch ahead of time what follows: for rows that
 * are read one after the other, some sixty rows of up to half a kilobyte. With less between the pieces, what one thread
 * writes is taken from the cache of another again and again. Nobody touches these bytes, so they are addresses, not memory.
 */
export const APART = 8 * 4096 + 3 * LINE;

/** Memory between kernels: live from kernel `first` to kernel `last`, both included. */
export interface ScratchSpec {
  readonly name: string;
  readonly type: ElementType;
  readonly length: SizeExpr;
  readonly first: number;
  readonly last: number;
  /** Every thread has its own, one after the other, each from a cache line on and `APART` from the one before. */
  readonly private?: true;
}

/**
 * One thing a program can be asked to do: `forward`, `gradient`, `train`, `evaluate`, `step`. The generated module exports
 * a function of that name which takes the buffers in the order inputs, outputs, scratch, and the sizes. An output whose
 * role is `parameter` or `optimizer` names the same memory as the input of that role and name.
 */
export interface EntrySpec {
  readonly name: string;
  readonly inputs: readonly BufferSpec[];
  readonly outputs: readonly BufferSpec[];
  readonly scratch: readonly ScratchSpec[];
  /** What each kernel is, in order, for profiles. */
  readonly kernels: readonly string[];
}

export type InitSpec =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "normal"; readonly mean: number; readonly deviation: number }
  | { readonly kind: "uniform"; readonly low: number; readonly high: number }
  | { readonly kind: "orthogonal"; readonly scale: number }
  | {
      readonly kind: "blocks";
      readonly axis: number;
      readonly pieces: readonly { readonly size: number; readonly init: InitSpec }[];
    };

export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly init: InitSpec;
  readonly trained: boolean;
}

export interface StateSpec {
  readonly name: string;
  /** Without the batch axis; the first axis of a growing state is given as 0. */
  readonly shape: readonly number[];
  readonly growing: boolean;
  readonly init:
    | { readonly kind: "constant"; readonly value: number }
    | { readonly kind: "parameter"; readonly name: string };
}

export interface SignalSpec {
  readonly name: string;
  /** Of one step: without batch and time. */
  readonly shape: readonly number[];
  readonly type: "float" | "token";
  /** Tokens are below this; null for floats. */
  readonly vocab: number | null;
}

/** What a step of a task's batches holds under a name. */
export interface FieldSpec extends SignalSpec {
  /**
   * `last`: numbers that are 0 at every step but the last of a sequence. Where a loss counts only there, nothing is computed
   * of other steps that only the loss would need.
   */
  readonly nonzero?: "last";
}

/** How an entry runs one loop over time. */
export interface FormSpec {
  readonly entry: string;
  /** States of the loop. */
  readonly states: readonly string[];
  readonly form: "sequential" | "chunk" | "scan" | "step";
  /** Steps per chunk; null where time is not cut. */
  readonly length: number | null;
}

export interface ProgramManifest {
  readonly format: "fwp-program";
  readonly version: 1;
  readonly name: string;
  readonly target: string;
  readonly inputs: readonly SignalSpec[];
  readonly outputs: readonly SignalSpec[];
  readonly parameters: readonly ParameterSpec[];
  readonly states: readonly StateSpec[];
  readonly entries: readonly EntrySpec[];
  /** The forms that were chosen when it was compiled. */
  readonly forms?: readonly FormSpec[];
  /** Of a package: the same entries as its kernels.c has them, with other scratch memory. */
  readonly native?: { readonly entries: readonly EntrySpec[] };
  /** Of a package: as its kernels.wasm has them. */
  readonly wasm?: { readonly entries: readonly EntrySpec[] };
}
