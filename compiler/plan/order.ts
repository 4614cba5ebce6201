/** In which order stages run, and which of them share loops. */
import { InternalError } from "../../diagnostics/diagnostic.ts";
import { equal } from "../dims.ts";
import type { NodeId } from "../graph/ir.ts";
import { asVariable } from "./affine.ts";
import type { Machine } from "./machine.ts";
import { loopValue, type Stage } from "./stages.ts";

export type Nest =
  | { readonly kind: "stage"; readonly stage: Stage }
  | { readonly kind: "loop"; readonly body: readonly Nest[]; readonly segments?: Segments };

/** A loop over sequences in which time runs segment by segment (segments.ts). */
export interface Segments {
  /** Steps of one, where there are several. */
  readonly length: number;
  /** Steps of the longest sequence that is run through in one. */
  readonly most: number;
  /** Results of loops over time that are there for the steps of the present segment only. */
  readonly kept: readonly NodeId[];
}

export interface Dependences {
  /** Stages that must have run (at least as far as the other reads them) before the stage. */
  readonly before: ReadonlyMap<Stage, ReadonlySet<Stage>>;
  /** The stage that computes a node. */
  readonly maker: ReadonlyMap<NodeId, Stage>;
}

export function makersOf(stages: readonly Stage[]): Map<NodeId, Stage> {
  return new Map(stages.filter((s) => !s.copies).map((s) => [s.node, s]));
}

/** Values flow from stage to stage; what reads an input runs before the stage that writes over it. */
export function dependences(stages: readonly Stage[]): Dependences {
  const maker = makersOf(stages);
  const before = new Map<Stage, Set<Stage>>();
  for (const s of stages) {
    const set = new Set<Stage>();
    before.set(s, set);
    for (const id of s.reads.keys()) {
      const m = maker.get(id);
      if (m !== undefined && m !== s) set.add(m);
    }
    if (s.overwrites === null) continue;
    for (const r of stages) if (r !== s && r.reads.has(s.overwrites)) set.add(r);
  }
  return { before, maker };
}

/** Whether `from` has to run before `to`, directly or not. */
export function reaches(deps: Dependences, from: Stage, to: Stage): boolean {
  const seen = new Set<Stage>();
  const visit = (s: Stage): boolean => {
    if (s === from) return true;
    if (seen.has(s)) return false;
    seen.add(s);
    return [...deps.before.get(s)!].some(visit);
  };
  return [...deps.before.get(to)!].some(visit);
}

/** Whether `next` may share loop number `depth` with a stage before it, given that they share the ones outside it. */
function mayShare(deps: Dependences, earlier: Stage, next: Stage, depth: number): boolean {
  if ((earlier.kind === "whole") !== (next.kind === "whole")) return false;
  const [p, s] = [earlier.loops[depth], next.loops[depth]];
  if (p === undefined || s === undefined || !equal(p.extent, s.extent)) return false;
  if (!deps.before.get(next)!.has(earlier)) return true;
  const here = (
    stage: Stage,
    reads: Stage["reads"] extends ReadonlyMap<NodeId, infer R> ? R : never,
  ) =>
    reads !== null &&
    reads.every((index) => {
      const value = loopValue(stage, index, depth);
      return value !== undefined && asVariable(value)?.name === `v${depth}`;
    });
  if (deps.maker.get(earlier.node) === earlier && next.reads.has(earlier.node)) {
    if (!here(earlier, next.reads.get(earlier.node)!)) return false;
  }
  if (next.overwrites !== null && earlier.reads.has(next.overwrites)) {
    if (!here(next, earlier.reads.get(next.overwrites)!)) return false;
  }
  return true;
}

/** Whether two stages have anything to do with each other: a value passed on, or something but a number that both read. */
function related(deps: Dependences, earlier: Stage, next: Stage): boolean {
  if (deps.before.get(next)!.has(earlier)) return true;
  for (const [id, reads] of next.reads) {
    const number = reads?.every((index) => index.length === 0) ?? false;
    if (!number && earlier.reads.has(id)) return true;
  }
  return false;
}

/** More stages than this in one set of loops make a function that engines do not optimise well. */
const MOST_STAGES = 16;

