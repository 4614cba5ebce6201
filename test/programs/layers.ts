/**
 * Layers at random, as text: a slow net of several heads, fast nets of several kinds programmed in several ways, reads
 * before and after writes, feedback, and something made of what was read. Every choice gives a layer that is accepted.
 */
import { Choices } from "./choices.ts";
import { Expressions, shown, type Scope, type Shape, type Signal } from "./expressions.ts";

export interface RandomLayer {
  readonly text: string;
  readonly settings: readonly (readonly [name: string, value: string])[];
}

const HEAD_OF_FILE = `import std.maps
import std.instructions
import std.layers

map positive(x: [n]) -> [n] { sum_norm(elu1(x)) }

instruction channels(W: [m, n], key: [n], value: [m], rate: [..] = 1, decay: [n]) {
  W <- W * decay
  W <- W + rate * outer(value - W @ key, key)
}

instruction rows(W: [m, n], key: [n], value: [m], decay: [m], erase: [n]) {
  W <- decay * W
  W <- W + outer(value - W @ erase, key)
}

instruction elementwise(W: [m, n], key: [n], value: [m], decay: [m, n]) {
  W <- decay * W + outer(value, key)
}

`;
const SIZES = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17];
const HEADS = [1, 2, 3];

const MATRIX: Shape = ["h", "b", "a"];
const KEY: Shape = ["h", "a"];
const VALUE: Shape = ["h", "b"];
const HEAD: Shape = ["h"];

