/** Expressions of a wanted shape, from signals that there are. Values stay of the order of 1. */
import type { Choices } from "./choices.ts";

/** Named sizes, outermost first. Axes of one signal have different names, so that no sum has two readings. */
export type Shape = readonly Size[];
export type Size = "h" | "a" | "b" | "c" | "w";

export const shown = (shape: Shape): string => `[${shape.join(", ")}]`;
const same = (a: Shape, b: Shape): boolean => a.join() === b.join();

export interface Signal {
  readonly name: string;
  readonly shape: Shape;
}

/** What may stand in an expression at one place of a layer. */
export interface Scope {
  readonly signals: readonly Signal[];
  /** Trained weights may be made here. */
  readonly trains: boolean;
  /** The name of an input of tokens, if there is one. */
  readonly tokens: string | null;
}

const SQUASHING = ["tanh", "sigmoid", "sin", "cos", "erf", "softsign"] as const;
const GROWING = [
  "relu",
  "softplus",
  "silu",
  "gelu",
  "elu",
  "abs",
  "logsigmoid",
  "identity",
] as const;
/** Along the last axis: shape and size of values stay. */
const ALONG = ["softmax", "log_softmax", "l2_norm", "reverse"] as const;

const call = (name: string, x: string): string => {
  if (name === "softsign") return `(${x}) / (1 + abs(${x}))`;
  return name === "identity" ? x : `${name}(${x})`;
};

export class Expressions {
  readonly #choices: Choices;

  constructor(choices: Choices) {
    this.#choices = choices;
  }

  /** Text of an expression of a shape; `depth` bounds how deep it is. */
  of(shape: Shape, scope: Scope, depth = 3): string {
    const { below, of } = this.#bound();
    const known = scope.signals.filter((s) => same(s.shape, shape));
    const ends = (): string => {
      if (known.length > 0) return of(known).name;
      return this.#made(shape, scope);
    };
    if (depth <= 0 || below(5) === 0) return ends();
    const inner = (to: Shape = shape): string => this.of(to, scope, depth - 1);
    const rules: (() => string)[] = [
      () => call(of(SQUASHING), inner()),
      () => call(of(GROWING), inner()),
      () => `${inner()} + ${inner()}`,
      () => `0.5 * (${inner()} - ${inner()})`,
      () => `tanh(${inner()}) * (${inner()})`,
      () => `(${inner()}) / (1 + (${inner()}) ^ 2)`,
      () => `max(${inner()}, ${inner()})`,
      () => `min(${inner()}, 0.5)`,
      () => `clamp(${inner()}, low: -0.75, high: 1.5)`,
      () => `(if (${inner()}) > 0.1 then ${inner()} else ${inner()})`,
      () => `exp(-softplus(${inner()}))`,
      () => `stop(${inner()}) + ${inner()}`,
      ...this.#smaller(shape, inner),
      ...this.#reduced(shape, inner),
      ...(shape.length > 0 ? this.#along(shape, inner) : []),
    ];
    if (scope.trains) rules.push(() => this.#made(shape, scope));
    return `(${of(rules)()})`;
  }

  #bound() {
    const choices = this.#choices;
    return {
      below: (n: number) => choices.below(n),
      of: <T>(list: readonly T[]): T => choices.of(list),
    };
  }

  /** Something of that shape that is made from nothing of it. */
  #made(shape: Shape, { signals, trains, tokens }: Scope): string {
    const { below, of } = this.#bound();
    const size = shown(shape);
    if (!trains) {
      const number = String(0.25 + below(4) / 2);
      return shape.length === 0 ? number : `${number} * ones(${size})`;
    }
    const [only, ...more] = shape;
    if (tokens !== null && only !== undefined && more.length === 0 && below(3) === 0) {
      return `0.5 * embed(${tokens}, ${only})`;
    }
    const from = of(signals.filter((s) => s.name !== tokens));
    return `linear(${from.name}, to: ${size}${below(3) === 0 ? ", bias: false" : ""})`;
  }

  /** A signal with fewer axes, the first or the last ones, which is repeated along the others. */
  #smaller(shape: Shape, inner: (to: Shape) => string): (() => string)[] {
    return [shape.slice(1), shape.slice(0, -1)]
      .filter((part) => part.length < shape.length)
      .map((part) => () => `tanh(${inner(shape)}) * (${inner(part)})`);
  }

  /** From a signal with one more axis. */
  #reduced(shape: Shape, inner: (to: Shape) => string): (() => string)[] {
    const { of } = this.#bound();
    const wider = (["h", "a", "b"] as const).filter((s) => !shape.includes(s));
    if (shape.length > 1 || wider.length === 0) return [];
    const axis = of(wider);
    // Heads come first, other axes last.
    const from: Shape = axis === "h" ? ["h", ...shape] : [...shape, axis];
    const over = `over: ${axis}`;
    return [
      () => `${of(["mean", "max", "min", "logsumexp"])}(${inner(from)}, ${over})`,
      () => `tanh(sum(${inner(from)}, ${over}))`,
      () => `sqrt(variance(${inner(from)}, ${over}) + 0.1)`,
      ...(axis === "h" ? [] : [() => `dot(softmax(${inner(from)}), ${inner(from)})`]),
    ];
  }

  #along(shape: Shape, inner: (to?: Shape) => string): (() => string)[] {
    const { of } = this.#bound();
    const last = shape.at(-1)!;
    const matrix = [last === "a" ? "b" : "a"] as const;
    return [
      () => call(of(ALONG), inner()),
      () => `sum_norm(elu1(${inner()}))`,
      () => `norm(${inner()}, affine: false)`,
      () => `rms_norm(${inner()}, affine: false)`,
      () => `0.5 * cumsum(softmax(${inner()}))`,
      () => `roll(${inner()}, 1)`,
      () => `take(concat(${inner()}, ${inner()}), 2, ${last})`,
      // A product with a vector, and one with itself.
      ...(shape.includes(matrix[0])
        ? []
        : [() => `outer(${inner()}, softmax(${inner([...shape.slice(0, -1), ...matrix])})) @ tanh(${inner([...shape.slice(0, -1), ...matrix])})`]), // prettier-ignore
      ...(shape.length === 2 && last !== "w"
        ? [
            () =>
              `einsum((${inner()})[i, j], (softmax(${inner()}))[k, j], (tanh(${inner()}))[k, l] -> [i, l])`,
          ]
        : []),
    ];
  }
}
