import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BATCH, dim, equal, TIME, type Shape } from "../../compiler/dims.ts";
import {
  gradient,
  GraphBuilder,
  interpret,
  mapOperands,
  printGraph,
  runProgram,
  simplify,
  simplifyProgram,
  simplifyStep,
  unroll,
  verify,
  verifyProgram,
  withGradients,
  withInitialStates,
  type BinaryFn,
  type NodeId,
  type UnaryFn,
} from "../../compiler/graph/index.ts";
import { expectMapsClose } from "../support/compare.ts";
import { drawNormal } from "../support/draw.ts";
import { checkProgramGradients, NO_SIZES } from "../support/finite.ts";
import {
  attentionStep,
  cellStep,
  deltaStep,
  drawInputs,
  selfReferentialStep,
} from "../support/steps.ts";

/** The simplified text of what `build` makes of x `[3, 4]` and y `[4]`. */
function text(build: (b: GraphBuilder, x: NodeId, y: NodeId) => NodeId): string[] {
  const b = new GraphBuilder("g");
  const [x, y] = [b.input("x", [dim(3), dim(4)]), b.input("y", [dim(4)])];
  b.output("out", build(b, x, y));
  const graph = simplify(b.finish());
  verify(graph);
  return printGraph(graph)
    .split("\n")
    .filter((l) => l.includes(" = ") && !l.includes("input") && !l.includes("output"))
    .map((l) => l.trim());
}

const shape = [dim(3), dim(4)];
const two = (b: GraphBuilder) => b.unary("sqrt", b.fill(4, shape));

const pieces = (b: GraphBuilder, x: NodeId) =>
  b.slice(b.slice(x, 1, dim(1), dim(3)), 1, dim(1), dim(2));

const joined = (b: GraphBuilder, x: NodeId) =>
  b.concat([b.slice(x, 0, dim(1), dim(1)), b.slice(x, 0, dim(2), dim(1))], 0);

const inner = (b: GraphBuilder, x: NodeId, y: NodeId) =>
  b.slice(b.concat([b.broadcast(y, [1], [dim(2), dim(4)]), x], 0), 0, dim(3), dim(2));

describe("algebra", () => {
  test("identities vanish", () => {
    expect(text((b, x) => b.add(b.mul(x, b.fill(1, shape)), b.fill(0, shape)))).toEqual([]);
    expect(text((b, x) => b.neg(b.neg(b.transpose(b.transpose(x, [1, 0]), [1, 0]))))).toEqual([]);
    expect(text((b, x) => b.slice(b.pad(x, 0, dim(2), dim(1)), 0, dim(2), dim(3)))).toEqual([]);
    expect(
      text((b, x) => b.concat([b.slice(x, 1, dim(0), dim(1)), b.slice(x, 1, dim(1), dim(3))], 1)),
    ).toEqual([]);
  });
  test("moves are joined", () => {
    expect(text(pieces)).toEqual(["%1: [3, 2] = slice %0 along 1 from 2"]);
    expect(text((b, x) => b.pad(b.pad(x, 0, dim(1), dim(2)), 0, dim(3), dim(0)))).toEqual([
      "%1: [9, 4] = pad %0 along 0 by 4",
    ]);
    expect(text((b, x) => b.roll(b.roll(x, 1, dim(1)), 1, dim(2)))).toEqual([
      "%1: [3, 4] = roll %0 along 1 by 3",
    ]);
    expect(text(joined)).toEqual(["%1: [2, 4] = slice %0 along 0 from 1"]);
    expect(text(inner)).toEqual(["%1: [2, 4] = slice %0 along 0 from 1"]);
  });
  test("numbers are worked out", () => {
    expect(text((b) => b.add(two(b), b.fill(3, shape)))).toEqual(["%0: [] = 5", "%1: [3, 4] = fill %0"]); // prettier-ignore
  });
  test("repeated values are computed once", () => {
    expect(text((b, _, y) => b.unary("exp", b.broadcast(y, [1], shape)))).toEqual([
      "%1: [4] = exp %0",
      "%2: [3, 4] = broadcast %1 to axes 1",
    ]);
    expect(text((b, _, y) => b.sum(b.broadcast(y, [1], shape), [0]))).toEqual([
      "%1: [] = 3",
      "%2: [4] = fill %1",
      "%3: [4] = %0 * %2",
    ]);
  });
  test("a contraction drops what is only repeated", () => {
    // Σ_j x[i, j] · y[j], said with a repeated y and a sum
    expect(text((b, x, y) => b.sum(b.mul(x, b.broadcast(y, [1], shape)), [1]))).toEqual([
      "%2: [3] = contract %0[ab] %1[b] -> [a]",
    ]);
    expect(text((b, x) => b.contract(x, [0, 1], b.fill(1, [dim(4)]), [1], [0]))).toEqual([
      "%1: [3] = sum %0 over 1",
    ]);
    expect(text((b, x, y) => b.contract(b.transpose(x, [1, 0]), [0, 1], y, [0], [1]))).toEqual([
      "%2: [3] = contract %0[ab] %1[b] -> [a]",
    ]);
  });
  test("equal nodes are one", () => {
    expect(text((b, x) => b.mul(b.unary("sin", x), b.unary("sin", x)))).toHaveLength(2);
  });
});

