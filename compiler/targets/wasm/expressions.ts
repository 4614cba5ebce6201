/** Expressions of the loop language in WebAssembly. */
import { InternalError, unreachable } from "../../../diagnostics/diagnostic.ts";
import type { BinaryOp, ElementType, Expr, LoopType, UnaryOp } from "../../loop/ir.ts";
import { parts } from "../../loop/scan.ts";
import { expressionText } from "../../loop/text.ts";
import type { Addresses } from "./addresses.ts";
import { type Shape, valueType } from "./arithmetic.ts";
import type { Code } from "./body.ts";
import { Library } from "./functions/index.ts";
import type { Instruction, PlainOp, ValueType } from "./instructions.ts";

/** What floats are computed in. */
export type Real = "f32" | "f64";
/** `mask`: all ones or zeros in each of four lanes. */
export type Kind = Shape | "i32" | "i32x4" | "bool" | "mask";

export interface Value {
  readonly kind: Kind;
  readonly code: Code;
}

export interface Variable {
  readonly local: number;
  readonly kind: Kind;
}

export const typeOfKind = (kind: Kind): ValueType => {
  if (kind === "i32" || kind === "bool") return "i32";
  return kind === "i32x4" || kind === "mask" ? "v128" : valueType(kind);
};

const isReal = (kind: Kind): kind is Shape =>
  kind === "f32" || kind === "f64" || kind === "f32x4" || kind === "f64x2";

export interface Surroundings {
  readonly real: Real;
  readonly library: Library;
  readonly addresses: Addresses;
  variable(name: string): Variable;
  element(buffer: string): ElementType;
  /** The highest address from which a vector can be loaded. */
  limit(): Code;
  /** Keeps a value that is read more than once. */
  keep(kind: Kind, code: Code): Code;
}

const UNARY: Readonly<
  Partial<Record<UnaryOp, "neg" | "abs" | "sqrt" | "floor" | "ceil" | "nearest">>
> = {
  neg: "neg",
  abs: "abs",
  sqrt: "sqrt",
  floor: "floor",
  ceil: "ceil",
  round: "nearest",
};

const INTS: Readonly<Partial<Record<BinaryOp, PlainOp>>> = {
  add: "i32.add",
  sub: "i32.sub",
  mul: "i32.mul",
  div: "i32.div_s",
  mod: "i32.rem_s",
  lt: "i32.lt_s",
  le: "i32.le_s",
  eq: "i32.eq",
  ne: "i32.ne",
  bit_and: "i32.and",
  bit_or: "i32.or",
  bit_xor: "i32.xor",
  shift_left: "i32.shl",
  shift_right: "i32.shr_u",
};
const INT_VECTORS: Readonly<Partial<Record<BinaryOp, PlainOp>>> = {
  add: "i32x4.add",
  sub: "i32x4.sub",
  mul: "i32x4.mul",
  max: "i32x4.max_s",
  min: "i32x4.min_s",
  lt: "i32x4.lt_s",
  le: "i32x4.le_s",
  eq: "i32x4.eq",
  ne: "i32x4.ne",
  bit_and: "v128.and",
  bit_or: "v128.or",
  bit_xor: "v128.xor",
};

/** The loads of an expression that happen whatever it chooses. */
function loadsIn(e: Expr): string[] {
  const always = e.op === "select" ? [e.condition] : parts(e);
  const inside = always.flatMap((x) => loadsIn(x));
  return e.op === "load" ? [expressionText(e), ...inside] : inside;
}

/** Whether a value can be computed though it is not wanted: it neither loads, nor divides ints, nor takes long. */
function harmless(e: Expr, budget = { left: 12 }): boolean {
  if (budget.left-- === 0 || e.op === "load" || e.op === "across") return false;
  if (e.op === "unary" && !(e.fn in UNARY) && !/^(?:not|sign|float_of_)/.test(e.fn)) return false;
  if (e.op === "binary") {
    if (e.fn === "pow" || e.fn === "mod") return false;
    if (e.fn === "div" && e.type.kind === "int") return false;
  }
  return parts(e).every((x) => harmless(x, budget));
}

export class Expressions {
  readonly #of: Surroundings;
  /** Loads of which some lanes may lie anywhere: those lanes are not wanted. */
  #guarded = false;
  /** Loads that happen anyway, whatever a condition says. */
  #certain: ReadonlySet<string> = new Set();

  constructor(surroundings: Surroundings) {
    this.#of = surroundings;
  }

