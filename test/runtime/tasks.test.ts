import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Options } from "../../runtime/format/training.ts";
import { makeTask } from "../../runtime/tasks/registry.ts";
import type { Batch } from "../../runtime/tasks/task.ts";
import { codesFrom, diagnosticsFrom, temporaryFolder } from "./helpers.ts";

const folder = temporaryFolder();
const make = (name: string, options: Options = {}, seed = 1) =>
  makeTask({ kind: "named", name, options }, { directory: folder, seed });

const list = (batch: Batch, name: string) => [...batch.fields.get(name)!];
const rowOf = (batch: Batch, name: string, row: number) => {
  const all = batch.fields.get(name)!;
  const width = all.length / batch.batch;
  return [...all.subarray(row * width, (row + 1) * width)];
};
/** Index of the one in every one-hot vector of `width`. */
const hot = (x: number[], width: number) =>
  Array.from({ length: x.length / width }, (_, i) =>
    x.slice(i * width, (i + 1) * width).indexOf(1),
  );

/** The value of the query's last pair. */
function answer(batch: Batch, row: number, pairs: number): number {
  const keys = rowOf(batch, "key", row);
  const values = hot(rowOf(batch, "value", row), pairs);
  return values[keys.lastIndexOf(rowOf(batch, "query", row)[0]!)]!;
}
const strip = (source: string) => source.replace(": any", "");

describe("text", () => {
  writeFileSync(join(folder, "small.txt"), "abcdefghij".repeat(10) + "φ𝄞");

  test("the next character is the target; windows stay inside their part", async () => {
    const task = await make("text", { corpus: "small.txt", length: 7, validation: 0.2 });
    expect(task.provides).toEqual({ vocab: 12, length: 7, characters: 102 });
    expect(task.text!.alphabet.slice(-2)).toEqual(["φ", "𝄞"]);
    const batch = task.batch("train", 3, 5);
    expect([batch.batch, batch.time]).toEqual([5, 7]);
    for (let row = 0; row < 5; row++) {
      const now = rowOf(batch, "tokens", row);
      const next = rowOf(batch, "next.tokens", row);
      expect(next.slice(0, -1)).toEqual(now.slice(1));
      expect(next.at(-1)).toBe((now.at(-1)! + 1) % 10);
    }
  });

  test("validation windows follow each other, the same every time, and none is left out", async () => {
    const task = await make("text", { corpus: "small.txt", length: 3, validation: 0.2 });
    expect(task.validationBatches(4)).toBe(2);
    const [first, second] = [task.batch("validation", 0, 4), task.batch("validation", 1, 4)];
    expect([first.batch, second.batch]).toEqual([4, 2]);
    const seen = task.text!.decode([...list(first, "tokens"), ...list(second, "tokens")]);
    expect(seen).toBe("cdefghijabcdefghij");
  });

  test("encodes what it was trained on and nothing else", async () => {
    const task = await make("text", { corpus: "small.txt", length: 3 });
    expect(task.text!.decode(task.text!.encode("a𝄞"))).toBe("a𝄞");
    expect(await codesFrom(() => task.text!.encode("ax"))).toEqual(["fwp6106"]);
  });

  test("Moby-Dick", async () => {
    const task = await make("text");
    expect(task.provides["vocab"]).toBe(89);
    expect(task.provides["characters"]).toBeGreaterThan(1_200_000);
  });

  test("files that do not do", async () => {
    writeFileSync(join(folder, "short.txt"), "ab");
    expect(await codesFrom(() => make("text", { corpus: "none.txt" }))).toEqual(["fwp6001"]);
    expect(await codesFrom(() => make("text", { corpus: "short.txt" }))).toEqual(["fwp6105"]);
    expect(await codesFrom(() => make("text", { corpus: "moby-dik" }))).toEqual(["fwp6103"]);
  });
});

