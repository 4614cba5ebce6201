/**
 * Staging: from one step to a batch of sequences, with loops over time only where a value depends on itself at an earlier
 * step. Everything else is computed for all time steps at once.
 */
import { BATCH, dim, TIME } from "../../dims.ts";
import { GraphBuilder } from "../../graph/builder.ts";
import type { NodeId, ProgramState, StepProgram } from "../../graph/ir.ts";
import type { InputPort, OutputPort, SequenceProgram } from "../../graph/program.ts";
import { simplifyProgram } from "../../graph/simplify.ts";
import { stateInputShape } from "../../graph/unroll.ts";
import { InternalError } from "../../../diagnostics/diagnostic.ts";
import { isUnwritten } from "./flow.ts";
import { emitLoop } from "./loop.ts";
import { lastStep, type LastStep } from "./last.ts";
import { lift } from "./lift.ts";
import { makePlan, type Plan } from "./plan.ts";
import { totalOf, type Total } from "./total.ts";
import {
  atLast,
  atTime,
  LAST,
  PER_BATCH,
  PER_TIME,
  SEQUENCE,
  SHARED,
  widen,
  type Lifted,
} from "./variant.ts";

class Stager {
  readonly #plan: Plan;
  readonly #step: StepProgram;
  /** Names of the outputs that are wanted at the last step only, and what they need. */
  readonly #onlyLast: ReadonlySet<string>;
  readonly #last: LastStep | null;
  readonly #builder: GraphBuilder;
  readonly #values = new Map<NodeId, Lifted>();
  readonly #finals = new Map<ProgramState, NodeId>();
  readonly #first = new Map<ProgramState, NodeId>();
  readonly inputs: InputPort[] = [];

  constructor(step: StepProgram, onlyLast: ReadonlySet<string>) {
    this.#step = step;
    this.#onlyLast = onlyLast;
    const wanted = step.outputs.flatMap((o) => (onlyLast.has(o.name) ? [o.node] : []));
    this.#last = wanted.length === 0 ? null : lastStep(step, wanted);
    const taken = (this.#last?.taken ?? []).map((node) => ({ name: `last.${node}`, node }));
    const throughout = step.outputs.filter((o) => !onlyLast.has(o.name));
    this.#plan = makePlan({ ...step, outputs: [...throughout, ...taken] });
    this.#builder = new GraphBuilder(step.name);
  }

  #at = (id: NodeId): Lifted => {
    const found = this.#values.get(id);
    if (found === undefined)
      throw new InternalError(`${this.#step.name}: node ${id} is not staged`);
    return found;
  };