  /** The kind of a variable of this type. */
  kindOf(type: LoopType): Kind {
    const { real } = this.#of;
    if (type.lanes === 1)
      return type.kind === "float" ? real : type.kind === "int" ? "i32" : "bool";
    if (type.kind === "float" && type.lanes === 4 && real === "f32") return "f32x4";
    if (type.kind === "float" && type.lanes === 2 && real === "f64") return "f64x2";
    if (type.lanes === 4 && real === "f32") return type.kind === "int" ? "i32x4" : "mask";
    throw new InternalError(`no WebAssembly for ${type.lanes} lanes of ${type.kind} in ${real}`);
  }

  int(e: Expr): Code {
    return this.as(e, "i32");
  }
  condition(e: Expr): Code {
    return this.as(e, "bool");
  }
  /** A value of this kind: floats are brought to its width. */
  as(e: Expr, kind: Kind): Code {
    const value = this.value(e, kind === "f64" ? "f64" : this.#of.real);
    return converted(value, kind);
  }

  /** A value; floats are at least as wide as `real`. */
  value(e: Expr, real: Real = this.#of.real): Value {
    switch (e.op) {
      case "number":
        if (e.type.kind === "int")
          return { kind: "i32", code: [{ op: "i32.const", value: e.value }] };
        return { kind: real, code: [{ op: `${real}.const`, value: e.value }] };
      case "variable": {
        const { local, kind } = this.#of.variable(e.name);
        const value: Value = { kind, code: [{ op: "local.get", local }] };
        return kind === "f32" && real === "f64"
          ? { kind: "f64", code: converted(value, "f64") }
          : value;
      }
      case "load":
        return this.#load(e, real);
      case "unary":
        return this.#unary(e.fn, e.x, real);
      case "binary":
        return this.#binary(e.fn, e.a, e.b, real);
      case "select":
        return this.#select(e, real);
      case "splat":
        return this.#splat(e.x, this.kindOf(e.type));
      case "ramp": {
        const all = this.#splat(e.x, "i32x4").code;
        const steps: Code = [{ op: "v128.const", shape: "i32x4", values: [0, 1, 2, 3] }];
        return { kind: "i32x4", code: all.concat(steps, { op: "i32x4.add" }) };
      }
      case "across":
        return this.#across(e.fn, this.value(e.x));
      case "sums":
        throw new InternalError("no instructions for sums of several vectors");
      case "shuffle": {
        const [a, b] = [this.value(e.a), this.value(e.b)];
        const size = 16 / e.type.lanes;
        const bytes = e.from.flatMap((lane) => Array.from({ length: size }, (_, i) => lane * size + i)); // prettier-ignore
        return { kind: a.kind, code: a.code.concat(b.code, { op: "i8x16.shuffle", bytes }) };
      }
      default:
        return unreachable(e);
    }
  }

  #load(e: Expr & { op: "load" }, real: Real): Value {
    const element = this.#of.element(e.buffer);
    const { code, offset } = this.#address(e);
    if (e.type.lanes > 1) {
      const kind = this.kindOf(e.type);
      const fits = { f32x4: "f32", f64x2: "f64", i32x4: "i32", mask: "" } as const;
      if (!(kind in fits) || fits[kind as keyof typeof fits] !== element) {
        throw new InternalError(`a vector of ${kind} from ${element}`);
      }
      return { kind, code: [...code, { op: "v128.load", offset }] };
    }
    const loaded: Value = { kind: element, code: [...code, { op: `${element}.load`, offset }] };
    if (element === "f32" && real === "f64") return { kind: "f64", code: converted(loaded, "f64") };
    return loaded;
  }
  #address(e: Expr & { op: "load" }): { readonly code: Code; readonly offset: number } {
    if (!this.#guarded || this.#certain.has(expressionText(e))) return this.#of.addresses.of(e);
    const at = this.#of.addresses.whole(e);
    const inside: Code = [...at, ...this.#of.limit(), { op: "i32.le_u" }];
    return { code: [...at, { op: "i32.const", value: 0 }, ...inside, { op: "select" }], offset: 0 };
  }

  #splat(x: Expr, kind: Kind): Value {
    const one =
      kind === "f32x4" ? "f32" : kind === "f64x2" ? "f64" : kind === "mask" ? "bool" : "i32";
    if (x.op === "number") {
      const lanes = kind === "f64x2" ? 2 : 4;
      const shape = kind === "mask" ? "i32x4" : (kind as "f32x4" | "f64x2" | "i32x4");
      return {
        kind,
        code: [{ op: "v128.const", shape, values: Array.from({ length: lanes }, () => x.value) }],
      };
    }
    if (x.op === "load" && this.#of.element(x.buffer) === one) {
      const { code, offset } = this.#address(x);
      const op = one === "f64" ? "v128.load64_splat" : "v128.load32_splat";
      return { kind, code: [...code, { op, offset }] };
    }
    const code = this.as(x, one);
    if (kind === "mask")
      return { kind, code: [...code, { op: "i32x4.splat" }, { op: "i32x4.neg" }] };
    return { kind, code: [...code, { op: `${kind as "f32x4" | "f64x2" | "i32x4"}.splat` }] };
  }

