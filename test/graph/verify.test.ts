import { describe, expect, test } from "vitest";
import { BATCH, dim, TIME } from "../../compiler/dims.ts";
import {
  GraphBuilder,
  unroll,
  verify,
  verifyProgram,
  verifyStep,
  type Graph,
  type Node,
  type NodeId,
  type RecurrenceNode,
} from "../../compiler/graph/index.ts";
import { cellStep, deltaStep } from "../support/steps.ts";

function sample(): Graph {
  const b = new GraphBuilder("sample");
  const x = b.input("x", [dim(2), dim(3)]);
  const i = b.input("i", [dim(4)], "int");
  const turned = b.transpose(x, [1, 0]);
  const product = b.contract(x, [0, 1], turned, [1, 2], [0, 2]);
  b.output("rows", b.gather(product, i));
  b.output("sum", b.sum(b.slice(x, 1, dim(1), dim(2)), [0]));
  return b.finish();
}

/** The sample with one node changed. */
function broken(op: Node["op"], change: object): Graph {
  const graph = sample();
  const at = graph.nodes.findIndex((n) => n.op === op);
  const nodes = graph.nodes.map((n, i) => (i === at ? ({ ...n, ...change } as Node) : n));
  return { ...graph, nodes };
}

test("a built graph passes", () => expect(() => verify(sample())).not.toThrow());

describe("refused", () => {
  const cases: [string, Graph, string][] = [
    ["a node that reads a later one", broken("transpose", { x: 5 }), "reads %5"],
    ["an id out of place", broken("contract", { id: 9 }), "has the id 9"],
    ["another shape", broken("transpose", { shape: [dim(2), dim(3)] }), "expected [3, 2]"],
    ["another type", broken("gather", { dtype: "int" }), "is int, not float"],
    ["an index that is no integer", broken("gather", { index: 0 }), "not an integer"],
    ["a permutation with a gap", broken("transpose", { perm: [1, 1] }), "not distinct"],
    ["labels of unequal sizes", broken("contract", { bLabels: [0, 2] }), "label 0 is 2 and 3"],
    ["a result label from nowhere", broken("contract", { outLabels: [0, 7] }), "result label 7"],
    ["a slice beyond the end", broken("slice", { start: dim(2) }), "slice of axis 1"],
    ["an axis that is not there", broken("reduce", { axes: [2] }), "axis 2"],
    ["an output without a node", { ...sample(), outputs: [{ name: "o", node: 77 as NodeId }] }, "no node 77"], // prettier-ignore
  ];
  test.each(cases)("%s", (_, graph, message) => {
    expect(() => verify(graph)).toThrow(message);
  });
});

describe("recurrences", () => {
  const program = unroll(cellStep());
  const withRecurrence = (change: (r: RecurrenceNode["recurrence"]) => object): Graph => ({
    ...program.graph,
    nodes: program.graph.nodes.map((n) =>
      n.op === "recurrence"
        ? { ...n, recurrence: { ...n.recurrence, ...change(n.recurrence) } }
        : n,
    ),
  });
  test("pass when unrolled", () => expect(() => verifyProgram(program)).not.toThrow());
  const cases: [string, (r: RecurrenceNode["recurrence"]) => object, string][] = [
    ["an input that is bound twice", (r) => ({ bindings: [...r.bindings, r.bindings[0]!] }), "bound twice"], // prettier-ignore
    ["an input that nothing is bound to", (r) => ({ bindings: r.bindings.slice(1) }), "nothing is bound"], // prettier-ignore
    ["a first value without the batch axis", (r) => ({ batch: TIME, time: BATCH, carries: r.carries }), "expected [time"], // prettier-ignore
    ["another shape after the step", (r) => ({ carries: r.carries.map((c) => ({ ...c, next: r.bindings[0]!.input })) }), "next h"], // prettier-ignore
    ["borders of a reverse run", (r) => ({ reverse: true, outputs: [...r.outputs, { kind: "border", carry: 0, every: dim(2) }] }), "borders"], // prettier-ignore
    ["a carry that is not there", (r) => ({ outputs: [...r.outputs, { kind: "final", carry: 5 }] }), "no carry 5"], // prettier-ignore
  ];
  test.each(cases)("refused: %s", (_, change, message) => {
    expect(() => verify(withRecurrence(change))).toThrow(message);
  });
});

test("a state that starts from no parameter is refused", () => {
  const step = deltaStep();
  verifyStep(step);
  const parameters = step.parameters.filter((p) => p.name !== "W0");
  expect(() => verifyStep({ ...step, parameters })).toThrow("starts from no parameter");
});
