/**
 * Normal numbers as runtime/format/random.ts and functions.ts make them, to the bit: the same sums and products in the same
 * order, of two pairs of numbers at a time. For weights by the million.
 */
import * as tables from "../../../runtime/format/functions.ts";
import { MULTIPLIERS, ROUNDS, WEYL } from "../../../runtime/format/random.ts";
import { Arithmetic } from "./arithmetic.ts";
import { Body, type Code } from "./body.ts";
import { encode } from "./encode.ts";
import type { Instruction, PlainOp, ValueType } from "./instructions.ts";

const DOUBLE = 8;
/** What memory has to begin with, one after the other: powers of two, then parts, then quarters of a turn. */
const TABLES = [tables.POWERS, tables.RECIPROCALS, tables.LOGARITHMS, tables.COSINES, tables.SINES];
const [POWERS, RECIPROCALS, LOGARITHMS, COSINES, SINES] = TABLES.map((_, i) =>
  TABLES.slice(0, i).reduce((sum, { length }) => sum + DOUBLE * length, 0),
) as [number, number, number, number, number];
/** The memory that `normals` reads. */
export const NORMAL_TABLES = Float64Array.from(TABLES.flatMap((table) => [...table]));

const PARAMETERS = [
  ["seed", "i32"],
  ["stream", "i32"],
  ["block", "i32"],
  ["blocks", "i32"],
  ["address", "i32"],
  ["mean", "f64"],
  ["deviation", "f64"],
] as const satisfies readonly (readonly [string, ValueType])[];
type Parameter = (typeof PARAMETERS)[number][0];

const own = (name: Parameter): number => PARAMETERS.findIndex(([known]) => known === name);
const get = (local: number): Code => [{ op: "local.get", local }];
const int = (value: number): Code => [{ op: "i32.const", value: value | 0 }];
const of = (op: PlainOp, ...operands: readonly Code[]): Code => [...operands.flat(), { op }];
const xor = (a: Code, b: Code): Code => of("i32.xor", a, b);
const upper = (word: Code): Code => of("i32.shr_u", word, int(8));

/** Two ints as the lower lanes of a vector, as doubles. */
const doubles = ([a, b]: readonly [Code, Code]): Code => [
  ...of("i32x4.splat", a),
  ...b,
  { op: "i32x4.replace_lane", lane: 1 },
  { op: "f64x2.convert_low_i32x4_s" },
];

const addressOf = (place: Code): Code => of("i32.mul", place, int(DOUBLE));
/** The numbers of a table at two places. */
const lookUp = (table: number, [a, b]: readonly [Code, Code]): Code => {
  const load = (op: "v128.load64_splat" | "f64.load"): Instruction => ({ op, offset: table });
  return [
    ...addressOf(a),
    load("v128.load64_splat"),
    ...addressOf(b),
    load("f64.load"),
    { op: "f64x2.replace_lane", lane: 1 },
  ];
};

/** 1 / d₀ − x · (1 / d₁ − x · (…)). */
function series(a: Arithmetic, x: Code, denominators: readonly number[]): Code {
  const [first = 1, ...rest] = denominators;
  const term = a.number(1 / first);
  return rest.length === 0 ? term : a.sub(term, a.mul(x, series(a, x, rest)));
}
const LOGARITHM = [3, 4, 5, 6, 7, 8];
const SINE = [6, 120, 5040, 362880, 39916800, 6227020800, 1307674368000];
const COSINE = [1, 2, 24, 720, 40320, 3628800, 479001600, 87178291200, 20922789888000];

/** Moves a parameter on. */
const step = (name: Parameter, by: number): Code => [
  ...of("i32.add", get(own(name)), int(by)),
  { op: "local.set", local: own(name) },
];

class Writer {
  readonly #body = new Body(PARAMETERS);
  readonly #two = new Arithmetic("f64x2", this.#body);

