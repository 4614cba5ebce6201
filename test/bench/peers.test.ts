/** The comparison with the peers: talking to them, taking turns, judging. The peers themselves need not be installed. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { distance, Draw, readArray, unitRows, writeArray } from "../../bench/peers/data.ts";
import { GOALS, verdicts } from "../../bench/peers/goals.ts";
import { WORKS } from "../../bench/peers/index.ts";
import type { PeerResult } from "../../bench/peers/results.ts";
import type { Side } from "../../bench/peers/sides.ts";
import { takeTurns } from "../../bench/peers/turns.ts";
import { Worker } from "../../bench/peers/worker.ts";

const peer = (script: string, limit = 20_000): Worker =>
  new Worker({ program: process.execPath, arguments: ["-e", script], env: process.env }, limit);

const POLITE = `
  console.log("a library says hello");
  console.log(JSON.stringify({ ready: true, facts: { parameters: 3 } }));
  require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
    const [way, count] = line.split(" ");
    if (way === "wrong") console.log(JSON.stringify({ error: "ValueError: no" }));
    else console.log(JSON.stringify({ ms: Array(Number(count)).fill(2) }));
  });
`;

test("a worker answers; what libraries print is passed over; an error is told", async () => {
  const worker = peer(POLITE);
  expect((await worker.answer()).facts).toEqual({ parameters: 3 });
  expect(await worker.run("both", 3)).toEqual([2, 2, 2]);
  await expect(worker.run("wrong", 1)).rejects.toThrow("ValueError: no");
});

test("a worker that hangs, ends or does not exist fails and holds nothing up", async () => {
  await expect(peer("setInterval(() => {}, 1000)", 300).answer()).rejects.toThrow(/longer/u);
  await expect(peer("console.error('bad luck'); process.exit(3)").answer()).rejects.toThrow(
    "ended with code 3: bad luck",
  );
  const missing = new Worker({ program: "/no/such/python", arguments: [], env: {} }, 20_000);
  await expect(missing.answer()).rejects.toThrow("ENOENT");
});

const side = (run: Side["run"]): Side => ({ run, stop: () => undefined, notes: [] });

test("sides take turns; one that fails leaves with what it did, or with the reason", async () => {
  const order: string[] = [];
  const named = (name: string, last: number): Side => {
    let turn = 0;
    return side((_, count) => {
      order.push(name);
      return turn++ > last
        ? Promise.reject(new Error("lost"))
        : Promise.resolve(Array.from({ length: count }, (_, i) => 10 + i));
    });
  };
  const sides = [named("a", 9), named("b", 1), named("c", -1)];
  const turns = { rounds: 3, share: 30, until: Infinity };
  const [a, b, c] = await takeTurns(sides, "forward", turns);
  expect(a).toEqual({ median: 11, fastest: 10, runs: 9 });
  expect(b).toEqual({ median: 11, fastest: 10, runs: 3 });
  expect(c).toEqual({ state: "failed", reason: "lost" });
  expect(order.join("")).toBe("abcababa");
});

const measured = (family: PeerResult["family"], ratio: number): PeerResult => {
  return { name: family, family, state: "measured", ratio, median: 1, fastest: 1, runs: 1 };
};

const both = (peers: readonly PeerResult[], judged = true) =>
  verdicts("delta", "both", peers, judged);

test("a goal counts the fastest of its peers, and is open where none was measured", () => {
  expect(both([measured("torch", 6), measured("torch.compile", 3)])).toMatchObject([
    { ratio: 3, met: false },
  ]);
  expect(both([measured("torch", 6), measured("jax", 1)])).toMatchObject([{ ratio: 6, met: true }]);
  const absent: PeerResult = { name: "x", family: "torch", state: "failed", reason: "" };
  expect(both([absent])).toMatchObject([{ ratio: null, met: null }]);
  expect(both([measured("torch", 1)], false)).toMatchObject([{ ratio: 1, met: null }]);
});

test("every goal is of a work that has such a peer", () => {
  for (const { work, against } of GOALS) {
    const peers = WORKS.find((w) => w.name === work)!.peers;
    expect(peers.some((p) => against.includes(p.family))).toBe(true);
  }
});

test("arrays on disk are the arrays in memory; distances are relative", () => {
  const folder = mkdtempSync(join(tmpdir(), "fwp-test-"));
  try {
    const data = unitRows(new Draw(1).array(64, "normal"), 16);
    writeArray(folder, "x", data.subarray(16));
    expect(readArray(folder, "x")).toEqual(data.slice(16));
    expect(data.subarray(16, 32).reduce((sum, x) => sum + x * x, 0)).toBeCloseTo(1, 6);
    expect(distance([1.001, 1], [1, 1])).toBeCloseTo(0.001 / Math.SQRT2, 9);
    expect(distance([1], [1, 1])).toBe(Infinity);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
