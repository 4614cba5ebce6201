/** A loop that is like the one before it is not analysed again: what is found must be what would have been. */
import { expect, test } from "vitest";
import { knownOf } from "../../../compiler/derive/analyse/alike.ts";
import { analyse, type StateSet } from "../../../compiler/derive/analyse/index.ts";
import { stage } from "../../../compiler/derive/index.ts";
import { GraphBuilder } from "../../../compiler/graph/builder.ts";
import { ruleStep } from "../../support/rules.ts";
import { RULES } from "./rules.ts";

const analysed = (text: string): (readonly StateSet[])[] =>
  stage(ruleStep(text)).graph.nodes.flatMap((n) =>
    n.op === "recurrence" ? [analyse(n.recurrence)] : [],
  );
/** The same rule of states of another name. */
const renamed = (text: string): string => text.replaceAll(/\b(W|h|S)\b/gu, "$1_other");

const OTHER = "fast net { a: [heads, key] = 0 } program { a <- tanh(a + k) } out y = a * q";

test.each(RULES.map((r) => [r.name, r.text] as const))("%s", (_, text) => {
  analysed(OTHER);
  const alone = analysed(renamed(text));
  analysed(OTHER);
  analysed(text);
  expect(analysed(renamed(text))).toEqual(alone);
});

const step = (value: number, name = "x") => {
  const b = new GraphBuilder("body");
  b.output("y", b.binary("mul", b.input(name, []), b.constant(value)));
  return b.finish();
};

test("what is found of a step is taken for one with other names, not for one with other numbers", () => {
  const [set] = analysed(RULES[0]!.text)[0]!;
  let found = 0;
  const look = (graph: ReturnType<typeof step>, asked = "0 2") =>
    knownOf(graph, asked, () => {
      found++;
      return [{ ...set!, form: { ...set!.form!, graph } }];
    });
  look(step(2));
  expect(look(step(2, "z"))[0]!.form!.graph).toEqual(step(2, "z"));
  expect(found).toBe(1);
  for (const value of [3, Infinity, -Infinity, Number.NaN, 0, -0]) look(step(value));
  expect(found).toBe(7);
  look(step(-0), "0 1");
  expect(found).toBe(8);
});
