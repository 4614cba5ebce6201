/** What a region has to compute, as stages, and a place in memory for each value. */
import { constant, dim, product, type Dim } from "../dims.ts";
import { specName, valueName } from "../graph/names.ts";
import type { Graph, Node, NodeId } from "../graph/ir.ts";
import { reachable } from "../graph/rebuild.ts";
import { operands } from "../graph/shapes.ts";
import { fixed, ofVariable, stridesOf, type Affine } from "./affine.ts";
import { isView } from "../graph/products.ts";
import { chooseRoots, type Choice } from "./choose.ts";
import type { Memory } from "./memory.ts";
import {
  dependences,
  makersOf,
  pathsOf,
  reaches,
  sharedLoops,
  type Dependences,
  type Nest,
  type Segments,
} from "./order.ts";
import { Region, type Location } from "./region.ts";
import { shownResult } from "./shown.ts";
import { indexOf, loopVariable, makeStage, type Stage, type Target } from "./stages.ts";

/** Something that a region has to leave behind. */
export interface Sink {
  readonly node: NodeId;
  readonly target: Target;
  /** An input of the region that lies in the same memory. */
  readonly overwrites: NodeId | null;
}

export interface RegionPlan {
  readonly region: Region;
  readonly choice: Choice;
  readonly stages: readonly Stage[];
  readonly deps: Dependences;
}

export type BufferLocation = Location & { kind: "buffer" };

/** A whole buffer, row-major. */
export function rowMajor(
  buffer: string,
  shape: readonly Dim[],
  depth: number,
  offset = fixed(0),
): BufferLocation {
  return { kind: "buffer", buffer, offset, strides: stridesOf(shape), depth };
}

const baseOf = (graph: Graph, id: NodeId): NodeId => {
  const node = graph.nodes[id]!;
  return node.op === "reshape" || node.op === "stop" ? baseOf(graph, node.x) : id;
};
const storable = (graph: Graph, id: NodeId): boolean => {
  const node = graph.nodes[id]!;
  return !isView(node) && node.op !== "result";
};

/** Whether every element is stored just once: then it can be added to what is there instead. */
const addable = (graph: Graph, id: NodeId): boolean =>
  !["append", "solve"].includes(graph.nodes[id]!.op);

/** What is written over an input gets a node of its own, also where it is only another input seen differently. */
function withCopies(
  graph: Graph,
  sinks: readonly Sink[],
): { graph: Graph; sinks: readonly Sink[] } {
  const nodes = [...graph.nodes];
  const changed = sinks.map((s): Sink => {
    if (s.overwrites === null || storable(graph, baseOf(graph, s.node))) return s;
    const { shape, dtype, origin } = nodes[s.node]!;
    const id = nodes.length as NodeId;
    const fn = dtype === "int" ? "to_int" : "to_float";
    nodes.push({ op: "unary", fn, x: s.node, id, shape, dtype, origin });
    return { ...s, node: id };
  });
  return { graph: { ...graph, nodes }, sinks: changed };
}

let regions = 0;

/** Chooses what is kept and makes the stages. Inputs get their locations by `place` before anything else. */
export function planRegion(
  source: Graph,
  wanted: readonly Sink[],
  /** Number of loops around the region. */
  base: number,
  place: (region: Region) => void,
  bySequence = false,
): RegionPlan {
  const { graph, sinks } = withCopies(source, wanted);
  const needed = reachable(
    graph,
    sinks.map((s) => s.node),
  );
  const stored = new Set<NodeId>();
  for (const s of sinks)
    if (!s.target.add && storable(graph, baseOf(graph, s.node))) stored.add(baseOf(graph, s.node));
  const choice = chooseRoots(graph, needed, stored, base > 0);
  const region = new Region(graph, regions++, base, choice.uses, bySequence);
  place(region);

  const claims = new Map<NodeId, Sink>();
  const copies: Sink[] = [];
  for (const s of sinks) {
    const id = baseOf(graph, s.node);
    if (graph.nodes[id]!.op === "result" && !s.target.add && s.overwrites === null) {
      if (!region.locations.has(id)) {
        region.locations.set(id, retarget(s, graph.nodes[id]!).location);
        continue;
      }
    }
    const view =
      s.target.add || s.overwrites !== null ? null : shownResult(graph, s.node, choice.uses);
    if (view !== null && !stored.has(s.node)) {
      region.shown.set(view.result, { target: s.target.location, views: view.views });
      continue;
    }
    const kept = choice.roots.has(id) && storable(graph, id);
    const alone =
      !s.target.add || (addable(graph, id) && (choice.uses.get(id) ?? 0) === 0 && id === s.node);
    if (kept && alone && !claims.has(id) && !(s.target.add && readsTwice(sinks, s)))
      claims.set(id, s);
    else copies.push(s);
  }
  const stages: Stage[] = [];
  const make = (node: NodeId, copiesOnly: boolean, s: Sink | null, target: Target | null) =>
    stages.push(
      makeStage(region, choice, {
        id: stages.length,
        node,
        copies: copiesOnly,
        target,
        overwrites: s?.overwrites ?? null,
      }),
    );
  for (const node of needed) {
    if (node.op === "recurrence") make(node.id, false, null, null);
    if (!choice.roots.has(node.id)) continue;
    const s = claims.get(node.id);
    make(node.id, false, s ?? null, s === undefined ? null : retarget(s, node));
  }
  for (const s of copies) make(s.node, true, s, s.target);
  const { stages: safe, deps } = withoutHazards(region, choice, stages, sinks);
  return { region, choice, stages: safe, deps };
}