describe("retrieval", () => {
  test.each([1, 2])(
    "setting %d: the target is the value last stored for the query",
    async (setting) => {
      const task = await make("retrieval", { pairs: 6, setting });
      const batch = task.batch("train", 2, 8);
      expect(batch.time).toBe(setting === 1 ? 6 : 12);
      for (let row = 0; row < 8; row++) {
        const targets = new Set(hot(rowOf(batch, "target", row), 6));
        expect(targets).toEqual(new Set([answer(batch, row, 6)]));
        expect(new Set(rowOf(batch, "query", row)).size).toBe(1);
        expect(rowOf(batch, "answer", row).indexOf(1)).toBe(batch.time - 1);
        const keys = rowOf(batch, "key", row);
        if (setting === 1) expect(new Set(keys).size).toBe(6);
        else expect(new Set(keys).size).toBeLessThan(12);
      }
    },
  );

  test("evaluation asks every distinct key of a sequence of S pairs once", async () => {
    const task = await make("retrieval", { pairs: 10, setting: 2 });
    expect(task.validationBatches(32)).toBe(20);
    const batch = task.batch("validation", 0, 32);
    expect([batch.batch, batch.time]).toEqual([10, 10]);
    const keys = new Set(rowOf(batch, "key", 0));
    const asked: number[] = [];
    for (let row = 0; row < 10; row++) {
      if (rowOf(batch, "answer", row).at(-1) === 0) continue;
      asked.push(rowOf(batch, "query", row)[0]!);
      expect(hot(rowOf(batch, "target", row), 10)[0]).toBe(answer(batch, row, 10));
    }
    expect(asked.sort()).toEqual([...keys].sort());
  });

  test("queries are uniform over positions", async () => {
    const task = await make("retrieval", { pairs: 4 });
    const counts = [0, 0, 0, 0];
    const batch = task.batch("train", 0, 4000);
    for (let row = 0; row < 4000; row++) {
      const at = rowOf(batch, "key", row).indexOf(rowOf(batch, "query", row)[0]!);
      counts[at] = counts[at]! + 1;
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });

  test("a sequence without replacement cannot be longer than there are keys", async () => {
    expect(await codesFrom(() => make("retrieval", { pairs: 4, length: 5 }))).toEqual(["fwp6104"]);
  });
});

describe("flip_flop", () => {
  test("the target is 1 at the first B after an A, over the borders of windows", async () => {
    const task = await make("flip_flop", { length: 5 });
    const windows = Array.from({ length: 40 }, (_, i) => task.batch("train", i, 2));
    for (let stream = 0; stream < 2; stream++) {
      const events = windows.flatMap((w) => hot(rowOf(w, "event", stream), 3));
      const targets = windows.flatMap((w) => rowOf(w, "target", stream));
      let ready = false;
      for (const [t, event] of events.entries()) {
        expect(targets[t]).toBe(event === 1 && ready ? 1 : 0);
        if (event === 0) ready = true;
        if (event === 1) ready = false;
      }
      expect(new Set(events)).toEqual(new Set([0, 1, 2]));
      expect(targets).toContain(1);
    }
  });

  test("solved at the hundredth step in a row within the bound, also after a checkpoint", async () => {
    const task = await make("flip_flop", { length: 10 });
    let tracker = task.tracker!();
    for (let i = 0; i < 20; i++) {
      const batch = task.batch("train", i, 1);
      const output = batch.fields.get("target")!.map((x) => x + 0.04);
      if (i === 2) output[4]! += 1; // a mistake at step 25
      tracker.observe(batch, output, i);
      const copy = task.tracker!();
      copy.load(JSON.parse(JSON.stringify(tracker.save())) as Record<string, number>);
      tracker = copy;
    }
    expect(tracker.metrics()).toEqual({ solved: 1, solved_at: 125, longest_run: 175 });
  });
});

test.each(["text", "retrieval", "flip_flop"])(
  "%s: a batch depends on its number alone, and on the seed",
  async (name) => {
    const [one, two, other] = [await make(name), await make(name), await make(name, {}, 2)];
    one.batch("train", 0, 4);
    expect(two.batch("train", 5, 4)).toEqual(one.batch("train", 5, 4));
    expect(two.batch("train", 6, 4)).not.toEqual(one.batch("train", 5, 4));
    expect(other.batch("train", 5, 4)).not.toEqual(one.batch("train", 5, 4));
    for (const field of one.fields) {
      const width = field.shape.reduce((a, b) => a * b, 1);
      const { batch, time, fields } = one.batch("validation", 0, 4);
      expect(fields.get(field.name)!.length).toBe(batch * time * width);
    }
  },
);

describe("bad options", () => {
  test("all of them are reported, with what is close", async () => {
    const options = { pars: 20, setting: 3, length: "ten", eval_sequences: 1.5 };
    const found = await diagnosticsFrom(() => make("retrieval", options));
    expect(found.map((d) => d.code)).toEqual(["fwp6101", "fwp6103", "fwp6102", "fwp6102"]);
    expect(found[0]!.hint).toBe("did you mean `pairs`?");
  });

  test("an unknown task, and names that every object has", async () => {
    const [found] = await diagnosticsFrom(() => make("retreival"));
    expect([found!.code, found!.hint]).toEqual(["fwp6100", "did you mean `retrieval`?"]);
    expect(await codesFrom(() => make("constructor"))).toEqual(["fwp6100"]);
    expect(await codesFrom(() => make("text", { toString: 1 }))).toEqual(["fwp6101"]);
  });
});

describe("a task of one's own", () => {
  const own = `
    import { width } from "./width.mjs";
    export default (options) => ({
      fields: [{ name: "x", shape: [width], type: "float" }],
      provides: { width },
      batch: (split, index, size) => ({
        batch: size, time: 1,
        fields: new Map([["x", new Float32Array(size * width).fill(index + options.shift)]]),
      }),
    });`;
  writeFileSync(join(folder, "width.mjs"), "export const width = 2;");
  const load = (path: string, transpile?: (source: string) => string) =>
    makeTask(
      { kind: "module", path, options: { shift: 10 } },
      { directory: folder, seed: 1, ...(transpile === undefined ? {} : { transpile }) },
    );

  test("JavaScript, and TypeScript through a transpiler", async () => {
    writeFileSync(join(folder, "own.mjs"), own);
    writeFileSync(join(folder, "own.ts"), own.replace("(options)", "(options: any)"));
    for (const task of [await load("own.mjs"), await load("own.ts", strip)]) {
      expect(task.provides).toEqual({ width: 2 });
      expect(list(task.batch("train", 1, 1), "x")).toEqual([11, 11]);
      expect([task.stream, task.validationBatches(1)]).toEqual([false, null]);
    }
  });

  test.each([
    ["no-default.mjs", "export const x = 1;"],
    ["throws.mjs", "throw new Error('on purpose');"],
    ["syntax.mjs", "export default ("],
    ["no-fields.mjs", "export default () => ({});"],
    [
      "no-vocab.mjs",
      "export default () => ({ fields: [{ name: 'x', shape: [], type: 'token' }] });",
    ],
    [
      "tokens-at-the-end.mjs",
      "export default () => ({ fields: [{ name: 'x', shape: [], type: 'token', vocab: 2, nonzero: 'last' }] });",
    ],
    [
      "nonzero-first.mjs",
      "export default () => ({ fields: [{ name: 'x', shape: [], type: 'float', nonzero: 'first' }] });",
    ],
    ["untyped.ts", "export default 1"],
  ])("%s is refused", async (name, source) => {
    writeFileSync(join(folder, name), source);
    expect(await codesFrom(() => load(name))).toEqual(["fwp6107"]);
  });

  test.each([
    ["nothing", "undefined"],
    ["no time", "({ batch: 1, fields: {} })"],
    ["a list for an array", "({ batch: 1, time: 1, fields: { x: [1] } })"],
    ["an exception", "missing.name"],
  ])("a batch that is %s is refused when it is asked for", async (what, value) => {
    const name = `batch ${what}.mjs`;
    const fields = '[{ name: "x", shape: [], type: "float" }]';
    writeFileSync(
      join(folder, name),
      `export default () => ({ fields: ${fields}, batch: () => ${value} });`,
    );
    const task = await load(name);
    expect(await codesFrom(() => task.batch("train", 0, 1))).toEqual(["fwp6107"]);
  });

  test("a field that is said to be zero before the last step has to be", async () => {
    const fields = '[{ name: "x", shape: [2], type: "float", nonzero: "last" }]';
    const batch =
      "(split, index) => ({ batch: 2, time: 3, fields: { x: new Float32Array(12).fill(7, index) } })";
    writeFileSync(
      join(folder, "early.mjs"),
      `export default () => ({ fields: ${fields}, batch: ${batch} });`,
    );
    const task = await load("early.mjs");
    expect(list(task.batch("train", 10, 1), "x").slice(9)).toEqual([0, 7, 7]);
    for (const [first, step] of [
      [9, 1],
      [0, 0],
    ]) {
      expect(() => task.batch("train", first!, 1)).toThrow(
        `\`x\` is to be nonzero at the last step only, but is 7 at step ${step} of 3`,
      );
    }
  });

  test("a module that is not there", async () => {
    expect(await codesFrom(() => load("nowhere.ts"))).toEqual(["fwp6001"]);
  });
});
