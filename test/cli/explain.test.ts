/** `fwp explain`: equations, derived forms, pictures, experiments. */
import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ExplainedExperiment } from "../../cli/explain/experiment.ts";
import type { Explanation } from "../../cli/explain/facts.ts";
import { specsFolder } from "../../cli/install.ts";
import { expectRefused, file, fwp, inFolder, listing, useFolder } from "./support.ts";

useFolder();

const spec = (name: string): string => join(specsFolder(), name);

async function explained<T = Explanation>(...args: string[]): Promise<T> {
  const ended = await fwp(["explain", ...args, "--json"]);
  expect(ended.err).toBe("");
  return (JSON.parse(ended.out) as { explained: T[] }).explained[0]!;
}

describe("equations", () => {
  it("gives the update, A, B and C in the spec's names", async () => {
    const { recurrences } = await explained(spec("gated_delta.fwp"), "--of", "KDA");
    expect(recurrences).toHaveLength(1);
    const [{ update, transitions, names }] = recurrences as [Explanation["recurrences"][0]];
    expect(update.map((u) => u.line)).toEqual([
      "W <- W * decay",
      "W <- W + rate * outer(v - W @ k, k)",
    ]);
    expect(transitions).toEqual([
      {
        state: "W",
        equation: "W_t = W_{t−1} B + C",
        rows: [1],
        columns: [2],
        A: "I",
        B: "diag(decay) (I − rate k kᵀ)",
        G: null,
        C: "rate v kᵀ",
      },
    ]);
    const decay = names.find((n) => n.symbol === "decay")!;
    expect(decay.source).toBe("exp(-exp(A_log) * a)");
    expect(decay.at!.line).toBeGreaterThan(1);
  });

  it("writes on the left what acts on the values", async () => {
    const { recurrences } = await explained(spec("gated_delta.fwp"), "--of", "GatedOja");
    const [t] = recurrences[0]!.transitions;
    expect([t!.A, t!.B]).toEqual(["(I − rate v vᵀ) diag(decay)", "I"]);
  });

  it("calls by their own names the states of layers and instructions of other names", async () => {
    const text = `import std.instructions
layer L(n = 3) {
  in k: [2, n]
  in v: [2, n]
  in g: [2]
  fast net { memory: [2, n, n] = 0 }
  program { memory <- gated_delta(memory, key: k, value: v, decay: g) }
  out y = memory @ k
}
`;
    const { recurrences } = await explained(file("m.fwp", text));
    expect(recurrences[0]!.update.map((u) => u.line)).toEqual([
      "memory <- g * memory",
      "memory <- memory + outer(v - memory @ k, k)",
    ]);
  });

  it("puts statements together where one sees what was there before the one above it", async () => {
    const text = `layer L(n = 3) {
  in k: [n]
  in v: [n]
  fast net { W: [n, n] = 0 }
  s = W @ k
  program { W <- 0.5 * W\n W <- W + outer(v - s, k) }
  out y = W @ k
}
`;
    const { recurrences } = await explained(file("m.fwp", text));
    const [{ update, transitions, names }] = recurrences as [Explanation["recurrences"][0]];
    expect(update.map((u) => u.line)).toEqual(["W <- 0.5 * W + outer(v - s, k)"]);
    expect(names.find((n) => n.symbol === "s")!.is).toBe("W @ k");
    expect(transitions[0]!.B).toBe("0.5 I − k kᵀ");
  });

  it("tells the new value of a state from the old one where a statement sees both", async () => {
    const { recurrences } = await explained(spec("decay.fwp"), "--of", "MLSTM");
    const W = recurrences.find((r) => r.states.join() === "W")!;
    expect(W.names.find((n) => n.symbol === "rate")!.is).toBe("exp(i - top)");
    expect(W.transitions[0]).toMatchObject({ B: "decay I", C: "rate v kᵀ" });
  });

  it("prints the derived forms when asked", async () => {
    const short = await fwp(["explain", spec("delta_net.fwp")]);
    expect(short.out).not.toContain("(I − Λ P)");
    const long = await fwp(["explain", spec("delta_net.fwp"), "--derive"]);
    expect(long.out).toContain("(I − Λ P) U = c + Λ Z⁰");
    expect(long.out).toContain("for all chunks at once, without the state");
  });
});

/** What is given comes out a step later, and is asked for at the end. */
const lateSpec = (where: string): string => `model Late {
  in x: [3]
  in last: []
  out z: [3] = linear(prev(x))
}
experiment late {
  model Late
  task "./late.mjs"
  loss squared_error(z, y)${where}
  train { steps: 2, batch: 2 }
}
`;
const LATE_TASK = `export default () => ({
  fields: [
    { name: "x", shape: [3], type: "float" },
    { name: "y", shape: [3], type: "float" },
    { name: "last", shape: [], type: "float", nonzero: "last" },
  ],
  batch: (split, index, size) => ({
    batch: size,
    time: 4,
    fields: {
      x: new Float32Array(size * 12).fill(1),
      y: new Float32Array(size * 12),
      last: Float32Array.from({ length: size * 4 }, (_, i) => Number(i % 4 === 3)),
    },
  }),
});
`;

