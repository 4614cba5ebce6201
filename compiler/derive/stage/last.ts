/**
 * What is asked for at the last step of a sequence only: a loss that counts nowhere else. It is computed once, of the states
 * as they are at the end, and what only it reads of a state need not be in the state's loop.
 */
import type { NodeId, ProgramState, StepProgram } from "../../graph/ir.ts";
import { WEIGHT } from "../../graph/objective.ts";
import { operands } from "../../graph/shapes.ts";
import { numberIf } from "../../graph/simplify.ts";
import type { Flow } from "./flow.ts";
import { isLiftable } from "./lift.ts";
import { makePlan, type Plan } from "./plan.ts";

/** Whether every step but a sequence's last has the weight 0, whatever the data: what is lost there need not be computed. */
export function countsLast(step: StepProgram): boolean {
  const weight = step.outputs.find((o) => o.name === WEIGHT);
  if (weight === undefined) return false;
  const zeros = step.inputs.filter((i) => i.nonzero === "last").map((i) => [i.node, 0] as const);
  return zeros.length > 0 && numberIf(step.body, weight.node, new Map(zeros)) === 0;
}

/** What has to be computed for values of the last step. */
export interface LastStep {
  /** Nodes whose value at the last step is made of such values, operands before users. */
  readonly made: readonly NodeId[];
  /** Nodes whose value is needed throughout: out of a loop, or that of a state before the last step. */
  readonly taken: readonly NodeId[];
  /** Nodes whose value at the last step is that of a state at the end. */
  readonly ends: ReadonlyMap<NodeId, ProgramState>;
}

/** See `LastStep`: all rows of a growing state that is one array over all steps are there at the end. */
function endsOf({ step, grown, stateAt }: Flow): Map<NodeId, ProgramState> {
  const ends = new Map(step.states.map((s) => [s.next, s]));
  for (const [id, append] of grown) ends.set(id, stateAt.get(append.x)!);
  return ends;
}

/** Which nodes of loops are functions of states *after* the step and of what comes from outside their loop. */
function afterwards({ flow, units }: Plan, ends: ReadonlyMap<NodeId, unknown>): Set<NodeId> {
  const found = new Set<NodeId>();
  for (const unit of units) {
    if (!unit.loop) continue;
    const inside = new Set(unit.nodes);
    const known = (x: NodeId): boolean => ends.has(x) || found.has(x) || !inside.has(x);
    for (const id of unit.nodes) {
      const node = flow.node(id);
      if (flow.stateAt.has(id) || !isLiftable(node, flow.varies)) continue;
      if (operands(node).every(known)) found.add(id);
    }
  }
  return found;
}

/** What values of the last step need of a step whose outputs they are. */
export function lastStep(step: StepProgram, wanted: readonly NodeId[]): LastStep {
  const plan = makePlan(step);
  const { flow } = plan;
  const ends = endsOf(flow);
  const looped = new Set(plan.units.flatMap((unit) => (unit.loop ? unit.nodes : [])));
  const after = afterwards(plan, ends);
  const given = new Set([...step.inputs, ...step.parameters].map((p) => p.node));
  if (step.position !== null) given.add(step.position);
  const made = new Set<NodeId>();
  const taken = new Set<NodeId>();
  const pending = [...wanted];
  while (pending.length > 0) {
    const id = pending.pop()!;
    if (made.has(id) || ends.has(id) || given.has(id)) continue;
    if (flow.stateAt.has(id) || (looped.has(id) && !after.has(id))) {
      taken.add(id);
      continue;
    }
    made.add(id);
    pending.push(...operands(flow.node(id)));
  }
  return { made: [...made].sort((a, b) => a - b), taken: [...taken], ends };
}
