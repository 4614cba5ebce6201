/** Generated modules against the tools that everyone lays TypeScript out and compiles it with. */
import * as fc from "fast-check";
import * as prettier from "prettier";
import { ts } from "ts-morph";
import { describe, expect, test } from "vitest";
import { BOOL, FLOAT, INT, type BinaryOp, type Expr, type LoopType, type Statement, type UnaryOp } from "../../compiler/loop/ir.ts"; // prettier-ignore
import type { CompiledEntry } from "../../compiler/plan/entry.ts";
import { compileTypeScript } from "../../compiler/targets/typescript/index.ts";
import { WIDTH } from "../../compiler/targets/typescript/layout.ts";

const name = fc.constantFrom("x", "layers_0_norm_gain", "n_batch_time", "at_12", "W_mul_rows", "quotient_of_the_twelfth_head_of_layer"); // prettier-ignore

const number = (type: LoopType, ...values: readonly number[]): fc.Arbitrary<Expr> =>
  fc.constantFrom(...values).map((value) => ({ op: "number", type, value }));
const variable = (type: LoopType): fc.Arbitrary<Expr> =>
  name.map((n) => ({ op: "variable", type, name: n }));
const unary = (type: LoopType, fns: readonly UnaryOp[], x: fc.Arbitrary<Expr>) =>
  fc.tuple(fc.constantFrom(...fns), x).map(([fn, e]): Expr => ({ op: "unary", type, fn, x: e }));
const binary = (type: LoopType, fns: readonly BinaryOp[], x: fc.Arbitrary<Expr>) =>
  fc
    .tuple(fc.constantFrom(...fns), x, x)
    .map(([fn, a, b]): Expr => ({ op: "binary", type, fn, a, b }));

const index = binary(INT, ["add", "mul"], fc.oneof(variable(INT), number(INT, 1, 256)));
const load = fc.tuple(name, fc.oneof(variable(INT), number(INT, 0), index)).map(([buffer, at]): Expr => ({ op: "load", type: FLOAT, buffer, index: at })); // prettier-ignore

/** Operations over operations, `depth` deep: what is as long as kernels have it and longer. */
function ints(depth: number): fc.Arbitrary<Expr> {
  if (depth === 0) return fc.oneof(variable(INT), number(INT, 0, 1, 256, -4));
  const x = ints(depth - 1);
  const bits = ["bit_and", "bit_or", "bit_xor", "shift_left", "shift_right", "mul_high"] as const;
  return fc.oneof(
    x,
    binary(INT, ["add", "sub", "mul", "div", "mod", "min"], x),
    binary(INT, bits, x),
  );
}
function floats(depth: number): fc.Arbitrary<Expr> {
  if (depth === 0)
    return fc.oneof(variable(FLOAT), load, number(FLOAT, 0, -0.25, 1e-7, 1e21, 1 / 256));
  const x = floats(depth - 1);
  return fc.oneof(
    x,
    binary(FLOAT, ["add", "sub", "mul", "div"], x),
    binary(FLOAT, ["mod", "max", "pow"], x),
    unary(FLOAT, ["neg", "exp", "erf", "sqrt"], x),
    unary(FLOAT, ["float_of_int", "float_of_unsigned"], ints(depth - 1)),
  );
}
const bool = fc.oneof(
  binary(BOOL, ["lt", "le", "eq", "ne"], ints(2)),
  binary(BOOL, ["and", "or"], binary(BOOL, ["lt", "eq"], ints(1))),
  unary(BOOL, ["not"], binary(BOOL, ["lt"], ints(1))),
);
const choiceOf = (x: fc.Arbitrary<Expr>): fc.Arbitrary<Expr> =>
  fc.tuple(bool, x, x).map(([condition, a, b]) => ({ op: "select", type: FLOAT, condition, a, b }));
/** Choices in both branches of choices too. */
const choice = choiceOf(fc.oneof(floats(2), choiceOf(floats(1))));
const int = fc.oneof(ints(2), unary(INT, ["int_of_float"], floats(1)));
const float = fc.oneof(floats(3), choice, unary(FLOAT, ["float_of_bool"], bool));

const nested: fc.Arbitrary<Statement[]> = fc.array(
  fc.record({ op: fc.constant("store" as const), buffer: name, index: int, value: float, add: fc.boolean() }), // prettier-ignore
  { minLength: 1, maxLength: 2 },
);
const statement: fc.Arbitrary<Statement> = fc.oneof(
  fc.record({ op: fc.constant("define" as const), name, type: fc.constant(INT), mutable: fc.boolean(), value: int }), // prettier-ignore
  fc.record({ op: fc.constant("assign" as const), name, value: float }),
  fc.record({ op: fc.constant("if" as const), condition: bool, body: nested, otherwise: nested }),
  fc.record({
    op: fc.constant("for" as const),
    variable: name,
    from: int,
    to: int,
    step: fc.constant(1),
    spread: fc.constant("serial" as const),
    down: fc.boolean(),
    body: nested,
  }),
);

/** An entry of one kernel. */
const entryOf = (body: readonly Statement[]): CompiledEntry => ({
  spec: { name: "forward", inputs: [], outputs: [], scratch: [], kernels: ["k"] },
  buffers: ["x", "layers_0_norm_gain", "x"],
  kernels: [
    {
      name: "forward_k",
      title: "k",
      buffers: [
        { name: "x", type: "f32", space: "global", access: "read", length: null },
        { name: "layers_0_norm_gain", type: "i32", space: "global", access: "write", length: null },
      ],
      sizes: ["batch", "time"],
      spread: null,
      body,
    },
  ],
});

const BASE = { format: "fwp-program", version: 1, name: "m", inputs: [], outputs: [], parameters: [], states: [] } as const; // prettier-ignore

const formatted = (text: string, parser: "typescript" | "babel") =>
  prettier.format(text, { parser, printWidth: WIDTH });
const compact = (text: string): string => text.replace(/\n+/g, "\n");

async function expectLaidOut(statements: readonly Statement[]): Promise<void> {
  const module = compileTypeScript("m", BASE, [entryOf(statements)]);
  expect(module.source).toBe(await formatted(module.source, "typescript"));
  expect(module.javascript).toBe(await formatted(module.javascript, "babel"));
  expect(module.declarations).toBe(await formatted(module.declarations, "typescript"));
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  const { outputText } = ts.transpileModule(module.source, { compilerOptions });
  expect(compact(module.javascript)).toBe(compact(await formatted(outputText, "babel")));
}

describe("a generated module", () => {
  test("is as prettier has it, and its JavaScript what TypeScript makes of it", async () => {
    const bodies = fc.array(statement, { minLength: 1, maxLength: 3 });
    await fc.assert(fc.asyncProperty(bodies, expectLaidOut), { numRuns: 200, seed: 1 });
  });
});