/** Random graphs: every instruction takes earlier values of one shape and makes another of it. */
const UNARY: UnaryFn[] = ["neg", "sin", "tanh", "abs", "relu", "sigmoid"];
const BINARY: BinaryFn[] = ["add", "sub", "mul", "div", "max", "lt"];
const instruction = fc.record({
  op: fc.constantFrom(
    "unary",
    "binary",
    "fill",
    "transpose",
    "sum",
    "max",
    "broadcast",
    "contract",
    "slice",
    "pad",
    "concat",
    "reverse",
    "roll",
    "select",
    "reshape", // prettier-ignore
  ),
  x: fc.nat(30),
  y: fc.nat(30),
  k: fc.nat(30),
});
type Instruction = typeof instruction extends fc.Arbitrary<infer T> ? T : never;

function apply(b: GraphBuilder, ids: NodeId[], { op, x, y, k }: Instruction): NodeId {
  const id = ids[x % ids.length]!;
  const shape = b.shape(id);
  const same = ids.filter((i) => sameShape(b.shape(i), shape));
  const other = same[y % same.length]!;
  const axis = shape.length === 0 ? 0 : k % shape.length;
  const pick = <T>(list: readonly T[]): T => list[k % list.length]!;
  if (op === "unary") return b.unary(pick(UNARY), id);
  if (op === "binary") return b.binary(pick(BINARY), id, other);
  if (op === "select") return b.select(b.unary("step", other), id, other);
  if (op === "fill") return b.fill(pick([0, 1, -1, 2.5]), shape);
  if (op === "broadcast") {
    if (shape.length > 2) return id;
    const place = k % (shape.length + 1);
    const wide = [...shape.slice(0, place), dim(1 + (y % 3)), ...shape.slice(place)];
    const axes = shape.map((_, i) => (i < place ? i : i + 1));
    return b.broadcast(id, axes, wide);
  }
  if (op === "contract") {
    const right = ids[y % ids.length]!;
    const taken = new Map<string, number>();
    const left = shape.map((_, i) => i);
    shape.forEach((d, i) => taken.set(d.key, i));
    const used = new Set<number>();
    const labels = b.shape(right).map((d, i) => {
      const l = taken.get(d.key);
      if (l === undefined || used.has(l)) return 10 + i;
      used.add(l);
      return l;
    });
    const out = [...new Set([...left, ...labels])].filter((l) => (l + k) % 3 !== 0).slice(0, 3);
    return b.contract(id, left, right, labels, out);
  }
  if (shape.length === 0) return id;
  if (op === "transpose") return b.transpose(id, shape.map((_, i) => (i + k) % shape.length)); // prettier-ignore
  if (op === "sum") return b.sum(id, [axis]);
  if (op === "max") return b.reduce("max", id, [axis]);
  if (op === "slice") return b.slice(id, axis, dim(0), dim(1));
  if (op === "pad") return b.pad(id, axis, dim(1), dim(y % 2));
  if (op === "concat") return b.concat([id, other, b.slice(id, axis, dim(0), dim(1))], axis);
  if (op === "reverse") return b.reverse(id, axis);
  if (op === "roll") return b.roll(id, axis, dim((y % 5) - 2));
  return b.reshape(id, [...shape].reverse());
}

const sameShape = (a: Shape, b: Shape) =>
  a.length === b.length && a.every((d, i) => equal(d, b[i]!));

test("a simplified graph means the same, and so does its gradient", () => {
  fc.assert(
    fc.property(fc.array(instruction, { minLength: 1, maxLength: 14 }), (program) => {
      const b = new GraphBuilder("random");
      const inputs = new Map([
        ["x", drawNormal([2, 3], "x")],
        ["y", drawNormal([3], "y")],
        ["z", drawNormal([1, 3, 2], "z")],
      ]);
      const ids = [...inputs].map(([n, t]) => b.input(n, t.shape.map(dim)));
      const sources = [...ids];
      for (const one of program) ids.push(apply(b, ids, one));
      const loss = b.sum(b.unary("tanh", ids.at(-1)!), b.shape(ids.at(-1)!).map((_, i) => i)); // prettier-ignore
      ids.slice(-3).forEach((id, i) => b.output(`v${i}`, id));
      gradient(b, loss, sources).forEach((g, i) => b.output(`g${i}`, g));
      const graph = b.finish();
      verify(graph);
      const expected = interpret(graph, inputs, NO_SIZES);
      // Zero times infinity is zero for the simplifier only, and near a pole rounding is not small.
      const tame = [...expected.values()].every((t) => t.data.every((v) => Math.abs(v) < 1e4));
      fc.pre(tame);
      const small = simplify(graph);
      verify(small);
      // Absolute where values are small: differences that cancel leave nothing but rounding.
      for (const [name, { data }] of interpret(small, inputs, NO_SIZES)) {
        const other = expected.get(name)!.data;
        const size = Math.max(1, ...other.map(Math.abs));
        data.forEach((v, i) => expect(Math.abs(v - other[i]!) / size, name).toBeLessThan(1e-9));
      }
    }),
    { numRuns: 400, seed: 20 },
  );
});

