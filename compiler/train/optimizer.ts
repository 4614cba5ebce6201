/** Optimisers as graph operations, one parameter at a time, elementwise throughout. */
import { unreachable } from "../../diagnostics/diagnostic.ts";
import type { OptimizerSettings } from "../../runtime/format/training.ts";
import type { Shape } from "../dims.ts";
import type { GraphBuilder } from "../graph/builder.ts";
import type { NodeId } from "../graph/ir.ts";

export interface Update {
  readonly parameter: NodeId;
  readonly moments: ReadonlyMap<string, NodeId>;
}

/** Numbers that the caller gives at every step, nodes of shape `[]`. */
export interface StepNumbers {
  readonly rate: NodeId;
  /** From 1 on. Only Adam asks for it. */
  readonly step: () => NodeId;
}

export interface Parameter {
  readonly name: string;
  readonly value: NodeId;
  readonly gradient: NodeId;
  /** What the optimiser kept, of the parameter's shape, by the moment's name. */
  readonly moment: (name: string) => NodeId;
}

/**
 * Weight decay pulls on matrices and tensors only: not on biases (`….bias`), gains or other vectors, which set a scale or
 * an offset and do not overfit by being large.
 */
export function decays(name: string, shape: Shape): boolean {
  return shape.length >= 2 && !name.endsWith(".bias");
}

/** Elementwise arithmetic on nodes of one shape. */
function arithmetic(b: GraphBuilder, shape: Shape) {
  return {
    add: b.add,
    sub: b.sub,
    mul: b.mul,
    div: b.div,
    /** Times a number known now. */
    scale: (x: NodeId, by: number) => b.scaleBy(x, by),
    /** Times a number known at run time, a node of shape `[]`. */
    times: (x: NodeId, by: NodeId) => b.mul(x, b.broadcast(by, [], shape)),
    plus: (x: NodeId, by: number) => b.add(x, b.fill(by, shape)),
  };
}

type Arithmetic = ReturnType<typeof arithmetic>;

/**
 * m ← μ m + g, then p ← p − rate · m, or, looking ahead, p − rate · (g + μ m): Nesterov's momentum in the form of Sutskever
 * et al. ("On the importance of initialization and momentum in deep learning", 2013), the velocity free of the learning
 * rate. The decay is decoupled: p ← p − rate · decay · p.
 */
function sgd(
  a: Arithmetic,
  s: Extract<OptimizerSettings, { kind: "sgd" }>,
  p: Parameter,
  rate: NodeId,
  decay: number,
): Update {
  const moments = new Map<string, NodeId>();
  let direction = p.gradient;
  if (s.momentum !== 0) {
    const velocity = a.add(a.scale(p.moment("momentum"), s.momentum), p.gradient);
    moments.set("momentum", velocity);
    direction = s.nesterov ? a.add(p.gradient, a.scale(velocity, s.momentum)) : velocity;
  }
  if (decay !== 0) direction = a.add(direction, a.scale(p.value, decay));
  return { parameter: a.sub(p.value, a.times(direction, rate)), moments };
}

/** 1 − βᵗ, exact also where βᵗ is almost 1. */
function correction(b: GraphBuilder, beta: number, step: NodeId): NodeId {
  return b.neg(b.unary("expm1", b.mul(step, b.constant(Math.log(beta)))));
}

/**
 * Adam (Kingma and Ba, 2015): m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g²,
 * p ← p − rate · m̂ / (√v̂ + ε) with m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ).
 * `adam` adds decay · p to g first; `adamw` (Loshchilov and Hutter, 2019) to the direction at the end.
 */
function adam(
  b: GraphBuilder,
  a: Arithmetic,
  s: Extract<OptimizerSettings, { kind: "adam" | "adamw" }>,
  p: Parameter,
  numbers: StepNumbers,
  decay: number,
): Update {
  const l2 = s.kind === "adam" && decay !== 0;
  const g = l2 ? a.add(p.gradient, a.scale(p.value, decay)) : p.gradient;
  const mix = (old: NodeId, beta: number, x: NodeId) =>
    a.add(a.scale(old, beta), a.scale(x, 1 - beta));
  const m = mix(p.moment("first_moment"), s.beta1, g);
  const v = mix(p.moment("second_moment"), s.beta2, a.mul(g, g));
  const [first, second] = [s.beta1, s.beta2].map((beta) =>
    beta === 0 ? b.constant(1) : correction(b, beta, numbers.step()),
  );
  // √v̂ = √v / √(1 − β₂ᵗ): one number per step instead of a division per element.
  const root = a.times(b.unary("sqrt", v), b.unary("rsqrt", second!));
  let direction = a.times(a.div(m, a.plus(root, s.epsilon)), b.unary("reciprocal", first!));
  if (s.kind === "adamw" && decay !== 0) direction = a.add(direction, a.scale(p.value, decay));
  return {
    parameter: a.sub(p.value, a.times(direction, numbers.rate)),
    moments: new Map([
      ["first_moment", m],
      ["second_moment", v],
    ]),
  };
}

/** The parameter after one step of the optimiser, and what the optimiser keeps. */
export function update(
  b: GraphBuilder,
  settings: OptimizerSettings,
  p: Parameter,
  numbers: StepNumbers,
): Update {
  const shape = b.shape(p.value);
  const a = arithmetic(b, shape);
  const decay = decays(p.name, shape) ? settings.decay : 0;
  switch (settings.kind) {
    case "sgd":
      return sgd(a, settings, p, numbers.rate, decay);
    case "adam":
    case "adamw":
      return adam(b, a, settings, p, numbers, decay);
    default:
      return unreachable(settings);
  }
}
