import { expect, test } from "vitest";
import {
  defaultEvalSettings,
  defaultTrainSettings,
  type Settings,
} from "../../runtime/format/training.ts";
import { evalSettings, trainSettings } from "../../runtime/settings.ts";
import { codesFrom, diagnosticsFrom } from "./helpers.ts";

test("nothing said: the defaults", () => {
  expect(trainSettings({})).toEqual(defaultTrainSettings);
  expect(evalSettings({})).toEqual(defaultEvalSettings);
});

test("an experiment's settings", () => {
  const settings = trainSettings({
    optimizer: { call: "sgd", options: { rate: 0.5, momentum: 0.9 } },
    schedule: { call: "cosine", options: { warmup: 10 } },
    batch: 8,
    clip: 1,
    carry: true,
  });
  expect(settings).toEqual({
    optimizer: { kind: "sgd", rate: 0.5, momentum: 0.9, nesterov: false, decay: 0 },
    schedule: { kind: "cosine", warmup: 10, floor: 0 },
    batch: 8,
    steps: 1000,
    clip: 1,
    seed: 1,
    carry: true,
    checkpoint: null,
  });
  expect(trainSettings({ optimizer: "adam" }).optimizer.kind).toBe("adam");
  const stop = { call: "early", options: { below: 0.001, patience: 11 } };
  expect(evalSettings({ every: 50, metrics: ["loss", "accuracy"], stop })).toEqual({
    every: 50,
    batches: null,
    metrics: ["loss", "accuracy"],
    stop: { metric: "loss", below: 0.001, above: null, patience: 11 },
  });
});

test.each<[Settings, string[]]>([
  [{ batch: 0, steps: 1.5 }, ["fwp6103", "fwp6102"]],
  [{ optimiser: "adam" }, ["fwp6101"]],
  [{ clip: 0 }, ["fwp6103"]],
  [{ optimizer: "adan", batch: -1 }, ["fwp6103", "fwp6101"]],
  [{ optimizer: 3 }, ["fwp6102"]],
  [{ batch: { call: "f", options: {} } }, ["fwp6102"]],
  [{ schedule: { call: "cosine", options: { floor: 2 } } }, ["fwp6103"]],
])("train %j is refused", async (given, codes) => {
  expect(await codesFrom(() => trainSettings(given))).toEqual(codes);
});

test.each<[Settings, string[]]>([
  [{ metrics: "loss" }, ["fwp6102"]],
  [{ evry: 3, stop: { call: "late", options: {} } }, ["fwp6101", "fwp6103"]],
  [{ stop: { call: "early", options: {} } }, ["fwp6104"]],
  [{ stop: { call: "early", options: { metrc: "loss" } } }, ["fwp6101"]],
])("eval %j is refused", async (given, codes) => {
  expect(await codesFrom(() => evalSettings(given))).toEqual(codes);
});

const place = (name: string) => ({ file: `spec:${name}`, range: null });

test("problems are placed where the setting was written", async () => {
  const found = await diagnosticsFrom(() => trainSettings({ optimiser: "adam", batch: 0 }, place));
  expect(found.map((d) => d.place.file)).toEqual(["spec:optimiser", "spec:batch"]);
  expect(found[0]!.hint).toBe("did you mean `optimizer`?");
});