const readsTwice = (sinks: readonly Sink[], s: Sink): boolean =>
  sinks.some((x) => x !== s && x.node === s.node);

/** The target of a reshape as the target of what it reshapes. */
function retarget(s: Sink, node: Node): Target {
  if (s.node === node.id) return s.target;
  const { location } = s.target;
  return {
    ...s.target,
    location: rowMajor(location.buffer, node.shape, location.depth, location.offset),
  };
}

/** Where a stage may not write over its input yet, it writes elsewhere and a stage at the end copies. */
function withoutHazards(
  region: Region,
  choice: Choice,
  stages: readonly Stage[],
  sinks: readonly Sink[],
): { stages: readonly Stage[]; deps: Dependences } {
  let current = [...stages];
  for (const sink of sinks) {
    if (sink.overwrites === null) continue;
    const writer = current.find((s) => s.overwrites === sink.overwrites)!;
    const deps = dependences(current);
    const readers = [...deps.before.get(writer)!].filter((s) => s.reads.has(sink.overwrites!));
    const safe =
      ownReadsInPlace(region, choice, writer) &&
      !readers.some((r) => reaches(deps, writer, r)) &&
      !reaches(deps, writer, writer);
    if (safe) continue;
    // Two stages instead: one that computes into memory of its own, and one that copies at the very end.
    const kept: Choice = { ...choice, roots: new Set([...choice.roots, sink.node]) };
    const fresh = !writer.copies || !choice.roots.has(writer.node);
    const computing: Stage = makeStage(region, kept, {
      id: writer.id,
      node: writer.copies ? sink.node : writer.node,
      copies: false,
      target: null,
      overwrites: null,
    });
    const copy = makeStage(region, kept, {
      id: current.length,
      node: writer.copies ? sink.node : writer.node,
      copies: true,
      target: writer.target,
      overwrites: sink.overwrites,
    });
    (choice.roots as Set<NodeId>).add(computing.node);
    current = current.filter((s) => s !== writer);
    if (fresh) current.push(computing);
    current.push(copy);
  }
  return { stages: current, deps: dependences(current) };
}

/** Whether a stage reads what it writes over only at the very element it writes. */
function ownReadsInPlace(region: Region, choice: Choice, s: Stage): boolean {
  const own = s.reads.get(s.overwrites!);
  if (own === undefined) return true;
  const node = region.node(s.node);
  if (node.op === "append" && !s.copies && node.x === s.overwrites) return true;
  const product = choice.finished.get(s.node);
  if (product !== undefined) return finishesInPlace(region, choice, product, s.node, s.overwrites!);
  if (own === null || s.kind !== "map") return false;
  return own.every((index) =>
    s.loops.every((loop, j) => {
      const variables = s.loops.map((l, i) => ofVariable(loopVariable(region, i, l.extent)));
      const written = indexOf(node.shape.length, s.loops, variables)[loop.axis];
      const read = index[loop.axis];
      return j >= 0 && written !== undefined && read !== undefined && sameIndex(written, read);
    }),
  );
}

/** Whether what finishes each sum of a blocked product reads `input` at the sum's own element, and the product not at all. */
function finishesInPlace(
  region: Region,
  choice: Choice,
  product: NodeId,
  top: NodeId,
  input: NodeId,
): boolean {
  /** Through whatever is computed in passing. */
  const reads = (id: NodeId): boolean =>
    id === input || (!choice.roots.has(id) && operands(region.node(id)).some(reads));
  const visit = (id: NodeId): boolean => {
    if (id === input) return true;
    const node = region.node(id);
    if (id === product) return !operands(node).some(reads);
    const elementwise = node.op === "unary" || node.op === "binary" || node.op === "select";
    return elementwise && (id === top || !choice.roots.has(id))
      ? operands(node).every(visit)
      : !reads(id);
  };
  return visit(top);
}

