/** Statements of the loop language in C. */
import { InternalError, unreachable } from "../../../diagnostics/diagnostic.ts";
import type { Expr, LoopKernel, Statement } from "../../loop/ir.ts";
import { drawsRandom, isSpread } from "../../loop/scan.ts";
import { ExpressionPrinter, type Real } from "./expressions.ts";
import { isWord, wordsOf } from "./ints.ts";
import { marksOf, type Marks } from "./simd.ts";

const ELEMENTS = { f32: "float", f64: "double", i32: "int32_t" } as const;

/** Text that neither ends a comment nor makes it go on. */
export const plain = (text: string): string =>
  text.replaceAll("*/", "* /").replaceAll("??", "? ?").replace(/\\$/, "\\.");

/** A kernel as a function. `real`: what floats are computed in; `name`: that of the function. */
export function kernelText(
  kernel: LoopKernel,
  name: string,
  real: Real,
  helpers: Set<string>,
): { readonly head: readonly string[]; readonly text: readonly string[] } {
  // Random numbers are the same on all targets: where they are drawn, arithmetic is in doubles as in JavaScript.
  const width: Real = drawsRandom(kernel.body) ? "double" : real;
  const written = new Set(kernel.buffers.filter((b) => b.access !== "read").map((b) => b.name));
  const parameters = [
    ...kernel.buffers.map(
      (b) => `${written.has(b.name) ? "" : "const "}${ELEMENTS[b.type]} *restrict ${b.name}`,
    ),
    ...kernel.sizes.map((s) => `int64_t ${s}`),
    ...(isSpread(kernel.body) ? ["const fwp_team *fwp_with"] : []),
  ];
  const printer = new StatementPrinter(kernel, width, helpers);
  return {
    head: [`/* ${plain(kernel.title)} */`, `static void ${name}`],
    text: [`(${parameters.join(", ")}) {`, ...printer.block(kernel.body, "  "), "}"],
  };
}

class StatementPrinter {
  readonly #expressions: ExpressionPrinter;
  readonly #words: ReadonlySet<string>;
  readonly #marks: Marks;

  constructor(kernel: LoopKernel, real: Real, helpers: Set<string>) {
    this.#words = wordsOf(kernel);
    this.#expressions = new ExpressionPrinter(real, this.#words, helpers);
    this.#marks = marksOf(kernel.body);
  }

  block(statements: readonly Statement[], indent: string): string[] {
    return statements.flatMap((s) => this.#statement(s, indent));
  }

  #statement(s: Statement, indent: string): string[] {
    const print = (e: Expr) => this.#expressions.text(e);
    switch (s.op) {
      case "comment":
        return [`${indent}// ${plain(s.text)}`];
      case "define": {
        const type = this.#expressions.typeOf(s.type, this.#words.has(s.name));
        return [`${indent}${s.mutable ? "" : "const "}${type} ${s.name} = ${this.#kept(s)};`];
      }
      case "assign":
        return [`${indent}${s.name} = ${this.#kept(s)};`];
      case "store": {
        const at = `${s.buffer}[${print(s.index)}]`;
        const { lanes } = s.value.type;
        const type = lanes === 1 ? null : `${this.#expressions.vector(s.value.type)}_at`;
        const place = type === null ? at : `*(${type} *)&${at}`;
        return [`${indent}${place} ${s.add ? "+=" : "="} ${print(s.value)};`];
      }
      case "for": {
        if (s.spread === "workgroups") return this.#shared(s, indent);
        const mark = this.#marks.get(s);
        return [
          ...(mark === undefined ? [] : [`${indent}#pragma ${mark}`]),
          `${indent}for (${this.#head(s)}) {`,
          ...this.block(s.body, `${indent}  `),
          `${indent}}`,
        ];
      }
      case "if":
        return [
          `${indent}if (${print(s.condition)}) {`,
          ...this.block(s.body, `${indent}  `),
          ...(s.otherwise.length === 0
            ? []
            : [`${indent}} else {`, ...this.block(s.otherwise, `${indent}  `)]),
          `${indent}}`,
        ];
      case "prefetch":
        return [`${indent}__builtin_prefetch(&${s.buffer}[${print(s.index)}]);`];
      case "barrier":
        return [`${indent}fwp_barrier(fwp_with);`];
      default:
        return unreachable(s);
    }
  }

  /** A loop of which every thread runs its part. */
  #shared(s: Extract<Statement, { op: "for" }>, indent: string): string[] {
    const [from, to] = [this.#expressions.text(s.from), this.#expressions.text(s.to)];
    const v = s.variable;
    const [start, end] =
      from === "0" ? ["part.first", "part.last"] : [`(${from}) + part.first`, `(${from}) + part.last`]; // prettier-ignore
    const length = from === "0" ? to : `(${to}) - (${from})`;
    const next = s.step === 1 ? `${v}++` : `${v} += ${s.step}`;
    return [
      `${indent}{`,
      `${indent}  const fwp_part fwp_mine = fwp_share(fwp_with, ${length}, ${s.step});`,
      `${indent}  for (int64_t ${v} = ${start}; ${v} < ${end}; ${next}) {`.replaceAll("part.", "fwp_mine."), // prettier-ignore
      ...this.block(s.body, `${indent}    `),
      `${indent}  }`,
      `${indent}}`,
    ];
  }

  /** A place that goes into a word loses what is above 32 bits. */
  #kept({ name, value }: { readonly name: string; readonly value: Expr }): string {
    const text = this.#expressions.text(value);
    const narrows = this.#words.has(name) && !isWord(value, this.#words) && value.op !== "number";
    return narrows ? `(int32_t)(uint32_t)(${text})` : text;
  }

  #head(s: Extract<Statement, { op: "for" }>): string {
    const [from, to] = [this.#expressions.text(s.from), this.#expressions.text(s.to)];
    const v = s.variable;
    if (!s.down)
      return `int64_t ${v} = ${from}; ${v} < ${to}; ${s.step === 1 ? `${v}++` : `${v} += ${s.step}`}`;
    if (s.step !== 1) throw new InternalError("a backward loop in steps");
    return `int64_t ${v} = (int64_t)(${to}) - 1; ${v} >= ${from}; ${v}--`;
  }
}
