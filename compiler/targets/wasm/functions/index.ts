/** Functions that WebAssembly lacks, written where a kernel calls them, and those that the host has. */
import { InternalError } from "../../../../diagnostics/diagnostic.ts";
import { Arithmetic, FloatArithmetic, valueType, type Shape } from "../arithmetic.ts";
import { Body, type Code } from "../body.ts";
import type { Instruction, ValueType, WasmFunction, WasmImport } from "../instructions.ts";
import { erf } from "./error.ts";
import { exp, expm1, log, log1p, tanh } from "./exponential.ts";
import { LARGE, turned } from "./trigonometric.ts";

/** Of one float32 or four. */
const FLOATS: Readonly<Record<string, (a: FloatArithmetic, x: Code) => Code>> = {
  exp,
  expm1,
  log,
  log1p,
  tanh,
  erf,
};

/** Taken from the host's `math` for doubles; a power also for floats. */
const HOST: ReadonlySet<string> = new Set("exp expm1 log log1p tanh erf sin cos pow".split(" "));
const QUARTERS: Readonly<Record<string, number>> = { sin: 0, cos: 1 };

const argument: Code = [{ op: "local.get", local: 0 }];
const get = (local: number): Instruction => ({ op: "local.get", local });
const call = (callee: string): Instruction => ({ op: "call", callee });
const double = (value: number): Instruction => ({ op: "f64.const", value });

/** Eight neighbouring bytes. */
const bytes = (from: number): number[] => Array.from({ length: 8 }, (_, i) => from + i);

/** The functions called so far and those that they call. */
export class Library {
  readonly #functions = new Map<string, WasmFunction>();
  readonly #imports = new Map<string, WasmImport>();

