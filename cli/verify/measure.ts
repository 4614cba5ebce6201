/** How far what a device computed is from what the oracle computed, and how far it may be. */
import type { Tensor } from "../../runtime/files/safetensors.ts";
import type { Precision } from "../../compiler/plan/memory.ts";

export type Values = ReadonlyMap<string, Tensor>;

/** Relative root mean square errors that are allowed. */
const TOLERANCES: Readonly<Record<Precision, Readonly<Record<Kind, number>>>> = {
  f32: { forward: 1e-5, gradient: 1e-4 },
  f64: { forward: 1e-12, gradient: 1e-10 },
};
/** Relative spacing of numbers over that of float32, in which `rounded` is computed. */
const SPACING: Readonly<Record<Precision, number>> = { f32: 1, f64: 2 ** -29 };
/** Rounding, in whatever order a program computes, may do this many times what it does to the oracle at worst. */
const CONDITIONING = 8;
/** Results beyond these are too close to overflow: their squares, or what they are made of, may not fit. */
const LIMITS: Readonly<Record<Precision, number>> = { f32: 1e15, f64: 1e60 };

export type Kind = "forward" | "gradient";

export const kindOf = (name: string): Kind => (name.startsWith("d.") ? "gradient" : "forward");

/** Root mean square; of a − b if there is a b. */
function rms(a: ArrayLike<number>, b?: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - (b === undefined ? 0 : b[i]!)) ** 2;
  return Math.sqrt(sum / Math.max(1, a.length));
}

export interface Deviation {
  /** Relative root mean square error. */
  readonly error: number;
  /** The same over what is allowed: above 1 is a failure. */
  readonly ratio: number;
  readonly name: string;
}

export interface Comparison {
  /** Of the values that could be compared. */
  readonly worst: ReadonlyMap<Kind, Deviation>;
  readonly compared: number;
  /** Values that rounding alone puts further off than is allowed. */
  readonly undetermined: readonly string[];
}

/** What is NaN is beyond everything. */
const isBeyond = (kind: Kind, off: number): boolean =>
  !(CONDITIONING * off <= TOLERANCES.f32[kind]);

/** What the oracle says, prepared for comparisons. */
export class Expectation {
  readonly values: Values;
  /** What the error of each value is divided by. */
  readonly #scales: ReadonlyMap<string, number>;
  readonly #conditioning: Map<string, number>;
  /** Rounds once more, as often as that may still be asked for. */
  #more: readonly (() => Values)[];

  /**
   * `rounded`: the same, once or more, from inputs moved by up to half a unit in the last place of a float32, every value
   * rounded to float32, up or down. `more`: the same again, for when something is further off than those explain.
   */
  constructor(values: Values, rounded: readonly Values[], more: readonly (() => Values)[] = []) {
    this.values = values;
    const sizes = new Map([...values].map(([name, { data }]) => [name, rms(data)]));
    const gradients = [...sizes].filter(([name]) => kindOf(name) === "gradient");
    // A gradient that is zero but for rounding (that of a query whose only feature is normalised away) has no relative
    // error: a hundredth of the largest gradient beside it stands in.
    const floor = 0.01 * Math.max(0, ...gradients.map(([, size]) => size));
    const scale = ([name, size]: readonly [string, number]): [string, number] => [
      name,
      Math.max(size, kindOf(name) === "gradient" ? floor : 0, 1e-30),
    ];
    this.#scales = new Map([...sizes].map(scale));
    this.#conditioning = new Map([...values.keys()].map((name) => [name, 0]));
    rounded.forEach((r) => this.#learn(r));
    this.#more = more;
  }

  #learn(rounded: Values): void {
    for (const [name, { data }] of this.values) {
      const off = rms(data, rounded.get(name)!.data) / this.#scales.get(name)!;
      // What is not finite stays so.
      const before = this.#conditioning.get(name)!;
      this.#conditioning.set(name, Number.isNaN(before) ? before : Math.max(before, off));
    }
  }

  /** How far off rounding may put a value; 0 if it has none that is finite. */
  #rounding(name: string, precision: Precision): number {
    const rounding = CONDITIONING * this.#conditioning.get(name)! * SPACING[precision];
    return Number.isFinite(rounding) ? rounding : 0;
  }

  /** The same, once more is known if that is what it takes to explain an error. */
  #explained(name: string, error: number, precision: Precision): number {
    const kept = Math.max(TOLERANCES[precision][kindOf(name)], this.#rounding(name, precision));
    if (!(error <= kept) && Number.isFinite(error)) {
      this.#more.forEach((round) => this.#learn(round()));
      this.#more = [];
    }
    return this.#rounding(name, precision);
  }

  /** How many values rounding may put further off than is allowed: these could end up not compared. */
  get undetermined(): number {
    return [...this.#conditioning].filter(([name, off]) => isBeyond(kindOf(name), off)).length;
  }

  /** Whether everything is small enough to be compared at all. */
  fits(precision: Precision): boolean {
    return [...this.values.values()].every(({ data }) =>
      data.every((v: number) => Math.abs(v) < LIMITS[precision]),
    );
  }

  /**
   * The worst deviation of each kind. A value that is missing, or has another shape, or is not finite is infinitely off. One
   * that is further off than the tolerance, but not further than rounding explains, is undetermined.
   */
  compare(found: Values, kinds: readonly Kind[], precision: Precision): Comparison {
    const worst = new Map<Kind, Deviation>();
    const undetermined: string[] = [];
    let compared = 0;
    const note = (name: string, error: number, rounding: number) => {
      const kind = kindOf(name);
      if (!kinds.includes(kind)) return;
      const tolerance = TOLERANCES[precision][kind];
      if (error > tolerance && error <= rounding) {
        undetermined.push(name);
        return;
      }
      compared++;
      const ratio = Number.isNaN(error) ? Infinity : error / Math.max(tolerance, rounding);
      const before = worst.get(kind);
      if (before !== undefined && before.ratio >= ratio) return;
      worst.set(kind, { error: Number.isNaN(error) ? Infinity : error, ratio, name });
    };
    for (const [name, { shape, data }] of this.values) {
      const own = found.get(name);
      const fits = own !== undefined && own.shape.join() === shape.join();
      const error = fits ? rms(data, own.data) / this.#scales.get(name)! : Infinity;
      note(name, error, this.#explained(name, error, precision));
    }
    for (const name of found.keys()) if (!this.values.has(name)) note(name, Infinity, 0);
    return { worst, compared, undetermined };
  }
}