const block = (name: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [`${name} {`, ...lines.map((l) => `  ${l}`), "}"];

class Layer {
  readonly #choices: Choices;
  readonly #expressions: Expressions;
  readonly #slow: string[] = [];
  readonly #fast: string[] = [];
  /** Programs and reads in the order of their lines. */
  readonly #rest: string[] = [];
  readonly #tokens: string | null;
  readonly #signals: Signal[] = [{ name: "x", shape: ["w"] }];
  /** What was read from fast nets. */
  readonly #reads: Signal[] = [];

  constructor(choices: Choices) {
    this.#choices = choices;
    this.#expressions = new Expressions(choices);
    this.#tokens = choices.once(3) ? "t" : null;
  }

  write(): string {
    const choices = this.#choices;
    this.#front();
    this.#heads();
    for (let i = 1 + choices.below(3); i > 0; i--) {
      const kind = choices.below(8);
      if (kind < 4) this.#matrix(i);
      else if (kind < 6) this.#vector(i);
      else if (kind < 7) this.#list(i);
      else this.#layer(i);
    }
    this.#back();
    const tokens = this.#tokens === null ? [] : [`in ${this.#tokens}: token[5]`];
    const body = [
      "in x: [w]",
      ...tokens,
      ...block("slow net", this.#slow),
      ...block("fast net", this.#fast),
      ...this.#rest,
    ];
    return `${HEAD_OF_FILE}layer Random(h: int, a: int, b: int, c: int) {\n${body.map((l) => `  ${l}\n`).join("")}}\n`;
  }

  #scope(signals: readonly Signal[], trains = true): Scope {
    return { signals, trains, tokens: this.#tokens };
  }
  /** Adds a signal to the slow net. */
  #signal(name: string, shape: Shape, value: string): void {
    this.#slow.push(`${name}: ${shown(shape)} = ${value}`);
    this.#signals.push({ name, shape });
  }
  /** A gate between 0 and 1. */
  #gate(shape: Shape): string {
    const inner = this.#expressions.of(shape, this.#scope(this.#signals, false), 1);
    return this.#choices.of([
      `sigmoid(${inner})`,
      `exp(-softplus(${inner}))`,
      `0.75 * ones(${shown(shape)})`,
    ]);
  }

  /** What comes before the heads. */
  #front(): void {
    const choices = this.#choices;
    if (this.#tokens !== null) this.#signal("e", ["w"], `x + 0.5 * embed(${this.#tokens}, w)`);
    if (choices.once(3)) this.#signal("n", ["w"], `${choices.of(["norm", "rms_norm"])}(x)`);
    if (choices.once(4)) this.#signal("s", ["w"], `x - 0.5 * prev(x)`);
    if (choices.once(4)) this.#signal("m", ["w"], "mlp(norm(x), hidden: c)");
  }

  #heads(): void {
    const choices = this.#choices;
    const expressions = this.#expressions;
    if (choices.once(2)) {
      // What the layer last answered; bound at the end.
      const back = choices.of(["tanh(prev(y))", "softmax(prev(y))", "prev(y, init: 0.5) / 4"]);
      this.#signal("f", VALUE, back);
    }
    const made = (shape: Shape): string =>
      expressions.of(shape, this.#scope(this.#signals), choices.below(3));
    this.#signal("k", KEY, `${choices.of(["softmax", "l2_norm", "positive", "tanh"])}(${made(KEY)})`); // prettier-ignore
    this.#signal("v", VALUE, made(VALUE));
    this.#signal(
      "q",
      KEY,
      `${choices.of(["softmax", "l2_norm", "tanh", "sigmoid"])}(${made(KEY)})`,
    );
    this.#signal("g", HEAD, `sigmoid(${made(HEAD)})`);
    this.#signal("u", ["c"], made(["c"]));
  }

  /** A matrix per head, read before or after it is written. */
  #matrix(i: number): void {
    const choices = this.#choices;
    const W = `W${i}`;
    const first = choices.of(["0", "0", "learned normal(0, 0.3)", "normal(0, 0.3)"]);
    this.#fast.push(`${W}: ${shown(MATRIX)} = ${first}`);
    const inProgram = (shape: Shape, depth = 1): string =>
      this.#expressions.of(shape, this.#scope([...this.#signals, ...this.#reads], false), depth);
    const key = choices.of(["k", "k", `softmax(${inProgram(KEY)})`, `l2_norm(${inProgram(KEY)})`]);
    const value = choices.of(["v", "v", inProgram(VALUE), `tanh(${W} @ q)`]);
    const rate = choices.of(["g", "1", "0.5", this.#gate(HEAD), this.#gate(VALUE)]);
    const rule = (name: string, more = ""): string =>
      `${W} <- ${name}(${W}, key: ${key}, value: ${value}${more})`;
    const writes: readonly (() => readonly string[])[] = [
      () => [rule("additive")],
      () => [rule("delta", `, rate: ${rate}`)],
      () => [rule("descend", `, rate: 0.5`)],
      () => [rule("gated", `, rate: ${rate}, decay: ${this.#gate(HEAD)}`)],
      () => [rule("average", `, rate: ${this.#gate(HEAD)}`)],
      () => [rule("gated_delta", `, rate: ${rate}, decay: ${this.#gate(HEAD)}`)],
      () => [rule("oja", ", rate: 0.1"), `${W} <- ${W} / (1 + frobenius(${W}))`],
      () => [rule("clipped_delta", `, rate: ${rate}`)],
      () => [rule("channels", `, rate: ${rate}, decay: ${this.#gate(KEY)}`)],
      () => [rule("rows", `, decay: ${this.#gate(VALUE)}, erase: 0.5 * q`)],
      () => [rule("elementwise", `, decay: sigmoid(${inProgram(MATRIX)})`)],
      () => [`${W} <- ${this.#gate(HEAD)} * ${W} + outer(${value}, ${key})`],
      () => [rule("delta", `, rate: ${rate}`), `${W} <- delta(${W}, key: softmax(q), value: 0.5 * v, rate: g)`], // prettier-ignore
      () => [`${W} <- 0.8 * ${W} - 0.2 * outer(${W} @ q, k) + outer(${value}, ${key})`],
      () => [`${W} <- tanh(${W} + outer(${value}, ${key}))`],
      () => [`${W} <- 0.9 * ${W} + 0.2 * outer(tanh(${W} @ q), k)`],
      () => [`${W} <- 0.5 * ${W} + 0.2 * reverse(${W}) + outer(${value}, ${key})`],
      () => [
        `${W} <- if ${inProgram(HEAD)} > 0 then ${W} else 0.5 * ${W} + outer(${value}, ${key})`,
      ],
    ];
    if (choices.once(4)) this.#read(`b${i}`, VALUE, `${W} @ q`);
    this.#write(choices.of(writes)());
    this.#read(`r${i}`, VALUE, choices.of([`${W} @ q`, `${W} @ k`, `tanh(${W} @ q) + ${W} @ k`]));
    if (choices.once(3)) this.#read(`p${i}`, KEY, `transpose(${W}) @ softmax(v)`);
  }

  /** A vector: a cell, a running sum, a normaliser. */
  #vector(i: number): void {
    const choices = this.#choices;
    const z = `z${i}`;
    const shape = choices.of<Shape>([["c"], KEY, HEAD]);
    this.#fast.push(`${z}: ${shown(shape)} = ${choices.of(["0", "0.5", "learned normal(0, 1)"])}`);
    const signals = [...this.#signals, ...this.#reads];
    const given = this.#expressions.of(shape, this.#scope(signals, false), 2);
    const own = [...signals, { name: z, shape }];
    const mixed = this.#expressions.of(shape, this.#scope(own, false), 2);
    this.#write([
      choices.of([
        `${z} <- ${this.#gate(shape)} * ${z} + tanh(${given})`,
        `${z} <- 0.9 * ${z} + 0.3 * (${given})`,
        `${z} <- tanh(${z} + ${mixed})`,
        `${z} <- sigmoid(${mixed}) * ${z} + tanh(${mixed})`,
        `${z} <- 0.7 * ${z} + 0.5 * tanh(${given}); ${z} <- ${z} / (1 + abs(${z}))`,
        `${z} <- max(0.9 * ${z}, ${given})`,
      ]),
    ]);
    this.#read(`${z}r`, shape, choices.of([z, `tanh(${z})`, `${z} / (1 + ${z} ^ 2)`]));
  }

  /** Keys and values of all steps, and attention to them. */
  #list(i: number): void {
    const choices = this.#choices;
    const [K, V] = [`K${i}`, `V${i}`];
    this.#fast.push(`${K}: [past, h, a] = empty`, `${V}: [past, h, b] = empty`);
    this.#write([`${K} <- append(${K}, k)`, `${V} <- append(${V}, v)`]);
    const score = `einsum(${K}[t, i, d], q[i, d] -> [i, t])`;
    const weights = choices.of([`softmax(2 * ${score})`, `softmax(${score} / sqrt(a))`]);
    this.#rest.push(`w${i} = ${weights}`);
    this.#read(`l${i}`, VALUE, `einsum(w${i}[i, t], ${V}[t, i, d] -> [i, d])`);
  }

  /** A layer of the library, with weights and states of its own. */
  #layer(i: number): void {
    const called = this.#choices.of([
      "LSTM(units: c)",
      "LSTM1997(units: c)",
      "residual(block: mlp(hidden: c))",
      "highway",
      "Attention(heads: h, key: a, value: b)",
    ]);
    const shape: Shape = called.startsWith("LSTM") ? ["c"] : ["w"];
    const from = this.#choices.of(this.#signals.filter((s) => s.shape.join() === "w")).name;
    this.#read(`o${i}`, shape, `${called}(${from})`);
  }

  #write(lines: readonly string[]): void {
    this.#rest.push("program {", ...lines.map((line) => `  ${line}`), "}");
  }

  #read(name: string, shape: Shape, value: string): void {
    this.#rest.push(`${name}: ${shown(shape)} = ${value}`);
    this.#reads.push({ name, shape });
  }

  /** What is made of all that was read. */
  #back(): void {
    const choices = this.#choices;
    const scope = this.#scope([...this.#reads, ...this.#signals]);
    const fed = this.#slow.some((line) => line.includes("prev(y"));
    const all = this.#reads.map(({ name, shape }) =>
      shape.join() === VALUE.join() ? name : `linear(${name}, to: [h, b])`,
    );
    const sum = [...all, this.#expressions.of(VALUE, scope, 2)].join(" + ");
    this.#rest.push(`y: [h, b] = ${fed ? `tanh(${sum})` : sum}`);
    const end = { ...scope, signals: [...scope.signals, { name: "y", shape: VALUE }] };
    if (choices.once(3)) {
      this.#rest.push(`repeat 2 { y = y + 0.3 * tanh(${this.#expressions.of(VALUE, end, 2)}) }`);
    }
    const width = choices.of(["linear(y)", "x + linear(norm(y))", "linear(silu(y), bias: false)"]);
    this.#rest.push(`out answer: [w] = ${width}`);
    if (choices.once(2)) {
      const shape = choices.of<Shape>([[], ["h"], ["c"], KEY, VALUE]);
      this.#rest.push(`out other: ${shown(shape)} = ${this.#expressions.of(shape, end, 3)}`);
    }
  }
}

/** The program of a seed. */
export function randomLayer(seed: number): RandomLayer {
  const choices = new Choices(seed, "program");
  const text = new Layer(choices).write();
  return {
    text,
    settings: [
      ["h", String(choices.of(HEADS))],
      ...["a", "b", "c", "w"].map((name) => [name, String(choices.of(SIZES))] as const),
    ],
  };
}
