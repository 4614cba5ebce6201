import { describe, expect, test } from "vitest";
import { analyse, type StateSet } from "../../../compiler/derive/analyse/index.ts";
import { stage } from "../../../compiler/derive/index.ts";
import { ruleStep } from "../../support/rules.ts";
import { RULES } from "./rules.ts";

function analysed(text: string): StateSet[] {
  const { graph } = stage(ruleStep(text));
  return graph.nodes.flatMap((n) => (n.op === "recurrence" ? analyse(n.recurrence) : []));
}

describe("the class of made-up rules, worked out by hand", () => {
  test.each(RULES.map((r) => [r.name, r] as const))("%s", (_, rule) => {
    const sets = analysed(rule.text);
    expect(sets.map((s) => s.class)).toEqual([rule.class]);
    expect(sets[0]!.side).toBe(rule.side ?? "key");
  });
});