  get functions(): readonly WasmFunction[] {
    return [...this.#functions.values()];
  }
  get imports(): readonly WasmImport[] {
    return [...this.#imports.values()];
  }

  /** Whether there is such a function of such values. */
  static has(fn: string, shape: Shape): boolean {
    if (shape === "f64") return HOST.has(fn) || fn === "sign" || fn === "mod" || fn === "int";
    if (shape === "f64x2") return fn === "sin" || fn === "cos";
    return fn in FLOATS || fn in QUARTERS || fn === "sign";
  }

  /** The name to call a function by; `shape` is that of its argument. */
  call(fn: string, shape: Shape): Instruction {
    if (shape === "f64" && HOST.has(fn)) return this.#host(fn);
    return this.own(`${fn}.${shape}`, (name) => this.#write(fn, shape, name));
  }
  #host(name: string): Instruction {
    const count = name === "pow" ? 2 : 1;
    const parameters = Array.from({ length: count }, (): ValueType => "f64");
    this.#imports.set(name, { module: "math", name, parameters, result: "f64" });
    return call(`math.${name}`);
  }
  /** Waits until so many threads are here: the host's, because engines refuse atomic instructions where memory cannot be shared. */
  meet(): Instruction {
    const [module, name] = ["team", "meet"];
    this.#imports.set(name, { module, name, parameters: ["i32"], result: null });
    return call(`${module}.${name}`);
  }
  /** A function of the library that is written at its first call. */
  own(name: string, write: (name: string) => WasmFunction): Instruction {
    if (!this.#functions.has(name)) this.#functions.set(name, write(name));
    return call(name);
  }
  /** The upper 32 bits of the product of two ints as unsigned numbers. */
  mulHigh(): Instruction {
    return this.own("mul_high.i32", (name) => {
      const body = new Body([
        ["a", "i32"],
        ["b", "i32"],
      ]);
      const wide: Instruction = { op: "i64.extend_i32_u" };
      body.emit(get(0), wide, get(1), wide, { op: "i64.mul" });
      body.emit({ op: "i64.const", value: 32 }, { op: "i64.shr_u" }, { op: "i32.wrap_i64" });
      return body.finish(name, "The upper half of a product of unsigned ints.", "i32", false);
    });
  }

  #write(fn: string, shape: Shape, name: string): WasmFunction {
    const type = valueType(shape);
    if (fn === "mod") return mod(name);
    if (fn === "int") return toInt(name);
    const body = new Body([["x", type]]);
    const known = FLOATS[fn];
    if (fn === "sign") {
      const a = new Arithmetic(shape, body);
      const zero = a.number(0);
      const below = a.choose(a.compare("lt", argument, zero), a.number(-1), argument);
      body.emit(...a.choose(a.compare("gt", argument, zero), a.number(1), below));
      return body.finish(name, "−1, 0 or 1; NaN stays.", type, false);
    }
    if (fn in QUARTERS) {
      this.#wave(fn, shape, body);
      return body.finish(name, `The ${fn === "sin" ? "sine" : "cosine"}.`, type, false);
    }
    if (known === undefined || (shape !== "f32" && shape !== "f32x4")) {
      throw new InternalError(`no ${name} in WebAssembly`);
    }
    body.emit(...known(new FloatArithmetic(shape, body), argument));
    return body.finish(name, `${fn} in float32.`, type, false);
  }

  #wave(fn: string, shape: Shape, body: Body): void {
    const quarters = QUARTERS[fn]!;
    if (shape === "f64x2") {
      body.emit(...turned(new Arithmetic("f64x2", body), argument, quarters));
      return;
    }
    const large = (a: Arithmetic): Code =>
      a.compare("lt", a.unary("abs", argument), a.number(LARGE));
    if (shape === "f32") {
      const wide: Code = [...argument, { op: "f64.promote_f32" }];
      const inside = body.nested(() => {
        body.emit(...turned(new Arithmetic("f64", body), wide, quarters), { op: "f32.demote_f64" });
      });
      const outside: Code = [...wide, this.#host(fn), { op: "f32.demote_f64" }];
      const condition = large(new Arithmetic("f32", body));
      body.emit(...condition, { op: "if", result: "f32", body: inside, otherwise: outside });
      return;
    }
    const pair = this.call(fn, "f64x2");
    const half = (...first: Code): Code => [
      ...first,
      { op: "f64x2.promote_low_f32x4" },
      pair,
      { op: "f32x4.demote_f64x2_zero" },
    ];
    const upper: Code = [
      ...argument,
      ...argument,
      { op: "i8x16.shuffle", bytes: [...bytes(8), ...bytes(8)] },
    ];
    const inside: Code = [
      ...half(...argument),
      ...half(...upper),
      { op: "i8x16.shuffle", bytes: [...bytes(0), ...bytes(16)] },
    ];
    const one = this.call(fn, "f32");
    const lanes = [0, 1, 2, 3].flatMap((lane): Instruction[] => [
      ...argument,
      { op: "f32x4.extract_lane", lane },
      one,
      lane === 0 ? { op: "f32x4.splat" } : { op: "f32x4.replace_lane", lane },
    ]);
    body.emit(
      ...large(new Arithmetic("f32x4", body)),
      { op: "v128.not" },
      { op: "v128.any_true" },
      { op: "if", result: "v128", body: lanes, otherwise: inside },
    );
  }
}

/** The remainder with the sign of the divisor. */
function mod(name: string): WasmFunction {
  const body = new Body([
    ["a", "f64"],
    ["b", "f64"],
  ]);
  body.emit(get(0), get(1), get(0), get(1), { op: "f64.div" }, { op: "f64.floor" });
  body.emit({ op: "f64.mul" }, { op: "f64.sub" });
  return body.finish(name, "The remainder with the sign of the divisor.", "f64", false);
}

/** Towards zero; beyond 32 bits the remainder, NaN and infinities as 0. */
function toInt(name: string): WasmFunction {
  const body = new Body([["x", "f64"]]);
  const fits: Code = [get(0), { op: "f64.abs" }, double(2 ** 31), { op: "f64.lt" }];
  const local = body.local("f64", "whole");
  const whole = get(local);
  const far: Code = [
    get(0),
    { op: "f64.trunc" },
    { op: "local.set", local },
    whole,
    whole,
    double(2 ** -32),
    { op: "f64.mul" },
    { op: "f64.floor" },
    double(2 ** 32),
    { op: "f64.mul" },
    { op: "f64.sub" },
    { op: "i32.trunc_sat_f64_u" },
  ];
  const near: Code = [get(0), { op: "i32.trunc_sat_f64_s" }];
  body.emit(...fits, { op: "if", result: "i32", body: near, otherwise: far });
  return body.finish(name, "Towards zero, modulo 2³²; NaN as 0.", "i32", false);
}
