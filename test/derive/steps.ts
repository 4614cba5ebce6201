/** The systems of the literature as step programs, small, for tests of staging. Equations: the papers named. */
import { add, CAPACITY, dim, named, PAST, type Dim } from "../../compiler/dims.ts";
import type { NodeId, StepProgram } from "../../compiler/graph/ir.ts";
import { StepBuilder } from "../support/steps.ts";

/** A layer's parts that several systems share. */
export class Layer extends StepBuilder {
  /** tanh or another function of x W, with `[heads, n]` as its shape. */
  slow(name: string, x: NodeId, shape: readonly Dim[], fn: "sigmoid" | "tanh" | null = null) {
    const b = this.body;
    const w = this.parameter(name, [...b.shape(x), ...shape]);
    const rank = b.shape(x).length;
    const into = b.shape(x).map((_, i) => i);
    const out = shape.map((_, i) => rank + i);
    const y = b.contract(x, into, w, [...into, ...out], out);
    return fn === null ? y : b.unary(fn, y);
  }
  /** W + rate (value − W key) keyᵀ per head, `[h, m, n]`. */
  delta(w: NodeId, key: NodeId, value: NodeId, rate: NodeId): NodeId {
    const b = this.body;
    const error = b.sub(value, this.read(w, key));
    const scaled = b.mul(b.broadcast(rate, [0], b.shape(error)), error);
    return b.add(w, b.contract(scaled, [0, 1], key, [0, 2], [0, 1, 2]));
  }
  /** W k per head. */
  read(w: NodeId, key: NodeId): NodeId {
    return this.body.contract(w, [0, 1, 2], key, [0, 2], [0, 1]);
  }
}

const [d, h, m, n] = [dim(3), dim(2), dim(5), dim(4)];

/** Linear attention with a normaliser (Katharopoulos et al. 2020). */
export function linearAttention(width: Dim = d): StepProgram {
  const s = new Layer("linear_attention");
  const b = s.body;
  const x = s.input("x", [width]);
  const [k, q] = [s.slow("k", x, [h, n], "sigmoid"), s.slow("q", x, [h, n], "sigmoid")];
  const v = s.slow("v", x, [h, m]);
  const w = b.add(s.state("W", [h, m, n]), b.contract(v, [0, 1], k, [0, 2], [0, 1, 2]));
  const z = b.add(s.state("z", [h, n]), k);
  s.update("W", w);
  s.update("z", z);
  const total = b.contract(z, [0, 1], q, [0, 1], [0]);
  const y = b.div(s.read(w, q), b.broadcast(total, [0], [h, m]));
  s.outputs.push({ name: "y", node: s.slow("o", y, [width]) });
  return s.finish();
}

/** Delta net (Schlag et al. 2021), heads, a first W that is learned, tokens in. */
export function deltaNet(): StepProgram {
  const s = new Layer("delta_net");
  const b = s.body;
  const x = b.gather(s.parameter("embedding", [dim(7), d]), s.tokens("token", 7));
  const [k, q] = [s.slow("k", x, [h, n], "tanh"), s.slow("q", x, [h, n], "tanh")];
  const [v, rate] = [s.slow("v", x, [h, m]), s.slow("b", x, [h], "sigmoid")];
  s.parameter("W0", [h, m, n]);
  const w = s.delta(s.state("W", [h, m, n], { init: "W0" }), k, v, rate);
  s.update("W", w);
  const y = s.read(w, q);
  const size = b.unary("sqrt", b.sum(b.mul(y, y), [1]));
  s.outputs.push({
    name: "y",
    node: s.slow("o", b.div(y, b.broadcast(size, [0], [h, m])), [d], "tanh"),
  });
  return s.finish();
}

/** Recurrent delta net (Irie et al. 2021): what the fast net last said goes into the slow net. */
export function recurrentDeltaNet(): StepProgram {
  const s = new Layer("rdn");
  const b = s.body;
  const x = s.input("x", [d]);
  const r = b.unary("tanh", s.state("y.prev", [h, m]));
  const head = (name: string, shape: Dim[], fn: "tanh" | "sigmoid") =>
    b.unary(fn, b.add(s.slow(`${name}.x`, x, shape), s.slow(`${name}.r`, r, shape)));
  const [k, v, q] = [
    head("k", [h, n], "tanh"),
    head("v", [h, m], "tanh"),
    head("q", [h, n], "tanh"),
  ];
  const w = s.delta(s.state("W", [h, m, n]), k, v, head("b", [h], "sigmoid"));
  const y = s.read(w, q);
  s.update("W", w);
  s.update("y.prev", y);
  s.outputs.push({ name: "o", node: s.slow("o", y, [d]) });
  return s.finish();
}

