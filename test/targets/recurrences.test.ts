import { expect, test } from "vitest";
import { BATCH, dim, TIME, type Dim } from "../../compiler/dims.ts";
import { GraphBuilder } from "../../compiler/graph/builder.ts";
import type {
  Binding,
  Carry,
  NodeId,
  Recurrence,
  RecurrenceOutput,
} from "../../compiler/graph/ir.ts";
import { compare, instanceOf, programOf } from "./harness.ts";

const SIZES = [
  { batch: 1, time: 1, past: 0 },
  { batch: 2, time: 7, past: 0 },
  { batch: 3, time: 10, past: 0 },
];
type Sizes3 = readonly [heads: number, values: number, keys: number];

/** The delta rule of several heads: r = W k, W ← W + β (v − r) kᵀ, y = W q. */
function deltaBody([H, V, K]: readonly [Dim, Dim, Dim]) {
  const b = new GraphBuilder("delta");
  const w = b.input("W", [H, V, K]);
  const k = b.input("k", [H, K]);
  const v = b.input("v", [H, V]);
  const q = b.input("q", [H, K]);
  const beta = b.input("beta", [H]);
  b.origin = { label: "r", file: "t", start: 0, end: 0 };
  const r = b.contract(w, [0, 1, 2], k, [0, 2], [0, 1]);
  b.origin = { label: "u", file: "t", start: 0, end: 0 };
  const u = b.mul(b.broadcast(beta, [0], [H, V]), b.sub(v, r));
  b.origin = { label: "W", file: "t", start: 0, end: 0 };
  const next = b.add(w, b.contract(u, [0, 1], k, [0, 2], [0, 1, 2]));
  b.origin = { label: "y", file: "t", start: 0, end: 0 };
  const y = b.contract(next, [0, 1, 2], q, [0, 2], [0, 1]);
  b.origin = null;
  return { b, w, k, v, q, beta, r, u, next, y };
}

function deltaProgram(reverse: boolean, [h, m, n]: Sizes3) {
  const [H, V, K] = [dim(h), dim(m), dim(n)];
  const { b: body, w, k, v, q, beta, next, y, u } = deltaBody([H, V, K]);
  const o = new GraphBuilder("outer");
  const start = o.input("start", [BATCH, H, V, K]);
  const ko = o.input("k", [BATCH, TIME, H, K]);
  const keys = o.scaleBy(ko, 0.5);
  const vo = o.input("v", [BATCH, TIME, dim(h * m)]);
  const qo = o.input("q", [TIME, BATCH, H, K]);
  const bo = o.input("beta", [H]);
  const bindings: Binding[] = [
    { kind: "sequence", input: k, value: keys },
    { kind: "sequence", input: v, value: o.reshape(vo, [BATCH, TIME, H, V]) },
    { kind: "sequence", input: q, value: o.transpose(qo, [1, 0, 2, 3]) },
    { kind: "shared", input: beta, value: bo },
  ];
  const outputs: RecurrenceOutput[] = [
    { kind: "stack", node: y },
    { kind: "final", carry: 0 },
    { kind: "sum", node: u },
    { kind: "batch-sum", node: u },
  ];
  if (!reverse) outputs.push({ kind: "border", carry: 0, every: dim(3) });
  const recurrence: Recurrence = {
    body: body.finish(),
    reverse,
    batch: BATCH,
    time: TIME,
    carries: [{ name: "W", init: start, input: w, next }],
    bindings,
    outputs,
    replay: null,
  };
  const [ys, final, sum, each, border] = o.recurrence(recurrence) as [
    NodeId,
    NodeId,
    NodeId,
    NodeId,
    NodeId | undefined,
  ];
  const out: Record<string, NodeId> = { ys, final, sum, each, again: o.neg(ys) };
  if (border !== undefined) out["border"] = border;
  return programOf(o, out);
}

