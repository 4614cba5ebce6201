/** Functions that C lacks, or has too slowly, printed where a kernel calls them. */
import { InternalError } from "../../../diagnostics/diagnostic.ts";

interface Helper {
  readonly source: string;
  readonly needs?: readonly string[];
}

/** Of numbers of either width: `T` is the type, `F` the suffix of C's functions for it. */
const generic: Readonly<Record<string, Helper>> = {
  max: {
    source: `/* The larger of two; NaN if either is. */
static inline T fwp_maxF(T a, T b) { return a > b || a != a ? a : b; }`,
  },
  min: {
    source: `/* The smaller of two; NaN if either is. */
static inline T fwp_minF(T a, T b) { return a < b || a != a ? a : b; }`,
  },
  sign: {
    source: `/* -1, 0 or 1; NaN and the sign of zero stay. */
static inline T fwp_signF(T x) { return x > 0 ? 1 : x < 0 ? -1 : x; }`,
  },
};

const HELPERS: Readonly<Record<string, Helper>> = {
  ...Object.fromEntries(
    Object.entries(generic).flatMap(([name, { source }]) =>
      (
        [
          ["float", "f"],
          ["double", ""],
        ] as const
      ).map(([type, suffix]) => [
        `fwp_${name}${suffix}`,
        {
          source: source
            .replace(/\bT\b/g, type)
            .replace(/(fwp_[a-z]+)F/g, (_, base: string) => `${base}${suffix}`),
        },
      ]),
    ),
  ),
  fwp_bits: {
    source: `static inline uint32_t fwp_bits(float x) { uint32_t u; memcpy(&u, &x, 4); return u; }
static inline float fwp_float(uint32_t u) { float x; memcpy(&x, &u, 4); return x; }`,
  },
  fwp_expf: {
    needs: ["fwp_bits"],
    source: `/* e^x: 2^n e^r with |r| <= ln 2 / 2, a polynomial in r; without branches, so that loops of it become vectors. */
static inline float fwp_expf(float x) {
  x = x > 89.0f ? 89.0f : x;
  x = x < -110.0f ? -110.0f : x;
  const float t = x * 1.44269504f + 12582912.0f;
  const float n = t - 12582912.0f;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.3888889e-3f;
  p = p * r + 8.3333333e-3f;
  p = p * r + 4.1666667e-2f;
  p = p * r + 1.6666667e-1f;
  p = p * r + 0.5f;
  p = p * (r * r) + r + 1.0f;
  /* 2^n in two halves: either alone is a normal number. */
  const uint32_t whole = fwp_bits(t) - 0x4b400000u;
  const uint32_t half = (whole >> 1) | (whole & 0x80000000u);
  return p * fwp_float((half + 127u) << 23) * fwp_float((whole - half + 127u) << 23);
}`,
  },
  fwp_tanhf: {
    needs: ["fwp_expf"],
    source: `/* tanh: an odd polynomial near zero, 1 - 2 / (e^2x + 1) away from it. */
static inline float fwp_tanhf(float x) {
  const float a = fabsf(x);
  const float z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  const float near = x + x * z * p;
  const float far = copysignf(1.0f - 2.0f / (fwp_expf(2.0f * a) + 1.0f), x);
  return a < 0.625f ? near : far;
}`,
  },
  fwp_mod: {
    source: `/* The remainder with the sign of the divisor. */
static inline double fwp_mod(double a, double b) { return a - b * floor(a / b); }`,
  },
  fwp_int: {
    source: `/* Towards zero; beyond 32 bits the remainder, NaN as 0. */
static inline int32_t fwp_int(double x) {
  if (x > -2147483649.0 && x < 2147483648.0) return (int32_t)x;
  if (!(fabs(x) < INFINITY)) return 0;
  return (int32_t)(uint32_t)(int64_t)fmod(trunc(x), 4294967296.0);
}`,
  },
  fwp_int_max: {
    source: "static inline int64_t fwp_int_max(int64_t a, int64_t b) { return a > b ? a : b; }",
  },
  fwp_int_min: {
    source: "static inline int64_t fwp_int_min(int64_t a, int64_t b) { return a < b ? a : b; }",
  },
  fwp_mul_high: {
    source: `/* The upper 32 bits of the product of two unsigned 32-bit numbers. */
static inline int32_t fwp_mul_high(uint32_t a, uint32_t b) {
  return (int32_t)(uint32_t)(((uint64_t)a * b) >> 32);
}`,
  },
};

/** Functions of math.h. They are called by names of our own, as a signal of the spec may be called `exp`. */
const LIBRARY: ReadonlySet<string> = new Set(
  "exp log log1p expm1 sqrt sin cos tanh fabs floor ceil rint erf pow".split(" "),
);
function wrapper(name: string, suffix: string): string {
  const type = suffix === "f" ? "float" : "double";
  const [parameters, given] =
    name === "pow" ? [`${type} a, ${type} b`, "a, b"] : [`${type} x`, "x"];
  return `static inline ${type} fwp_${name}${suffix}(${parameters}) { return ${name}${suffix}(${given}); }`;
}

/** Bytes that machines shuffle among themselves most cheaply: halves of longer registers are put together last. */
const NEAR = 16;

/**
 * Vectors added up, each in itself: two at a time, halves of both are put together and added. Each step leaves a vector
 * with the partial sums of twice as many rows.
 */