  #int(name: string, code: Code): Code {
    return this.#body.keep("i32", name, code);
  }

  /** Of each of the two pairs. */
  #each(name: string, code: (i: 0 | 1) => Code): [Code, Code] {
    return [this.#int(name, code(0)), this.#int(name, code(1))];
  }

  /** The four words of a block of Philox. */
  #words(): Code[] {
    let words = [get(own("block")), int(0), int(0), int(0)];
    for (let round = 0; round < ROUNDS; round++) {
      const [c0, c1, c2, c3] = words as [Code, Code, Code, Code];
      const [[high0, low0], [high1, low1]] = [c0, c2].map((c, i): [Code, Code] => {
        const factors = [of("i64.extend_i32_u", int(MULTIPLIERS[i]!)), of("i64.extend_i32_u", c)];
        const wide = this.#body.keep("i64", "product", of("i64.mul", ...factors));
        const high = of("i64.shr_u", wide, [{ op: "i64.const", value: 32 }]);
        return [of("i32.wrap_i64", high), of("i32.wrap_i64", wide)];
      }) as [[Code, Code], [Code, Code]];
      const key = (i: 0 | 1): Code =>
        of("i32.add", get(own(i === 0 ? "seed" : "stream")), int(Math.imul(WEYL[i], round)));
      words = [xor(xor(high1, c1), key(0)), low1, xor(xor(high0, c3), key(1)), low0].map((c, i) => this.#int(`c${i}`, c)); // prettier-ignore
    }
    return words;
  }

  /** `logarithm` of two integers. */
  #logarithm(pair: readonly [Code, Code]): Code {
    const a = this.#two;
    const zeros = this.#each("zeros", (i) => of("i32.clz", pair[i]));
    const part = this.#each("part", (i) => {
      const bits = of("i32.shl", pair[i], of("i32.add", zeros[i], int(1)));
      const seven = of("i32.shr_u", bits, int(25));
      return of("i32.shr_u", of("i32.add", seven, int(1)), int(1));
    });
    const power = this.#each("power", (i) => of("i32.sub", int(31), zeros[i]));
    const exponent = this.#each("exponent", (i) => {
      const halved = of("i32.sub", of("i32.shr_u", part[i], int(5)), of("i32.shr_u", part[i], int(6))); // prettier-ignore
      return of("i32.add", of("i32.sub", int(7), zeros[i]), halved);
    });
    const scaled = a.mul(a.mul(doubles(pair), lookUp(POWERS, power)), lookUp(RECIPROCALS, part));
    const x = a.keep("x", a.sub(scaled, a.number(1)));
    const tail = a.sub(a.number(0.5), a.mul(x, series(a, x, LOGARITHM)));
    const near = a.sub(x, a.mul(a.mul(x, x), tail));
    const whole = a.mul(doubles(exponent), a.number(Math.LN2));
    return a.add(a.add(whole, lookUp(LOGARITHMS, part)), near);
  }

  /** Two numbers, less the radius, of each of two turns: the cosines, and the sines. */
  #wave(turns: readonly [Code, Code]): { readonly cosine: Code; readonly sine: Code } {
    const a = this.#two;
    const quarter = this.#each("quarter", (i) =>
      of("i32.shr_u", of("i32.add", turns[i], int(tables.EIGHTH)), int(22)),
    );
    const rest = this.#each("rest", (i) =>
      of("i32.sub", turns[i], of("i32.shl", quarter[i], int(22))),
    );
    const x = a.keep("x", a.mul(doubles(rest), a.number(tables.ANGLE)));
    const z = a.keep("z", a.mul(x, x));
    const s = a.keep("s", a.sub(x, a.mul(a.mul(x, z), series(a, z, SINE))));
    const c = a.keep("c", series(a, z, COSINE));
    const cosines = a.keep("cosines", lookUp(COSINES, quarter));
    const sines = a.keep("sines", lookUp(SINES, quarter));
    return {
      cosine: a.sub(a.mul(c, cosines), a.mul(s, sines)),
      sine: a.add(a.mul(s, cosines), a.mul(c, sines)),
    };
  }

  /** The numbers of one block, as floats. */
  #block(): Code {
    const a = this.#two;
    const [w0, w1, w2, w3] = this.#words().map((w) => this.#int("upper", upper(w))) as [Code, Code, Code, Code]; // prettier-ignore
    const above = (word: Code): Code => this.#int("above", of("i32.add", word, int(1)));
    const logarithm = this.#logarithm([above(w0), above(w2)]);
    const radius = a.keep("radius", a.unary("sqrt", a.mul(a.number(-2), logarithm)));
    const wave = this.#wave([w1, w3]);
    const [mean, deviation] = (["mean", "deviation"] as const).map((name) =>
      of("f64x2.splat", get(own(name))),
    ) as [Code, Code];
    const floats = (x: Code): Code =>
      of("f32x4.demote_f64x2_zero", a.add(mean, a.mul(deviation, a.mul(radius, x))));
    const bytes = [0, 16, 4, 20].flatMap((from) => [0, 1, 2, 3].map((i) => from + i));
    return [...floats(wave.cosine), ...floats(wave.sine), { op: "i8x16.shuffle", bytes }];
  }

  finish() {
    const body = this.#body;
    const loop = body.nested(() => {
      const value = body.keep("v128", "value", this.#block());
      body.emit(...get(own("address")), ...value, { op: "v128.store", offset: 0 });
      body.emit(...step("address", 16), ...step("block", 1), ...step("blocks", -1));
      body.emit(...get(own("blocks")), { op: "br_if", depth: 0 });
    });
    body.emit({ op: "loop", body: loop });
    return body.finish("normals", "Blocks of normal numbers.", null, true);
  }
}

/**
 * A module over memory that begins with `NORMAL_TABLES`. It exports
 * `normals(seed, stream, block, blocks, address, mean, deviation)`: elements 4 · block and following of a draw, four for each
 * of `blocks` blocks, one or more, to `address` as float32. `block` and all after it are below 2³².
 */
export const normalModule = (): Uint8Array<ArrayBuffer> =>
  encode({ imports: [], functions: [new Writer().finish()] });
