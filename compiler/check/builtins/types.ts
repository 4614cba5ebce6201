/** How a builtin is described: to the checker, and to the language reference. */
import type { Span } from "../../../grammar/ast.ts";
import type { Dim, Shape } from "../../dims.ts";
import type { LazyArgument } from "../calls.ts";
import type { Frame } from "../frame.ts";
import type { TensorValue, Value } from "../values.ts";

export interface BuiltinCall {
  readonly frame: Frame;
  readonly name: string;
  readonly span: Span;
  /** The shape that the place of the call expects, if it says one. */
  readonly expected: Shape | null;
  readonly args: ReadonlyMap<string, LazyArgument>;
  /** Unnamed arguments beyond the declared ones, where the builtin takes any number. */
  readonly rest: readonly LazyArgument[];
}

export type Group =
  | "elementwise functions"
  | "reductions and normalisations"
  | "products"
  | "shape"
  | "trained weights"
  | "states and time"
  | "initialisers"
  | "gradients"
  | "losses and metrics"
  | "numbers";

export interface Builtin {
  readonly group: Group;
  /** As the reference shows it: `softmax(x, over: axis)`. */
  readonly signature: string;
  readonly doc: string;
  readonly parameters: readonly string[];
  /** Takes more unnamed arguments than it names. */
  readonly variadic?: boolean;
  /** What the bare name stands for, if it is not to be called. */
  readonly value?: Value;
  readonly run: (call: BuiltinCall) => Value;
}

export type BuiltinTable = Readonly<Record<string, Builtin>>;

/** A problem has been reported (`error`), or a shape is not known yet (`unknown`): the call stops here. */
export class Stop {
  readonly value: Value;
  constructor(value: Value) {
    this.value = value;
  }
}

export type { Dim, TensorValue };