describe("programs", () => {
  const sizes = { batch: 2, time: 5, past: 0 };
  test.each([
    ["delta", deltaStep(dim(2), dim(3))],
    ["cell", cellStep(3)],
    ["self", selfReferentialStep(2)],
    ["attention", attentionStep()],
  ])("%s: outputs and gradients stay", (_, step) => {
    checkProgramGradients(unroll(step), sizes, { every: dim(2), transform: simplifyProgram });
    const program = withGradients(unroll(step));
    const small = simplifyProgram(program);
    verifyProgram(small);
    const inputs = drawInputs(program, sizes);
    const expected = runProgram(program, inputs, sizes);
    expectMapsClose(runProgram(small, inputs, sizes), expected, 1e-12);
    const fromStep = withGradients(unroll(simplifyStep(step)));
    verifyProgram(fromStep);
    expectMapsClose(runProgram(fromStep, inputs, sizes), expected, 1e-12);
  });

  test("states that start at zero are not taken for zero", () => {
    for (const step of [cellStep(3), deltaStep(dim(2), dim(3))]) {
      const program = withGradients(withInitialStates(unroll(step)));
      const inputs = drawInputs(program, sizes);
      const small = simplifyProgram(program);
      expectMapsClose(runProgram(small, inputs, sizes), runProgram(program, inputs, sizes), 1e-12);
    }
  });

  test("what is the same at every step is handed over once", () => {
    const body = new GraphBuilder("body");
    const inputs = ["x", "y", "z"].map((n) => body.input(n, [dim(2)]));
    const total = inputs.reduce((p, q) => body.add(p, q));
    const b = new GraphBuilder("outer");
    const wide = [BATCH, TIME, dim(2)];
    const [x, y, z] = [b.input("x", [dim(2)]), b.input("y", [BATCH]), b.input("z", [BATCH, TIME])];
    const values = [b.broadcast(x, [2], wide), b.broadcast(y, [0], wide), b.broadcast(z, [0, 1], wide)]; // prettier-ignore
    const [out] = b.recurrence({
      body: body.finish(),
      reverse: false,
      batch: BATCH,
      time: TIME,
      carries: [],
      bindings: inputs.map((input, i) => ({ kind: "sequence", input, value: values[i]! })),
      outputs: [{ kind: "stack", node: total }],
      replay: null,
    });
    b.output("out", out!);
    const small = simplify(b.finish());
    verify(small);
    const node = small.nodes.find((n) => n.op === "recurrence")!;
    const kinds = node.op === "recurrence" ? node.recurrence.bindings.map((k) => k.kind) : [];
    expect(kinds).toEqual(["shared", "batch", "sequence"]);
    const given = new Map([
      ["x", drawNormal([2], "x")],
      ["y", drawNormal([2], "y")],
      ["z", drawNormal([2, 5], "z")],
    ]);
    expectMapsClose(interpret(small, given, sizes), interpret(b.finish(), given, sizes));
  });

  test("an output nobody wants takes its carry with it", () => {
    const program = unroll(cellStep());
    const one = { ...program, outputs: program.outputs.filter((p) => p.role === "output") };
    const alone = { ...one, graph: { ...one.graph, outputs: [] } };
    const node = simplifyProgram(alone).graph.nodes.find((n) => n.op === "recurrence");
    expect(node?.op === "recurrence" && node.recurrence.outputs).toHaveLength(1);
  });

  test("a zero cotangent is no cost", () => {
    const program = withGradients(unroll(deltaStep()), { parameters: true });
    const b = GraphBuilder.extend(program.graph);
    const ports = program.outputs.filter((p) => p.role === "gradient");
    expect(ports.map((p) => p.name)).toContain("Wk");
    const zeroed = simplify(replaceInputs(b, program.graph.nodes.length));
    const body = zeroed.nodes.find((n) => n.op === "recurrence" && n.recurrence.reverse);
    expect(body === undefined).toBe(true);
  });
});

/** The builder's graph with every cotangent set to zero. */
function replaceInputs(b: GraphBuilder, count: number) {
  const nodes = b.nodes.slice(0, count);
  const to = new GraphBuilder("zeroed");
  const map = new Map<NodeId, NodeId>();
  for (const node of nodes) {
    const zero = node.op === "input" && node.name.startsWith("cotangent:");
    const value = zero ? to.fill(0, node.shape) : to.copy(mapOperands(node, (x) => map.get(x)!));
    map.set(node.id, value);
  }
  for (const o of b.outputs) to.output(o.name, map.get(o.node)!);
  return to.finish();
}