/** Puts stages in order so that those that can share loops follow each other. */
export function schedule(stages: readonly Stage[], deps: Dependences): Stage[] {
  const order: Stage[] = [];
  const waiting = new Set(stages);
  const done = new Set<Stage>();
  let run: Stage[] = [];
  while (waiting.size > 0) {
    const ready = [...waiting].filter((s) => [...deps.before.get(s)!].every((x) => done.has(x)));
    if (ready.length === 0) throw new InternalError("stages wait for each other");
    const fits = ready.find((s) => joins(deps, run, s));
    const next = fits ?? ready[0]!;
    run = fits === undefined ? [next] : [...run, next];
    order.push(next);
    waiting.delete(next);
    done.add(next);
  }
  return order;
}

function joins(deps: Dependences, run: readonly Stage[], s: Stage): boolean {
  if (run.length === 0 || run.length >= MOST_STAGES) return false;
  return run.every((p) => mayShare(deps, p, s, 0)) && run.some((p) => related(deps, p, s));
}

/** Ordered stages as kernels: those of a group share their outermost loop, or are the only one. */
export function groups(order: readonly Stage[], deps: Dependences): Stage[][] {
  const found: Stage[][] = [];
  for (const s of order) {
    const run = found.at(-1);
    if (run !== undefined && joins(deps, run, s)) run.push(s);
    else found.push([s]);
  }
  return found;
}

/**
 * Which way a stage reads memory inside loop number `depth`, for a sum its own innermost one: along rows, neighbours are terms of one
 * sum; down columns, neighbours belong to neighbouring sums.
 */
export function directionOf(s: Stage, depth: number): "rows" | "columns" | null {
  // Loops further inside go along the innermost axis.
  if (s.loops.length > depth + 1) return "rows";
  if (s.kind !== "reduce" || s.loops.length !== depth + 1) return null;
  let columns = false;
  for (const reads of s.reads.values()) {
    for (const index of reads ?? []) {
      const depths = index.map((a) => a.terms.map((t) => Number(t.variable.name.slice(1))));
      const last = depths.at(-1) ?? [];
      const all = depths.flat();
      // What all sums share goes either way.
      if (!all.includes(depth) || !all.some((d) => d > depth)) continue;
      if (!last.includes(depth)) return "rows";
      columns = true;
    }
  }
  return columns ? "columns" : null;
}

/** Machines with vectors want loops whose sums all go the same way. */
const sameDirection = (machine: Machine, p: Stage, s: Stage, depth: number): boolean => {
  if (machine.kind === "scalar") return true;
  const [a, b] = [directionOf(p, depth), directionOf(s, depth)];
  return a === null || b === null || a === b;
};

/** Shares loops as far in as can be. */
export function nest(
  stages: readonly Stage[],
  deps: Dependences,
  machine: Machine,
  depth = 0,
): Nest[] {
  const result: Nest[] = [];
  let run: Stage[] = [];
  const flush = (): void => {
    if (run.length > 0) result.push({ kind: "loop", body: nest(run, deps, machine, depth + 1) });
    run = [];
  };
  for (const s of stages) {
    if (s.loops.length === depth) {
      flush();
      result.push({ kind: "stage", stage: s });
    } else {
      const joins = (p: Stage) =>
        mayShare(deps, p, s, depth) && sameDirection(machine, p, s, depth);
      if (!run.every(joins)) flush();
      run.push(s);
    }
  }
  flush();
  return result;
}

/** Number of loops that each pair of stages shares: the loops around each stage, outermost first. */
export function pathsOf(nests: readonly Nest[]): Map<Stage, readonly Nest[]> {
  const paths = new Map<Stage, readonly Nest[]>();
  const visit = (list: readonly Nest[], path: readonly Nest[]): void => {
    for (const n of list) {
      if (n.kind === "stage") paths.set(n.stage, path);
      else visit(n.body, [...path, n]);
    }
  };
  visit(nests, []);
  return paths;
}

export function sharedLoops(a: readonly Nest[], b: readonly Nest[]): number {
  let n = 0;
  while (n < a.length && n < b.length && a[n] === b[n]) n += 1;
  return n;
}
