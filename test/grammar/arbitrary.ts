/** Random syntax trees for fast-check. Every tree generated here is one that some text can mean. */
import * as fc from "fast-check";
import type * as ast from "../../grammar/ast.ts";
import type { DimExpr, Expr, Name, Statement } from "../../grammar/ast.ts";
import { contextualWords } from "../../grammar/tokens.ts";

const span = { start: 0, end: 0 };

const words = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom("a", "k", "W", "x1", "long_name", "β", "φ_2", "_t", "Δx"),
  },
  { weight: 1, arbitrary: fc.constantFrom(...contextualWords.keys()) },
);
const name: fc.Arbitrary<Name> = words.map((text) => ({ kind: "name", text, span }));
const doc = fc.option(
  fc
    .array(fc.constantFrom("", "A line.", "  indented /* x */"), { minLength: 1, maxLength: 3 })
    .map((lines) => lines.join("\n")),
  { freq: 4 },
);
const few = <T>(item: fc.Arbitrary<T>, minLength = 0): fc.Arbitrary<T[]> =>
  fc.array(item, { minLength, maxLength: 3 });
const maybe = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(item);

const number: fc.Arbitrary<Expr> = fc
  .constantFrom("0", "1", "0.5", "1e-3", "12", "1_000", "2.5e10")
  .map((text) => ({ kind: "number", value: Number(text.replaceAll("_", "")), text, span }));
const string: fc.Arbitrary<ast.StringLiteral> = fc
  .string({ maxLength: 6, unit: "grapheme" })
  .map((value) => ({ kind: "string", value: value.replaceAll("\r", "") + '\n\t"\\', span }));
const reference: fc.Arbitrary<Expr> = words.map((name) => ({ kind: "reference", name, span }));

const path: fc.Arbitrary<Expr> = fc.tuple(reference, few(name)).map(([root, members]) => {
  let value = root;
  for (const member of members) value = { kind: "member", object: value, member, span };
  return value;
});

const outside = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T | ast.Hole | ast.Rest> =>
  fc.oneof(
    { weight: 4, arbitrary: item },
    { weight: 1, arbitrary: fc.constant<ast.Hole>({ kind: "hole", span }) },
    { weight: 1, arbitrary: fc.constant<ast.Rest>({ kind: "rest", span }) },
  );

const trees = fc.letrec<{ expr: Expr; leaf: Expr }>((tie) => {
  const expr = tie("expr");
  const argument = fc.record({ name: maybe(name), value: expr, span: fc.constant(span) });
  const record = <K extends Expr["kind"]>(kind: K, rest: object): fc.Arbitrary<Expr> =>
    fc.record({ kind: fc.constant(kind), span: fc.constant(span), ...rest }) as never;
  const operand = fc.record({ value: expr, labels: few(name), span: fc.constant(span) });
  return {
    leaf: fc.oneof(
      number,
      reference,
      string,
      fc.boolean().map((value): Expr => ({ kind: "bool", value, span })),
    ),
    expr: fc.oneof(
      { maxDepth: 5, depthSize: "small", withCrossShrink: true },
      tie("leaf"),
      record("member", { object: expr, member: name }),
      record("call", { callee: expr, args: few(argument) }),
      record("index", { object: expr, indices: few(expr, 1) }),
      record("unary", { operator: fc.constantFrom("-", "not"), operand: expr }),
      record("binary", {
        operator: fc.constantFrom<ast.BinaryOperator>(
          ...(["+", "-", "*", "/", "@", "^", "==", "!=", "<", "<=", ">", ">="] as const),
          ...(["and", "or", "in"] as const),
        ),
        left: expr,
        right: expr,
      }),
      // oxlint-disable-next-line unicorn/no-thenable -- a syntax tree is never awaited
      record("if", { condition: expr, then: expr, otherwise: expr }),
      record("list", { items: few(expr) }),
      record("tuple", { items: fc.array(expr, { minLength: 2, maxLength: 3 }) }),
      record("range", { from: expr, to: expr }),
      record("for", { variable: name, range: expr, body: expr }),
      record("einsum", { operands: few(operand, 1), result: few(name) }),
      record("learned", { init: expr }),
      record("shape-literal", {
        dims: few(outside(expr), 1).filter((dims) =>
          dims.some(({ kind }) => kind === "hole" || kind === "rest"),
        ),
      }),
    ),
  };
});

/** Any expression. */
export const arbitraryExpr: fc.Arbitrary<Expr> = trees.expr;

