/** One recurrence of a program as a program of its own, so that its forms can be counted apart from all else. */
import { chunk } from "../derive/index.ts";
import { gradientOfSeeds } from "../graph/adjoint/index.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { NodeId, Recurrence } from "../graph/ir.ts";
import type { InputPort, OutputPort, SequenceProgram } from "../graph/program.ts";
import { simplifyProgram } from "../graph/simplify.ts";
import { optimiseProgram } from "../optimise/index.ts";
import { costOf, type Cost } from "../cost/index.ts";
import type { Sizes } from "../../runtime/format/program.ts";
import type { Form, Use } from "./forms.ts";

/** The recurrence with an input for everything that it is given and an output for everything that it gives. */
export function alone(program: SequenceProgram, recurrence: Recurrence): SequenceProgram {
  const builder = new GraphBuilder("recurrence");
  const inputs: InputPort[] = [];
  const made = new Map<NodeId, NodeId>();
  const given = (id: NodeId): NodeId => {
    const known = made.get(id);
    if (known !== undefined) return known;
    const { shape, dtype } = program.graph.nodes[id]!;
    const name = String(inputs.length);
    const node = builder.input(name, shape, dtype);
    inputs.push({ role: "input", name, shape, dtype, node });
    made.set(id, node);
    return node;
  };
  const results = builder.recurrence({
    ...recurrence,
    carries: recurrence.carries.map((c) => ({ ...c, init: given(c.init) })),
    bindings: recurrence.bindings.map((b) => "value" in b ? { ...b, value: given(b.value) } : b), // prettier-ignore
  });
  const outputs = results.map((node, i): OutputPort => {
    const { shape, dtype } = builder.node(node);
    builder.output(String(i), node);
    return { role: "output", name: String(i), shape, dtype, node };
  });
  return { name: "recurrence", step: program.step, graph: builder.finish(), inputs, outputs };
}

/** With the gradients of all that the loop gives at every step, with respect to all that it is given at any. */
function backward(program: SequenceProgram): SequenceProgram {
  const builder = GraphBuilder.extend(program.graph);
  const last = program.outputs.filter((o) => o.dtype === "float");
  const inputs = [...program.inputs];
  const seeds = last.map(({ name, shape, dtype, node }) => {
    const cotangent = builder.input(`cotangent ${name}`, shape);
    inputs.push({ role: "cotangent", name, shape, dtype, node: cotangent });
    return { node, cotangent };
  });
  const wrt = program.inputs.filter((p) => p.dtype === "float").map((p) => p.node);
  const found = gradientOfSeeds(builder, seeds, wrt);
  const outputs = [...program.outputs];
  for (const [i, node] of found.entries()) {
    const { shape, dtype } = builder.node(node);
    builder.output(`gradient ${i}`, node);
    outputs.push({ role: "gradient", name: String(i), shape, dtype, node });
  }
  return { ...program, graph: builder.finish(), inputs, outputs };
}

/** The recurrence in a form, as it is compiled for a use. */
export function inForm(program: SequenceProgram, { length }: Form, use: Use): SequenceProgram {
  const formed = length === null ? program : chunk(program, { length, elementwise: true }).program;
  return optimiseProgram(simplifyProgram(use === "training" ? backward(formed) : formed));
}

export function costInForm(program: SequenceProgram, form: Form, use: Use, sizes: Sizes): Cost {
  return costOf(inForm(program, form, use).graph, sizes);
}
