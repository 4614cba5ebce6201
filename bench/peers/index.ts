/** Our works beside the peers' on the same machine, in one run: everything in turns, medians, ratios, goals. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { nativeSupport } from "../../runtime/device/native/index.ts";
import { ceilings } from "./ceilings.ts";
import { ratioOf, verdicts } from "./goals.ts";
import { capacityWork, modelWork, tokenWork, updatesWork } from "./models.ts";
import { productsWork } from "./products.ts";
import { findPython } from "./python.ts";
import { deltaWork, recurrentWork, referentialWork } from "./recurrences.ts";
import { ceilingLine, goalLines, headLines, rowLines } from "./report.ts";
import type { Ceilings, PeerResult, PeerResults, PeerRow, Way } from "./results.ts";
import { isAbsent, messageOf, ourSide, startPeer, type Absent, type Setting, type Side } from "./sides.ts"; // prettier-ignore
import { takeTurns } from "./turns.ts";
import type { Opened, OurWay, PeerSpec, Work } from "./work.ts";

/** The most telling first: what finds no time left is at the end. */
export const WORKS: readonly Work[] = [
  deltaWork,
  modelWork,
  recurrentWork,
  referentialWork,
  productsWork,
  updatesWork,
  capacityWork,
  tokenWork,
];

/** How much longer than others peers may take that compile themselves with a C++ compiler first. */
const COMPILES = 4 / 3;
/** Seconds over the time for everything that a peer may take which started just in time. */
const GRACE = 15;
/** Load by processor from which figures say little: threads that wait for each other suffer most. */
const BUSY = 0.5;

export interface PeersOptions {
  readonly python: string | undefined;
  /** Of every side; all processors by default. */
  readonly threads: number | undefined;
  /** Names of works; all by default. */
  readonly works: readonly string[] | undefined;
  /** Seconds that a peer may take in all, and that everything may take. */
  readonly limit: number;
  readonly budget: number;
  readonly quick: boolean;
  say(line: string): void;
  /** Called after every row with everything so far. */
  keep(results: PeerResults): void;
}

interface Entrant {
  readonly spec: PeerSpec;
  readonly side: Side | Absent;
}

class Comparison {
  readonly #options: PeersOptions;
  readonly #setting: Setting;
  readonly #folder: string;
  readonly #start = performance.now();
  readonly #rows: PeerRow[] = [];
  readonly #notes: string[] = [];
  #ceilings: Ceilings | null = null;

