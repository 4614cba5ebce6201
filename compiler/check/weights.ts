/** Trained weights, and numbers drawn once at random. */
import type { Span } from "../../grammar/ast.ts";
import type { Shape } from "../dims.ts";
import type { Init, NodeId } from "../graph/ir.ts";
import { wrongKind } from "./evaluate.ts";
import type { Frame } from "./frame.ts";
import { valueOf } from "./numbers.ts";
import type { TensorValue, Value } from "./values.ts";

/** A number or an initialiser as an initialiser; null after a report. */
export function asInit(frame: Frame, value: Value, span: Span): Init | null {
  if (value.kind === "init") return value.init;
  if (value.kind === "number") return { kind: "constant", value: valueOf(frame, value) ?? 0 };
  wrongKind(frame, "a number or an initialiser", value, span);
  return null;
}

export interface ParameterOptions {
  readonly name: string;
  readonly shape: Shape;
  /** Null: normal with deviation 1 / sqrt(size of the last axis). */
  readonly init: Value | null;
  readonly span: Span;
  readonly trained?: boolean;
}

/** Declares a weight under the current path; null after a report. */
export function makeParameter(frame: Frame, options: ParameterOptions): TensorValue | null {
  const { shape, trained = true } = options;
  const init =
    options.init === null ? defaultInit(frame, shape) : asInit(frame, options.init, options.span);
  if (init === null) return null;
  const name = frame.session.uniqueName(options.name);
  return { kind: "tensor", node: declareParameter(frame, name, shape, init, trained), lead: 0 };
}

export function declareParameter(
  frame: Frame,
  name: string,
  shape: Shape,
  init: Init,
  trained: boolean,
): NodeId {
  const node = frame.builder.input(`parameter:${name}`, shape);
  frame.session.parameters.push({ name, shape, init, trained, node });
  return node;
}

export function defaultInit(frame: Frame, shape: Shape): Init {
  const fan = shape.length === 0 ? 1 : (frame.session.numeric(shape.at(-1)!) ?? 1);
  return { kind: "normal", mean: 0, deviation: 1 / Math.sqrt(Math.max(1, fan)) };
}