/** A recurrent net (an LSTM without its output gate) whose hidden state programs a fast net. */
export function recurrentThenDelta(): StepProgram {
  const s = new Layer("lstm_delta");
  const b = s.body;
  const x = s.input("x", [d]);
  const [hidden, cell] = [s.state("h", [dim(6)]), s.state("c", [dim(6)])];
  const gate = (name: string, fn: "tanh" | "sigmoid") =>
    b.unary(fn, b.add(s.slow(`${name}.x`, x, [dim(6)]), s.slow(`${name}.h`, hidden, [dim(6)])));
  const c = b.add(
    b.mul(gate("f", "sigmoid"), cell),
    b.mul(gate("i", "sigmoid"), gate("g", "tanh")),
  );
  const z = b.unary("tanh", c);
  s.update("c", c);
  s.update("h", z);
  const [k, q] = [s.slow("k", z, [h, n], "tanh"), s.slow("q", z, [h, n], "tanh")];
  const w = s.delta(
    s.state("W", [h, m, n]),
    k,
    s.slow("v", z, [h, m]),
    s.slow("b", z, [h], "sigmoid"),
  );
  s.update("W", w);
  s.outputs.push({ name: "y", node: s.slow("o", s.read(w, q), [d]) });
  return s.finish();
}

/** Fast weights of a two-layer net (Irie et al. 2021, Delta MLP). */
export function deltaMlp(): StepProgram {
  const s = new Layer("delta_mlp");
  const b = s.body;
  const x = s.input("x", [d]);
  const write = (i: number, into: Dim, out: Dim) => {
    const k = s.slow(`k${i}`, x, [h, into], "tanh");
    const v = s.slow(`v${i}`, x, [h, out]);
    const w = s.delta(s.state(`W${i}`, [h, out, into]), k, v, s.slow(`b${i}`, x, [h], "sigmoid"));
    s.update(`W${i}`, w);
    return w;
  };
  const [w1, w2] = [write(1, n, m), write(2, m, n)];
  const inner = b.unary("sigmoid", s.read(w1, s.slow("q", x, [h, n], "tanh")));
  s.outputs.push({ name: "y", node: s.slow("o", s.read(w2, inner), [d]) });
  return s.finish();
}

/** Self-referential weight matrix (Irie et al. 2022) with heads, a rate per block of rows. */
export function srwm(): StepProgram {
  const s = new Layer("srwm");
  const b = s.body;
  const rows = dim(14);
  const x = s.input("x", [h, n]);
  s.parameter("W0", [h, rows, n]);
  const w = s.state("W", [h, rows, n], { init: "W0" });
  const out = s.read(w, b.unary("tanh", x));
  const part = (from: number, length: number) => b.slice(out, 1, dim(from), dim(length));
  const [k, q] = [b.unary("tanh", part(4, 4)), b.unary("tanh", part(8, 4))];
  const rates = b.unary("sigmoid", part(12, 2));
  const spread = b.concat(
    [0, 1].map((i) => {
      const one = b.reshape(b.slice(rates, 1, dim(i), dim(1)), [h]);
      return b.broadcast(one, [0], [h, dim(i === 0 ? 4 : 10)]);
    }),
    1,
  );
  const error = b.mul(spread, b.sub(s.read(w, q), s.read(w, k)));
  s.update("W", b.add(w, b.contract(error, [0, 1], k, [0, 2], [0, 1, 2])));
  s.outputs.push({ name: "y", node: part(0, 4) });
  return s.finish();
}

/** Each step sees the input before (RWKV's token shift) and the one before that. */
export function tokenShift(): StepProgram {
  const s = new Layer("token_shift");
  const b = s.body;
  const x = s.input("x", [d]);
  s.parameter("first", [d]);
  const one = s.state("x.prev", [d], { init: "first" });
  const two = s.state("x.prev.prev", [d]);
  const mix = b.sub(b.add(x, one), b.mul(two, s.parameter("mu", [d])));
  s.update("x.prev", x);
  s.update("x.prev.prev", one);
  s.outputs.push({ name: "y", node: s.slow("o", b.unary("tanh", mix), [d]) });
  return s.finish();
}

