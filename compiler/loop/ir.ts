/**
 * The loop language: what a kernel does, one scalar or vector at a time, in a form that TypeScript, C, WASM, WGSL and
 * CUDA can all be printed from.
 *
 * A kernel is a list of statements over typed variables and buffers. A `float` is computed at whatever width the target
 * computes at; what is stored has the element type of its buffer. An `int` has 32 bits. Nothing here knows of tensors: an
 * index is an int expression, already linear.
 */

/** What a buffer's elements are in memory. */
export type ElementType = "f32" | "f64" | "i32";

/**
 * Where a buffer lives: `global` memory given by the caller, memory shared by a `workgroup`, or a `local` array of one
 * thread (of constant length; a CPU target may take it from an arena). A `module` array is a local one that all kernels of
 * a module may have in the same place, as no kernel leaves anything in it: an address that engines can see as a constant.
 */
export type AddressSpace = "global" | "workgroup" | "local" | "module";

/** `bool` values exist only as operands of `select`, `if` and the logic functions; they are never stored. */
export type ScalarKind = "float" | "int" | "bool";

export interface LoopType {
  readonly kind: ScalarKind;
  /** 1 for a scalar. */
  readonly lanes: number;
}

export const FLOAT: LoopType = { kind: "float", lanes: 1 };
export const INT: LoopType = { kind: "int", lanes: 1 };
export const BOOL: LoopType = { kind: "bool", lanes: 1 };

export type UnaryOp =
  | "neg"
  | "exp"
  | "log"
  | "log1p"
  | "expm1"
  | "sqrt"
  | "sin"
  | "cos"
  | "tanh"
  | "abs"
  | "sign"
  | "floor"
  | "ceil"
  /** To the nearest integer, halves to the even one. */
  | "round"
  | "erf"
  | "not"
  /** bool to 1 or 0 */
  | "float_of_bool"
  | "float_of_int"
  /** Towards zero. */
  | "int_of_float"
  /** The bits of an int as an unsigned number. */
  | "float_of_unsigned";

export type BinaryOp =
  | "add"
  | "sub"
  | "mul"
  /** On ints: towards zero. */
  | "div"
  /** Has the sign of the divisor on floats, of the dividend on ints. */
  | "mod"
  | "pow"
  | "max"
  | "min"
  | "lt"
  | "le"
  | "eq"
  | "ne"
  | "and"
  | "or"
  | "bit_and"
  | "bit_or"
  | "bit_xor"
  | "shift_left"
  /** Fills with zeros. */
  | "shift_right"
  /** The upper 32 bits of the product of two ints taken as unsigned. */
  | "mul_high";

export type Expr =
  | { readonly op: "number"; readonly type: LoopType; readonly value: number }
  | { readonly op: "variable"; readonly type: LoopType; readonly name: string }
  /** `lanes` consecutive elements from `index` on. Ints from an `i32` buffer, floats from the others. */
  | {
      readonly op: "load";
      readonly type: LoopType;
      readonly buffer: string;
      readonly index: Expr;
    }
  | { readonly op: "unary"; readonly type: LoopType; readonly fn: UnaryOp; readonly x: Expr }
  | {
      readonly op: "binary";
      readonly type: LoopType;
      readonly fn: BinaryOp;
      readonly a: Expr;
      readonly b: Expr;
    }
  /** Only the chosen operand is evaluated: the other may load from outside its buffer. */
  | {
      readonly op: "select";
      readonly type: LoopType;
      readonly condition: Expr;
      readonly a: Expr;
      readonly b: Expr;
    }
  /** One scalar in every lane. */
  | { readonly op: "splat"; readonly type: LoopType; readonly x: Expr }
  /** An int, and in each further lane one more. */
  | { readonly op: "ramp"; readonly type: LoopType; readonly x: Expr }
  /** The lanes of a vector added up (or their largest, their smallest). */
  | {
      readonly op: "across";
      readonly type: LoopType;
      readonly fn: "sum" | "max" | "min";
      readonly x: Expr;
    }
  /** As many vectors as they have lanes, each added up: the sum of the first in the first lane, and so on. */
  | { readonly op: "sums"; readonly type: LoopType; readonly xs: readonly Expr[] }
  /** Lanes of two vectors, by number: those of the second come after those of the first. */
  | {
      readonly op: "shuffle";
      readonly type: LoopType;
      readonly a: Expr;
      readonly b: Expr;
      readonly from: readonly number[];
    };

/**
 * How the iterations of a loop may be spread: one after the other, over workgroups, over the threads of a workgroup, or in
 * any order by the same thread (`independent`).
 */
export type Spread = "serial" | "independent" | "workgroups" | "threads";

export type Statement =
  | { readonly op: "comment"; readonly text: string }
  /** A new variable, visible to the end of the enclosing block. */
  | {
      readonly op: "define";
      readonly name: string;
      readonly type: LoopType;
      readonly mutable: boolean;
      readonly value: Expr;
    }
  | { readonly op: "assign"; readonly name: string; readonly value: Expr }
  /** As many elements as the value has lanes. `add` adds to what is there. */
  | {
      readonly op: "store";
      readonly buffer: string;
      readonly index: Expr;
      readonly value: Expr;
      readonly add: boolean;
    }
  /** from ≤ variable < to in steps of `step`; from the last to the first when `down`. */
  | {
      readonly op: "for";
      readonly variable: string;
      readonly from: Expr;
      readonly to: Expr;
      readonly step: number;
      readonly down: boolean;
      readonly spread: Spread;
      readonly body: readonly Statement[];
    }
  | {
      readonly op: "if";
      readonly condition: Expr;
      readonly body: readonly Statement[];
      readonly otherwise: readonly Statement[];
    }
  /** The element is soon read, and with it its neighbours in the cache's line. It need not be there at all. */
  | { readonly op: "prefetch"; readonly buffer: string; readonly index: Expr }
  /** All threads of a workgroup wait for each other. */
  | { readonly op: "barrier" };

/** What a module calls an array of its own that kernels call `name`. */
export const moduleName = (name: string): string => `module_${name}`;

export interface LoopBuffer {
  readonly name: string;
  readonly type: ElementType;
  readonly space: AddressSpace;
  readonly access: "read" | "write" | "readwrite";
  /** Number of elements, of a buffer that is not global. */
  readonly length: number | null;
}

export interface LoopKernel {
  readonly name: string;
  /** What it computes, one line. */
  readonly title: string;
  readonly buffers: readonly LoopBuffer[];
  /** Int parameters. */
  readonly sizes: readonly string[];
  readonly body: readonly Statement[];
  /** A kernel from which it differs in names only, if one was met while it was planned. */
  readonly like?: LoopKernel;
}
