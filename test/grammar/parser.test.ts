import { expect, test } from "vitest";
import type { Expr } from "../../grammar/ast.ts";
import { parse } from "../../grammar/parser.ts";
import { flat } from "../../grammar/print-expressions.ts";

/** The tree of an expression with all its parentheses. */
function grouped(text: string): string {
  const { ast, diagnostics } = parse(`map f(x) { ${text} }`, "f.fwp");
  expect(diagnostics).toEqual([]);
  const [map] = ast.declarations;
  if (map?.kind !== "map") throw new Error("no map");
  return group(map.value);
}

function group(e: Expr): string {
  if (e.kind === "binary") return `(${group(e.left)} ${e.operator} ${group(e.right)})`;
  if (e.kind === "unary") return `(${e.operator} ${group(e.operand)})`;
  if (e.kind === "range") return `(${group(e.from)} .. ${group(e.to)})`;
  if (e.kind === "if") {
    return `(if ${group(e.condition)} then ${group(e.then)} else ${group(e.otherwise)})`;
  }
  return flat(e);
}

test.each([
  ["a + b * c", "(a + (b * c))"],
  ["a - b - c", "((a - b) - c)"],
  ["a * W @ k", "(a * (W @ k))"],
  ["-a @ b", "((- a) @ b)"],
  ["-a ^ b ^ c", "(- (a ^ (b ^ c)))"],
  ["2 ^ -a @ b", "((2 ^ (- a)) @ b)"],
  ["not a == b and c or d", "(((not (a == b)) and c) or d)"],
  ["k in 1..n + 1", "(k in (1 .. (n + 1)))"],
  ["if a then b else c + 1", "(if a then b else (c + 1))"],
  ["1 + if a then b else c", "(1 + (if a then b else c))"],
  ["a ⊙ b · c − d", "(((a * b) * c) - d)"],
  ["a * v ⊗ k", "(a * outer(v, k))"],
  ["f(x)(y).z[1]", "f(x)(y).z[1]"],
  ["1..5", "(1 .. 5)"],
])("%s is %s", (text, tree) => expect(grouped(text)).toBe(tree));

test("statements need no separator", () => {
  const { ast, diagnostics } = parse(
    "layer A { in x: [n] a = x b, c: [2] = f(a) W <- b read(q) = c in y: [m] out c }",
    "a.fwp",
  );
  expect(diagnostics).toEqual([]);
  const [layer] = ast.declarations;
  if (layer?.kind !== "layer") throw new Error("no layer");
  expect(layer.body.map((statement) => statement.kind)).toEqual([
    "in",
    "bind",
    "bind",
    "write",
    "function",
    "in",
    "out",
  ]);
});

test("a doc comment belongs to what follows it, an idle one is a comment", () => {
  const text =
    "/// One.\n///   two\nlayer A {\n  /// Its key.\n  k = 1 /// no doc\n  /// idle\n}\n";
  const { ast } = parse(text, "a.fwp");
  const [layer] = ast.declarations;
  if (layer?.kind !== "layer") throw new Error("no layer");
  expect(layer.doc).toBe("One.\n  two");
  expect(layer.body[0]?.doc).toBe("Its key.");
  expect(ast.comments.map((comment) => comment.text)).toEqual(["/// no doc", "/// idle"]);
});

test("what surrounds an error survives, with an error node where the value was", () => {
  const { ast } = parse("layer A { a = 1\n b = (2 +\n c = 3 }\nlayer B { out y = 1 }", "a.fwp");
  const [a, b] = ast.declarations;
  if (a?.kind !== "layer") throw new Error("no layer");
  expect(a.body.map((s) => (s.kind === "bind" ? s.targets[0]?.name.text : s.kind))).toEqual([
    "a",
    "b",
    "c",
  ]);
  expect(b?.name.text).toBe("B");
});

test.each([
  ["brackets", "(".repeat(100_000)],
  ["lists", "[".repeat(100_000)],
  ["signs", "-".repeat(100_000)],
  ["powers", "2^".repeat(100_000)],
  ["calls", `f${"(1)".repeat(100_000)}`],
  ["conditions", "if a then ".repeat(100_000)],
  ["alternatives", "if a then b else ".repeat(100_000)],
  ["comprehensions", "for i in x: ".repeat(100_000)],
  ["negations", "not ".repeat(100_000)],
  ["trained values", "learned ".repeat(100_000)],
  ["sums", "1 + ".repeat(100_000)],
  ["members", `a${".b".repeat(100_000)}`],
])("100,000 nested %s are refused, and the next declaration is read", (_, text) => {
  const { ast, diagnostics } = parse(`layer A { y = ${text}\n}\nlayer B { out y = 1 }\n`, "a.fwp");
  expect(diagnostics.map((d) => d.code)).toContain("fwp1006");
  expect(ast.declarations.map((d) => d.name.text)).toContain("B");
});

test("100,000 nested blocks are refused", () => {
  const { diagnostics } = parse(`layer A {${"repeat 2 {".repeat(100_000)}`, "a.fwp");
  expect(diagnostics.map((d) => d.code)).toEqual(["fwp1006"]);
});