for (const reverse of [false, true]) {
  test(`a fast weight matrix under the delta rule${reverse ? ", from the end" : ""}`, () => {
    const shapes: readonly Sizes3[] = [
      [2, 3, 5],
      [1, 8, 4],
      [3, 7, 6],
      [5, 1, 9],
    ];
    for (const shape of shapes) {
      for (const sizes of SIZES) compare(deltaProgram(reverse, shape), sizes);
    }
  });
}

test("the fast weights are updated where they lie, row by row, in one pass", () => {
  const { javascript } = instanceOf(deltaProgram(false, [2, 6, 8]), SIZES[1]!, "f32");
  expect(javascript).toMatchSnapshot();
});

test("carries that read each other: swapped, mixed, kept", () => {
  const b = new GraphBuilder("swap");
  const n = [dim(4)];
  const carries = ["a", "b", "c", "d", "s"].map((name) => b.input(name, name === "s" ? [] : n));
  const [a, c, e, d, s] = carries as [NodeId, NodeId, NodeId, NodeId, NodeId];
  const x = b.input("x", n);
  const at = b.input("at", [], "int");
  const mixed = b.add(b.roll(e, 0, dim(1)), b.mul(a, x));
  const total = b.add(s, b.sum(b.mul(c, b.broadcast(s, [], n)), [0]));
  const stepped = b.add(total, b.unary("to_float", at));
  const nexts = [c, a, mixed, d, b.scaleBy(stepped, 0.1)];
  const y = b.add(b.add(a, c), b.broadcast(s, [], n));
  const o = new GraphBuilder("outer");
  const list: Carry[] = ["a", "b", "c", "d", "s"].map((name, i) => ({
    name,
    init: o.input(name, name === "s" ? [BATCH] : [BATCH, ...n]),
    input: carries[i]!,
    next: nexts[i]!,
  }));
  const xs = o.input("x", [BATCH, TIME, ...n]);
  const results = o.recurrence({
    body: b.finish(),
    reverse: false,
    batch: BATCH,
    time: TIME,
    carries: list,
    bindings: [
      { kind: "sequence", input: x, value: xs },
      { kind: "position", input: at },
    ],
    outputs: [
      { kind: "stack", node: y },
      { kind: "stack", node: mixed },
      { kind: "stack", node: a },
      ...list.map((_, carry): RecurrenceOutput => ({ kind: "final", carry })),
    ],
    replay: null,
  });
  const out = Object.fromEntries(results.map((r, i) => [`o${i}`, r]));
  for (const sizes of SIZES) compare(programOf(o, out), sizes);
});

test("a product is added to a state where it lies, unless the product reads the state", () => {
  const n = [dim(17), dim(16)];
  const make = (own: boolean) => {
    const b = new GraphBuilder("sum");
    const w = b.input("W", n);
    const u = b.input("u", [dim(8), dim(17)]);
    const k = b.input("k", [dim(8), dim(16)]);
    const a = b.input("a", [dim(16), dim(16)]);
    const product = own
      ? b.contract(w, [0, 1], a, [1, 2], [0, 2])
      : b.contract(u, [2, 0], k, [2, 1], [0, 1]);
    const next = b.add(b.scaleBy(w, 0.5), product);
    const read = b.contract(k, [0, 1], w, [2, 1], [0, 2]);
    const o = new GraphBuilder("outer");
    const start = o.input("start", [BATCH, ...n]);
    const sequence = (name: string, input: NodeId): Binding => ({
      kind: "sequence",
      input,
      value: o.scaleBy(o.input(name, [BATCH, TIME, ...b.shape(input)]), 0.2),
    });
    const bindings = [
      sequence("k", k),
      ...(own ? [] : [sequence("u", u)]),
      ...(own ? [sequence("a", a)] : []),
    ];
    const [reads, final] = o.recurrence({
      body: b.finish(),
      reverse: false,
      batch: BATCH,
      time: TIME,
      carries: [{ name: "W", init: start, input: w, next }],
      bindings,
      outputs: [
        { kind: "stack", node: read },
        { kind: "final", carry: 0 },
      ],
      replay: null,
    });
    return programOf(o, { reads: reads!, final: final! });
  };
  for (const own of [false, true]) {
    for (const sizes of SIZES) compare(make(own), sizes);
    const { javascript } = instanceOf(make(own), SIZES[1]!, "f32");
    // The array of the sum, which is copied over the state afterwards.
    expect(/\badd\b/.test(javascript)).toBe(own);
  }
});

