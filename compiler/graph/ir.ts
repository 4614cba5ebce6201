/**
 * The tensor graph: what a program computes, before anybody decides how.
 *
 * A graph is a list of nodes in which every node stands after the nodes it reads. Shapes are symbolic (`Dim`); in a
 * graph that is to be run, every size but the run-time ones (`$batch`, `$time`, `$past`) has been given its number.
 *
 * Two kinds of graph use the same nodes:
 * - a *step*: one time step of one sequence. No batch or time axis appears in it.
 * - a *sequence graph*: values that vary along a batch of sequences carry leading axes `[batch, time, …]`, those that
 *   vary from sequence to sequence only `[batch, …]`, parameters neither. Steps occur in it as the bodies of
 *   `recurrence` nodes.
 */
import type { Dim, Shape } from "../dims.ts";

declare const nodeBrand: unique symbol;
/** Index of a node in its graph's list. */
export type NodeId = number & { readonly [nodeBrand]: true };

/** Integers are token ids; everything else is a float. A condition is a float, true when nonzero. */
export type DType = "float" | "int";

/** A place in the spec, for messages and for the comments above generated loops. */
export interface Origin {
  /** The signal, state or weight that the value was made for: `k`, `W`. */
  readonly label: string | null;
  /** Not the labelled value itself but something computed on the way to it. */
  readonly part?: boolean;
  /** The layer of a model that it belongs to: `layers.0.mixer`. */
  readonly path?: string;
  /** Also the value of an argument of an instruction: that argument's name and place. */
  readonly given?: Given;
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

/** An argument of a call: `key: sum_norm(k)`. */
export interface Given {
  readonly name: string;
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

interface NodeBase {
  readonly id: NodeId;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly origin: Origin | null;
}

export type UnaryFn =
  | "neg"
  | "exp"
  | "log"
  | "log1p"
  | "expm1"
  | "sqrt"
  | "rsqrt"
  | "sin"
  | "cos"
  | "tanh"
  | "sigmoid"
  | "softplus"
  | "relu"
  | "abs"
  | "sign"
  | "floor"
  | "ceil"
  | "round"
  | "reciprocal"
  | "erf"
  | "step"
  | "to_float"
  | "to_int";
/** `step(x)` is 1 where x > 0, else 0. Comparisons give 1 or 0. */
export type BinaryFn =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "pow"
  | "max"
  | "min"
  | "mod"
  | "lt"
  | "le"
  | "eq"
  | "ne"
  | "and"
  | "or";
export type ReduceFn = "sum" | "max" | "min";

/** A value given from outside, by name. */
export interface InputNode extends NodeBase {
  readonly op: "input";
  readonly name: string;
}
/** A number, shape `[]`. */
export interface ConstantNode extends NodeBase {
  readonly op: "constant";
  readonly value: number;
}
/** The run-time or build-time value of a size as a number, shape `[]`. */
export interface SizeNode extends NodeBase {
  readonly op: "size";
  readonly value: Dim;
}
/** `0, 1, …, n − 1`, shape `[n]`. */
export interface IotaNode extends NodeBase {
  readonly op: "iota";
}
/** Independent draws from the counter-based generator, fixed by `seed` (an integer node) and `stream`. */
export interface RandomNode extends NodeBase {
  readonly op: "random";
  readonly distribution: "uniform" | "normal";
  readonly seed: NodeId;
  readonly stream: number;
}
export interface UnaryNode extends NodeBase {
  readonly op: "unary";
  readonly fn: UnaryFn;
  readonly x: NodeId;
}
/** Both operands have the result's shape. */
export interface BinaryNode extends NodeBase {
  readonly op: "binary";
  readonly fn: BinaryFn;
  readonly a: NodeId;
  readonly b: NodeId;
}
/** `cond ≠ 0 ? a : b`, elementwise, equal shapes. */
export interface SelectNode extends NodeBase {
  readonly op: "select";
  readonly cond: NodeId;
  readonly a: NodeId;
  readonly b: NodeId;
}
/** Axis i of x becomes axis `axes[i]` of the result (strictly increasing); x repeats along the others. */
export interface BroadcastNode extends NodeBase {
  readonly op: "broadcast";
  readonly x: NodeId;
  readonly axes: readonly number[];
}
/** The reduced axes disappear. */
export interface ReduceNode extends NodeBase {
  readonly op: "reduce";
  readonly fn: ReduceFn;
  readonly x: NodeId;
  readonly axes: readonly number[];
}
/**
 * A sum of products in index notation: out[o…] = Σ a[a…] · b[b…]. A label is a small integer; labels within one operand
 * are distinct; every label of `out` occurs in `a` or `b`; labels that `out` lacks are summed over.
 */
export interface ContractNode extends NodeBase {
  readonly op: "contract";
  readonly a: NodeId;
  readonly b: NodeId;
  readonly aLabels: readonly number[];
  readonly bLabels: readonly number[];
  readonly outLabels: readonly number[];
}
/** Axis i of the result is axis `perm[i]` of x. */
export interface TransposeNode extends NodeBase {
  readonly op: "transpose";
  readonly x: NodeId;
  readonly perm: readonly number[];
}
/** Same elements in row-major order. */
export interface ReshapeNode extends NodeBase {
  readonly op: "reshape";
  readonly x: NodeId;
}
/** `shape[axis]` elements from `start` on. */
export interface SliceNode extends NodeBase {
  readonly op: "slice";
  readonly x: NodeId;
  readonly axis: number;
  readonly start: Dim;
}
/** Zeros before and after along one axis; `after` follows from the shape. */
export interface PadNode extends NodeBase {
  readonly op: "pad";
  readonly x: NodeId;
  readonly axis: number;
  readonly before: Dim;
}
export interface ConcatNode extends NodeBase {
  readonly op: "concat";
  readonly xs: readonly NodeId[];
  readonly axis: number;
}
/** Element i of the result is element `(i − shift) mod n` of x. */
export interface RollNode extends NodeBase {
  readonly op: "roll";
  readonly x: NodeId;
  readonly axis: number;
  readonly shift: Dim;
}
export interface ReverseNode extends NodeBase {
  readonly op: "reverse";
  readonly x: NodeId;
  readonly axis: number;
}
/** Running sum along an axis, this element included (or not: `exclusive`), from the start (or the end: `reverse`). */
export interface CumsumNode extends NodeBase {
  readonly op: "cumsum";
  readonly x: NodeId;
  readonly axis: number;
  readonly exclusive: boolean;
  readonly reverse: boolean;
}
/** Rows of a table: table `[n, r…]`, index `[i…]` (int) → `[i…, r…]`. */
export interface GatherNode extends NodeBase {
  readonly op: "gather";
  readonly table: NodeId;
  readonly index: NodeId;
}
/** The adjoint of gather: index `[i…]`, updates `[i…, r…]` → `[n, r…]`, rows of equal index added up. */
export interface ScatterNode extends NodeBase {
  readonly op: "scatter";
  readonly index: NodeId;
  readonly updates: NodeId;
}
/** One element of the last axis: x `[l…, n]`, index `[l…]` (int) → `[l…]`. */
export interface PickNode extends NodeBase {
  readonly op: "pick";
  readonly x: NodeId;
  readonly index: NodeId;
}
/** The adjoint of pick: index `[l…]`, value `[l…]` → `[l…, n]`, zero elsewhere. */
export interface PlaceNode extends NodeBase {
  readonly op: "place";
  readonly index: NodeId;
  readonly value: NodeId;
}
/**
 * X with M X = R, where M `[l…, n, n]` is triangular (only that triangle is read), R `[l…, n, m]`.
 * `transpose` solves Mᵀ X = R instead. `unit`: the diagonal counts as ones.
 */
export interface SolveNode extends NodeBase {
  readonly op: "solve";
  readonly matrix: NodeId;
  readonly right: NodeId;
  readonly lower: boolean;
  readonly unit: boolean;
  readonly transpose: boolean;
}
/** x `[n, r…]` with row `at` (an int, shape `[]`) replaced by `row` `[r…]`. */
export interface AppendNode extends NodeBase {
  readonly op: "append";
  readonly x: NodeId;
  readonly row: NodeId;
  readonly at: NodeId;
}
/** x, through which no gradient flows. */
export interface StopNode extends NodeBase {
  readonly op: "stop";
  readonly x: NodeId;
}
/** Runs a step along time; its results are taken out by `result` nodes. Its own shape is `[]` and means nothing. */
export interface RecurrenceNode extends NodeBase {
  readonly op: "recurrence";
  readonly recurrence: Recurrence;
}
export interface ResultNode extends NodeBase {
  readonly op: "result";
  readonly of: NodeId;
  /** Index into the recurrence's outputs. */
  readonly index: number;
}

export type Node =
  | InputNode
  | ConstantNode
  | SizeNode
  | IotaNode
  | RandomNode
  | UnaryNode
  | BinaryNode
  | SelectNode
  | BroadcastNode
  | ReduceNode
  | ContractNode
  | TransposeNode
  | ReshapeNode
  | SliceNode
  | PadNode
  | ConcatNode
  | RollNode
  | ReverseNode
  | CumsumNode
  | GatherNode
  | ScatterNode
  | PickNode
  | PlaceNode
  | SolveNode
  | AppendNode
  | StopNode
  | RecurrenceNode
  | ResultNode;

export interface Output {
  readonly name: string;
  readonly node: NodeId;
}

export interface Graph {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly outputs: readonly Output[];
}

/** A value that lives from step to step. */
export interface Carry {
  readonly name: string;
  /** Outer graph, `[batch, s…]`: before the first step (the last one, if `reverse`). */
  readonly init: NodeId;
  /** Body input, `[s…]`: before this step. */
  readonly input: NodeId;
  /** Body node, `[s…]`: after this step. */
  readonly next: NodeId;
}

/** What a body input is bound to in the outer graph. */
export type Binding =
  /** Outer `[batch, time, s…]`: this step's slice. */
  | { readonly kind: "sequence"; readonly input: NodeId; readonly value: NodeId }
  /** Outer `[batch, s…]`: the same at every step. */
  | { readonly kind: "batch"; readonly input: NodeId; readonly value: NodeId }
  /** Outer `[s…]`: a parameter or anything else without batch and time. */
  | { readonly kind: "shared"; readonly input: NodeId; readonly value: NodeId }
  /** The number of this step from 0 on (counted from the start also when `reverse`), an int of shape `[]`. */
  | { readonly kind: "position"; readonly input: NodeId };

export type RecurrenceOutput =
  /** The body node's value at every step: `[batch, time, s…]`, at its own place in time also when `reverse`. */
  | { readonly kind: "stack"; readonly node: NodeId }
  /** The body node's values added up over batch and time: `[s…]`. */
  | { readonly kind: "sum"; readonly node: NodeId }
  /** The body node's values added up over time only: `[batch, s…]`. */
  | { readonly kind: "batch-sum"; readonly node: NodeId }
  /** A carry after the last step: `[batch, s…]`. */
  | { readonly kind: "final"; readonly carry: number }
  /** A carry before steps 0, every, 2·every, …: `[batch, ceil(time / every), s…]`. Only when not `reverse`. */
  | { readonly kind: "border"; readonly carry: number; readonly every: Dim };

/**
 * For the adjoint of a recurrence: gives the body the forward carries as they were *before* this step. They are
 * recomputed segment by segment from the borders that the forward run kept (never reconstructed by undoing).
 */
export interface Replay {
  /** The forward step, reduced to what its carries need. */
  readonly body: Graph;
  readonly bindings: readonly Binding[];
  readonly every: Dim;
  readonly carries: readonly {
    readonly name: string;
    /** Outer `[batch, ceil(time / every), s…]`. */
    readonly borders: NodeId;
    /** Inputs and nodes of the replay's body. */
    readonly input: NodeId;
    readonly next: NodeId;
    /** The input of the *main* body that receives the carry as it was before this step. */
    readonly target: NodeId;
  }[];
}

export interface Recurrence {
  readonly body: Graph;
  /** Runs from the last step to the first. */
  readonly reverse: boolean;
  /** Length of the batch and of the time axis. */
  readonly batch: Dim;
  readonly time: Dim;
  readonly carries: readonly Carry[];
  readonly bindings: readonly Binding[];
  readonly outputs: readonly RecurrenceOutput[];
  readonly replay: Replay | null;
}

// ------------------------------------------------------------------------------------------- programs

/** How a parameter (or a state) gets its first value. Numbers are per element. */
export type Init =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "normal"; readonly mean: number; readonly deviation: number }
  | { readonly kind: "uniform"; readonly low: number; readonly high: number }
  /** Rows orthogonal in blocks of their length, norms drawn as those of normal rows, times `scale`. */
  | { readonly kind: "orthogonal"; readonly scale: number }
  /** Different initialisers for consecutive pieces of the first axis that is divided (SRWM's blocks). */
  | {
      readonly kind: "blocks";
      readonly axis: number;
      readonly pieces: readonly { readonly size: Dim; readonly init: Init }[];
    };

export interface ProgramInput {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  /** For tokens: ids are below this. */
  readonly vocab: Dim | null;
  /** What is given is 0 at every step but the last of a sequence. */
  readonly nonzero?: "last";
  readonly node: NodeId;
}

export interface ProgramParameter {
  readonly name: string;
  readonly shape: Shape;
  readonly init: Init;
  /** False for numbers fixed at random once (a feature map's projection). */
  readonly trained: boolean;
  readonly node: NodeId;
}

/** How the loop over time of a state is to be run, where the spec says it. */
export interface Schedule {
  readonly form: "sequential" | "chunk" | "scan";
  /** Steps per chunk; null leaves it to the compiler. */
  readonly length: number | null;
  readonly origin: Origin;
}

export interface ProgramState {
  readonly name: string;
  /** Of a growing state: first axis `CAPACITY`. */
  readonly shape: Shape;
  readonly growing: boolean;
  readonly init:
    | { readonly kind: "constant"; readonly value: number }
    | { readonly kind: "parameter"; readonly name: string };
  /** Value before the step (an input of the body). */
  readonly node: NodeId;
  /** Value after the step. */
  readonly next: NodeId;
  readonly origin: Origin | null;
  readonly schedule?: Schedule;
}

/**
 * One time step of a layer or model, for one sequence: what the checker makes of a spec. Everything is expanded:
 * maps, instructions, repeats and the layers it calls, whose states have become states of this step.
 */
export interface StepProgram {
  readonly name: string;
  readonly kind: "layer" | "model";
  readonly body: Graph;
  readonly inputs: readonly ProgramInput[];
  readonly parameters: readonly ProgramParameter[];
  readonly states: readonly ProgramState[];
  readonly outputs: readonly { readonly name: string; readonly node: NodeId }[];
  /** An int of shape `[]`: number of this step from 0 on, if the body uses it. */
  readonly position: NodeId | null;
}