/** Softmax attention over a growing cache; `feedback`: what it returned last is part of the next key. */
export function attention(options: { feedback: boolean; readFirst: boolean }): StepProgram {
  const s = new Layer("attention");
  const b = s.body;
  const x = s.input("x", [d]);
  s.position = b.input("position", [], "int");
  const at = b.add(b.unary("to_int", b.size(PAST)), s.position);
  const seen = options.feedback ? b.add(x, b.unary("tanh", s.state("y.prev", [d]))) : x;
  const [k, v] = [s.slow("k", seen, [n]), s.slow("v", seen, [d])];
  const [oldK, oldV] = [
    s.state("keys", [CAPACITY, n], { growing: true }),
    s.state("values", [CAPACITY, d], { growing: true }),
  ];
  const [keys, values] = [b.append(oldK, k, at), b.append(oldV, v, at)];
  s.update("keys", keys);
  s.update("values", values);
  const [usedK, usedV] = options.readFirst ? [oldK, oldV] : [keys, values];
  const score = b.contract(usedK, [0, 1], s.slow("q", x, [n]), [1], [0]);
  const count = b.broadcast(b.unary("to_float", at), [], [CAPACITY]);
  const valid = b.binary(options.readFirst ? "lt" : "le", b.iota(CAPACITY), count);
  const weight = b.select(valid, b.unary("exp", score), b.fill(0, [CAPACITY]));
  const total = b.broadcast(b.add(b.sum(weight, [0]), b.constant(1)), [], [CAPACITY]);
  const y = b.contract(b.div(weight, total), [0], usedV, [0, 1], [1]);
  if (options.feedback) s.update("y.prev", y);
  s.outputs.push({ name: "y", node: y });
  return s.finish();
}

/** A gated layer with no state but one that is never written, over symbolic sizes. */
export function feedForward(): StepProgram {
  const s = new Layer("dense");
  const b = s.body;
  const width = named("width");
  const x = s.input("x", [width]);
  const goal = s.state("goal", [width]);
  const y = s.slow("y", b.mul(x, goal), [add(width, dim(1))], "tanh");
  s.outputs.push({ name: "y", node: y });
  return s.finish();
}

/** Reads a matrix as it was a step ago, by way of a state that only delays it, and its Frobenius norm. */
export function delayedMatrix(): StepProgram {
  const s = new Layer("delayed");
  const b = s.body;
  const x = s.input("x", [d]);
  const [k, q] = [s.slow("k", x, [h, n], "tanh"), s.slow("q", x, [h, n], "tanh")];
  const w = s.delta(
    s.state("W", [h, m, n]),
    k,
    s.slow("v", x, [h, m]),
    s.slow("b", x, [h], "sigmoid"),
  );
  s.update("W", w);
  const old = s.state("W.prev", [h, m, n]);
  s.update("W.prev", w);
  const mean = b.add(b.scaleBy(old, 0.5), b.scaleBy(w, 0.5));
  s.outputs.push({ name: "y", node: s.slow("o", s.read(mean, q), [d]) });
  s.outputs.push({ name: "norm", node: b.unary("sqrt", b.sum(b.mul(w, w), [0, 1, 2])) });
  return s.finish();
}

/** Two fast nets, each of which reads the other to make its own write. */
export function mutual(): StepProgram {
  const s = new Layer("mutual");
  const b = s.body;
  const x = s.input("x", [d]);
  const [k, rate] = [s.slow("k", x, [h, n], "tanh"), s.slow("b", x, [h], "sigmoid")];
  const [first, second] = [s.state("A", [h, m, n]), s.state("B", [h, m, n])];
  const w = s.delta(first, k, b.unary("tanh", s.read(second, k)), rate);
  s.update("A", w);
  s.update("B", s.delta(second, k, b.add(s.read(w, k), s.slow("v", x, [h, m])), rate));
  s.outputs.push({ name: "y", node: s.slow("o", s.read(w, s.slow("q", x, [h, n])), [d]) });
  return s.finish();
}
