/** From one step to a whole batch of sequences: the plain meaning of a step program, one recurrence over time. */
import { InternalError } from "../../diagnostics/diagnostic.ts";
import { BATCH, dim, PAST, TIME, type Shape } from "../dims.ts";
import { GraphBuilder } from "./builder.ts";
import type { Binding, Carry, NodeId, ProgramState, RecurrenceOutput, StepProgram } from "./ir.ts";
import type { InputPort, OutputPort, SequenceProgram } from "./program.ts";
import { bodyNode } from "./shapes.ts";
import { rebuild } from "./rebuild.ts";

/** Shape of a state's port before the first step: of a growing state only the rows that there are already. */
export function stateInputShape(state: ProgramState): Shape {
  return state.growing ? [BATCH, PAST, ...state.shape.slice(1)] : [BATCH, ...state.shape];
}

/**
 * A program with the ports `input` `[batch, time, s…]`, `parameter` `[s…]`, `state` `[batch, s…]` (growing:
 * `[batch, past, r…]`) and, coming out, `output` `[batch, time, s…]` and `state` (growing: `[batch, past + time, r…]`).
 * Input nodes of its graph are named `role:name`.
 */
export function unroll(step: StepProgram): SequenceProgram {
  const builder = new GraphBuilder(step.name);
  const inputs: InputPort[] = [];
  const port = (role: InputPort["role"], name: string, shape: Shape, from: NodeId): NodeId => {
    const { dtype } = bodyNode(step.body, from);
    const node = builder.input(`${role}:${name}`, shape, dtype);
    inputs.push({ role, name, shape, dtype, node });
    return node;
  };

  const bindings: Binding[] = [];
  for (const { name, shape, node } of step.inputs) {
    const value = port("input", name, [BATCH, TIME, ...shape], node);
    bindings.push({ kind: "sequence", input: node, value });
  }
  for (const { name, shape, node } of step.parameters) {
    bindings.push({ kind: "shared", input: node, value: port("parameter", name, shape, node) });
  }
  if (step.position !== null) bindings.push({ kind: "position", input: step.position });

  const carries: Carry[] = step.states.map((state) => {
    builder.origin = state.origin;
    const given = port("state", state.name, stateInputShape(state), state.node);
    const init = state.growing ? builder.pad(given, 1, dim(0), TIME) : given;
    return { name: state.name, init, input: state.node, next: state.next };
  });
  builder.origin = null;

  const wanted: RecurrenceOutput[] = [
    ...step.outputs.map((o) => ({ kind: "stack" as const, node: o.node })),
    ...carries.map((_, carry) => ({ kind: "final" as const, carry })),
  ];
  const results = builder.recurrence({
    body: step.body,
    reverse: false,
    batch: BATCH,
    time: TIME,
    carries,
    bindings,
    outputs: wanted,
    replay: null,
  });
  const names = [
    ...step.outputs.map((o) => ({ role: "output" as const, name: o.name })),
    ...carries.map((c) => ({ role: "state" as const, name: c.name })),
  ];
  const outputs: OutputPort[] = names.map(({ role, name }, i) => {
    const { id: node, shape, dtype } = builder.node(results[i]!);
    builder.output(`${role}:${name}`, node);
    return { role, name, shape, dtype, node };
  });
  return { name: step.name, step, graph: builder.finish(), inputs, outputs };
}

/**
 * Replaces the states' input ports by their initial values: a number, or a parameter repeated along the batch (so that
 * gradients reach learned initial states). Growing states start empty: the caller runs the program with `past` 0.
 * `names`: only these states; all by default.
 */
export function withInitialStates(
  program: SequenceProgram,
  names?: readonly string[],
): SequenceProgram {
  const replaced = new Map<NodeId, ProgramState>();
  for (const port of program.inputs) {
    if (port.role !== "state" || (names !== undefined && !names.includes(port.name))) continue;
    const state = program.step.states.find((s) => s.name === port.name);
    if (state === undefined) throw new InternalError(`no state ${port.name} in ${program.name}`);
    replaced.set(port.node, state);
  }
  const builder = new GraphBuilder(program.graph.name);
  // Parameters may stand after the states that start from them: all inputs that stay come first.
  const ports = new Map<NodeId, NodeId>();
  for (const port of program.inputs) {
    if (replaced.has(port.node)) continue;
    const node = bodyNode(program.graph, port.node);
    if (node.op !== "input") throw new InternalError(`port ${port.name} is no input`);
    const { name, shape, dtype } = node;
    ports.set(port.node, builder.input(name, shape, dtype));
  }
  const parameter = (name: string): NodeId => {
    const port = program.inputs.find((p) => p.role === "parameter" && p.name === name);
    if (port === undefined) throw new InternalError(`no parameter ${name} in ${program.name}`);
    return ports.get(port.node)!;
  };
  const to = rebuild(program.graph, builder, (node) => {
    const known = ports.get(node.id);
    if (known !== undefined) return known;
    const state = replaced.get(node.id);
    if (state === undefined) return null;
    const { init } = state;
    if (init.kind === "constant") return builder.fill(init.value, node.shape);
    const value = parameter(init.name);
    const axes = builder.shape(value).map((_, i) => i + 1);
    return builder.broadcast(value, axes, node.shape);
  });
  for (const { name, node } of program.graph.outputs) builder.output(name, to(node));
  return {
    ...program,
    graph: builder.finish(),
    inputs: program.inputs
      .filter((p) => !replaced.has(p.node))
      .map((p) => ({ ...p, node: to(p.node) })),
    outputs: program.outputs.map((p) => ({ ...p, node: to(p.node) })),
  };
}
