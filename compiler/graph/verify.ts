/** Checks everything that graphs and programs promise. Run after every pass while developing, and by the tests. */
import { InternalError } from "../../diagnostics/diagnostic.ts";
import { BATCH, CAPACITY, equal, sameShape, showShape, TIME, type Shape } from "../dims.ts";
import { inferType } from "./infer.ts";
import type { Binding, Graph, Node, NodeId, Recurrence, Replay, StepProgram } from "./ir.ts";
import type { SequenceProgram } from "./program.ts";
import { bodyNode, operands } from "./shapes.ts";
import { stateInputShape } from "./unroll.ts";

function expect(ok: boolean, what: () => string): asserts ok {
  if (!ok) throw new InternalError(what());
}

function expectShape(found: Shape, expected: Shape, what: () => string): void {
  expect(sameShape(found, expected), () => {
    return `${what()} is ${showShape(found)}, expected ${showShape(expected)}`;
  });
}

function inputOf(graph: Graph, id: NodeId): Node {
  const node = bodyNode(graph, id);
  expect(node.op === "input", () => `${graph.name}: %${id} is bound but is no input`);
  return node;
}

function verifyBindings(
  outer: (id: NodeId) => Node,
  body: Graph,
  bindings: readonly Binding[],
  r: Recurrence,
): void {
  for (const b of bindings) {
    const input = inputOf(body, b.input);
    const what = () => `${body.name}: ${b.kind} binding of %${b.input}`;
    if (b.kind === "position") {
      expect(input.dtype === "int", () => `${what()} is not an integer`);
      expectShape(input.shape, [], what);
      continue;
    }
    const lead = b.kind === "sequence" ? [r.batch, r.time] : b.kind === "batch" ? [r.batch] : [];
    expectShape(outer(b.value).shape, [...lead, ...input.shape], what);
    expect(outer(b.value).dtype === input.dtype, () => `${what()}: another type`);
  }
}

/** Every input of the body that anything needs gets its value from exactly one place. */
function verifyBound(body: Graph, bound: readonly NodeId[]): void {
  expect(new Set(bound).size === bound.length, () => `${body.name}: an input is bound twice`);
  const known = new Set(bound);
  const read = new Set(body.nodes.flatMap(operands));
  for (const node of body.nodes) {
    expect(node.op !== "input" || known.has(node.id) || !read.has(node.id), () => {
      return `${body.name}: nothing is bound to input %${node.id}`;
    });
  }
}

function verifyCarry(body: Graph, name: string, input: NodeId, next: NodeId): Shape {
  const { shape, dtype } = inputOf(body, input);
  expectShape(bodyNode(body, next).shape, shape, () => `${body.name}: next ${name}`);
  expect(dtype === "float" && bodyNode(body, next).dtype === "float", () => {
    return `${body.name}: the carry ${name} is not a float`;
  });
  return shape;
}

function verifyReplay(outer: (id: NodeId) => Node, r: Recurrence, replay: Replay): void {
  verify(replay.body);
  expect(r.reverse, () => `${r.body.name}: a replay that runs forward`);
  verifyBindings(outer, replay.body, replay.bindings, r);
  const bound = [...replay.bindings.map((b) => b.input), ...replay.carries.map((c) => c.input)];
  verifyBound(replay.body, bound);
  for (const c of replay.carries) {
    const shape = verifyCarry(replay.body, c.name, c.input, c.next);
    expectShape(inputOf(r.body, c.target).shape, shape, () => `${r.body.name}: target ${c.name}`);
    const [batch, , ...rest] = outer(c.borders).shape;
    expect(batch !== undefined && equal(batch, r.batch), () => `borders of ${c.name}: batch`);
    expectShape(rest, shape, () => `${r.body.name}: borders of ${c.name}`);
  }
}

function verifyRecurrence(outer: (id: NodeId) => Node, r: Recurrence): void {
  verify(r.body);
  const bound = r.bindings.map((b) => b.input);
  for (const c of r.carries) {
    bound.push(c.input);
    const shape = verifyCarry(r.body, c.name, c.input, c.next);
    expectShape(outer(c.init).shape, [r.batch, ...shape], () => `${r.body.name}: init ${c.name}`);
  }
  verifyBindings(outer, r.body, r.bindings, r);
  if (r.replay !== null) {
    verifyReplay(outer, r, r.replay);
    bound.push(...r.replay.carries.map((c) => c.target));
  }
  verifyBound(r.body, bound);
  for (const o of r.outputs) {
    if ("carry" in o) expect(o.carry in r.carries, () => `${r.body.name}: no carry ${o.carry}`);
    else bodyNode(r.body, o.node);
    expect(o.kind !== "border" || !r.reverse, () => `${r.body.name}: borders of a reverse run`);
  }
}

