/** Those who take part in a comparison, ready to be timed in turns. */
import { rmSync } from "node:fs";
import type { Target } from "../../cli/targets.ts";
import { distance, readArray } from "./data.ts";
import { givenProgram, ownProgram, timeGiven } from "./hand.ts";
import { environmentOf, scriptCommand, type Python } from "./python.ts";
import type { Way } from "./results.ts";
import { Worker } from "./worker.ts";
import type { Opened, PeerSpec } from "./work.ts";
import { join } from "node:path";

/** How far results may be apart, relative. */
const TOLERANCE = 1e-4;

export interface Setting {
  readonly target: Target;
  readonly threads: number;
  readonly python: Python;
  /** Milliseconds that a peer may take in all. */
  readonly limit: number;
}

export interface Side {
  run(way: Way, count: number): Promise<readonly number[]>;
  stop(): void;
  readonly notes: readonly string[];
}

/** A peer that cannot take part. */
export interface Absent {
  readonly state: "not installed" | "failed" | "skipped";
  readonly reason: string;
}

export const isAbsent = (side: Side | Absent): side is Absent => "state" in side;
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

const failed = (error: unknown): Absent => ({ state: "failed", reason: messageOf(error) });

/** Compares what the peer computes from the same arrays with ours. @throws Error when it is something else. */
async function check(worker: Worker, opened: Opened, folder: string): Promise<string[]> {
  const expected = opened.expected?.();
  if (expected === undefined) return [];
  const { files = [] } = await worker.ask("check");
  const off = files.map((name) => {
    const path = `peer_${name}`;
    const ours = expected.get(name);
    const far = ours === undefined ? Infinity : distance(ours, readArray(folder, path));
    rmSync(join(folder, `${path}.f32`));
    if (!(far <= TOLERANCE)) throw new Error(`not the same work: ${name} is ${far.toExponential(1)} from ours`); // prettier-ignore
    return far;
  });
  if (off.length === 0) return [];
  return [`${files.join(", ")} within ${Math.max(...off).toExponential(1)} of ours`];
}

async function workerSide(worker: Worker, opened: Opened, folder: string): Promise<Side> {
  try {
    const { facts = {} } = await worker.answer();
    const parameters = facts["parameters"];
    const notes = typeof parameters === "number" ? [`${(parameters / 1e6).toFixed(3)} million parameters`] : []; // prettier-ignore
    notes.push(...(await check(worker, opened, folder)));
    return {
      run: (way, count) => worker.run(way, count),
      stop: () => worker.stop(),
      notes,
    };
  } catch (error) {
    worker.stop();
    throw error;
  }
}

function givenSide(folder: string, threads: number): Side | null {
  const program = givenProgram(folder);
  if (program === null) return null;
  const env = environmentOf(threads);
  return {
    // One run of the program is its fastest of many: asked for once a round.
    run: async () => [timeGiven(program, threads, env)],
    stop: () => undefined,
    notes: ["the fastest run that it prints, against our fastest"],
  };
}

/** Starts a peer, waits until it is warm and checks it. Null: it was not asked for. */
export async function startPeer(
  spec: PeerSpec,
  opened: Opened,
  folder: string,
  { threads, python, limit }: Setting,
): Promise<Side | Absent | null> {
  try {
    switch (spec.kind) {
      case "given":
        return givenSide(folder, threads);
      case "c": {
        const env = environmentOf(threads);
        const program = ownProgram(spec.file, folder);
        return await workerSide(
          new Worker({ program, arguments: [folder], env }, limit),
          opened,
          folder,
        );
      }
      case "script": {
        const { program, libraries } = python;
        if (program === null) return { state: "not installed", reason: "no Python of the peers" };
        if (!libraries.has(spec.needs)) return { state: "not installed", reason: spec.needs };
        const command = scriptCommand(program, spec.script, spec.peer, threads, folder);
        return await workerSide(new Worker(command, limit), opened, folder);
      }
    }
  } catch (error) {
    return failed(error);
  }
}

/** Ours, in this process. */
export const ourSide = (opened: Opened): Side => ({
  run: async (way, count) => {
    const { run } = opened.ways.get(way)!;
    return Array.from({ length: count }, () => {
      const start = performance.now();
      run();
      return performance.now() - start;
    });
  },
  stop: () => undefined,
  notes: [],
});
