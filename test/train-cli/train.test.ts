/** `fwp train`, `eval` and `sample` as a user runs them. */
import { execFileSync } from "node:child_process";
import { cpSync, copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadCheckpoint } from "../../runtime/train/checkpoint.ts";
import { install, type Installed } from "../support/installed.ts";

let fwp: Installed;

beforeAll(() => {
  fwp = install();
  for (const name of ["tiny.fwp", "tiny_task.js"]) {
    copyFileSync(fileURLToPath(new URL(name, import.meta.url)), join(fwp.folder, name));
  }
});
afterAll(() => fwp.dispose());

const json = (...args: string[]): Record<string, unknown> =>
  JSON.parse(fwp.fwp(...args, "--json")) as Record<string, unknown>;

/** What a failing command says and its exit code. */
function failure(...args: string[]): { code: number; text: string } {
  try {
    fwp.fwp(...args);
  } catch (error) {
    const { status, stderr } = error as { status: number; stderr: string };
    return { code: status, text: stderr };
  }
  return expect.fail("expected a failure");
}

test("a run learns, says so, and can be measured again from its folder alone", () => {
  const trained = json("train", "tiny.fwp", "-o", "run", "--set", "steps=400");
  expect(trained).toMatchObject({ experiment: "tiny", status: "finished", step: 400 });
  const { loss, accuracy } = trained["metrics"] as { loss: number; accuracy: number };
  expect(loss).toBeLessThan(Math.log(5) / 2);
  expect(accuracy).toBeGreaterThan(0.6);

  const lines = readFileSync(join(fwp.folder, "run", "metrics.jsonl"), "utf8")
    .trim()
    .split("\n");
  const validations = lines.map((l) => JSON.parse(l) as { split: string; step: number; loss: number }); // prettier-ignore
  expect(validations.filter((l) => l.split === "validation").map((l) => l.step)).toContain(400);
  expect(validations.filter((l) => l.split === "train")).toHaveLength(400);

  // The spec is not needed any more: the checkpoint keeps it.
  cpSync(join(fwp.folder, "tiny.fwp"), join(fwp.folder, "kept"));
  rmSync(join(fwp.folder, "tiny.fwp"));
  const again = json("eval", "run")["metrics"] as { loss: number };
  expect(again.loss).toBe(loss);
  cpSync(join(fwp.folder, "kept"), join(fwp.folder, "tiny.fwp"));
});

test("the oracle trains to the same weights, up to rounding", () => {
  const settings = ["--set", "steps=20", "--set", "eval.every=0"];
  const loss = (device: string) => {
    const result = json("train", "tiny.fwp", "-o", device, "--device", device, ...settings);
    expect(result["target"]).toBe(device);
    return (result["metrics"] as { loss: number }).loss;
  };
  expect(Math.abs(loss("typescript") - loss("oracle"))).toBeLessThan(1e-5);
});

test("a folder with a run is not overwritten by accident", () => {
  fwp.fwp("train", "tiny.fwp", "-o", "mine", "--set", "steps=4", "-q");
  const refused = failure("train", "tiny.fwp", "-o", "mine", "--set", "steps=4");
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.text).toContain("fwp6201");
  const other = failure("train", "tiny.fwp", "-o", "mine", "--resume", "--set", "size=7");
  expect(other.text).toContain("fwp6203");
  expect(json("train", "tiny.fwp", "-o", "mine", "--overwrite", "--set", "steps=6")).toMatchObject({
    step: 6,
  });
  expect(json("train", "tiny.fwp", "-o", "mine", "--resume", "--set", "steps=9")).toMatchObject({
    step: 9,
  });
});

const quickly = (steps: number) => ["--set", `steps=${steps}`, "--set", "eval.every=0", "-q"];
const bits = (run: string) => {
  const { tensors } = loadCheckpoint(join(fwp.folder, run));
  return Object.fromEntries([...tensors].map(([name, { data }]) => [name, [...data]]));
};

test("a run goes on in the form in which it was started", () => {
  const form = ["--form", "sequential"];
  fwp.fwp("train", "tiny.fwp", "-o", "formed", ...form, ...quickly(4));
  fwp.fwp("train", "tiny.fwp", "-o", "formed", "--resume", ...quickly(8));
  fwp.fwp("train", "tiny.fwp", "-o", "at once", ...form, ...quickly(8));
  expect(bits("formed")).toEqual(bits("at once"));
  const other = failure("train", "tiny.fwp", "-o", "formed", "--resume", "--chunk", "8");
  expect(other).toMatchObject({ code: 2 });
  expect(other.text).toContain("started with --form sequential");
  fwp.fwp("train", "tiny.fwp", "-o", "formed", "--resume", ...form, ...quickly(9));
});

const lossOf = (...flags: string[]) => {
  const out = ["--overwrite", "-o", "forms", "--set", "steps=20", "--set", "eval.every=0"];
  const { metrics } = json("train", "memory.fwp", ...out, ...flags);
  return (metrics as { loss: number }).loss;
};

test("chunks train to the same weights, up to rounding", () => {
  const spec = readFileSync(join(fwp.folder, "tiny.fwp"), "utf8");
  writeFileSync(join(fwp.folder, "memory.fwp"), spec.replace(" + linear(prev(r))", ""));
  const whole = lossOf("--form", "sequential");
  for (const chunk of ["1", "3", "16"]) {
    expect(Math.abs(lossOf("--form", "chunk", "--chunk", chunk) - whole)).toBeLessThan(1e-5);
  }
});