describe("experiments", () => {
  it("explains the model with the settings of the experiment", async () => {
    const args = [spec("char_lm.fwp"), "--of", "char_lm", "--set", "model.depth=1"];
    const e = await explained<ExplainedExperiment>(...args);
    expect(e).toMatchObject({
      kind: "experiment",
      loss: "cross_entropy(logits, next(tokens))",
      task: { name: "text" },
      train: { steps: 2600 },
    });
    expect(e.model.recurrences.map((r) => r.states)).toEqual([["layers.0.mixer.W"]]);
    expect(e.model.outputs.map((o) => o.name)).toEqual(["logits"]);
  });

  it("says which loops a loss that counts at the last step needs", async () => {
    const of = [spec("retrieval.fwp"), "--of"];
    const forms = async (name: string) => {
      const { model } = await explained<ExplainedExperiment>(...of, name);
      return model.recurrences.map((r) => [r.states.join(", "), r.forms.training?.form ?? null]);
    };
    expect(await forms("capacity")).toEqual([["AdditiveMemory.W", null], ["AdditiveMemory.z", null]]); // prettier-ignore
    expect(await forms("updates")).toEqual([["W", "chunk"]]);
    const { out } = await fwp(["explain", ...of, "capacity"]);
    expect(out).toContain("answer [] (0 but at the last step)");
    expect(out).toContain("training: no loop, because the loss counts at the last step only");
  });

  it("knows inputs that are read by way of a state alone", async () => {
    file("late.mjs", LATE_TASK);
    for (const loss of ["", " where last"]) {
      const path = file("late.fwp", lateSpec(loss));
      const { model } = await explained<ExplainedExperiment>(path, "--of", "late");
      expect(model.inputs.map((i) => i.name)).toContain("x");
      const ended = await fwp(["train", path, "-o", inFolder(`run${loss}`), "--device", "typescript", "--quiet"]); // prettier-ignore
      expect(ended).toMatchObject({ code: 0 });
    }
  });

  it("says so in text, and takes a file of experiments alone", async () => {
    const text = `import "${spec("flip_flop.fwp")}"
experiment short {
  model FlipFlop(events: task.events)
  task flip_flop(length: 4)
  loss 0.5 * squared_error(y, target)
  train { optimizer: sgd(rate: 1), batch: 1, steps: 3 }
}
`;
    const { out, err } = await fwp(["explain", file("e.fwp", text)]);
    expect(err).toBe("");
    expect(out).toContain("3 steps of 1 sequence; sgd(");
    expect(out).toContain("model FlipFlop");
  });
});

describe("--svg", () => {
  it("draws boxes, and arrows within a step and across time", async () => {
    const path = inFolder("rdn.svg");
    const args = ["explain", spec("recurrent.fwp"), "--of", "RDN", "--svg", path];
    expect((await fwp(args)).code).toBe(0);
    const svg = fs.readFileSync(path, "utf8");
    expect(svg).toContain("<title>layer RDN</title>");
    expect(svg).toContain("<title>y → r, from the step before</title>");
    expect(svg).toContain("<title>W → y</title>");
    expect(svg).toContain("prefers-color-scheme: dark");
    expect(listing()).toEqual(["rdn.svg"]);
  });

  it("puts no box on another, and every box inside the picture", async () => {
    for (const [name, of] of [
      ["recurrent.fwp", "DeltaRNN"],
      ["self_referential.fwp", "SelfReferential"],
      ["associative.fwp", "FastWeightMemory"],
      ["char_lm.fwp", "CharLM"],
    ] as const) {
      const path = inFolder(`${of}.svg`);
      await fwp(["explain", spec(name), "--of", of, "--svg", path]);
      const svg = fs.readFileSync(path, "utf8");
      const [, width, height] = /<svg [^>]*width="([\d.]+)" height="([\d.]+)"/u.exec(svg)!;
      const boxes = [...svg.matchAll(/<title>[^<]*<\/title>\n<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/gu)].map((m) => m.slice(1).map(Number)); // prettier-ignore
      expect(boxes.length).toBeGreaterThan(5);
      for (const [i, [x, y, w, h]] of (boxes as [number, number, number, number][]).entries()) {
        expect(x >= 0 && y >= 0 && x + w <= Number(width) && y + h <= Number(height)).toBe(true);
        for (const [u, v, a, b] of boxes.slice(i + 1) as [number, number, number, number][]) {
          expect(x + w <= u || u + a <= x || y + h <= v || v + b <= y).toBe(true);
        }
      }
    }
  });

  it("needs one layer, and a folder that is there", async () => {
    const several = await fwp(["explain", spec("recurrent.fwp"), "--svg", inFolder("a.svg")]);
    expect(several.code).toBe(2);
    expect(several.err).toContain("--svg needs --of NAME");
    const args = ["explain", spec("delta_net.fwp"), "--svg", inFolder("no/a.svg")];
    expectRefused(await fwp(args), "fwp6010");
    expect(listing()).toEqual([]);
  });
});
