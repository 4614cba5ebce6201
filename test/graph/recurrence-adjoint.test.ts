import { describe, expect, test } from "vitest";
import { dim } from "../../compiler/dims.ts";
import {
  differentiablePorts,
  gradientOfSeeds,
  GraphBuilder,
  interpret,
  lossGradients,
  simplifyProgram,
  unroll,
  withGradients,
  withInitialStates,
  type Graph,
  type NodeId,
  type SequenceProgram,
  type Tensor,
} from "../../compiler/graph/index.ts";
import { relativeRms } from "../support/compare.ts";
import { checkProgramGradients, finiteGradient } from "../support/finite.ts";
import {
  attentionStep,
  cellStep,
  deltaStep,
  drawInputs,
  portKey,
  selfReferentialStep,
  statelessStep,
  StepBuilder,
} from "../support/steps.ts";

const sizes = (time: number, past = 0) => ({
  batch: 2,
  time,
  past,
  named: new Map([["width", 3]]),
});

describe("the adjoint of a recurrence", () => {
  for (const time of [1, 2, 5]) {
    for (const every of [1, 4, 16]) {
      test.each([
        ["delta rule", deltaStep(dim(2), dim(3))],
        ["gated cell", cellStep(3)],
        ["self-referential", selfReferentialStep(2)],
      ])(`%s, ${time} steps, states kept every ${every}`, (_, step) => {
        checkProgramGradients(unroll(step), sizes(time), { every: dim(every) });
      });
    }
  }

  // What a value is compared with is not read back from memory where it was rounded, or computed in another order.
  test("the largest element of what a state makes", () => {
    const s = new StepBuilder("largest");
    const b = s.body;
    const n = dim(3);
    const [x, m] = [s.input("x", [n]), s.parameter("M", [n, n])];
    const h = s.state("h", [n]);
    const z = b.add(b.contract(m, [0, 1], h, [1], [0]), x);
    s.update("h", b.unary("tanh", z));
    s.outputs.push({ name: "y", node: b.reduce("max", z, [0]) });
    checkProgramGradients(unroll(s.finish()), sizes(5));
  });

  test("segments that do not divide the steps", () => {
    checkProgramGradients(unroll(deltaStep(dim(1), dim(2))), { ...sizes(17), batch: 1 }, { every: dim(4) }); // prettier-ignore
    checkProgramGradients(unroll(selfReferentialStep(1)), { ...sizes(17), batch: 1 });
  });

  test("a state that only the replay of another needs", () => {
    // n ← n + x, h ← a h + n: the adjoint reads h but not n.
    const s = new StepBuilder("chain");
    const b = s.body;
    const [x, a] = [s.input("x", [dim(2)]), s.parameter("a", [dim(2)])];
    const n = b.add(s.state("n", [dim(2)]), x);
    const h = b.add(b.mul(a, s.state("h", [dim(2)])), n);
    s.update("n", n);
    s.update("h", h);
    s.outputs.push({ name: "y", node: h });
    const program = unroll(s.finish());
    for (const transform of [(p: SequenceProgram) => p, simplifyProgram]) {
      checkProgramGradients(program, sizes(7), { every: dim(3), transform });
    }
  });

  test("what the forward run gives for every step is not computed again", () => {
    // r = tanh(W x) is an output, and its slope needs it.
    const s = new StepBuilder("known");
    const b = s.body;
    const [x, w] = [s.input("x", [dim(2)]), s.state("W", [dim(2), dim(2)])];
    const r = b.unary("tanh", b.contract(w, [0, 1], x, [1], [0]));
    s.update("W", b.add(w, b.contract(r, [0], x, [1], [0, 1])));
    s.outputs.push({ name: "r", node: r });
    const program = unroll(s.finish());
    checkProgramGradients(program, sizes(5));
    const loops = withGradients(program).graph.nodes.flatMap((n) =>
      n.op === "recurrence" ? [n.recurrence] : [],
    );
    const backward = loops.find((l) => l.reverse)!;
    expect(backward.body.nodes.some((n) => n.op === "unary" && n.fn === "tanh")).toBe(false);
  });

  test("a growing state", () => {
    checkProgramGradients(unroll(attentionStep()), sizes(4, 2), { every: dim(3) });
  });

  test("no state", () => {
    checkProgramGradients(unroll(statelessStep()), sizes(3));
  });

  test("a learned initial state", () => {
    checkProgramGradients(withInitialStates(unroll(deltaStep(dim(2), dim(3)))), sizes(5));
  });

  test("a loss that sees the outputs only", () => {
    // Cotangents reach the states through the outputs of later steps alone.
    for (const step of [cellStep(2), selfReferentialStep(2)]) {
      const plain = withInitialStates(unroll(step));
      const b = GraphBuilder.extend(plain.graph);
      const y = plain.outputs.find((p) => p.role === "output")!;
      const loss = b.sum(b.mul(y.node, y.node), [0, 1, 2]);
      b.output("loss", loss);
      const program = { ...plain, graph: b.finish() };
      const ports = differentiablePorts(program);
      const made = lossGradients(program, loss, ports, { every: dim(2) });
      const inputs = drawInputs(program, sizes(5));
      const valueOf = (graph: Graph, node: NodeId) => {
        const given = new Map([...inputs].map(([k, v]): [string, Tensor] => [k, v]));
        return interpret({ ...graph, outputs: [{ name: "v", node }] }, given, sizes(5)).get("v")!;
      };
      ports.forEach((port, i) => {
        const f = () => valueOf(program.graph, loss).data[0]!;
        const expected = finiteGradient(f, inputs.get(portKey(port))!, 1e-4);
        const found = valueOf(made.program.graph, made.gradients[i]!);
        expect(relativeRms(found.data, expected), port.name).toBeLessThanOrEqual(1e-6);
      });
    }
  });

  test("asks only for what is wanted", () => {
    const program = withGradients(unroll(cellStep()), { states: true });
    const names = program.outputs.filter((p) => p.role === "gradient").map((p) => p.name);
    expect(names).toEqual(["state.h", "state.c"]);
  });

  test("is not differentiated again", () => {
    const program = withGradients(unroll(cellStep()));
    const b = GraphBuilder.extend(program.graph);
    const port = program.outputs.find((p) => p.name === "forgetx")!;
    const wrt = program.inputs.find((p) => p.name === "forgetx")!;
    const seeds = [{ node: port.node, cotangent: b.fill(1, port.shape) }];
    expect(() => gradientOfSeeds(b, seeds, [wrt.node])).toThrow("reverse recurrence");
  });
});