/** Throws InternalError when a graph, or a body in it, breaks a promise of ir.ts. */
export function verify(graph: Graph): void {
  const at = (id: NodeId) => bodyNode(graph, id);
  graph.nodes.forEach((node, i) => {
    const where = () => `${graph.name}: %${i} = ${node.op}`;
    expect((node.id as number) === i, () => `${where()} has the id ${node.id}`);
    for (const x of operands(node)) {
      expect(Number.isInteger(x) && x >= 0 && x < i, () => `${where()} reads %${x}`);
    }
    if (node.op === "recurrence") verifyRecurrence(at, node.recurrence);
    let type;
    try {
      type = inferType(node, at);
    } catch (error) {
      if (!(error instanceof InternalError)) throw error;
      throw new InternalError(`${where()}: ${error.message}`);
    }
    expectShape(node.shape, type.shape, where);
    expect(node.dtype === type.dtype, () => `${where()} is ${node.dtype}, not ${type.dtype}`);
  });
  const names = new Set<string>();
  for (const o of graph.outputs) {
    bodyNode(graph, o.node);
    expect(!names.has(o.name), () => `${graph.name}: two outputs are called ${o.name}`);
    names.add(o.name);
  }
}

function distinctNames(list: readonly { readonly name: string }[], what: string): void {
  const names = list.map((x) => x.name);
  expect(
    new Set(names).size === names.length,
    () => `two ${what} of one name: ${names.join(", ")}`,
  );
}

export function verifyStep(step: StepProgram): void {
  const { body } = step;
  verify(body);
  distinctNames(step.inputs, "inputs");
  distinctNames(step.parameters, "parameters");
  distinctNames(step.states, "states");
  distinctNames(step.outputs, "outputs");
  for (const x of [...step.inputs, ...step.parameters, ...step.states]) {
    expectShape(inputOf(body, x.node).shape, x.shape, () => `${step.name}: ${x.name}`);
  }
  for (const x of step.inputs) {
    expect(bodyNode(body, x.node).dtype === x.dtype, () => `${step.name}: type of ${x.name}`);
  }
  for (const s of step.states) {
    verifyCarry(body, s.name, s.node, s.next);
    expect(!s.growing || (s.shape.length > 0 && equal(s.shape[0]!, CAPACITY)), () => {
      return `${step.name}: the growing state ${s.name} is ${showShape(s.shape)}`;
    });
    const { init } = s;
    if (init.kind !== "parameter") continue;
    const from = step.parameters.find((p) => p.name === init.name);
    expect(from !== undefined, () => `${step.name}: ${s.name} starts from no parameter`);
    expectShape(from.shape, s.shape, () => `${step.name}: first value of ${s.name}`);
  }
  for (const o of step.outputs) bodyNode(body, o.node);
  const position = step.position === null ? [] : [step.position];
  for (const id of position) {
    expect(inputOf(body, id).dtype === "int", () => `${step.name}: position is no integer`);
  }
  const ports = [...step.inputs, ...step.parameters, ...step.states];
  verifyBound(body, [...ports.map((x) => x.node), ...position]);
}

export function verifyProgram(program: SequenceProgram): void {
  verifyStep(program.step);
  verify(program.graph);
  for (const [ports, kind] of [
    [program.inputs, "inputs"],
    [program.outputs, "outputs"],
  ] as const) {
    distinctNames(
      ports.map((p) => ({ name: `${p.role}:${p.name}` })),
      kind,
    );
    for (const p of ports) {
      const node = bodyNode(program.graph, p.node);
      expectShape(node.shape, p.shape, () => `${program.name}: ${p.role} ${p.name}`);
      expect(node.dtype === p.dtype, () => `${program.name}: type of ${p.role} ${p.name}`);
    }
  }
  for (const p of program.inputs) {
    inputOf(program.graph, p.node);
    const own = expectedShape(program, p.role, p.name);
    if (own !== null) expectShape(p.shape, own, () => `${program.name}: ${p.role} ${p.name}`);
  }
  const ports = new Set(program.inputs.map((p) => p.node));
  const read = new Set(program.graph.nodes.flatMap(operands));
  for (const node of program.graph.nodes) {
    expect(node.op !== "input" || ports.has(node.id) || !read.has(node.id), () => {
      return `${program.name}: no port is called ${node.op === "input" ? node.name : ""}`;
    });
  }
}

function expectedShape(program: SequenceProgram, role: string, name: string): Shape | null {
  const { step } = program;
  if (role === "parameter") return step.parameters.find((p) => p.name === name)?.shape ?? null;
  if (role === "state") {
    const state = step.states.find((s) => s.name === name);
    return state === undefined ? null : stateInputShape(state);
  }
  if (role !== "input") return null;
  const input = step.inputs.find((i) => i.name === name);
  return input === undefined ? null : [BATCH, TIME, ...input.shape];
}
