/**
 * Reads that ask with the answers of other reads, `W @ f(W @ q)`. Level by level: what the reads nearest to the state say
 * becomes a symbol. What depends on the state by way of symbols only is then free of it, and a product of such a value with
 * the state is a read again.
 */
import type { GraphBuilder, NodeId } from "../../graph/index.ts";
import type { Graph } from "../../graph/ir.ts";
import { bodyNode, mapOperands, operands } from "../../graph/shapes.ts";
import { degrees } from "./degree.ts";
import { Expander, readsState } from "./expand.ts";
import { Inexpressible, type Products, type Sum } from "./terms.ts";

/** A node at which the way from the state to an output is cut: what is computed from it needs no more of the state. */
export interface Cut {
  readonly id: NodeId;
  readonly sum: Sum;
  /** Whether `sum` is one over the state after the step. */
  readonly late: boolean;
  /** Stands for the value in the levels after this one; null if there are none. */
  readonly symbol: NodeId | null;
}

export interface Levels {
  /** Factors of a level's sums contain symbols of earlier levels. */
  readonly levels: readonly (readonly Cut[])[];
  /** The outputs, with symbols in the place of cuts of all levels but the last. */
  readonly outputs: ReadonlyMap<NodeId, NodeId>;
}

interface Parts {
  readonly body: Graph;
  readonly builder: GraphBuilder;
  readonly products: Products;
  readonly expander: Expander;
  readonly pair: StatePair;
}

/** A state, by its body nodes before and after the step. */
export interface StatePair {
  readonly input: NodeId;
  readonly next: NodeId;
}

/** What counts as a read. */
export interface Reading {
  /** The sum that a node is, if it is a read. */
  readonly sumOf: (id: NodeId, expander: Expander) => Sum | null;
  /** Whether it must not be taken for something that is made of reads nearer to the state. */
  readonly isWhole: (sum: Sum) => boolean;
}

/** Writes what depends on the state only by way of the state after the step as sums over that one. */
export function expanderAfter(
  products: Products,
  body: Graph,
  { input, next }: StatePair,
): Expander {
  return new Expander(products, next, degrees(body, new Set([next]), new Set([input])));
}

/** Reads nearest to the state; `stuck` is a node behind an output at which all of the state is needed. */
function cutsOf(
  body: Graph,
  expander: Expander,
  after: Expander,
  outputs: Iterable<NodeId>,
  reading: Reading,
) {
  const cuts: Omit<Cut, "symbol">[] = [];
  let stuck: NodeId | null = null;
  const known = new Map<NodeId, Sum | null>();
  const read = (id: NodeId): Sum | null => {
    let found = known.get(id);
    if (found === undefined) known.set(id, (found = reading.sumOf(id, expander)));
    return found;
  };
  const seen = new Set<NodeId>();
  const pending = [...outputs];
  while (pending.length > 0) {
    const id = pending.pop()!;
    if (seen.has(id) || expander.degree(id) === "free") continue;
    seen.add(id);
    const node = bodyNode(body, id);
    const dependent = operands(node).filter((x) => expander.degree(x) !== "free");
    const sum = read(id);
    const isLowest = () => dependent.length === 0 || dependent.some((x) => read(x) === null);
    if (sum !== null && (reading.isWhole(sum) || isLowest())) {
      const late = reading.sumOf(id, after);
      cuts.push(late === null ? { id, sum, late: false } : { id, sum: late, late: true });
    } else if (readsState(node, expander)) pending.push(...dependent);
    else stuck ??= id;
  }
  return { cuts, stuck };
}

/** Copies what `depends` of the given nodes with `replaced` in its place. */
export function substitution(
  builder: GraphBuilder,
  replaced: ReadonlyMap<NodeId, NodeId>,
  depends: (id: NodeId) => boolean,
): (id: NodeId) => NodeId {
  const known = new Map<NodeId, NodeId>();
  const build = (id: NodeId): NodeId => {
    const found = replaced.get(id) ?? known.get(id);
    if (found !== undefined) return found;
    if (!depends(id)) return id;
    const { id: _, origin, ...draft } = mapOperands(builder.node(id), build);
    const before = builder.origin;
    builder.origin = origin;
    const made = builder.copy(draft);
    builder.origin = before;
    known.set(id, made);
    return made;
  };
  return build;
}

/** @throws Inexpressible if an output needs the state otherwise than by reads. */
export function levelsOf(parts: Parts, wanted: readonly NodeId[], reading: Reading): Levels {
  const { builder, products } = parts;
  let { body, expander, pair } = parts;
  let outputs = new Map(wanted.map((id) => [id, id]));
  const levels: Cut[][] = [];
  for (;;) {
    const after = expanderAfter(products, body, pair);
    const { cuts, stuck } = cutsOf(body, expander, after, outputs.values(), reading);
    if (stuck === null) {
      levels.push(cuts.map((cut) => ({ ...cut, symbol: null })));
      return { levels, outputs };
    }
    if (cuts.length === 0) throw new Inexpressible("the whole state is needed", stuck);
    const level = cuts.map((cut) => {
      const name = `level.${levels.length}.${cut.id}`;
      return { ...cut, symbol: builder.input(name, builder.shape(cut.id)) };
    });
    levels.push(level);
    const known = expander;
    const symbols = new Map(level.map((c) => [c.id, c.symbol]));
    const build = substitution(builder, symbols, (id) => known.degree(id) !== "free");
    // The state itself stays: it is an operand of the reads to come.
    symbols.set(pair.input, pair.input);
    outputs = new Map([...outputs].map(([id, at]) => [id, build(at)]));
    pair = { input: pair.input, next: build(pair.next) };
    body = { name: builder.name, nodes: [...builder.nodes], outputs: [] };
    expander = new Expander(products, pair.input, degrees(body, new Set([pair.input])));
  }
}
