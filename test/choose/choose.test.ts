/** The choice of forms: what is asked for, what is chosen, and that whatever is chosen computes the same. */
import { describe, expect, test } from "vitest";
import {
  Chooser,
  type ChooseOptions,
  type Choice,
  type Wish,
} from "../../compiler/choose/index.ts";
import { nativeSpeed, typescriptSpeed, type Speed } from "../../compiler/cost/index.ts";
import { stage } from "../../compiler/derive/index.ts";
import { runProgram } from "../../compiler/graph/index.ts";
import type { SequenceProgram, StepProgram } from "../../compiler/graph/index.ts";
import { compileStep, entryProgram, type PipelineOptions } from "../../compiler/pipeline.ts";
import { loadStep } from "../../cli/devices.ts";
import { machineOf } from "../../cli/targets.ts";
import { DiagnosticError } from "../../diagnostics/diagnostic.ts";
import { relativeRms } from "../support/compare.ts";
import { ruleStep } from "../support/rules.ts";
import { drawInputs } from "../support/steps.ts";

const DELTA = "program { W <- delta(W, key: k, value: v, rate: sigmoid(b)) } out y = W @ q";
const MATRIX = "fast net { W: [heads, value, key] = 0 }";
const GATE = `fast net { h: [heads, key] = 0 }
  program { h <- sigmoid(d) * h + k } out y = tanh(h) * q`;
const SQUASHED = `fast net { h: [heads, key] = 0 } program { h <- tanh(h + k) } out y = h * q`;

const delta = ruleStep(MATRIX + DELTA);
const auto: Wish = { form: "auto", length: null };
const usual: ChooseOptions = {
  use: "training",
  sizes: { batch: 2, time: 256 },
  wish: auto,
  speed: typescriptSpeed,
};
const choose = (step: StepProgram, options: Partial<ChooseOptions> = {}): Choice[] =>
  new Chooser().choose(stage(step), { ...usual, ...options });

const free = Object.fromEntries(
  Object.keys(typescriptSpeed.nanoseconds).map((part) => [part, 0]),
) as unknown as Speed["nanoseconds"];
/** Machines on which one thing alone takes time. */
const slowSteps: Speed = {
  target: "steps",
  nanoseconds: { ...free, iterations: 1 },
  lanes: 1e9,
  doubt: 1,
};
const slowSums: Speed = {
  target: "sums",
  nanoseconds: { ...free, solves: 1, products: 1 },
  lanes: 1,
  doubt: 1,
};

/** Lengths of the time axes of a program's loops. */
const loops = (program: SequenceProgram): string[] =>
  program.graph.nodes.flatMap((n) => (n.op === "recurrence" ? [n.recurrence.time.key] : []));

function problems(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof DiagnosticError)
      return error.diagnostics.map((d) => `${d.code} ${d.message}`);
    throw error;
  }
  return [];
}

describe("by cost", () => {
  test("the machine decides: long chunks where steps are slow, none where chunks are", () => {
    expect(choose(delta, { speed: slowSteps })[0]).toMatchObject({
      form: "chunk",
      length: 128,
      by: "cost",
    });
    expect(choose(delta, { speed: slowSums })[0]).toMatchObject({
      form: "sequential",
      length: null,
    });
    expect(choose(ruleStep(GATE), { speed: slowSteps })[0]).toMatchObject({
      form: "scan",
      alternative: "scan",
    });
  });

  test("what is chosen is what is estimated to be fastest, of the lengths that are not tried too", () => {
    for (const speed of [typescriptSpeed, nativeSpeed, slowSteps, slowSums]) {
      for (const use of ["training", "prefill"] as const) {
        const options = { speed, use, sizes: { batch: 2, time: 256 } };
        const [choice] = choose(delta, options);
        const { candidates, form, length } = choice!;
        const chosen = candidates.find((c) => c.form === form && c.length === length)!;
        const tried = candidates.flatMap((c) => (c.form === "chunk" ? [c.length] : []));
        const all = [8, 16, 32, 64, 128];
        expect(tried.length).toBeGreaterThan(1);
        expect(tried).toEqual(all.slice(0, tried.length));
        const asked = all.map((length) => choose(delta, { ...options, wish: { form: "chunk", length } })[0]!.candidates[0]!); // prettier-ignore
        for (const c of [...candidates, ...asked])
          expect((0.9 * chosen.milliseconds) / speed.doubt).toBeLessThanOrEqual(c.milliseconds);
      }
    }
  });

  test("a state that is not affine is never refused, and says why", () => {
    const [choice] = choose(ruleStep(SQUASHED), { speed: slowSteps });
    expect(choice).toMatchObject({ form: "sequential", alternative: null });
    expect(choice!.obstacle).toContain("not affine");
  });

  test("streaming is a step", () => {
    const streaming = { use: "streaming", sizes: { batch: 1, time: 1 }, speed: slowSteps } as const;
    expect(choose(delta, streaming)[0]).toMatchObject({ form: "step", length: null, by: "use" });
    const options = { entries: ["step"], form: "auto" } as const;
    expect(loops(entryProgram(delta, "step", options))).toEqual(["1*$time"]);
  });

  test("the same again, whoever asks", () => {
    expect(choose(delta)).toEqual(choose(ruleStep(MATRIX + DELTA)));
  });
});

const scheduled = (form: string, more = DELTA): StepProgram =>
  ruleStep(`${MATRIX} schedule { W: ${form} } ${more}`);

const ask = (rule: string, form: "chunk" | "scan") =>
  problems(() => choose(ruleStep(rule), { wish: { form, length: null } }));

