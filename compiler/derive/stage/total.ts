/** States that only add up, and that nobody looks at before the end: they need no loop. */
import type { NodeId, ProgramState } from "../../graph/ir.ts";
import type { Plan, Unit } from "./plan.ts";

export interface Total {
  readonly state: ProgramState;
  /** What every step adds: a node outside the unit. */
  readonly addend: NodeId;
}

/** The state of a unit that is nothing but `S <- S + x`, if S is read nowhere else and no form is asked for its loop. */
export function totalOf({ flow, imports }: Plan, unit: Unit): Total | null {
  const state = unit.nodes.flatMap((id) => flow.stateAt.get(id) ?? [])[0];
  if (state === undefined || unit.nodes.length !== 2) return null;
  if (state.growing || state.schedule !== undefined) return null;
  const next = flow.node(state.next);
  if (next.op !== "binary" || next.fn !== "add" || next.a === next.b) return null;
  if (next.a !== state.node && next.b !== state.node) return null;
  const isRead = (id: NodeId): boolean =>
    flow.users(id).length > 1 || flow.step.outputs.some((o) => o.node === id);
  if (isRead(state.node) || isRead(state.next)) return null;
  const addend = next.a === state.node ? next.b : next.a;
  // An outer product is one product over all steps. Of another matrix there must not be one for each step in memory.
  const node = flow.node(addend);
  const parts = node.op === "contract" ? [node.a, node.b] : [addend];
  return parts.some(imports.isMade) ? null : { state, addend };
}