const sameIndex = (a: Affine, b: Affine): boolean =>
  a.constant.key === b.constant.key &&
  a.terms.length === b.terms.length &&
  a.terms.every(
    (t, i) =>
      t.variable.name === b.terms[i]!.variable.name &&
      t.coefficient.key === b.terms[i]!.coefficient.key,
  );

/** Gives every kept value its memory. `nests` are the kernels of the region: a value that stays inside one may shrink. */
export function assignHomes(
  plan: RegionPlan,
  nests: readonly (readonly Nest[])[],
  memory: Memory,
  /** Number of loops around the region; null for the outermost one. */
  around: number | null,
): void {
  const inside = around !== null;
  const { region, stages } = plan;
  const kernelOf = new Map<Stage, number>();
  const paths = new Map<Stage, readonly Nest[]>();
  nests.forEach((list, k) => {
    for (const [s, path] of pathsOf(list)) {
      kernelOf.set(s, k);
      paths.set(s, path);
    }
  });
  for (const node of region.graph.nodes) {
    if (node.op !== "result" || region.locations.has(node.id) || region.shown.has(node.id))
      continue;
    if (!plan.choice.uses.has(node.id)) continue;
    const type = memory.elementType(node.dtype);
    const maker = stages.find((s) => s.node === node.of && !s.copies);
    const readers = stages.filter((s) => s.reads.has(node.id));
    const most = maker === undefined ? 0 : Math.min(...readers.map((s) => sharedLoops(paths.get(maker)!, paths.get(s)!))); // prettier-ignore
    // Read in the same turn of the loop over sequences, it is memory of one sequence.
    const dropped = Number.isFinite(most) ? most : 0;
    const rest = node.shape.slice(dropped);
    const segments = maker && segmentsAround(paths.get(maker)!, node.id);
    const room = segments === undefined ? rest : [dim(segments.most), ...rest.slice(1)];
    const name = memory.scratch(nameOf(region, node), type, product(room), inside || dropped > 0);
    region.locations.set(node.id, {
      ...rowMajor(name, node.shape, (around ?? 0) + dropped),
      strides: [...node.shape.slice(0, dropped).map(() => dim(0)), ...stridesOf(rest)],
    });
  }
  for (const [id, maker] of makersOf(stages)) {
    const node = region.node(id);
    if (node.op === "recurrence") continue;
    const readers = stages.filter((s) => s !== maker && s.reads.has(id));
    const beside = readers.filter((s) => kernelOf.get(s) === kernelOf.get(maker));
    const most = Math.max(0, ...beside.map((s) => sharedLoops(paths.get(maker)!, paths.get(s)!)));
    const depth = (around ?? 0) + most;
    if (maker.target !== null) {
      if (!maker.target.add) region.locations.set(id, { ...maker.target.location, depth });
      continue;
    }
    const local = beside.length === readers.length;
    const shared = local
      ? Math.min(...readers.map((s) => sharedLoops(paths.get(maker)!, paths.get(s)!)))
      : 0;
    if (local && maker.kind !== "whole" && Number.isFinite(shared) && shared === maker.loops.length)
      continue;
    const dropped = wholeAxes(maker, Math.min(shared, maker.loops.length));
    const rest = node.shape.slice(dropped);
    const name = memory.scratch(
      nameOf(region, node),
      memory.elementType(node.dtype),
      product(rest),
      inside || dropped > 0,
    );
    region.locations.set(id, {
      kind: "buffer",
      buffer: name,
      offset: fixed(0),
      strides: [...node.shape.slice(0, dropped).map(() => dim(0)), ...stridesOf(rest)],
      depth,
    });
  }
}

/** The segments of which a result is kept for one at a time. */
const segmentsAround = (path: readonly Nest[], id: NodeId): Segments | undefined =>
  path.flatMap((n) => (n.kind === "loop" && n.segments?.kept.includes(id) ? [n.segments] : []))[0];

/** How many leading axes the first loops run over completely. */
function wholeAxes(s: Stage, loops: number): number {
  let axes = 0;
  for (let j = 0; j < loops; j++) {
    if (constant(s.loops[j]!.step) === 1) axes = s.loops[j]!.axis + 1;
  }
  return axes;
}

export function nameOf(region: Region, node: Node): string {
  return specName(node) ?? valueName(region.graph.nodes[node.id]!);
}
