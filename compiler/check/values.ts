/** What an expression of a spec means while it is compiled. */
import type {
  InstructionDecl,
  LayerDecl,
  MapDecl,
  ModelDecl,
  FunctionStatement,
} from "../../grammar/ast.ts";
import type { Dim } from "../dims.ts";
import type { Init, NodeId } from "../graph/ir.ts";
import type { Frame } from "./frame.ts";
import type { Module } from "./project.ts";

/**
 * A signal: a node of the step's graph. Its first `lead` axes were not declared by the map or instruction that is being
 * expanded (heads, for instance): the body is written for the axes after them.
 */
export interface TensorValue {
  readonly kind: "tensor";
  readonly node: NodeId;
  readonly lead: number;
  /** For tokens: ids are below this. */
  readonly vocab?: Dim;
  /** For (part of) a growing state: how many rows of its first axis are valid, as a node of shape `[]`. */
  readonly valid?: NodeId;
}

/** A number known when the spec is compiled; `dim` if it is whole and may be a size; null if it has no value yet. */
export interface NumberValue {
  readonly kind: "number";
  readonly value: number | null;
  readonly dim: Dim | null;
  /** The size whose logarithm to base 2 it is: rounded, that is a size again. */
  readonly log2Of?: Dim;
}

export type CallableDecl = MapDecl | InstructionDecl | LayerDecl | ModelDecl;

/** A map, instruction, layer or model, some of whose parameters may be bound: `dpfp(nu: 2)`. */
export interface CallableValue {
  readonly kind: "callable";
  readonly decl: CallableDecl;
  readonly module: Module;
  readonly bound: ReadonlyMap<string, Value>;
  /** The parameter it was reached through (`rule`), if any: arguments that it does not take are then dropped. */
  readonly through: string | null;
}

export interface InitValue {
  readonly kind: "init";
  readonly init: Init;
  readonly learned: boolean;
}

export type Value =
  | TensorValue
  | NumberValue
  | CallableValue
  | InitValue
  | { readonly kind: "bool"; readonly value: boolean | null }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "builtin"; readonly name: string }
  | { readonly kind: "local"; readonly fn: FunctionStatement; readonly scope: Frame }
  | { readonly kind: "list"; readonly items: readonly Value[] }
  | { readonly kind: "tuple"; readonly items: readonly Value[] }
  | { readonly kind: "range"; readonly from: NumberValue; readonly to: NumberValue }
  /** `empty`: the first value of a growing state. */
  | { readonly kind: "empty" }
  /** A parameter of kind map, instruction or layer that has no value yet (a declaration checked on its own). */
  | { readonly kind: "opaque"; readonly what: string; readonly name: string }
  /** A signal whose shape is not known in this pass. */
  | { readonly kind: "unknown" }
  /** A problem has been reported. */
  | { readonly kind: "error" };

export const ERROR: Value = { kind: "error" };
export const UNKNOWN: Value = { kind: "unknown" };

/** How a message names a value's kind. */
export function describe(value: Value): string {
  switch (value.kind) {
    case "tensor":
    case "unknown":
      return "a signal";
    case "number":
      return value.dim !== null ? "a whole number" : "a number";
    case "callable":
      return `the ${value.decl.kind} ${value.decl.name.text}`;
    case "init":
      return value.learned ? "a learned initial value" : "an initialiser";
    case "bool":
      return "true or false";
    case "string":
      return "a text";
    case "builtin":
      return `the builtin ${value.name}`;
    case "local":
      return `the function ${value.fn.name.text}`;
    case "list":
      return "a list";
    case "tuple":
      return `a tuple of ${value.items.length}`;
    case "range":
      return "a range";
    case "empty":
      return "empty";
    case "opaque":
      return `the ${value.what} ${value.name}`;
    case "error":
      return "an error";
  }
}
