/** What a program does to states in one step, with the names of instructions and maps gone. */
import type { Graph, NodeId, ProgramState } from "../../graph/ir.ts";
import { operands } from "../../graph/shapes.ts";
import { versions } from "./cuts.ts";
import { write } from "./expression.ts";
import type { Notation } from "./notation.ts";

/** Of the versions of a state those that a statement has written, first and last included. */
export function writtenVersions(body: Graph, state: ProgramState): NodeId[] {
  const way = versions(body, state.node, state.next);
  const label = state.origin?.label;
  return way.filter((id, i) => {
    const { origin } = body.nodes[id]!;
    const own = origin?.label === label && origin?.part !== true;
    return i === 0 || i === way.length - 1 || own;
  });
}

/** Versions that a value reads, as far as its formula goes. */
function read(body: Graph, root: NodeId, all: ReadonlySet<NodeId>): Set<NodeId> {
  const found = new Set<NodeId>();
  const seen = new Set<NodeId>();
  const pending = [...operands(body.nodes[root]!)];
  while (pending.length > 0) {
    const id = pending.pop()!;
    if (seen.has(id)) continue;
    seen.add(id);
    if (all.has(id)) found.add(id);
    else pending.push(...operands(body.nodes[id]!));
  }
  return found;
}

export interface Versions {
  /** Of each state its versions. */
  readonly of: ReadonlyMap<ProgramState, readonly NodeId[]>;
  /** What each version is called. */
  readonly names: ReadonlyMap<NodeId, string>;
}

/** The name of its own under which the spec makes a new state: `top` in `m <- top`. */
function ownLabel(body: Graph, id: NodeId, state: ProgramState): string | null {
  const { origin, op } = body.nodes[id]!;
  if (op === "input" || origin?.label == null || origin.part === true) return null;
  return origin.label === state.origin?.label ? null : origin.label;
}

/**
 * Names for all versions. A state has one name, as in the spec, if every statement sees what the statement before it has
 * left; else what it becomes on the way is numbered.
 */
export function nameVersions(
  body: Graph,
  states: readonly ProgramState[],
  nameOf: (state: ProgramState) => string,
): Versions {
  const of = new Map(states.map((s) => [s, writtenVersions(body, s)]));
  const all = new Set([...of.values()].flat());
  const roots = [...of.values()].flatMap((way) => way.slice(1)).sort((a, b) => a - b);
  const stale = new Set<ProgramState>();
  for (const [state, way] of of) {
    for (const root of roots) {
      const latest = way.filter((id, i) => i === 0 || id < root).at(-1)!;
      const own = [...read(body, root, all)].filter((id) => way.includes(id));
      if (own.some((id) => id !== latest)) stale.add(state);
    }
  }
  const names = new Map<NodeId, string>();
  for (const [state, way] of of) {
    way.forEach((id, i) => {
      const name = nameOf(state);
      const own = i === 0 ? null : ownLabel(body, id, state);
      names.set(id, own ?? (stale.has(state) && i > 0 ? `${name}_${i}` : name));
    });
  }
  return { of, names };
}

/** A version under a number has it on the left as well. */
const headOf = (state: string, version: string): string =>
  version.startsWith(`${state}_`) ? version : state;

/** One line per write, in the order of the step: `W <- decay * W`, `W <- W + …`; of what `prev` holds `y = …`. */
export function updateLines(
  states: readonly ProgramState[],
  { of, names }: Versions,
  notation: Notation,
): { readonly state: ProgramState; readonly line: string }[] {
  return states
    .flatMap((state) =>
      of
        .get(state)!
        .slice(1)
        .map((id) => ({ state, id })),
    )
    .sort((a, b) => a.id - b.id)
    .map(({ state, id }) => {
      const value = write(notation.expanded(id), "spec");
      const name = names.get(of.get(state)![0]!)!;
      const held = name.startsWith("prev(");
      const line = held
        ? `${names.get(id)!} = ${value}`
        : `${headOf(name, names.get(id)!)} <- ${value}`;
      return { state, line };
    });
}
