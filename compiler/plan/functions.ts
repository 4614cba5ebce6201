/** The graph's elementwise functions in the loop language. */
import { unreachable } from "../../diagnostics/diagnostic.ts";
import type { BinaryFn, DType, UnaryFn } from "../graph/ir.ts";
import { add, binary, float, int, mul, select, sub, truth, unary } from "../loop/build.ts";
import type { Expr } from "../loop/ir.ts";

export const asFloat = (x: Expr): Expr => (x.type.kind === "float" ? x : unary("float_of_int", x));
const zeroLike = (x: Expr): Expr => (x.type.kind === "int" ? int(0) : float(0));

export function unaryExpr(fn: UnaryFn, x: Expr): Expr {
  switch (fn) {
    case "neg":
    case "exp":
    case "log":
    case "log1p":
    case "expm1":
    case "sqrt":
    case "sin":
    case "cos":
    case "tanh":
    case "abs":
    case "sign":
    case "floor":
    case "ceil":
    case "round":
    case "erf":
      return unary(fn, x);
    case "rsqrt":
      return binary("div", float(1), unary("sqrt", x));
    case "sigmoid":
      return binary("div", float(1), add(float(1), unary("exp", unary("neg", x))));
    case "softplus":
      return add(
        binary("max", x, float(0)),
        unary("log1p", unary("exp", unary("neg", unary("abs", x)))),
      );
    case "relu":
      return select(binary("lt", zeroLike(x), x), x, zeroLike(x));
    case "reciprocal":
      return binary("div", float(1), x);
    case "step": {
      const positive = unary("float_of_bool", binary("lt", zeroLike(x), x));
      return x.type.kind === "int" ? unary("int_of_float", positive) : positive;
    }
    case "to_float":
      return asFloat(x);
    case "to_int":
      return x.type.kind === "int" ? x : unary("int_of_float", x);
    default:
      return unreachable(fn);
  }
}

export function binaryExpr(fn: BinaryFn, left: Expr, right: Expr, dtype: DType): Expr {
  const mixed = left.type.kind !== right.type.kind;
  const [a, b] = mixed ? [asFloat(left), asFloat(right)] : [left, right];
  switch (fn) {
    case "div":
      // The quotient of integers is rounded down, as the remainder has the sign of the divisor.
      if (dtype !== "int") return binary("div", asFloat(a), asFloat(b));
      return unary("int_of_float", unary("floor", binary("div", asFloat(a), asFloat(b))));
    case "mod":
      if (dtype !== "int") return binary("mod", asFloat(a), asFloat(b));
      return sub(a, mul(b, binaryExpr("div", a, b, "int")));
    case "add":
    case "sub":
    case "mul":
    case "max":
    case "min":
      return binary(fn, a, b);
    case "pow": {
      const power = binary("pow", asFloat(a), asFloat(b));
      return dtype === "int" ? unary("int_of_float", power) : power;
    }
    case "lt":
    case "le":
    case "eq":
    case "ne":
      return unary("float_of_bool", binary(fn, a, b));
    case "and":
    case "or":
      return unary("float_of_bool", binary(fn, truth(a), truth(b)));
    default:
      return unreachable(fn);
  }
}
