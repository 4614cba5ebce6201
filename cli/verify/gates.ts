/**
 * Rules that are another rule when a gate is held still: with a decay of one the rule without decay, with the same decay
 * in all channels the one with a decay per head. The compiler derives each by itself, leaving out what it knows to be one;
 * so the general form, told at run time what the special one knows, has to compute the same.
 *
 * Gates are found in the equation: a node under the decay factor of a state's normal form that makes the factor vanish
 * from the form when a constant, 1 or else 0, stands in its place.
 */
import { analyse, type NormalForm } from "../../compiler/derive/analyse/index.ts";
import { constant, type Shape } from "../../compiler/dims.ts";
import {
  GraphBuilder,
  reachable,
  rebuild,
  simplifyStep,
  unroll,
} from "../../compiler/graph/index.ts";
import type { NodeId, StepProgram } from "../../compiler/graph/ir.ts";
import type { Tensor } from "../../compiler/graph/tensor.ts";
import type { Given } from "./candidates.ts";
import type { Values } from "./measure.ts";

export interface Twins {
  /** What both sides are when the gate is held still: `W, decay 1`. */
  readonly name: string;
  /** The rule whose gate is known to stand still. */
  readonly special: StepProgram;
  /** The rule whose gate is an input. */
  readonly general: StepProgram;
  /** What `general` has to be given for what `special` is given. */
  readonly widen: (given: Given) => Given;
  /** The results of `general` as those of `special`. */
  readonly narrow: (values: Values) => Values;
}

/** A step with something else in a node's place, which may be made from a new input. */
function withNode(
  step: StepProgram,
  at: NodeId,
  make: (builder: GraphBuilder, input: (shape: Shape) => NodeId) => NodeId,
): StepProgram {
  const builder = new GraphBuilder(step.body.name);
  const inputs = [...step.inputs];
  const input = (shape: Shape): NodeId => {
    const name = gateName(step);
    const node = builder.input(name, shape);
    inputs.push({ name, shape, dtype: "float", vocab: null, node });
    return node;
  };
  const made = make(builder, input);
  const to = rebuild(step.body, builder, (node) => (node.id === at ? made : null));
  const moved = <T extends { readonly node: NodeId }>(x: T): T => ({ ...x, node: to(x.node) });
  for (const { name, node } of step.body.outputs) builder.output(name, to(node));
  const known = step.inputs.length;
  return simplifyStep({
    ...step,
    body: builder.finish(),
    inputs: [...inputs.slice(0, known).map(moved), ...inputs.slice(known)],
    parameters: step.parameters.map(moved),
    states: step.states.map((s) => ({ ...moved(s), next: to(s.next) })),
    outputs: step.outputs.map(moved),
    position: step.position === null ? null : to(step.position),
  });
}

/** A name that no input has yet. */
function gateName(step: StepProgram): string {
  const taken = new Set([...step.inputs, ...step.parameters].map((p) => p.name));
  let name = "gate";
  while (taken.has(name)) name += "_";
  return name;
}

/** The normal forms of the states that have one of their own, by the names of the states. */
function formsOf(step: StepProgram): Map<string, NormalForm> {
  const forms = new Map<string, NormalForm>();
  for (const node of unroll(step).graph.nodes) {
    if (node.op !== "recurrence") continue;
    for (const { carries, form } of analyse(node.recurrence)) {
      // The form of several states as one is in nodes of another graph.
      const [only, ...others] = carries;
      if (form === null || others.length > 0) continue;
      forms.set(node.recurrence.carries[only!]!.name, form);
    }
  }
  return forms;
}

const decayOf = (step: StepProgram, state: string) => formsOf(step).get(state)?.decay.kind;

interface Gate {
  readonly node: NodeId;
  readonly shape: Shape;
  /** Where it stands still, nothing decays. */
  readonly still: number;
}

/** The gate of a state whose form has a decay, nearest to the decay itself. */
function gateOf(step: StepProgram, state: string, { graph, decay }: NormalForm): Gate | null {
  if (decay.kind === "none") return null;
  const own = step.body.nodes.length;
  const under = reachable(graph, [decay.factor]).filter((n) => n.id < own && n.dtype === "float");
  for (const { id, shape } of under.reverse()) {
    for (const still of [1, 0]) {
      const fixed = withNode(step, id, (b) => b.fill(still, shape));
      if (decayOf(fixed, state) === "none") return { node: id, shape, still };
    }
  }
  return null;
}

const without = (values: Values, name: string): Values =>
  new Map([...values].filter(([key]) => key !== name));