const shape: fc.Arbitrary<ast.ShapeExpr> = few(outside(arbitraryExpr)).map((dims) => ({
  kind: "shape",
  dims: dims as DimExpr[],
  span,
}));

const parameter: fc.Arbitrary<ast.Parameter> = fc.record({
  kind: fc.constant("parameter" as const),
  name,
  type: maybe(
    fc.oneof(
      shape,
      words.map((text): ast.KindName => ({ kind: "kind-name", text, span })),
    ),
  ),
  default: maybe(arbitraryExpr),
  span: fc.constant(span),
});

const of = <K extends string>(kind: K, rest: object): fc.Arbitrary<never> =>
  fc.record({ kind: fc.constant(kind), doc, span: fc.constant(span), ...rest }) as never;

const setting = fc.record({ name, value: arbitraryExpr, span: fc.constant(span) });

/** Any statement, blocks included. */
export const arbitraryStatement: fc.Arbitrary<Statement> = fc.letrec<{ statement: Statement }>(
  (tie) => {
    const body = few(tie("statement"));
    const token = fc.record({
      kind: fc.constant("token-type" as const),
      vocab: arbitraryExpr,
      span: fc.constant(span),
    });
    const target = fc.record({ name, shape: maybe(shape) });
    return {
      statement: fc.oneof(
        { maxDepth: 3, depthSize: "small" },
        of("in", { name, type: fc.oneof(shape, token) }),
        of("out", { name, shape: maybe(shape), value: maybe(arbitraryExpr) }),
        of("bind", { targets: few(target, 1), value: arbitraryExpr }),
        of("write", { target: name, value: arbitraryExpr }),
        of("function", { name, parameters: few(name), value: arbitraryExpr }),
        of("weight", { name, shape, init: maybe(arbitraryExpr) }),
        of("const", { name, shape: maybe(shape), value: arbitraryExpr }),
        of("block", { role: fc.constantFrom("slow", "fast", "program"), body }),
        of("repeat", { variable: maybe(name), count: arbitraryExpr, body }),
        of("over", { sequence: name, body }),
        of("schedule", { settings: few(setting) }),
      ),
    };
  },
).statement;

const clause = <K extends string>(kind: K, rest: object): fc.Arbitrary<never> =>
  fc.record({ kind: fc.constant(kind), span: fc.constant(span), ...rest }) as never;

const experimentClause: fc.Arbitrary<ast.ExperimentClause> = fc.oneof(
  clause("model-clause", { value: arbitraryExpr }),
  clause("task-clause", { value: arbitraryExpr }),
  clause("loss-clause", { value: arbitraryExpr, where: maybe(arbitraryExpr) }),
  clause("train-clause", { settings: few(setting) }),
  clause("eval-clause", { settings: few(setting) }),
);

const assignment = fc.record({ axis: path, value: arbitraryExpr });
const ablationClause: fc.Arbitrary<ast.AblationClause> = fc.oneof(
  clause("grid-clause", { axis: path, values: arbitraryExpr }),
  clause("zip-clause", { axes: few(path, 1), values: arbitraryExpr }),
  clause("where-clause", { condition: arbitraryExpr }),
  clause("seeds-clause", { value: arbitraryExpr }),
  clause("baseline-clause", { assignments: few(assignment, 1) }),
  clause("report-clause", { value: arbitraryExpr }),
);

const parameters = few(parameter);
const body = few(arbitraryStatement);

export const arbitraryDeclaration: fc.Arbitrary<ast.Declaration> = fc.oneof(
  of("map", { name, parameters, result: maybe(shape), body, value: arbitraryExpr }),
  of("instruction", { name, parameters, body }),
  of("layer", { name, parameters, body }),
  of("model", { name, parameters, body }),
  of("experiment", { name, clauses: few(experimentClause) }),
  of("ablation", { name, of: name, clauses: few(ablationClause) }),
);

const importLine: fc.Arbitrary<ast.Import> = fc.oneof(
  string.map((file): ast.Import => ({ kind: "import", path: null, file, span })),
  few(name, 1).map((path): ast.Import => ({ kind: "import", path, file: null, span })),
);

/** A whole file, without comments. */
export const arbitraryFile: fc.Arbitrary<ast.File> = fc.record({
  kind: fc.constant("file" as const),
  imports: fc.array(importLine, { maxLength: 2 }),
  declarations: few(arbitraryDeclaration),
  comments: fc.constant([]),
  span: fc.constant(span),
});