function sumsText(name: string, lanes: number, suffix: string, element: number): string {
  const near = Math.min(lanes, NEAR / element);
  const lines: string[] = [];
  let xs = Array.from({ length: lanes }, (_, i) => `x${i}`);
  /** `rows` units of `unit` lanes belong together, in blocks of `block` units. */
  const fold = (rows: number, unit: number, block: number): void => {
    const groups = block / rows / 2;
    const half = (first: number): number[] => {
      const from: number[] = [];
      for (let b = 0; b < lanes; b += block * unit) {
        for (let g = 0; g < groups; g++) {
          for (const vector of [0, lanes]) {
            for (let i = 0; i < rows * unit; i++) {
              from.push(vector + b + (first + g) * rows * unit + i);
            }
          }
        }
      }
      return from;
    };
    const [low, high] = [half(0).join(", "), half(groups).join(", ")];
    xs = Array.from({ length: xs.length / 2 }, (_, p) => {
      const [a, b] = [xs[2 * p]!, xs[2 * p + 1]!];
      const both = `${a}_${b.slice(1)}`;
      const [x, y] = [low, high].map((at) => `FWP_SHUFFLE(int${8 * element}_t, ${lanes * element}, ${a}, ${b}, ${at})`); // prettier-ignore
      lines.push(`  const ${name} ${both} = ${x} + ${y};`);
      return both;
    });
  };
  for (let rows = 1; rows < near; rows *= 2) fold(rows, 1, near);
  for (let rows = 1; rows < lanes / near; rows *= 2) fold(rows, near, lanes / near);
  const given = Array.from({ length: lanes }, (_, i) => `${name} x${i}`).join(", ");
  return `static inline ${name} fwp_sums${lanes}${suffix}(${given}) {
${lines.join("\n")}
  return ${xs[0]!};
}`;
}

/** The larger (smaller) of two numbers in each lane, NaN if either is, and the largest (smallest) of all lanes. */
function extremeText(
  fn: string,
  across: string,
  sign: string,
  name: string,
  lanes: number,
  suffix: string,
  element: number,
): string {
  const int = `int${8 * element}_t`;
  const words = `${name}_words`;
  const define = fn === "max" ? [`typedef ${int} ${words} __attribute__((vector_size(${lanes * element})));`] : []; // prettier-ignore
  const halves: string[] = [];
  for (let n = lanes / 2; n >= 1; n /= 2) {
    const from = Array.from({ length: lanes }, (_, i) => (i + n) % lanes).join(", ");
    halves.push(`  x = fwp_${fn}${lanes}${suffix}(x, FWP_SHUFFLE(${int}, ${lanes * element}, x, x, ${from}));`); // prettier-ignore
  }
  return `${[...define, ""].join("\n")}static inline ${name} fwp_${fn}${lanes}${suffix}(${name} a, ${name} b) {
  const ${words} first = (${words})(a ${sign} b) | (${words})(a != a);
  return (${name})(((${words})a & first) | ((${words})b & ~first));
}
static inline ${name.replace(/^fwp_f(32|64).*/, (_, bits: string) => (bits === "32" ? "float" : "double"))} fwp_${across}${lanes}${suffix}(${name} x) {
${halves.join("\n")}
  return x[0];
}`;
}

/** Lanes of two vectors, chosen by constants: of one way to write it, compilers know the one or the other. */
const SHUFFLE = `#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define FWP_SHUFFLE(T, bytes, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#endif
#endif
#ifndef FWP_SHUFFLE
#define FWP_SHUFFLE(T, bytes, a, b, ...) \\
  __builtin_shuffle(a, b, (T __attribute__((vector_size(bytes)))){__VA_ARGS__})
#endif`;

/** A vector type and what is done with it. `type` is float or double. */
function vector(type: string, lanes: number): string {
  const suffix = type === "float" ? "f" : "d";
  const name = vectorType(type, lanes);
  const bytes = lanes * (type === "float" ? 4 : 8);
  const element = type === "float" ? 4 : 8;
  const sums: string[] = [];
  for (let n = lanes / 2; n >= 1; n /= 2) {
    sums.push(`  for (int i = 0; i < ${n}; i++) x[i] += x[i + ${n}];`);
  }
  return `/* ${lanes} numbers at once, and the same at any place in memory. */
typedef ${type} ${name} __attribute__((vector_size(${bytes})));
typedef ${type} ${name}_at __attribute__((vector_size(${bytes}), aligned(${element}), may_alias));
static inline ${name} fwp_splat${lanes}${suffix}(${type} x) { return x - (${name}){0}; }
static inline ${type} fwp_sum${lanes}${suffix}(${name} x) {
${sums.join("\n")}
  return x[0];
}
${extremeText("max", "largest", ">", name, lanes, suffix, element)}
${extremeText("min", "smallest", "<", name, lanes, suffix, element)}
${sumsText(name, lanes, suffix, element)}`;
}

export const vectorType = (type: string, lanes: number): string =>
  `fwp_${type === "float" ? "f32" : "f64"}x${lanes}`;

const VECTOR = /^fwp_f(32|64)x(\d+)$/;

/** The text of the helpers called and of those that they call, in an order in which C takes them. */
export function helperText(called: ReadonlySet<string>): string[] {
  const done = new Set<string>();
  const out: string[] = [];
  const add = (name: string): void => {
    if (done.has(name)) return;
    done.add(name);
    const known = HELPERS[name];
    if (known !== undefined) {
      known.needs?.forEach(add);
      out.push(known.source);
      return;
    }
    const plain = name.replace("fwp_", "");
    if (LIBRARY.has(plain)) return void out.push(wrapper(plain, ""));
    const short = plain.replace(/f$/, "");
    if (LIBRARY.has(short)) return void out.push(wrapper(short, "f"));
    const shape = VECTOR.exec(name);
    if (shape === null) throw new InternalError(`no helper ${name}`);
    out.push(vector(shape[1] === "32" ? "float" : "double", Number(shape[2])));
  };
  const names = [...called].sort();
  if (names.some((name) => VECTOR.test(name))) out.push(SHUFFLE);
  names.forEach(add);
  return out;
}
