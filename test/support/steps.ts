/** Step programs written directly as graphs, for tests of what comes after the checker. */
import { add, CAPACITY, dim, named, PAST, type Shape } from "../../compiler/dims.ts";
import { GraphBuilder } from "../../compiler/graph/builder.ts";
import type {
  NodeId,
  ProgramInput,
  ProgramParameter,
  ProgramState,
  StepProgram,
} from "../../compiler/graph/ir.ts";
import { evaluateDim } from "../../compiler/dims.ts";
import { sizeLookup, type RunSizes } from "../../compiler/graph/interpret.ts";
import type { InputPort, SequenceProgram } from "../../compiler/graph/program.ts";
import type { Tensor } from "../../compiler/graph/tensor.ts";
import { drawInts, drawNormal } from "./draw.ts";

const WEIGHTS = { kind: "normal", mean: 0, deviation: 0.5 } as const;

/** Collects the ports of a step while its body is built. */
export class StepBuilder {
  readonly body: GraphBuilder;
  readonly inputs: ProgramInput[] = [];
  readonly parameters: ProgramParameter[] = [];
  readonly states: ProgramState[] = [];
  readonly outputs: { name: string; node: NodeId }[] = [];
  position: NodeId | null = null;

  constructor(name: string) {
    this.body = new GraphBuilder(name);
  }
  input(name: string, shape: Shape): NodeId {
    const node = this.body.input(name, shape);
    this.inputs.push({ name, shape, dtype: "float", vocab: null, node });
    return node;
  }
  tokens(name: string, vocab: number): NodeId {
    const node = this.body.input(name, [], "int");
    this.inputs.push({ name, shape: [], dtype: "int", vocab: dim(vocab), node });
    return node;
  }
  parameter(name: string, shape: Shape, trained = true): NodeId {
    const node = this.body.input(name, shape);
    this.parameters.push({ name, shape, init: WEIGHTS, trained, node });
    return node;
  }
  state(name: string, shape: Shape, options: { init?: string; growing?: boolean } = {}): NodeId {
    const node = this.body.input(name, shape);
    const init =
      options.init === undefined
        ? ({ kind: "constant", value: 0 } as const)
        : ({ kind: "parameter", name: options.init } as const);
    const { growing = false } = options;
    this.states.push({ name, shape, growing, init, node, next: node, origin: null });
    return node;
  }
  update(name: string, next: NodeId): void {
    const at = this.states.findIndex((s) => s.name === name);
    this.states[at] = { ...this.states[at]!, next };
  }
  /** x W, for x `[n]` and W `[n, m]`. */
  project(x: NodeId, w: NodeId): NodeId {
    return this.body.contract(x, [0], w, [0, 1], [1]);
  }
  finish(): StepProgram {
    const { body, inputs, parameters, states, outputs, position } = this;
    for (const o of outputs) body.output(o.name, o.node);
    const graph = body.finish();
    return { name: graph.name, kind: "layer", body: graph, inputs, parameters, states, outputs, position }; // prettier-ignore
  }
}

/** The delta rule (Widrow and Hoff; Schlag et al. 2021): W ← W + β (v − W k) kᵀ, y = W q, with a learned first W. */
export function deltaStep(n: Shape[number] = dim(3), m: Shape[number] = dim(4)): StepProgram {
  const s = new StepBuilder("delta");
  const b = s.body;
  const d = dim(5);
  const x = s.input("x", [d]);
  const [k, v, q] = [
    b.unary("sigmoid", s.project(x, s.parameter("Wk", [d, n]))),
    s.project(x, s.parameter("Wv", [d, m])),
    s.project(x, s.parameter("Wq", [d, n])),
  ];
  const rate = b.unary("sigmoid", b.sum(b.mul(x, s.parameter("wb", [d])), [0]));
  s.parameter("W0", [m, n]);
  const w = s.state("W", [m, n], { init: "W0" });
  const error = b.sub(v, b.contract(w, [0, 1], k, [1], [0]));
  const write = b.contract(error, [0], k, [1], [0, 1]);
  const next = b.add(w, b.mul(b.broadcast(rate, [], [m, n]), write));
  s.update("W", next);
  s.outputs.push({ name: "y", node: b.contract(next, [0, 1], q, [1], [0]) });
  return s.finish();
}

