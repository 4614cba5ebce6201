/** The printed equations of a chunk form have the parts that the emitted graph has, and no others. */
import { describe, expect, test } from "vitest";
import { derivedForm } from "../../../compiler/derive/describe/index.ts";
import { analyse, chunk, stage } from "../../../compiler/derive/index.ts";
import type { Graph, Recurrence } from "../../../compiler/graph/ir.ts";
import { reachable } from "../../../compiler/graph/rebuild.ts";
import { specCases } from "../../specs/cases.ts";
import { ruleStep } from "../../support/rules.ts";
import { RULES } from "../analyse/rules.ts";

const loops = (graph: Graph): Recurrence[] =>
  graph.nodes.flatMap((n) => (n.op === "recurrence" ? [n.recurrence] : []));

const solves = (graph: Graph, roots = graph.outputs.map((o) => o.node)): number =>
  reachable(graph, roots).filter((n) => n.op === "solve").length;

const rules = RULES.filter((r) => r.chunk !== false);

test("every spec at every size has derived forms to print, also where sizes are one", () => {
  let count = 0;
  for (const { step } of specCases()) {
    const { graph } = stage(step);
    for (const recurrence of loops(graph)) {
      const sets = analyse(recurrence);
      for (const set of sets) if (derivedForm(recurrence, sets, set, graph) !== null) count += 1;
    }
  }
  expect(count).toBeGreaterThan(100);
});

describe("the derived forms of made-up rules, as printed", () => {
  test.each(rules.map((r) => [r.name, r] as const))("%s", (_, rule) => {
    const staged = stage(ruleStep(rule.text));
    const { program, kept } = chunk(staged, { length: 4, elementwise: true });
    expect(kept.every((reason) => reason === null)).toBe(true);
    const before = loops(staged.graph);
    expect(before).toHaveLength(1);
    const [recurrence] = before as [Recurrence];
    const sets = analyse(recurrence);
    const derived = derivedForm(recurrence, sets, sets[0]!, staged.graph)!;
    const emitted = loops(program.graph);
    expect(emitted).toHaveLength(1);
    const { body, carries } = emitted[0]!;

    // A system to solve per chunk, exactly where a read feeds a write.
    const inside = solves(body, carries.map((c) => c.next)); // prettier-ignore
    const system = derived.carried.some((l) => l.includes("(I − Λ P)"));
    expect(inside > 0).toBe(system);
    // Tables of products of decays are solved for outside of the loop, exactly where there are decays.
    const decays = derived.once.some((l) => l.startsWith("G(t, s)"));
    expect(solves(program.graph) > 0).toBe(decays);
    expect(derived.kind === "scan" ? !system && !decays : true).toBe(true);
    // The system asks what the state on entry answers.
    const entries = derived.carried.filter((l) => /⁰_t = Sᵀ?(?: |$)/u.test(l));
    if (system) expect(entries.length).toBeGreaterThan(0);
    // No name of the graph's making.
    const all = [...derived.step, ...derived.once, ...derived.carried, ...derived.read].join("\n");
    expect(all).not.toMatch(
      /undefined|_(?:div|mul|add|reshape|product|contract)\b|\bread\.|state:/u,
    );
  });
});

const derivedOf = (text: string) => {
  const staged = stage(ruleStep(text));
  const [recurrence] = loops(staged.graph) as [Recurrence];
  const sets = analyse(recurrence);
  return derivedForm(recurrence, sets, sets[0]!, staged.graph)!;
};

test("the gated delta rule on paper", () => {
  const { step, once, carried, read } = derivedOf(
    "fast net { W: [heads, value, key] = 0 } program { W <- gated_delta(W, key: k, value: v, rate: b, decay: g) } out y = W @ q",
  );
  expect(step).toEqual(["z₁ = W k", "u = b v − b g z₁", "W ← g W + u kᵀ", "z₂ = W q", "y = z₂"]);
  expect(once).toContain("P[t, s] = G(t, s) (k_t · k_s) for s < t, else 0");
  expect(carried).toEqual([
    "z₁⁰_t = S (G(t, 0) k_t)",
    "z₂⁰_t = S (G(t + 1, 0) q_t)",
    "(I − Λ P) U = c + Λ Z⁰",
    "S ← G(C + 1, 0) S + Σ_t u_t (G(C + 1, t) k_t)ᵀ",
  ]);
  expect(read).toEqual(["z₂_t = z₂⁰_t + Σ_{s≤t} ((G(t + 1, s) k_s) · q_t) u_s", "y_t = z₂_t"]);
});

test("the sum rule has neither system nor decay", () => {
  const { once, carried } = derivedOf(
    "fast net { W: [heads, value, key] = 0 } program { W <- W + outer(v, k) } out y = W @ q",
  );
  expect(once).toEqual(["u_t = v_t"]);
  expect(carried).toEqual(["z⁰_t = S q_t", "S ← S + Σ_t u_t k_tᵀ"]);
});
