/** Who needs whom in a step, the way from one time step to the next included. */
import { evaluateDim, product, type NamedAtom } from "../../dims.ts";
import type { AppendNode, Node, NodeId, ProgramState, StepProgram } from "../../graph/ir.ts";
import { operands } from "../../graph/shapes.ts";

/** What a size without a number counts as when values are compared. Sequences are longer than vectors. */
const NOMINAL = 16;
const NOMINAL_TIME = 256;

/** A step seen as a graph in which a state depends on what was last written into it. */
export interface Flow {
  readonly step: StepProgram;
  /** Needed by an output or a state, operands before users. */
  readonly live: readonly NodeId[];
  readonly stateAt: ReadonlyMap<NodeId, ProgramState>;
  /**
   * Growing states that become one array over all steps: by the state's node and by that of its append, the append.
   * See `growth`.
   */
  readonly grown: ReadonlyMap<NodeId, AppendNode>;
  /** The nodes that a live node needs, at this time step or the one before. */
  needs(id: NodeId): readonly NodeId[];
  /** The live nodes that need a node, same convention. */
  users(id: NodeId): readonly NodeId[];
  /** Nominal number of elements of a node at one time step. */
  elements(id: NodeId): number;
  /** Whether the value can differ between time steps. */
  varies(id: NodeId): boolean;
  node(id: NodeId): Node;
}

/** A state that no statement writes. */
export const isUnwritten = (state: ProgramState): boolean => state.next === state.node;

function nominal(atom: NamedAtom): number {
  return atom.key === "$time" || atom.key === "$past" ? NOMINAL_TIME : NOMINAL;
}

/**
 * The append by which a growing state grows, if that is all that happens to it. Its readers must ignore the rows that
 * are not there yet, so before, during and after the step the state may as well hold the rows of all steps.
 */
export function growth(step: StepProgram, state: ProgramState): AppendNode | null {
  if (!state.growing) return null;
  const next = step.body.nodes[state.next]!;
  return next.op === "append" && next.x === state.node ? next : null;
}

/** `kept`: growing states that must stay in a loop all the same. */
export function makeFlow(step: StepProgram, kept: ReadonlySet<ProgramState>): Flow {
  const { nodes } = step.body;
  const stateAt = new Map(step.states.map((s) => [s.node, s]));
  const grown = new Map<NodeId, AppendNode>();
  for (const state of step.states) {
    const append = kept.has(state) ? null : growth(step, state);
    if (append !== null) grown.set(state.node, append).set(append.id, append);
  }

  const needs = nodes.map((node): readonly NodeId[] => {
    const append = grown.get(node.id);
    if (append !== undefined) return [append.row];
    const state = stateAt.get(node.id);
    if (state !== undefined) return isUnwritten(state) ? [] : [state.next];
    return operands(node);
  });

  const reached = new Uint8Array(nodes.length);
  const pending = [...step.outputs.map((o) => o.node), ...step.states.map((s) => s.next)];
  for (const state of step.states) pending.push(state.node);
  while (pending.length > 0) {
    const id = pending.pop()!;
    if (reached[id] === 1) continue;
    reached[id] = 1;
    pending.push(...needs[id]!);
  }
  const live = nodes.filter((n) => reached[n.id] === 1).map((n) => n.id);

  const users = nodes.map((): NodeId[] => []);
  for (const id of live) for (const from of new Set(needs[id])) users[from]!.push(id);

  const elements = nodes.map((node) => evaluateDim(product(node.shape), nominal));

  const varying = new Uint8Array(nodes.length);
  const sources = step.inputs.map((i) => i.node);
  for (const state of step.states) if (!isUnwritten(state)) sources.push(state.node);
  if (step.position !== null) sources.push(step.position);
  while (sources.length > 0) {
    const id = sources.pop()!;
    if (varying[id] === 1) continue;
    varying[id] = 1;
    sources.push(...users[id]!);
  }

  return {
    step,
    live,
    stateAt,
    grown,
    needs: (id) => needs[id]!,
    users: (id) => users[id]!,
    elements: (id) => elements[id]!,
    varies: (id) => varying[id] === 1,
    node: (id) => nodes[id]!,
  };
}