/** A gated cell with two states that feed each other (Hochreiter and Schmidhuber 1997), tokens in. */
export function cellStep(hidden = 4, vocab = 6): StepProgram {
  const s = new StepBuilder("cell");
  const b = s.body;
  const [h, e] = [dim(hidden), dim(3)];
  const token = s.tokens("token", vocab);
  const x = b.gather(s.parameter("embedding", [dim(vocab), e]), token);
  const hOld = s.state("h", [h]);
  const cOld = s.state("c", [h]);
  const gate = (name: string, fn: "sigmoid" | "tanh") => {
    const own = s.project(x, s.parameter(`${name}x`, [e, h]));
    const back = s.project(hOld, s.parameter(`${name}h`, [h, h]));
    return b.unary(fn, b.add(b.add(own, back), s.parameter(`${name}b`, [h])));
  };
  const c = b.add(
    b.mul(gate("forget", "sigmoid"), cOld),
    b.mul(gate("input", "sigmoid"), gate("new", "tanh")),
  );
  const y = b.mul(gate("output", "sigmoid"), b.unary("tanh", c));
  s.update("h", y);
  s.update("c", c);
  s.outputs.push({ name: "y", node: y });
  return s.finish();
}

/** A weight matrix that makes its own key, value and rate (Irie et al. 2022, without heads), and reads position. */
export function selfReferentialStep(n = 3): StepProgram {
  const s = new StepBuilder("self");
  const b = s.body;
  const d = dim(n);
  const rows = dim(3 * n + 1);
  const x = s.input("x", [d]);
  const w = s.state("W", [rows, d]);
  s.position = b.input("position", [], "int");
  const drift = b.unary("sin", b.unary("to_float", s.position));
  const bias = s.parameter("bias", [rows, d]);
  const used = b.add(w, bias);
  const key0 = b.add(x, b.broadcast(drift, [], [d]));
  const out = b.contract(used, [0, 1], b.unary("tanh", key0), [1], [0]);
  const part = (i: number) => b.slice(out, 0, dim(i * n), d);
  const [y, q] = [part(0), b.unary("tanh", part(1))];
  const k = b.unary("tanh", part(2));
  const rate = b.unary("sigmoid", b.reshape(b.slice(out, 0, dim(3 * n), dim(1)), []));
  const value = b.contract(used, [0, 1], q, [1], [0]);
  const old = b.contract(used, [0, 1], k, [1], [0]);
  const write = b.contract(b.unary("tanh", b.sub(value, old)), [0], k, [1], [0, 1]);
  s.update("W", b.add(w, b.mul(b.broadcast(rate, [], [rows, d]), write)));
  s.outputs.push({ name: "y", node: y });
  return s.finish();
}

/** Softmax attention over a growing list of keys and values, masked to the rows there are. */
export function attentionStep(): StepProgram {
  const s = new StepBuilder("attention");
  const b = s.body;
  const [d, n] = [dim(3), dim(2)];
  const x = s.input("x", [d]);
  s.position = b.input("position", [], "int");
  const at = b.add(b.unary("to_int", b.size(PAST)), s.position);
  const project = (name: string) => s.project(x, s.parameter(name, [d, n]));
  const keys = b.append(s.state("keys", [CAPACITY, n], { growing: true }), project("Wk"), at);
  const values = b.append(s.state("values", [CAPACITY, n], { growing: true }), project("Wv"), at);
  s.update("keys", keys);
  s.update("values", values);
  const score = b.contract(keys, [0, 1], project("Wq"), [1], [0]);
  const there = b.binary("le", b.iota(CAPACITY), b.broadcast(b.unary("to_float", at), [], [CAPACITY])); // prettier-ignore
  const masked = b.select(there, score, b.fill(-1e30, [CAPACITY]));
  const top = b.stop(b.broadcast(b.reduce("max", masked, [0]), [], [CAPACITY]));
  const weight = b.unary("exp", b.sub(masked, top));
  const total = b.broadcast(b.sum(weight, [0]), [], [CAPACITY]);
  s.outputs.push({ name: "y", node: b.contract(b.div(weight, total), [0], values, [0, 1], [1]) });
  return s.finish();
}

/** No state at all. */
export function statelessStep(): StepProgram {
  const s = new StepBuilder("dense");
  const d = named("width");
  const x = s.input("x", [d]);
  const y = s.project(x, s.parameter("W", [d, add(d, dim(1))]));
  s.outputs.push({ name: "y", node: s.body.unary("tanh", y) });
  return s.finish();
}

export function portKey(port: { readonly role: string; readonly name: string }): string {
  return `${port.role}:${port.name}`;
}

/** A value for every input port. */
export function drawInputs(program: SequenceProgram, sizes: RunSizes): Map<string, Tensor> {
  const shape = (p: InputPort) => p.shape.map((d) => evaluateDim(d, sizeLookup(sizes)));
  return new Map(
    program.inputs.map((p) => {
      const vocab = program.step.inputs.find((i) => i.name === p.name)?.vocab;
      const n = vocab ? evaluateDim(vocab, sizeLookup(sizes)) : 2;
      const make = p.dtype === "int" ? drawInts(shape(p), p.name, n) : drawNormal(shape(p), portKey(p), 0.7); // prettier-ignore
      return [portKey(p), make];
    }),
  );
}
