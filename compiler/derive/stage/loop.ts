/** Writes one unit of the plan as a recurrence of the sequence graph. */
import { BATCH, TIME } from "../../dims.ts";
import { GraphBuilder } from "../../graph/builder.ts";
import { valueName } from "../../graph/names.ts";
import type { Binding, Carry, NodeId, ProgramState, RecurrenceOutput } from "../../graph/ir.ts";
import { mapOperands } from "../../graph/shapes.ts";
import type { Lookup } from "./lift.ts";
import type { Plan, Unit } from "./plan.ts";
import { depth, SEQUENCE, widen } from "./variant.ts";

export interface LoopResults {
  /** Per node that something outside needs, `[batch, time, s…]`. */
  readonly sequences: ReadonlyMap<NodeId, NodeId>;
  /** Per state, `[batch, s…]`. */
  readonly finals: ReadonlyMap<ProgramState, NodeId>;
}

/** The nodes of a unit whose values are needed at every step outside it. */
function exported(plan: Plan, unit: Unit): NodeId[] {
  const { flow } = plan;
  const inside = new Set(unit.nodes);
  const outputs = new Set(flow.step.outputs.map((o) => o.node));
  return unit.nodes.filter(
    (id) => outputs.has(id) || flow.users(id).some((user) => !inside.has(user)),
  );
}

/** The label of a node in the spec, or what stands for it. */
function nameOf(plan: Plan, id: NodeId): string {
  const node = plan.flow.node(id);
  return node.op === "input" ? node.name : valueName(node);
}

class Body {
  readonly builder: GraphBuilder;
  readonly bindings: Binding[] = [];
  readonly #plan: Plan;
  readonly #outer: GraphBuilder;
  readonly #at: Lookup;
  readonly #inside = new Map<NodeId, NodeId>();
  readonly #taken = new Set<string>();

  constructor(name: string, plan: Plan, outer: GraphBuilder, at: Lookup) {
    this.builder = new GraphBuilder(name);
    this.#plan = plan;
    this.#outer = outer;
    this.#at = at;
  }

  #unique(name: string): string {
    let free = name;
    for (let i = 2; this.#taken.has(free); i++) free = `${name}.${i}`;
    this.#taken.add(free);
    return free;
  }

  /** A node of the step as an input of the body. */
  input(id: NodeId): NodeId {
    const { shape, dtype, origin } = this.#plan.flow.node(id);
    this.builder.origin = origin;
    const input = this.builder.input(this.#unique(nameOf(this.#plan, id)), shape, dtype);
    this.#inside.set(id, input);
    return input;
  }

  #bind(id: NodeId): NodeId {
    const { flow } = this.#plan;
    const input = this.input(id);
    if (id === flow.step.position) {
      this.bindings.push({ kind: "position", input });
      return input;
    }
    const value = this.#at(id);
    if (value.time) {
      const sequence = widen(this.#outer, value, SEQUENCE);
      this.bindings.push({ kind: "sequence", input, value: sequence });
    } else {
      const kind = depth(value) === 0 ? "shared" : "batch";
      this.bindings.push({ kind, input, value: value.node });
    }
    return input;
  }

  /** The body's node for a node of the step, taken in from outside if need be. */
  get = (id: NodeId): NodeId => {
    const known = this.#inside.get(id);
    if (known !== undefined) return known;
    return this.#plan.imports.isMade(id) ? this.make(id) : this.#bind(id);
  };

  /** Copies a node of the step, operands first. */
  make(id: NodeId): NodeId {
    const node = this.#plan.flow.node(id);
    const mapped = mapOperands(node, this.get);
    const { id: _, origin, ...draft } = mapped;
    this.builder.origin = origin;
    const made = this.builder.copy(draft);
    this.#inside.set(id, made);
    return made;
  }
}

/**
 * Adds the recurrence to `outer`. `at` gives what the values that the loop needs have become; `first` a state before the
 * first step, `[batch, s…]`.
 */
export function emitLoop(
  outer: GraphBuilder,
  plan: Plan,
  unit: Unit,
  at: Lookup,
  first: (state: ProgramState) => NodeId,
): LoopResults {
  const { flow } = plan;
  const states = unit.nodes.flatMap((id) => flow.stateAt.get(id) ?? []);
  const name = states.length > 0 ? states.map((s) => s.name).join(", ") : "loop";
  const body = new Body(name, plan, outer, at);
  const inputs = states.map((s) => body.input(s.node));
  for (const id of unit.nodes) if (!flow.stateAt.has(id)) body.make(id);

  const carries: Carry[] = states.map((state, i) => ({
    name: state.name,
    init: first(state),
    input: inputs[i]!,
    next: body.get(state.next),
  }));
  const stacked = exported(plan, unit);
  const wanted: RecurrenceOutput[] = [
    ...stacked.map((id) => ({ kind: "stack" as const, node: body.get(id) })),
    ...states.map((_, carry) => ({ kind: "final" as const, carry })),
  ];
  outer.origin = states[0]?.origin ?? null;
  const results = outer.recurrence({
    body: body.builder.finish(),
    reverse: false,
    batch: BATCH,
    time: TIME,
    carries,
    bindings: body.bindings,
    outputs: wanted,
    replay: null,
  });
  return {
    sequences: new Map(stacked.map((id, i) => [id, results[i]!])),
    finals: new Map(states.map((s, i) => [s, results[stacked.length + i]!])),
  };
}
