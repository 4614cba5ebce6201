/** The same arithmetic on one number or on each lane of a vector: what the functions that WebAssembly lacks are written in. */
import type { Body, Code } from "./body.ts";
import type { PlainOp, ValueType } from "./instructions.ts";

export type Shape = "f32" | "f64" | "f32x4" | "f64x2";

export const valueType = (shape: Shape): ValueType =>
  shape === "f32" || shape === "f64" ? shape : "v128";
export const isVector = (shape: Shape): boolean => valueType(shape) === "v128";

type Binary = "add" | "sub" | "mul" | "div" | "min" | "max";
type Unary = "abs" | "neg" | "sqrt" | "floor" | "ceil" | "nearest";
type Comparison = "lt" | "le" | "gt" | "eq" | "ne";

/** Builds values of one shape; truths are ints, or vectors of all ones and zeros. */
export class Arithmetic {
  readonly shape: Shape;
  readonly body: Body;
  readonly vector: boolean;
  readonly type: ValueType;

  constructor(shape: Shape, body: Body) {
    this.shape = shape;
    this.body = body;
    this.vector = isVector(shape);
    this.type = valueType(shape);
  }

  number(value: number): Code {
    switch (this.shape) {
      case "f32":
      case "f64":
        return [{ op: `${this.shape}.const`, value }];
      case "f32x4":
      case "f64x2": {
        const values = Array.from({ length: this.shape === "f32x4" ? 4 : 2 }, () => value);
        return [{ op: "v128.const", shape: this.shape, values }];
      }
    }
  }
  binary(fn: Binary, a: Code, b: Code): Code {
    return a.concat(b, { op: `${this.shape}.${fn}` });
  }
  unary(fn: Unary, x: Code): Code {
    return [...x, { op: `${this.shape}.${fn}` }];
  }
  compare(fn: Comparison, a: Code, b: Code): Code {
    return a.concat(b, { op: `${this.shape}.${fn}` });
  }
  add = (a: Code, b: Code): Code => this.binary("add", a, b);
  sub = (a: Code, b: Code): Code => this.binary("sub", a, b);
  mul = (a: Code, b: Code): Code => this.binary("mul", a, b);
  div = (a: Code, b: Code): Code => this.binary("div", a, b);
  /** `a` where the condition holds, else `b`; both are computed. */
  choose(condition: Code, a: Code, b: Code): Code {
    return [...a, ...b, ...condition, { op: this.vector ? "v128.bitselect" : "select" }];
  }
  both(a: Code, b: Code): Code {
    return [...a, ...b, { op: this.vector ? "v128.and" : "i32.and" }];
  }
  /** Keeps a value that is used more than once. */
  keep(name: string, code: Code): Code {
    return this.body.keep(this.type, name, code);
  }
  /** c₀ xⁿ + … + cₙ. */
  polynomial(x: Code, [first = 0, ...rest]: readonly number[]): Code {
    return rest.reduce((sum, c) => this.add(this.mul(sum, x), this.number(c)), this.number(first));
  }
}

/** Of float32, with their bits as ints. */
export class FloatArithmetic extends Arithmetic {
  #int(op: "add" | "sub" | "shl" | "shr_s"): PlainOp {
    return this.vector ? `i32x4.${op}` : `i32.${op}`;
  }
  get intType(): ValueType {
    return this.vector ? "v128" : "i32";
  }
  keepInt(name: string, code: Code): Code {
    return this.body.keep(this.intType, name, code);
  }
  int(value: number): Code {
    if (!this.vector) return [{ op: "i32.const", value }];
    return [{ op: "v128.const", shape: "i32x4", values: [value, value, value, value] }];
  }
  intAdd(a: Code, b: Code): Code {
    return [...a, ...b, { op: this.#int("add") }];
  }
  intSub(a: Code, b: Code): Code {
    return [...a, ...b, { op: this.#int("sub") }];
  }
  and(a: Code, b: Code): Code {
    return [...a, ...b, { op: this.vector ? "v128.and" : "i32.and" }];
  }
  or(a: Code, b: Code): Code {
    return [...a, ...b, { op: this.vector ? "v128.or" : "i32.or" }];
  }
  /** Shifts take the number of places as one int for all lanes. */
  left(a: Code, places: number): Code {
    return [...a, { op: "i32.const", value: places }, { op: this.#int("shl") }];
  }
  right(a: Code, places: number): Code {
    return [...a, { op: "i32.const", value: places }, { op: this.#int("shr_s") }];
  }
  bits(x: Code): Code {
    return this.vector ? x : [...x, { op: "i32.reinterpret_f32" }];
  }
  fromBits(x: Code): Code {
    return this.vector ? x : [...x, { op: "f32.reinterpret_i32" }];
  }
  truncate(x: Code): Code {
    return [...x, { op: this.vector ? "i32x4.trunc_sat_f32x4_s" : "i32.trunc_sat_f32_s" }];
  }
  convert(x: Code): Code {
    return [...x, { op: this.vector ? "f32x4.convert_i32x4_s" : "f32.convert_i32_s" }];
  }
  /** The first with the sign of the second. */
  withSign(x: Code, sign: Code): Code {
    const [magnitude, mask] = [this.int(0x7fffffff), this.int(0x80000000 | 0)];
    return this.fromBits(
      this.or(this.and(this.bits(x), magnitude), this.and(this.bits(sign), mask)),
    );
  }
}