  #unary(fn: UnaryOp, x: Expr, real: Real): Value {
    const { library } = this.#of;
    if (fn === "int_of_float") {
      // In doubles: the quotient of two ints has to be exact before it is cut.
      const code = this.as(x, "f64");
      return { kind: "i32", code: [...code, library.call("int", "f64")] };
    }
    const value = this.value(x, real);
    const { kind, code } = value;
    if (fn === "not") {
      return { kind, code: [...code, { op: kind === "mask" ? "v128.not" : "i32.eqz" }] };
    }
    if (fn === "float_of_bool" && kind === "mask") {
      const ones: Instruction = { op: "v128.const", shape: "f32x4", values: [1, 1, 1, 1] };
      return { kind: "f32x4", code: [...code, ones, { op: "v128.and" }] };
    }
    if (fn === "float_of_bool" || fn === "float_of_int") {
      if (kind === "i32x4")
        return { kind: "f32x4", code: [...code, { op: "f32x4.convert_i32x4_s" }] };
      return { kind: real, code: [...code, { op: `${real}.convert_i32_s` }] };
    }
    if (fn === "float_of_unsigned") {
      if (kind === "i32x4")
        return { kind: "f32x4", code: [...code, { op: "f32x4.convert_i32x4_u" }] };
      return { kind: real, code: [...code, { op: `${real}.convert_i32_u` }] };
    }
    if (kind === "i32") return { kind, code: this.#intUnary(fn, code) };
    if (kind === "i32x4" && fn === "neg") return { kind, code: [...code, { op: "i32x4.neg" }] };
    if (!isReal(kind)) throw new InternalError(`no WebAssembly for ${fn} of ${kind}`);
    const own = UNARY[fn];
    if (own !== undefined) return { kind, code: [...code, { op: `${kind}.${own}` }] };
    return { kind, code: [...code, library.call(fn, kind)] };
  }
  #intUnary(fn: UnaryOp, code: Code): Code {
    const zero: Instruction = { op: "i32.const", value: 0 };
    if (fn === "neg") return [zero, ...code, { op: "i32.sub" }];
    if (fn === "abs") {
      const negative: Code = [...code, zero, { op: "i32.lt_s" }];
      return [zero, ...code, { op: "i32.sub" }, ...code, ...negative, { op: "select" }];
    }
    if (fn === "sign") {
      const below: Code = [...code, zero, { op: "i32.lt_s" }];
      return [zero, ...code, { op: "i32.lt_s" }, ...below, { op: "i32.sub" }];
    }
    throw new InternalError(`no WebAssembly for ${fn} of ints`);
  }

  #binary(fn: BinaryOp, x: Expr, y: Expr, real: Real): Value {
    if (fn === "pow" || (fn === "mod" && x.type.kind === "float")) {
      // What is left of 1 after a power close to it, or of a quotient after its floor, takes more digits than a float has.
      const code = [...this.as(x, "f64"), ...this.as(y, "f64")];
      return { kind: "f64", code: [...code, this.#of.library.call(fn, "f64")] };
    }
    const fused = this.#fused(fn, x, y);
    if (fused !== undefined) return fused;
    let a = this.value(x, real);
    let b = this.value(y, real);
    if (a.kind === "f64" && b.kind === "f32") b = { kind: "f64", code: converted(b, "f64") };
    if (b.kind === "f64" && a.kind === "f32") a = { kind: "f64", code: converted(a, "f64") };
    const { kind } = a;
    if (kind !== b.kind) throw new InternalError(`${fn} of ${kind} and ${b.kind}`);
    if (kind === "bool" || kind === "mask") {
      return { kind, code: a.code.concat(b.code, { op: logic(fn, kind) }) };
    }
    if (kind === "i32" || kind === "i32x4") return this.#ints(fn, kind, a.code, b.code);
    switch (fn) {
      case "add":
      case "sub":
      case "mul":
      case "div":
      case "max":
      case "min":
        return { kind, code: a.code.concat(b.code, { op: `${kind}.${fn}` }) };
      case "lt":
      case "le":
      case "eq":
      case "ne":
        if (kind === "f64x2") throw new InternalError("no truths of vectors of doubles");
        return {
          kind: kind === "f32x4" ? "mask" : "bool",
          code: a.code.concat(b.code, { op: `${kind}.${fn}` }),
        };
      default:
        throw new InternalError(`no WebAssembly for ${fn} of ${kind}`);
    }
  }
  /** a + b · c of vectors. */
  #fused(fn: BinaryOp, x: Expr, y: Expr): Value | undefined {
    if (fn !== "add" || x.type.lanes === 1 || x.type.kind !== "float") return undefined;
    const [sum, product] = y.op === "binary" && y.fn === "mul" ? [x, y] : [y, x];
    if (product.op !== "binary" || product.fn !== "mul") return undefined;
    const kind = this.kindOf(x.type);
    if (kind !== "f32x4" && kind !== "f64x2") return undefined;
    const factors = this.as(product.a, kind).concat(this.as(product.b, kind));
    return { kind, code: [{ op: "fused", kind, product: factors, sum: this.as(sum, kind) }] };
  }

  #ints(fn: BinaryOp, kind: "i32" | "i32x4", a: Code, b: Code): Value {
    const vector = kind === "i32x4";
    const compares = fn === "lt" || fn === "le" || fn === "eq" || fn === "ne";
    const result: Kind = compares ? (vector ? "mask" : "bool") : kind;
    const op = (vector ? INT_VECTORS : INTS)[fn];
    if (op !== undefined) return { kind: result, code: a.concat(b, { op }) };
    if (!vector && (fn === "max" || fn === "min")) {
      const less: Code = [...a, ...b, { op: "i32.lt_s" }];
      const [first, second] = fn === "max" ? [b, a] : [a, b];
      return { kind, code: [...first, ...second, ...less, { op: "select" }] };
    }
    if (!vector && fn === "mul_high")
      return { kind, code: [...a, ...b, this.#of.library.mulHigh()] };
    throw new InternalError(`no WebAssembly for ${fn} of ${kind}`);
  }

  #select(e: Expr & { op: "select" }, real: Real): Value {
    const condition = this.value(e.condition);
    if (condition.kind === "mask") {
      const [guarded, certain] = [this.#guarded, this.#certain];
      if (!guarded) this.#certain = new Set([...certain, ...loadsIn(e.condition)]);
      this.#guarded = true;
      const [a, b] = [this.value(e.a), this.value(e.b)];
      [this.#guarded, this.#certain] = [guarded, certain];
      return {
        kind: a.kind,
        code: [...a.code, ...b.code, ...condition.code, { op: "v128.bitselect" }],
      };
    }
    let [a, b] = [this.value(e.a, real), this.value(e.b, real)];
    if (a.kind === "f64" && b.kind === "f32") b = { kind: "f64", code: converted(b, "f64") };
    if (b.kind === "f64" && a.kind === "f32") a = { kind: "f64", code: converted(a, "f64") };
    const { kind } = a;
    // `select` takes numbers only.
    if (typeOfKind(kind) !== "v128" && harmless(e.a) && harmless(e.b)) {
      return { kind, code: [...a.code, ...b.code, ...condition.code, { op: "select" }] };
    }
    const result = typeOfKind(kind);
    return {
      kind,
      code: [...condition.code, { op: "if", result, body: a.code, otherwise: b.code }],
    };
  }

  /** Halves are put upon each other until one number is left. */
  #across(fn: "sum" | "max" | "min", { kind, code: given }: Value): Value {
    if (kind !== "f32x4" && kind !== "f64x2") throw new InternalError(`${fn} across ${kind}`);
    const again = given.length === 1 && given[0]!.op === "local.get";
    const code = again ? given : this.#of.keep(kind, given);
    const one = kind === "f32x4" ? "f32" : "f64";
    const op: PlainOp = `${one}.${fn === "sum" ? "add" : fn}`;
    const extract = (lane: number): Code => [...code, { op: `${kind}.extract_lane`, lane }];
    const pair = (a: Code, b: Code): Code => [...a, ...b, { op }];
    if (kind === "f64x2") return { kind: one, code: pair(extract(0), extract(1)) };
    const pairs = [pair(extract(0), extract(2)), pair(extract(1), extract(3))] as const;
    return { kind: one, code: pair(...pairs) };
  }
}

function logic(fn: BinaryOp, kind: "bool" | "mask"): PlainOp {
  switch (fn) {
    case "and":
      return kind === "mask" ? "v128.and" : "i32.and";
    case "or":
      return kind === "mask" ? "v128.or" : "i32.or";
    case "eq":
      if (kind === "bool") return "i32.eq";
      break;
    case "ne":
      return kind === "mask" ? "v128.xor" : "i32.xor";
  }
  throw new InternalError(`no WebAssembly for ${fn} of truths`);
}

/** A value of another width. */
export function converted({ kind, code }: Value, to: Kind): Code {
  if (kind === to) return code;
  if (kind === "f32" && to === "f64") return [...code, { op: "f64.promote_f32" }];
  if (kind === "f64" && to === "f32") return [...code, { op: "f32.demote_f64" }];
  throw new InternalError(`a ${kind} where a ${to} is needed`);
}