  #port(role: InputPort["role"], name: string, shape: InputPort["shape"], from: NodeId): NodeId {
    const { dtype } = this.#step.body.nodes[from]!;
    const node = this.#builder.input(`${role}:${name}`, shape, dtype);
    this.inputs.push({ role, name, shape, dtype, node });
    return node;
  }

  /** A state before the first step, with room for all rows if it grows. */
  #initial = (state: ProgramState): NodeId => {
    const given = this.#first.get(state)!;
    return state.growing ? this.#builder.pad(given, 1, dim(0), TIME) : given;
  };

  #ports(): void {
    const [builder, step] = [this.#builder, this.#step];
    for (const { name, shape, node } of step.inputs) {
      const value = this.#port("input", name, [BATCH, TIME, ...shape], node);
      this.#values.set(node, { ...SEQUENCE, node: value });
    }
    for (const { name, shape, node } of step.parameters) {
      this.#values.set(node, { ...SHARED, node: this.#port("parameter", name, shape, node) });
    }
    for (const state of step.states) {
      builder.origin = state.origin;
      this.#first.set(state, this.#port("state", state.name, stateInputShape(state), state.node));
    }
    builder.origin = null;
    if (step.position !== null) {
      this.#values.set(step.position, { ...PER_TIME, node: builder.iota(TIME, "int") });
    }
  }

  /** All rows that a growing state ever has: `[batch, past + time, r…]`. */
  #grow(state: ProgramState, row: NodeId): Lifted {
    const rows = widen(this.#builder, this.#at(row), SEQUENCE);
    const node = this.#builder.concat([this.#first.get(state)!, rows], 1);
    this.#finals.set(state, node);
    return { ...PER_BATCH, node };
  }

  /** A state whose new value does not depend on an old one: that value, one step later. */
  #delay(state: ProgramState): Lifted {
    const builder = this.#builder;
    const next = widen(builder, this.#at(state.next), SEQUENCE);
    const first = this.#initial(state);
    const lead = builder.reshape(first, [BATCH, dim(1), ...state.shape]);
    const rest = builder.slice(next, 1, dim(0), LAST);
    this.#finals.set(state, atTime(builder, next, LAST));
    return { ...SEQUENCE, node: builder.concat([lead, rest], 1) };
  }

  /** A state that only adds up, after the last step. */
  #total({ state, addend }: Total): NodeId {
    const builder = this.#builder;
    builder.origin = state.origin;
    const added = widen(builder, this.#at(addend), SEQUENCE);
    return builder.add(this.#initial(state), builder.sum(added, [1]));
  }

  #lift(id: NodeId): Lifted {
    const { flow } = this.#plan;
    const state = flow.stateAt.get(id);
    const append = flow.grown.get(id);
    if (append !== undefined) {
      const owner = state ?? flow.stateAt.get(append.x)!;
      return this.#grow(owner, append.row);
    }
    if (state === undefined) return lift(this.#builder, flow.node(id), this.#at);
    if (!isUnwritten(state)) return this.#delay(state);
    const node = this.#initial(state);
    this.#finals.set(state, node);
    return { ...PER_BATCH, node };
  }

  #units(): void {
    const { flow, units } = this.#plan;
    for (const unit of units) {
      const total = unit.loop ? totalOf(this.#plan, unit) : null;
      if (total !== null) {
        this.#finals.set(total.state, this.#total(total));
        continue;
      }
      if (unit.loop) {
        const made = emitLoop(this.#builder, this.#plan, unit, this.#at, this.#initial);
        for (const [id, node] of made.sequences) this.#values.set(id, { ...SEQUENCE, node });
        for (const [state, node] of made.finals) this.#finals.set(state, node);
        continue;
      }
      for (const id of unit.nodes) {
        if (this.#values.has(id)) continue;
        this.#builder.origin = flow.node(id).origin;
        this.#values.set(id, this.#lift(id));
      }
    }
    this.#builder.origin = null;
  }

  /** What an output of the last step is there: `[batch, 1, s…]`. */
  #lastValues(): (id: NodeId) => NodeId {
    const { made, ends } = this.#last!;
    const builder = this.#builder;
    const values = new Map<NodeId, Lifted>();
    const at = (id: NodeId): Lifted => {
      const state = ends.get(id);
      if (state !== undefined) return { ...PER_BATCH, node: this.#finals.get(state)! };
      return values.get(id) ?? atLast(builder, this.#at(id));
    };
    for (const id of made) {
      const node = this.#plan.flow.node(id);
      builder.origin = node.origin;
      const known = this.#values.get(id);
      values.set(id, known === undefined ? lift(builder, node, at) : atLast(builder, known));
    }
    builder.origin = null;
    return (id) => {
      const value = widen(builder, at(id), PER_BATCH);
      const [batch, ...shape] = builder.shape(value);
      return builder.reshape(value, [batch!, dim(1), ...shape]);
    };
  }

  run(): SequenceProgram {
    this.#ports();
    this.#units();
    const [builder, step] = [this.#builder, this.#step];
    const outputs: OutputPort[] = [];
    const output = (role: OutputPort["role"], name: string, node: NodeId): void => {
      const { shape, dtype } = builder.node(node);
      builder.output(`${role}:${name}`, node);
      outputs.push({ role, name, shape, dtype, node });
    };
    const last = this.#last === null ? null : this.#lastValues();
    for (const { name, node } of step.outputs) {
      const wanted = this.#onlyLast.has(name)
        ? last!(node)
        : widen(builder, this.#at(node), SEQUENCE);
      output("output", name, wanted);
    }
    for (const state of step.states) output("state", state.name, this.#finals.get(state)!);
    return { name: step.name, step, graph: builder.finish(), inputs: this.inputs, outputs };
  }
}

/**
 * The same program as `unroll(step)`, port for port, with one `recurrence` per set of states that depend on each other.
 * What is proportional to a state matrix stays in its loop; a state that only delays a value becomes a shift along time; a
 * growing state becomes the array of all its rows, and a state to which every step only adds something a sum over time.
 *
 * `onlyLast`: names of outputs that are wanted at the last step only, and given as `[batch, 1, s…]`.
 */
export function stage(
  step: StepProgram,
  onlyLast: ReadonlySet<string> = new Set(),
): SequenceProgram {
  return simplifyProgram(new Stager(step, onlyLast).run());
}
