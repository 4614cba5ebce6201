/** Adjoints of the elementwise functions. Where a function has a corner its derivative there is a convention, given here. */
import { unreachable } from "../../../diagnostics/diagnostic.ts";
import {
  add,
  binary,
  div,
  fillValue,
  filled,
  mul,
  neg,
  select,
  sub,
  unary,
} from "../algebra/index.ts";
import type { GraphBuilder } from "../builder.ts";
import type { BinaryNode, NodeId, UnaryNode } from "../ir.ts";

/**
 * Cotangent of x for y = fn(x) with cotangent g of y; null where the derivative is zero everywhere. Conventions:
 * relu′(0) = 0, abs′(0) = 0, and sqrt′(0) = 0, so that the norm of a state that starts at zero has gradient zero there.
 */
export function unaryAdjoint(b: GraphBuilder, y: UnaryNode, g: NodeId): NodeId | null {
  const { x, id } = y;
  const number = (value: number) => filled(b, value, y.shape);
  const scaled = (value: number, z: NodeId) => mul(b, z, number(value));
  switch (y.fn) {
    case "neg":
      return neg(b, g);
    case "exp":
      return mul(b, g, id);
    case "log":
      return div(b, g, x);
    case "log1p":
      return div(b, g, add(b, x, number(1)));
    case "expm1":
      return mul(b, g, add(b, id, number(1)));
    case "sqrt": {
      const slope = div(b, scaled(0.5, g), id);
      return select(b, unary(b, "step", id), slope, number(0));
    }
    case "rsqrt":
      return mul(b, scaled(-0.5, g), mul(b, id, mul(b, id, id)));
    case "sin":
      return mul(b, g, unary(b, "cos", x));
    case "cos":
      return neg(b, mul(b, g, unary(b, "sin", x)));
    case "tanh":
      return mul(b, g, sub(b, number(1), mul(b, id, id)));
    case "sigmoid":
      return mul(b, g, mul(b, id, sub(b, number(1), id)));
    case "softplus":
      return mul(b, g, unary(b, "sigmoid", x));
    case "relu":
      return mul(b, g, unary(b, "step", x));
    case "abs":
      return mul(b, g, unary(b, "sign", x));
    case "reciprocal":
      return neg(b, mul(b, g, mul(b, id, id)));
    case "erf": {
      const bell = unary(b, "exp", neg(b, mul(b, x, x)));
      return mul(b, scaled(2 / Math.sqrt(Math.PI), g), bell);
    }
    case "to_float":
      return b.node(x).dtype === "float" ? g : null;
    case "sign":
    case "floor":
    case "ceil":
    case "round":
    case "step":
    case "to_int":
      return null;
    default:
      return unreachable(y.fn);
  }
}

/**
 * Cotangents of a and b for y = fn(a, b). Conventions: of two equal operands of max or min the first takes the whole
 * cotangent; floor((a / b)) in mod is constant; d/db aᵇ is 0 where a ≤ 0, d/da aᵇ is 0 where b = 0.
 */
export function binaryAdjoint(
  b: GraphBuilder,
  y: BinaryNode,
  g: NodeId,
  wants: (id: NodeId) => boolean,
): [NodeId, NodeId][] {
  const out: [NodeId, NodeId][] = [];
  const give = (x: NodeId, cotangent: () => NodeId) => {
    if (wants(x)) out.push([x, cotangent()]);
  };
  const number = (value: number) => filled(b, value, y.shape);
  const zero = number(0);
  const [p, q] = [y.a, y.b];
  switch (y.fn) {
    case "add":
      give(p, () => g);
      give(q, () => g);
      return out;
    case "sub":
      give(p, () => g);
      give(q, () => neg(b, g));
      return out;
    case "mul":
      give(p, () => mul(b, g, q));
      give(q, () => mul(b, g, p));
      return out;
    case "div":
      give(p, () => div(b, g, q));
      give(q, () => neg(b, div(b, mul(b, g, y.id), q)));
      return out;
    case "pow": {
      const power = () => mul(b, q, binary(b, "pow", p, sub(b, q, number(1))));
      give(p, () => {
        if (fillValue(b, q) !== null) return mul(b, g, power());
        return mul(b, g, select(b, binary(b, "eq", q, zero), zero, power()));
      });
      give(q, () => {
        const positive = unary(b, "step", p);
        const log = unary(b, "log", select(b, positive, p, number(1)));
        return mul(b, g, select(b, positive, mul(b, y.id, log), zero));
      });
      return out;
    }
    case "max":
    case "min": {
      const first = y.fn === "max" ? binary(b, "le", q, p) : binary(b, "le", p, q);
      give(p, () => select(b, first, g, zero));
      give(q, () => select(b, first, zero, g));
      return out;
    }
    case "mod":
      give(p, () => g);
      give(q, () => neg(b, mul(b, g, unary(b, "floor", div(b, p, q)))));
      return out;
    case "lt":
    case "le":
    case "eq":
    case "ne":
    case "and":
    case "or":
      return out;
    default:
      return unreachable(y.fn);
  }
}
