/** Gradients: of expressions while a graph is being built, and of whole programs. */
import { InternalError } from "../../../diagnostics/diagnostic.ts";
import { filled } from "../algebra/index.ts";
import { GraphBuilder } from "../builder.ts";
import type { NodeId } from "../ir.ts";
import type { InputPort, OutputPort, SequenceProgram } from "../program.ts";
import { cotangents, type AdjointOptions, type Seed } from "./engine.ts";
import { recurrenceAdjoint } from "./recurrence.ts";

export type { AdjointOptions, Seed } from "./engine.ts";

/**
 * Gradients, with respect to each of `wrt`, of the sum of all elements of `loss` (or of Σ loss · seed): nodes of the
 * shapes of `wrt`, appended to the builder, zero where `loss` does not depend on them.
 */
export function gradient(
  builder: GraphBuilder,
  loss: NodeId,
  wrt: readonly NodeId[],
  seed?: NodeId,
  options: AdjointOptions = {},
): NodeId[] {
  const cotangent = seed ?? filled(builder, 1, builder.shape(loss));
  return gradientOfSeeds(builder, [{ node: loss, cotangent }], wrt, options);
}

/** The same for several nodes at once, each with its cotangent. */
export function gradientOfSeeds(
  builder: GraphBuilder,
  seeds: readonly Seed[],
  wrt: readonly NodeId[],
  options: AdjointOptions = {},
): NodeId[] {
  for (const id of wrt) {
    if (builder.node(id).dtype === "int") throw new InternalError(`gradient of the integer %${id}`);
  }
  const found = cotangents(builder, seeds, wrt, recurrenceAdjoint, options);
  return found.map((id, i) => id ?? filled(builder, 0, builder.shape(wrt[i]!)));
}

export interface WithRespectTo {
  readonly inputs?: boolean;
  readonly parameters?: boolean;
  readonly states?: boolean;
}

const gradientName = (port: InputPort): string =>
  port.role === "state" ? `state.${port.name}` : port.name;

/** The input ports whose gradients are asked for: floats; of the parameters the trained ones. */
export function differentiablePorts(
  program: SequenceProgram,
  wrt: WithRespectTo = { inputs: true, parameters: true, states: true },
): InputPort[] {
  const fixed = new Set(program.step.parameters.filter((p) => !p.trained).map((p) => p.name));
  return program.inputs.filter((p) => {
    if (p.dtype !== "float") return false;
    if (p.role === "input") return wrt.inputs ?? false;
    if (p.role === "state") return wrt.states ?? false;
    return p.role === "parameter" && (wrt.parameters ?? false) && !fixed.has(p.name);
  });
}

/**
 * The program with a `cotangent` port for every float output and final state (`state.NAME`), and a `gradient` output for
 * every input port asked for (all by default): the gradient of Σ output · cotangent.
 */
export function withGradients(
  program: SequenceProgram,
  wrt?: WithRespectTo,
  options: AdjointOptions = {},
): SequenceProgram {
  const builder = GraphBuilder.extend(program.graph);
  const inputs = [...program.inputs];
  const seeds: Seed[] = [];
  for (const { role, name: own, shape, dtype, node } of program.outputs) {
    if (dtype !== "float" || (role !== "output" && role !== "state")) continue;
    const name = role === "state" ? `state.${own}` : own;
    const cotangent = builder.input(`cotangent:${name}`, shape);
    inputs.push({ role: "cotangent", name, shape, dtype, node: cotangent });
    seeds.push({ node, cotangent });
  }
  const ports = differentiablePorts(program, wrt);
  const found = gradientOfSeeds(
    builder,
    seeds,
    ports.map((p) => p.node),
    options,
  );
  const gradients = ports.map((p, i): OutputPort => {
    const { shape, dtype } = p;
    return { role: "gradient", name: gradientName(p), shape, dtype, node: found[i]! };
  });
  for (const { name, node } of gradients) builder.output(`gradient:${name}`, node);
  return {
    ...program,
    graph: builder.finish(),
    inputs,
    outputs: [...program.outputs, ...gradients],
  };
}

/**
 * The program's graph with the gradients of a loss (a node of it, shape `[]`) with respect to some of its input ports.
 * Node ids that were valid stay valid. To go on building, use `GraphBuilder.extend` and `gradient` instead.
 */
export function lossGradients(
  program: SequenceProgram,
  loss: NodeId,
  ports: readonly InputPort[],
  options: AdjointOptions = {},
): { readonly program: SequenceProgram; readonly gradients: readonly NodeId[] } {
  const builder = GraphBuilder.extend(program.graph);
  const wrt = ports.map((p) => p.node);
  const gradients = gradient(builder, loss, wrt, undefined, options);
  return { program: { ...program, graph: builder.finish() }, gradients };
}