describe("by flag and schedule", () => {
  test("a flag is kept, with a length or with the fastest", () => {
    const eight = choose(delta, { wish: { form: "chunk", length: 8 }, speed: slowSteps });
    expect(eight[0]).toMatchObject({ form: "chunk", length: 8, by: "flag" });
    const open = choose(delta, { wish: { form: "chunk", length: null }, speed: slowSums });
    expect(open[0]!.form).toBe("chunk");
    const fastest = Math.min(...open[0]!.candidates.map((c) => c.milliseconds));
    expect(open[0]!.candidates.find((c) => c.length === open[0]!.length)!.milliseconds).toBe(
      fastest,
    );
    const length = choose(delta, { wish: { form: "auto", length: 24 }, speed: slowSteps });
    expect(length[0]).toMatchObject({ form: "chunk", length: 24 });
  });

  test("a schedule is kept, and a flag goes before it", () => {
    const step = scheduled("chunk(24)");
    expect(choose(step, { speed: slowSums })[0]).toMatchObject({
      form: "chunk",
      length: 24,
      by: "schedule",
    });
    const other = choose(step, { wish: { form: "sequential", length: null }, speed: slowSteps });
    expect(other[0]).toMatchObject({ form: "sequential", length: null, by: "flag" });
    expect(choose(step, { wish: { form: "auto", length: 6 } })[0]).toMatchObject({
      form: "chunk",
      length: 6,
    });
    expect(choose(scheduled("sequential"), { speed: slowSteps })[0]!.form).toBe("sequential");
  });

  test("what does not exist is refused with the reason", () => {
    expect(ask(SQUASHED, "chunk")).toEqual([
      expect.stringMatching(/^fwp4601 h has no form `chunk`: .*not affine/),
    ]);
    expect(ask(GATE, "chunk")).toEqual([expect.stringMatching(/^fwp4601 .*which is a scan$/)]);
    expect(ask(MATRIX + DELTA, "scan")).toEqual([
      expect.stringMatching(/^fwp4601 W .*sum over the state/),
    ]);
  });
});

describe("whatever is chosen computes the same", () => {
  const options: readonly Omit<PipelineOptions, "entries">[] = [
    { form: "auto" },
    { form: "auto", chunk: 5 },
    { form: "sequential" },
    { form: "derived", chunk: 7 },
  ];
  test.each(Object.entries({ delta: MATRIX + DELTA, gate: GATE, squashed: SQUASHED }))(
    "%s",
    (_, rule) => {
      const step = ruleStep(rule);
      const plain = entryProgram(step, "gradient", { entries: [], form: "plain" });
      for (const own of options) {
        const program = entryProgram(step, "gradient", { entries: [], ...own });
        for (const time of [1, 2, 7, 63, 65]) {
          const sizes = { batch: 2, time, past: 0 };
          const inputs = drawInputs(plain, sizes);
          const [wanted, got] = [
            runProgram(plain, inputs, sizes),
            runProgram(program, inputs, sizes),
          ];
          for (const [name, value] of wanted) {
            const error = relativeRms(got.get(name)!.data, value.data);
            expect(error, `${JSON.stringify(own)} ${name} ${time}`).toBeLessThan(1e-10);
          }
        }
      }
    },
  );
});

const pair = (schedule: string): StepProgram =>
  ruleStep(`fast net { W: [heads, value, key] = 0\n z: [heads, key] = 0 } ${schedule}
    program { W <- W + outer(v, k)\n z <- z + k } out y = W @ q / (1 + dot(z, q) ^ 2)`);

describe("states that can share a loop over chunks", () => {
  test.each([
    ["of one length share it", "schedule { W: chunk(4), z: chunk(4) }", 1],
    ["of two lengths do not", "schedule { W: chunk(4), z: chunk(3) }", 2],
    ["one of them step after step does not", "schedule { W: chunk(4), z: sequential }", 2],
  ])("%s", (_, schedule, count) => {
    const step = pair(schedule);
    const plain = entryProgram(step, "gradient", { entries: [], form: "plain" });
    const program = entryProgram(step, "gradient", { entries: [] });
    expect(loops(entryProgram(step, "forward", { entries: [] }))).toHaveLength(count);
    const sizes = { batch: 2, time: 11, past: 0 };
    const inputs = drawInputs(plain, sizes);
    const [wanted, got] = [runProgram(plain, inputs, sizes), runProgram(program, inputs, sizes)];
    for (const [name, value] of wanted) {
      expect(relativeRms(got.get(name)!.data, value.data), name).toBeLessThan(1e-10);
    }
  });
});

test("the manifest records the forms of every entry", () => {
  const { manifest, choices } = compileStep(delta, () => undefined, {
    entries: ["forward", "gradient", "step"],
    form: "chunk",
    chunk: 12,
  });
  expect(manifest.forms).toEqual([
    { entry: "forward", states: ["W"], form: "chunk", length: 12 },
    { entry: "gradient", states: ["W"], form: "chunk", length: 12 },
    { entry: "step", states: ["W"], form: "step", length: null },
  ]);
  expect(choices.get("forward")![0]!.reason).toContain("command line");
});

test("forms are chosen for what runs the program", () => {
  const step = ruleStep(MATRIX + DELTA, { heads: 4, key: 64, value: 64 });
  const lengths = (["typescript", "wasm"] as const).map((device) => {
    const choice = { device, auto: false, why: null };
    const { manifest } = loadStep(step, () => undefined, choice, { entries: ["gradient"] });
    const machine = machineOf(device);
    const expected = compileStep(step, () => undefined, { entries: ["gradient"], machine });
    expect(manifest.forms).toEqual(expected.manifest.forms);
    return manifest.forms![0]!.length;
  });
  expect(lengths[0]).not.toBe(lengths[1]);
});
