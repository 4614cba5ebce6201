/** What `stage` makes of outputs that are wanted at the last step only, said another way: all steps, and the last cut out. */
import { dim, subtract, TIME } from "../../compiler/dims.ts";
import { GraphBuilder, type SequenceProgram } from "../../compiler/graph/index.ts";

/** The program with each output `[batch, time, s…]` of these names cut to its last step, `[batch, 1, s…]`. */
export function cutToLast(program: SequenceProgram, names: ReadonlySet<string>): SequenceProgram {
  const builder = GraphBuilder.extend(program.graph);
  const outputs = program.outputs.map((port) => {
    if (port.role !== "output" || !names.has(port.name)) return port;
    const node = builder.slice(port.node, 1, subtract(TIME, dim(1)), dim(1));
    return { ...port, node, shape: builder.shape(node) };
  });
  const nodes = new Map(outputs.map((o) => [`${o.role}:${o.name}`, o.node]));
  const named = program.graph.outputs.map((o) => ({ ...o, node: nodes.get(o.name) ?? o.node }));
  return { ...program, graph: { ...builder.finish(), outputs: named }, outputs };
}
