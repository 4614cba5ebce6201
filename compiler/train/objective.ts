/** The numbers that a program is trained and measured by, from what its steps say of themselves. */
import { InternalError } from "../../diagnostics/diagnostic.ts";
import { BATCH, multiply, TIME } from "../dims.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { NodeId } from "../graph/ir.ts";
import { LOSS, METRIC, WEIGHT } from "../graph/objective.ts";
import type { InputPort, OutputPort, SequenceProgram } from "../graph/program.ts";
import { rebuild } from "../graph/rebuild.ts";
import { bodyNode } from "../graph/shapes.ts";
import { simplifyProgram } from "../graph/simplify.ts";
import { withInitialStates } from "../graph/unroll.ts";

/** What the loss is called among the metrics. */
export const LOSS_METRIC = "loss";

/** Divides where no step counts at all. */
const TINY = 1e-12;

export interface ObjectiveOptions {
  /**
   * False: states start from their initial values, and learned ones get gradients. True: they are given, `[batch, …]`, and
   * given back at the end; no gradient flows into what is given.
   */
  readonly carry: boolean;
  /** Outputs of the step to give out as well, `[batch, time, …]`. */
  readonly outputs?: readonly string[];
}

/** A program that is being extended. */
export interface Draft {
  readonly program: SequenceProgram;
  readonly builder: GraphBuilder;
  readonly inputs: InputPort[];
  readonly outputs: OutputPort[];
  /** Σ weight · x over batch and time, by the name of the metric: the loss and the others. */
  readonly sums: ReadonlyMap<string, NodeId>;
  /** Σ weight */
  readonly weight: NodeId;
}

/** Adds an output port. */
export function emit(draft: Draft, role: OutputPort["role"], name: string, node: NodeId): void {
  const { shape, dtype } = draft.builder.node(node);
  draft.builder.output(`${role}:${name}`, node);
  draft.outputs.push({ role, name, shape, dtype, node });
}

/** Adds an input port. */
export function take(
  draft: Draft,
  role: InputPort["role"],
  name: string,
  shape: InputPort["shape"],
): NodeId {
  const node = draft.builder.input(`${role}:${name}`, shape);
  draft.inputs.push({ role, name, shape, dtype: "float", node });
  return node;
}

const isMeasure = (name: string): boolean => name === LOSS || name.startsWith(METRIC);

/** Copies what the objective and the wanted outputs need of a program, and adds up its loss and its metrics. */
export function startObjective(program: SequenceProgram, options: ObjectiveOptions): Draft {
  const { carry, outputs = [] } = options;
  const source = carry ? program : withInitialStates(program);
  const port = (name: string): OutputPort | undefined =>
    source.outputs.find((p) => p.role === "output" && p.name === name);
  if (port(LOSS) === undefined) throw new InternalError(`${program.name} has no output ${LOSS}`);
  const measures = source.outputs.filter((p) => p.role === "output" && isMeasure(p.name));
  const kept = outputs.map((name) => {
    const found = port(name);
    if (found === undefined) throw new InternalError(`${program.name} has no output ${name}`);
    return found;
  });
  if (carry) kept.push(...source.outputs.filter((p) => p.role === "state"));

  const builder = new GraphBuilder(source.graph.name);
  const weights = port(WEIGHT);
  const roots = [...measures, ...kept].map((p) => p.node);
  if (weights !== undefined) roots.push(weights.node);
  const to = rebuild(source.graph, builder, () => null, [
    ...roots,
    ...source.inputs.map((p) => p.node),
  ]);

  const weight = weights === undefined ? null : to(weights.node);
  const total = weight === null ? builder.size(multiply(BATCH, TIME)) : builder.sum(weight, [0, 1]);
  const sums = new Map<string, NodeId>();
  for (const { name, node } of measures) {
    if (bodyNode(source.graph, node).shape.length !== 2) {
      throw new InternalError(`${program.name}: ${name} is not one number per step`);
    }
    const x = to(node);
    sums.set(
      name === LOSS ? LOSS_METRIC : name,
      builder.sum(weight === null ? x : builder.mul(weight, x), [0, 1]),
    );
  }
  const draft: Draft = {
    program: source,
    builder,
    inputs: source.inputs.map((p) => ({ ...p, node: to(p.node) })),
    outputs: [],
    sums,
    weight: total,
  };
  for (const { role, name, node } of kept) emit(draft, role, name, to(node));
  return draft;
}

/** sum / Σ weight; 0 if no step counts. */
export function average(draft: Draft, sum: NodeId): NodeId {
  const { builder, weight } = draft;
  return builder.div(sum, builder.binary("max", weight, builder.constant(TINY)));
}

export function finish(draft: Draft, name: string): SequenceProgram {
  const { program, builder, inputs, outputs } = draft;
  return simplifyProgram({ ...program, name, graph: builder.finish(), inputs, outputs });
}