test.each([
  [["train", "nothing.fwp"], 1, "fwp6001"],
  [["train", "."], 1, "fwp6002"],
  [["train", "tiny.fwp", "--experiment", "tinny"], 1, "fwp8001"],
  [["train", "tiny.fwp", "--set", "sized=2"], 1, "fwp2307"],
  [["train", "tiny.fwp", "--set", "steps"], 1, "fwp8010"],
  [["train", "tiny.fwp", "--set", "optimizer=adan(rate: 1)"], 1, "fwp6101"],
  [["train", "tiny.fwp", "--device", "webgpu"], 1, "fwp8021"],
  [["train", "tiny.fwp", "--device", "abacus"], 2, "abacus"],
  [["train", "tiny.fwp", "--form", "chunk"], 1, "fwp4601"],
  [["train", "tiny.fwp", "--form", "cunk"], 2, "available: auto, sequential, chunk, scan"],
  [["train", "tiny.fwp", "--chunk", "0"], 2, "--chunk"],
  [["train", "tiny.fwp", "--form", "sequential", "--chunk", "8"], 2, "--chunk"],
  [["train", "tiny.fwp", "--resume", "--overwrite"], 2, "--resume"],
  [["eval", "nowhere"], 1, "fwp6202"],
  [["sample"], 2, "folder"],
  [["sample", "nowhere", "--length", "many"], 2, "whole number"],
])("fwp %j is refused", (args, code, words) => {
  const found = failure(...args);
  expect(found.code).toBe(code);
  expect(found.text).toContain(words);
  expect(found.text).not.toMatch(/\n\s+at /);
  expect(existsSync(join(fwp.folder, "runs"))).toBe(false);
});

test("a checkpoint with damage is refused", () => {
  fwp.fwp("train", "tiny.fwp", "-o", "hurt", "--set", "steps=4", "-q");
  const pointer = join(fwp.folder, "hurt", "checkpoint.json");
  const record = JSON.parse(readFileSync(pointer, "utf8")) as {
    notes: Record<string, string>;
    tensors: string;
  };
  expect(failure("sample", "hurt").text).toContain("fwp8202");
  writeFileSync(pointer, JSON.stringify({ ...record, notes: {} }));
  expect(failure("eval", "hurt").text).toContain("fwp8201");
  writeFileSync(pointer, "{");
  expect(failure("eval", "hurt").text).toContain("fwp6009");
  writeFileSync(pointer, JSON.stringify(record));
  const tensors = join(fwp.folder, "hurt", record.tensors);
  writeFileSync(tensors, readFileSync(tensors).subarray(0, 200));
  expect(failure("eval", "hurt").text).toMatch(/fwp602\d/);
});

test("a model of text writes; the same seed the same text", () => {
  writeFileSync(join(fwp.folder, "abc.txt"), "abc ".repeat(1000));
  writeFileSync(
    join(fwp.folder, "letters.fwp"),
    `model Letters(vocab: int, size = 8) {
  in tokens: token[vocab]
  x = embed(tokens, size)
  h: [size] = tanh(linear(x) + linear(prev(h)))
  out logits: [vocab] = linear(h)
}
experiment letters {
  model Letters(vocab: task.vocab)
  task text(corpus: "./abc.txt", length: 12)
  loss cross_entropy(logits, next(tokens))
  train { optimizer: adam(rate: 2e-2), batch: 8, steps: 250 }
  eval { every: 0, metrics: [bits_per_character] }
}
`,
  );
  const { metrics } = json("train", "letters.fwp", "-o", "letters") as {
    metrics: { bits_per_character: number };
  };
  expect(metrics.bits_per_character).toBeLessThan(0.4);
  const greedy = ["sample", "letters", "--temperature", "0", "--length", "9"];
  expect(fwp.fwp(...greedy, "--prompt", "abc a")).toBe("abc abc abc ab\n");
  const drawn = (seed: string) =>
    fwp.fwp("sample", "letters", "--seed", seed, "--temperature", "3");
  expect(drawn("1")).toBe(drawn("1"));
  expect(drawn("1")).not.toBe(drawn("2"));
  expect(failure("sample", "letters", "--prompt", "xyz").text).toContain("fwp6106");

  // The package of the run writes the same, from its own files alone.
  fwp.fwp("build", "--checkpoint", "letters", "-o", "letters-package");
  const script = `
import { Letters, text } from "./index.js";
const model = Letters.create();
const state = model.start();
let written = "abc a";
let unread = text.encode(written);
while (written.length < 14) {
  let logits = new Float32Array();
  for (const token of unread) logits = model.step({ tokens: [token] }, state).logits;
  unread = [logits.indexOf(Math.max(...logits))];
  written += text.decode(unread);
}
console.log(written);
`;
  const folder = join(fwp.folder, "letters-package");
  writeFileSync(join(folder, "write.mjs"), script);
  const said = execFileSync(process.execPath, ["write.mjs"], { cwd: folder, encoding: "utf8" });
  expect(said).toBe("abc abc abc ab\n");
});
