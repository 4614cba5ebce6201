/**
 * Which part of a step runs in which loop over time, and which part in none.
 *
 * States that depend on each other through time must share a loop: the strongly connected components of the flow. To that
 * comes what reads a value too big to leave the loop at every step (`W @ q`), and whatever then lies between.
 */
import type { Node, NodeId, ProgramState, StepProgram } from "../../graph/ir.ts";
import { components } from "./components.ts";
import { makeFlow, type Flow } from "./flow.ts";
import { makeImports, type Imports } from "./import.ts";
import { isLiftable } from "./lift.ts";

/** Nodes in the order of the body; a unit comes after all units that it needs. */
export interface Unit {
  readonly loop: boolean;
  readonly nodes: readonly NodeId[];
}

export interface Plan {
  readonly flow: Flow;
  readonly imports: Imports;
  readonly units: readonly Unit[];
}

interface Group {
  loop: boolean;
  members: Set<NodeId>;
}

/** A partition of the live nodes. */
class Groups {
  readonly #flow: Flow;
  readonly #of = new Map<NodeId, Group>();

  constructor(flow: Flow) {
    this.#flow = flow;
    for (const id of flow.live) {
      const loop = !isLiftable(flow.node(id), flow.varies);
      this.#of.set(id, { loop, members: new Set([id]) });
    }
    this.close();
  }

  of(id: NodeId): Group {
    return this.#of.get(id)!;
  }

  /** The groups, each after those that it needs (if `close` has just been called). */
  ordered(): Group[] {
    const list = [...new Set(this.#of.values())];
    const index = new Map(list.map((g, i) => [g, i]));
    const needs = list.map((group, i) => {
      const found = new Set<number>();
      for (const id of group.members) {
        for (const from of this.#flow.needs(id)) found.add(index.get(this.of(from))!);
      }
      found.delete(i);
      return [...found];
    });
    const order: Group[] = [];
    for (const component of components(list.length, (i) => needs[i]!)) {
      let [first, ...others] = component.map((i) => list[i]!);
      for (const other of others) first = this.unite(first!, other);
      order.push(first!);
    }
    return order;
  }

  unite(a: Group, b: Group): Group {
    if (a === b) return a;
    const [big, small] = a.members.size >= b.members.size ? [a, b] : [b, a];
    for (const id of small.members) {
      big.members.add(id);
      this.#of.set(id, big);
    }
    big.loop = true;
    return big;
  }

  /** Unites groups that need each other. */
  close(): void {
    this.ordered();
  }
}

/**
 * Elements of the largest *vector* of a loop: what it is given per step, and what it multiplies by trained matrices. Vectors
 * may leave the loop at every step; of anything larger (a state matrix) there should be one, not one per step.
 */
function vectorSize(flow: Flow, imports: Imports, group: Group): number {
  let size = 0;
  for (const id of group.members) {
    const node = flow.node(id);
    for (const from of flow.needs(id)) {
      if (group.members.has(from)) continue;
      for (const leaf of imports.leaves(from)) {
        if (flow.varies(leaf)) size = Math.max(size, flow.elements(leaf));
      }
    }
    if (node.op !== "contract") continue;
    for (const [x, other] of [
      [node.a, node.b],
      [node.b, node.a],
    ] as const) {
      if (!group.members.has(x) || flow.varies(other)) continue;
      if (flow.elements(other) > flow.elements(x)) {
        size = Math.max(size, flow.elements(x), flow.elements(id));
      }
    }
  }
  return size;
}

/** The other operand of a contraction. */
function partner(node: Node, id: NodeId): NodeId | null {
  if (node.op !== "contract") return null;
  return node.a === id ? node.b : node.a;
}

/** Whether a user of `value` could be in the loop: all but products with something larger, a trained matrix. */
function mayFollow(flow: Flow, value: NodeId, user: NodeId): boolean {
  const other = partner(flow.node(user), value);
  return !flow.grown.has(user) && (other === null || flow.elements(other) <= flow.elements(value));
}

/** Whether users of `value` make something smaller than `limit` of it, if need be through others of about its size. */
function shrinks(flow: Flow, value: NodeId, limit: number, seen: Set<NodeId>): boolean {
  if (seen.has(value)) return false;
  seen.add(value);
  return flow
    .users(value)
    .some(
      (user) =>
        mayFollow(flow, value, user) &&
        (flow.elements(user) < limit ||
          (flow.elements(user) <= 2 * limit && shrinks(flow, user, limit, seen))),
    );
}

const isOutput = (flow: Flow, id: NodeId): boolean => flow.step.outputs.some((o) => o.node === id);

/** Whether `user`, outside the loop, should be inside because `value` is too big to be carried out to it. */
function belongs(flow: Flow, value: NodeId, user: NodeId, vector: number): boolean {
  const [size, made] = [flow.elements(value), flow.elements(user)];
  const other = partner(flow.node(user), value);
  // A read: something no larger than the memory, different at every step, is multiplied with it and summed over.
  const reads = other !== null && flow.varies(other) && flow.elements(other) < size && made < size;
  if (reads && size >= vector) return true;
  const delayed = flow.stateAt.has(user) && !flow.grown.has(user);
  if (delayed && flow.users(user).length === 0 && !isOutput(flow, user)) return true;
  if (size <= vector) return false;
  if (delayed) return true;
  if (!mayFollow(flow, value, user)) return false;
  return made < size || (made <= 2 * size && shrinks(flow, user, size, new Set()));
}

/** Draws users into loops until none is left that belongs in one. */
function absorb(flow: Flow, groups: Groups): Imports {
  for (;;) {
    const imports = makeImports(flow, (id) => groups.of(id).loop);
    let changed = false;
    for (const group of groups.ordered()) {
      if (!group.loop) continue;
      const vector = vectorSize(flow, imports, group);
      const drawn = [...group.members].flatMap((value) =>
        flow.users(value).filter((u) => !group.members.has(u) && belongs(flow, value, u, vector)),
      );
      if (drawn.length === 0) continue;
      let whole = group;
      for (const user of drawn) whole = groups.unite(whole, groups.of(user));
      groups.close();
      changed = true;
      break;
    }
    if (!changed) return imports;
  }
}

export function makePlan(step: StepProgram): Plan {
  const kept = new Set<ProgramState>();
  for (;;) {
    const flow = makeFlow(step, kept);
    const groups = new Groups(flow);
    const imports = absorb(flow, groups);
    const order = groups.ordered();
    // A growing state whose rows depend on what was read from it lives in a loop like any other state.
    const before = kept.size;
    for (const state of step.states) {
      const append = flow.grown.get(state.node);
      if (append === undefined) continue;
      if (groups.of(state.node).loop || groups.of(append.id).loop) kept.add(state);
    }
    if (kept.size > before) continue;
    const units = order.map(({ loop, members }) => ({
      loop,
      nodes: [...members].sort((a, b) => a - b),
    }));
    return { flow, imports, units };
  }
}
