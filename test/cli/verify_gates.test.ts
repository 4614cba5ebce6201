/** Gates held still: found in the equation, and what a compiler that folds wrongly looks like. */
import { beforeEach, describe, expect, it, vi } from "vitest";
import { instantiate } from "../../compiler/check/instantiate.ts";
import { concretize } from "../../compiler/graph/index.ts";
import type { Named, Names } from "../../compiler/derive/chunk/named.ts";
import { openProject } from "../../cli/project.ts";
import { typescriptCandidates } from "../../cli/verify/candidates.ts";
import { twinsOf } from "../../cli/verify/gates.ts";
import { verifyStep, type Finding } from "../../cli/verify/verify.ts";
import { file, useFolder } from "./support.ts";

/** Which special case the emitter of chunks gets wrong: what is left of a chunk at its end is a hundredth too small. */
const broken = vi.hoisted(() => ({ decay: "" }));

vi.mock("../../compiler/derive/chunk/decay.ts", async (original) => {
  const real = await original<typeof import("../../compiler/derive/chunk/decay.ts")>();
  const weights: typeof real.weights = (names: Names, factors: Named | null, length: number) => {
    const right = real.weights(names, factors, length);
    const kind = factors === null ? "none" : factors.axes.endsWith("n") ? "diagonal" : "scalar";
    if (kind !== broken.decay) return right;
    const small = (x: Named): Named => ({ ...x, id: names.builder.scaleBy(x.id, 0.99) });
    return { ...right, leave: (writes) => small(right.leave(writes)) };
  };
  return { ...real, weights };
});

useFolder();
beforeEach(() => void (broken.decay = ""));

function stepOf(program: string, more = "", state = "") {
  const source = `layer Memory() {
  in x: [4]
  slow net {
    k: [2, 3] = tanh(linear(x))
    v: [2, 5] = linear(x)
    g: [2] = sigmoid(linear(x))
    d: [2, 3] = sigmoid(linear(x))
    ${more}
  }
  fast net { W: [2, 5, 3] = 0 ${state} }
  program { ${program} }
  out y: [2, 5] = W @ k
}
`;
  const found = instantiate(openProject(file("memory.fwp", source)), "Memory", []);
  if (!("step" in found)) throw new Error(found.diagnostics.map((d) => d.message).join("\n"));
  return concretize(found.step, found.values);
}

const twins = (program: string, more?: string, state?: string) =>
  twinsOf(stepOf(program, more, state)).map((t) => t.name);
const SCALAR = "W <- g * W + outer(v, k)";
const DIAGONAL = `W <- einsum(W[h, i, j], d[h, j] -> [h, i, j])
  W <- W + g * outer(v - W @ k, k)`;

describe("gates", () => {
  it("are found wherever the equation has one", () => {
    expect(twins(SCALAR)).toEqual(["W, decay 1"]);
    expect(twins("W <- 0.5 * W + outer(v, k)")).toEqual(["W, decay 1"]);
    expect(twins("W <- exp(-u) * W + outer(v, k)", "u: [2] = softplus(linear(x))")).toEqual(["W, decay 1"]); // prettier-ignore
    // Of states that have one form together.
    const momentum = `M <- sigmoid(g) * M + outer(v - W @ k, k)
      W <- W + M`;
    expect(twins(momentum, "", "M: [2, 5, 3] = 0")).toEqual(["W+M, gate 1"]);
    // A gate that is open at zero.
    expect(twins("W <- W - g * W + g * outer(v, k)")).toEqual(["W, decay 1"]);
    expect(twins("W <- g * W\n W <- W + outer(v - W @ k, k)")).toEqual(["W, decay 1"]);
    expect(twins(DIAGONAL)).toEqual(["W, decay 1", "W, equal decays"]);
  });

  it("are not found where there is none", () => {
    expect(twins("W <- W + g * outer(v - W @ k, k)")).toEqual([]);
    expect(twins("W <- tanh(W + outer(v, k))")).toEqual([]);
  });
});

const findings = (program: string): readonly Finding[] =>
  verifyStep(stepOf(program), typescriptCandidates, { lengths: [7, 19], seed: 1, gates: true })
    .findings;
const failing = (all: readonly Finding[]) => [
  ...new Set(all.filter((f) => f.outcome !== "ok").map((f) => f.form)),
];

describe("derived forms with their gates held still", () => {
  it("are the rule without decay, and that with a decay per head", () => {
    const all = findings(DIAGONAL);
    expect(failing(all)).toEqual([]);
    const forms = new Set(all.map((f) => f.form));
    for (const name of ["decay 1: folded", "decay 1: given", "equal decays: folded", "equal decays: given"]) {
      expect(forms).toContain(`chunk 16, W, ${name}`);
    } // prettier-ignore
    for (const { compared } of all) expect(compared).toBeGreaterThan(5);
  });

  it("a wrong form for rules without decay shows, though the rule itself is computed rightly", () => {
    broken.decay = "none";
    for (const rule of [SCALAR, DIAGONAL]) {
      expect(failing(findings(rule))).toEqual(["chunk 16, W, decay 1: folded"]);
    }
  });

  it("so does a wrong form for one decay per head", () => {
    broken.decay = "scalar";
    expect(failing(findings(DIAGONAL))).toEqual(["chunk 16, W, equal decays: folded"]);
  });

  it("and a wrong general form fails everywhere but where it is folded away", () => {
    broken.decay = "diagonal";
    const forms = failing(findings(DIAGONAL));
    expect(forms).toContain("chunk 3");
    expect(forms).toContain("chunk 16, W, equal decays: given");
    expect(forms).not.toContain("chunk 16, W, equal decays: folded");
  });
});