test("a replay gives a backward step the forward states before it", () => {
  // Forward: W ← W + tanh(W) x; backward: g ← g · (1 + tanh'(W) x) + dy, dx = g · tanh(W).
  const n = [dim(2), dim(3)];
  const f = new GraphBuilder("forward");
  const fw = f.input("W", n);
  const fx = f.input("x", n);
  const fnext = f.add(fw, f.mul(f.unary("tanh", fw), fx));
  const b = new GraphBuilder("backward");
  const g = b.input("g", n);
  const w = b.input("W", n);
  const x = b.input("x", n);
  const dy = b.input("dy", n);
  const th = b.unary("tanh", w);
  const slope = b.sub(b.fill(1, n), b.mul(th, th));
  const gy = b.add(g, dy);
  const next = b.mul(gy, b.add(b.fill(1, n), b.mul(slope, x)));
  const dx = b.mul(gy, th);
  for (const every of [1, 3, 20]) {
    const o = new GraphBuilder("outer");
    const xs = o.input("x", [BATCH, TIME, ...n]);
    const start = o.input("start", [BATCH, ...n]);
    const end = o.input("end", [BATCH, ...n]);
    const dys = o.input("dy", [BATCH, TIME, ...n]);
    const [ys, borders] = o.recurrence({
      body: f.finish(),
      reverse: false,
      batch: BATCH,
      time: TIME,
      carries: [{ name: "W", init: start, input: fw, next: fnext }],
      bindings: [{ kind: "sequence", input: fx, value: xs }],
      outputs: [
        { kind: "stack", node: fnext },
        { kind: "border", carry: 0, every: dim(every) },
      ],
      replay: null,
    });
    const [dxs, dstart, total] = o.recurrence({
      body: b.finish(),
      reverse: true,
      batch: BATCH,
      time: TIME,
      carries: [{ name: "g", init: end, input: g, next }],
      bindings: [
        { kind: "sequence", input: x, value: xs },
        { kind: "sequence", input: dy, value: dys },
      ],
      outputs: [
        { kind: "stack", node: dx },
        { kind: "final", carry: 0 },
        { kind: "sum", node: dx },
      ],
      replay: {
        body: f.finish(),
        bindings: [{ kind: "sequence", input: fx, value: xs }],
        every: dim(every),
        carries: [{ name: "W", borders: borders!, input: fw, next: fnext, target: w }],
      },
    });
    const out = { ys: ys!, dxs: dxs!, dstart: dstart!, total: total! };
    for (const sizes of SIZES) compare(programOf(o, out), sizes);
  }
});

test("parameters written over themselves, whoever else reads the old ones", () => {
  const b = new GraphBuilder("update");
  const w = b.input("w", [dim(7), dim(5)]);
  const m = b.input("m", [dim(7), dim(5)]);
  const x = b.input("x", [BATCH, dim(5)]);
  const square = b.input("square", [dim(4), dim(4)]);
  const y = b.contract(x, [0, 1], w, [2, 1], [0, 2]);
  const g = b.contract(y, [0, 2], x, [0, 1], [2, 1]);
  const moment = b.add(b.scaleBy(m, 0.9), g);
  const next = b.sub(w, b.scaleBy(moment, 0.1));
  const turned = b.add(square, b.transpose(square, [1, 0]));
  const after = b.contract(x, [0, 1], next, [2, 1], [0, 2]);
  const program = programOf(
    b,
    { y, after, old: b.scaleBy(w, 2) },
    { w: next, m: moment, square: turned },
  );
  compare(program, { batch: 3, time: 1, past: 0 });
});