  constructor(options: PeersOptions, folder: string) {
    const threads = options.threads ?? availableParallelism();
    // The runtime reads it when it makes its threads.
    process.env["FWP_THREADS"] = String(threads);
    const support = nativeSupport();
    const [load = 0] = loadavg();
    if (load > BUSY * cpus().length) {
      this.#notes.push(`the machine was busy: a load of ${load.toFixed(1)} before the start`);
    }
    if (!support.works) this.#notes.push(`ours runs on the typescript target: ${support.reason}`);
    this.#options = options;
    this.#folder = folder;
    this.#setting = {
      target: support.works ? "native" : "typescript",
      threads,
      python: findPython(options.python),
      limit: 1000 * options.limit,
    };
  }

  get results(): PeerResults {
    const { target, threads, python } = this.#setting;
    return {
      node: process.versions.node,
      processor: cpus()[0]?.model ?? "unknown",
      threads,
      target,
      libraries: Object.fromEntries(python.libraries),
      ceilings: this.#ceilings,
      rows: this.#rows,
      notes: this.#notes,
      seconds: (performance.now() - this.#start) / 1000,
    };
  }

  /** Milliseconds left for everything. */
  get #left(): number {
    return 1000 * this.#options.budget - (performance.now() - this.#start);
  }

  async run(): Promise<PeerResults> {
    const { say, works } = this.#options;
    for (const line of headLines(this.results)) say(line);
    this.#ceilings = await ceilings(this.#setting.target, this.#folder, this.#setting.threads);
    say(ceilingLine(this.#ceilings));
    for (const work of WORKS) {
      if (works !== undefined && !works.includes(work.name)) continue;
      say(`\n${work.name}: ${work.title}`);
      try {
        await this.#work(work);
      } catch (error) {
        this.#notes.push(`${work.name}: ${messageOf(error)}`);
        say(`  failed: ${messageOf(error)}`);
      }
      this.#options.keep(this.results);
    }
    for (const line of goalLines(this.results)) say(line);
    return this.results;
  }

  async #work(work: Work): Promise<void> {
    const folder = join(this.#folder, work.name);
    mkdirSync(folder);
    const opened = await work.open(this.#setting.target, folder);
    const entrants: Entrant[] = [];
    try {
      for (const spec of work.peers) {
        const left = this.#left;
        const patience = spec.family === "torch.compile" ? COMPILES : 1;
        const limit = Math.min(patience * this.#setting.limit, left + 1000 * GRACE);
        const side: Side | Absent | null =
          left <= 0
            ? { state: "skipped", reason: "no time left" }
            : await startPeer(spec, opened, folder, { ...this.#setting, limit });
        if (side === null) continue;
        entrants.push({ spec, side });
        if (isAbsent(side)) this.#options.say(`  ${spec.name}: ${side.state} (${side.reason})`);
      }
      for (const [way, ours] of opened.ways) {
        this.#rows.push(await this.#row(work, opened, entrants, way, ours));
        for (const line of rowLines(this.#rows.at(-1)!)) this.#options.say(line);
        this.#options.keep(this.results);
      }
    } finally {
      for (const { side } of entrants) if (!isAbsent(side)) side.stop();
    }
  }

  async #row(
    work: Work,
    opened: Opened,
    entrants: readonly Entrant[],
    way: Way,
    { what, flops, bytes }: OurWay,
  ): Promise<PeerRow> {
    const { quick, budget } = this.#options;
    const here = entrants.filter(({ spec }) => spec.ways?.includes(way) ?? true);
    const ready = here.flatMap(({ spec, side }) => (isAbsent(side) ? [] : [{ spec, side }]));
    const turns = {
      rounds: quick ? 3 : 9,
      share: quick ? 60 : 150,
      until: this.#start + 1000 * budget,
    };
    const sides = [ourSide(opened), ...ready.map((r) => r.side)];
    const [ours, ...theirs] = await takeTurns(sides, way, turns);
    if (ours === undefined || "state" in ours) throw new Error(`ours: ${ours?.reason}`);
    const found = new Map(ready.map(({ spec }, i) => [spec, theirs[i]!]));
    const peers = here.map(({ spec, side }): PeerResult => {
      const { name, family } = spec;
      const times = isAbsent(side) ? side : found.get(spec)!;
      if ("state" in times) return { name, family, ...times };
      return { name, family, state: "measured", ratio: ratioOf(family, ours, times), ...times };
    });
    const seconds = ours.median / 1000;
    const [gigaflops, gigabytes] = [flops / seconds / 1e9, bytes / seconds / 1e9];
    const { product, copy } = this.#ceilings!;
    return {
      work: work.name,
      way,
      what,
      ours,
      flops,
      bytes,
      gigaflops,
      gigabytes,
      ofProduct: gigaflops / product,
      ofCopy: gigabytes / copy,
      peers,
      goals: verdicts(work.name, way, peers, this.#setting.target === "native"),
      notes: [
        ...opened.notes,
        ...ready.flatMap(({ spec, side }) => side.notes.map((note) => `${spec.name}: ${note}`)),
      ],
    };
  }
}

/** Compares, and cleans up what it wrote for the peers. */
export async function comparePeers(options: PeersOptions): Promise<PeerResults> {
  const folder = mkdtempSync(join(tmpdir(), "fwp-peers-"));
  try {
    return await new Comparison(options, folder).run();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Goals that were measured and missed, in words. */
export const missedGoals = (results: PeerResults): string[] =>
  results.rows.flatMap((row) =>
    row.goals.flatMap(({ met, ratio, least, against }) =>
      met === false
        ? [`${row.what}: ${ratio!.toFixed(2)} × ${against.join(" or ")}, not ${least}`]
        : [],
    ),
  );
