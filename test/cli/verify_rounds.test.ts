/** Which sizes and lengths `fwp verify` tries. */
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { openProject } from "../../cli/project.ts";
import { planRounds, QUICK_ROUNDS, ROUNDS, type Plan } from "../../cli/verify/rounds.ts";
import { workOf } from "../../cli/verify/work.ts";
import { specs } from "../support/specs.ts";

interface Options {
  readonly quick?: boolean;
  readonly rounds?: number;
  readonly seed?: number;
}

function plan(path: string, name: string, options: Options = {}): Plan {
  const { quick = false, seed = 1, rounds = quick ? QUICK_ROUNDS : ROUNDS } = options;
  const project = openProject(resolve(specs, path));
  const decl = project.main.own.get(name)!;
  if (decl.kind !== "layer" && decl.kind !== "model") throw new Error(`${name} is no layer`);
  const found = planRounds(project, decl, { settings: [], seed, rounds, quick });
  if (!("rounds" in found)) throw new Error(found.map((d) => d.message).join("\n"));
  return found;
}

const of = ({ rounds }: Plan, name: string) =>
  new Set(rounds.map((r) => r.sizes.find(([own]) => own === name)![1]));
const lengthsOf = ({ rounds }: Plan) => new Set(rounds.flatMap((r) => r.lengths));
const longestRow = (r: Plan["rounds"][number]) =>
  Math.max(...r.sizes.flatMap(([name, n]) => (name === "key" || name === "value" ? [n] : [])));
const SIZES = [1, 3, 16, 60, 64];
const LENGTHS = [1, 2, 7, 63, 64, 65, 100, 257];

describe("sizes and lengths", () => {
  it.each([1, 2, 3])("seed %s: every count has every size, every length occurs", (seed) => {
    const found = plan("delta_net.fwp", "DeltaNet", { seed });
    for (const name of ["key", "value", "width"]) {
      expect([...of(found, name)], name).toEqual(expect.arrayContaining(SIZES));
    }
    expect([...lengthsOf(found)]).toEqual(expect.arrayContaining(LENGTHS));
    expect(found.missing.map(([name]) => name)).not.toContain("steps");
    // Long sequences of keys or values that are longer than a chunk.
    expect(found.rounds.some((r) => longestRow(r) >= 60 && r.lengths.some((t) => t >= 63))).toBe(
      true,
    );
  });

  it("are made smaller where they are too much work", () => {
    const found = plan("associative.fwp", "FastWeightMemory");
    for (const [i, { sizes, step, lengths }] of found.rounds.entries()) {
      for (const time of lengths) {
        expect(workOf(step, { batch: 1, time, past: 0 }) * time).toBeLessThan(4e7);
      }
      // Repeats are written out: few of them, but for rounds in which all else is small.
      const small = sizes.every(([name, size]) => name === "hops" || size <= 3);
      expect(step.body.nodes.length).toBeLessThan(i < ROUNDS || !small ? 400 : 1300);
    }
    expect([...of(found, "hops")]).toEqual(expect.arrayContaining(SIZES));
    expect([...lengthsOf(found)]).toEqual(expect.arrayContaining(LENGTHS));
    expect(found.missing).toEqual([]);
  });

  it("are left out where even a round of their own is too much, which is said", () => {
    const found = plan("char_lm.fwp", "CharLM");
    expect(found.missing).toEqual([["depth", [16, 60, 64]]]);
    expect([...lengthsOf(found)]).toEqual(expect.arrayContaining(LENGTHS));
  });

  it("are as large as a spec needs them: an address has its bits", () => {
    const found = plan("self_referential.fwp", "Introspective");
    // One more for long sequences, with the smallest nets there are.
    expect(found.rounds).toHaveLength(ROUNDS + 1);
    expect([...lengthsOf(found)]).toEqual(expect.arrayContaining(LENGTHS));
    expect(Math.min(...of(found, "units"))).toBeGreaterThan(16);
    expect(found.missing.find(([name]) => name === "units")![1]).toContain(1);
  });

  it("small ones and short sequences for a quick look", () => {
    const found = plan("gated_delta.fwp", "KDA", { quick: true });
    expect(found.missing).toEqual([]);
    for (const { sizes, lengths } of found.rounds) {
      expect(Math.max(...sizes.map(([, n]) => n))).toBeLessThan(8);
      expect(Math.max(...lengths)).toBe(19);
    }
  });

  it("further rounds go on with other pairs", () => {
    const found = plan("delta_net.fwp", "DeltaNet", { rounds: 2 * ROUNDS });
    const all = found.rounds.map((r) => JSON.stringify([r.sizes, r.lengths]));
    expect(new Set(all).size).toBeGreaterThan(ROUNDS + 2);
  });
});