/** A gate that stands still: known to, and told to. */
function still(step: StepProgram, what: string, gate: Gate): Twins {
  const name = gateName(step);
  const numbers = gate.shape.map((d) => constant(d)!);
  return {
    name: what,
    special: withNode(step, gate.node, (b) => b.fill(gate.still, gate.shape)),
    general: withNode(step, gate.node, (_, input) => input(gate.shape)),
    widen: (given) => {
      const shape = [given.sizes.batch, given.sizes.time, ...numbers];
      const data = new Float64Array(shape.reduce((a, b) => a * b, 1)).fill(gate.still);
      return { ...given, tensors: new Map([...given.tensors, [name, { shape, data }]]) };
    },
    narrow: (values) => without(values, `d.${name}`),
  };
}

/** Repeated along a new axis. */
function repeated({ shape, data }: Tensor, axis: number, size: number): Tensor {
  const inner = shape.slice(axis).reduce((a, b) => a * b, 1);
  const out = new Float64Array(data.length * size);
  for (let i = 0; i < out.length; i++) {
    out[i] = data[Math.floor(i / (inner * size)) * inner + (i % inner)]!;
  }
  return { shape: [...shape.slice(0, axis), size, ...shape.slice(axis)], data: out };
}

/** Added up along an axis. */
function summed({ shape, data }: Tensor, axis: number): Tensor {
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const size = shape[axis]!;
  const out = new Float64Array(data.length / size);
  for (let i = 0; i < data.length; i++) {
    out[Math.floor(i / (inner * size)) * inner + (i % inner)]! += data[i]!;
  }
  return { shape: shape.filter((_, i) => i !== axis), data: out };
}

/** The same gate in all channels: a decay that is one number. */
function equal(step: StepProgram, state: string, { node, shape }: Gate): Twins | null {
  const name = gateName(step);
  for (const [axis, length] of shape.entries()) {
    const size = constant(length)!;
    const rest = shape.filter((_, i) => i !== axis);
    const places = shape.map((_, i) => i).filter((i) => i !== axis);
    const special = withNode(step, node, (b, input) =>
      b.broadcast(b.unary("sigmoid", input(rest)), places, shape),
    );
    if (size === 1 || decayOf(special, state) !== "scalar") continue;
    return {
      name: `${state}, equal decays`,
      special,
      general: withNode(step, node, (b, input) => b.unary("sigmoid", input(shape))),
      // Axes of sequences come after batch and time.
      widen: (given) => {
        const gate = repeated(given.tensors.get(name)! as Tensor, axis + 2, size);
        return { ...given, tensors: new Map([...given.tensors, [name, gate]]) };
      },
      narrow: (values) =>
        new Map(
          [...values].map(([key, value]) =>
            key === `d.${name}` ? [key, summed(value as Tensor, axis + 2)] : [key, value],
          ),
        ),
    };
  }
  return null;
}

/** Gates of a set that are tried, of more. */
const MOST_GATES = 2;

/**
 * Gates of states that have one form together (momentum beside the weights that it changes): there is no decay of one
 * state there, but what says how much of a state stays is still a number between 0 and 1, which a sigmoid gives.
 */
function coupled(step: StepProgram): Twins[] {
  const found: Twins[] = [];
  for (const node of unroll(step).graph.nodes) {
    if (node.op !== "recurrence") continue;
    const { body, carries } = node.recurrence;
    const own = new Set(carries.map((c) => c.input));
    for (const set of analyse(node.recurrence)) {
      if (set.form === null || set.carries.length < 2) continue;
      const states = set.carries.map((i) => carries[i]!);
      const gates = reachable(
        body,
        states.map((c) => c.next),
      ).filter(
        (n) => n.op === "unary" && n.fn === "sigmoid" && !reachable(body, [n.id]).some((x) => own.has(x.id)), // prettier-ignore
      );
      const name = states.map((c) => c.name).join("+");
      // Not what a gate is made of.
      const inside = new Set(gates.flatMap((g) => reachable(body, [g.id]).filter((n) => n !== g)));
      const outer = gates.filter((g) => !inside.has(g));
      for (const { id, shape } of outer.slice(0, MOST_GATES)) {
        found.push(still(step, `${name}, gate 1`, { node: id, shape, still: 1 }));
      }
    }
  }
  return found;
}

/** All gates of a step with numbers for its sizes. */
export function twinsOf(step: StepProgram): Twins[] {
  const found: Twins[] = [];
  for (const [state, form] of formsOf(step)) {
    const gate = gateOf(step, state, form);
    if (gate === null) continue;
    found.push(still(step, `${state}, decay 1`, gate));
    if (form.decay.kind !== "diagonal") continue;
    const twins = equal(step, state, gate);
    if (twins !== null) found.push(twins);
  }
  return [...found, ...coupled(step)];
}
