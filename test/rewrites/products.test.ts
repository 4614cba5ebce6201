/** Several writes per token, and keys that are products of keys (systems.md D.1, rules 7 and 8). */
import { describe, test } from "vitest";
import type { Tensor } from "../../compiler/graph/tensor.ts";
import {
  draw,
  element,
  expectRewrite,
  expectSame,
  filled,
  layer,
  oracle,
  permuted,
  routes,
  SIZES,
  spec,
  summed,
  tensor,
  type Values,
} from "./support.ts";

const [heads, key, value, width] = [2, 3, 4, 3];
const sizes = { heads, key, value, width };

/** DeltaProduct's slow net with one write, around another rule. */
const oneWrite = (rule: string, decay = "") => `layer L(heads: int, key: int, value: int) {
  in x: [width]
  slow net {
    k: [1, heads, key] = l2_norm(silu(linear(x, bias: false)))
    v: [1, heads, value] = silu(linear(x, bias: false))
    q: [heads, key] = l2_norm(silu(linear(x, bias: false)))
    rate: [1, heads] = 2 * sigmoid(linear(x, bias: false))
    ${decay}
  }
  fast net { W: [heads, value, key] = 0 }
  program { W <- ${rule} }
  out o: [width] = linear(rms_norm(W @ q), bias: false)
}`;
const product = (writes: number) => spec("gated_delta.fwp", "DeltaProduct", { ...sizes, writes });

describe("7: DeltaProduct", () => {
  test("with one write is a gated Delta Net", () => {
    const rule = "gated_delta(W, key: k[1], value: v[1], rate: rate[1], decay: decay)";
    const right = layer(oneWrite(rule, "decay: [heads] = sigmoid(linear(x))"), sizes);
    expectRewrite({ left: product(1), right });
  });

  test("that forgets nothing is a Delta Net", () => {
    expectRewrite({
      left: product(1),
      right: layer(oneWrite("delta(W, key: k[1], value: v[1], rate: rate[1])"), sizes),
      // sigmoid(100) is 1.
      prepare: (inputs) => {
        inputs.set("parameter:decay.weight", filled(inputs.get("parameter:decay.weight")!, 0));
        inputs.set("parameter:decay.bias", filled(inputs.get("parameter:decay.bias")!, 100));
      },
      unlike: ["gradient:decay.weight", "gradient:decay.bias"],
    });
  });

  test("with three writes is a Delta Net of three times as many tokens, every third of them read", () => {
    const writes = 3;
    const interleaved = `layer L(heads: int, key: int, value: int, writes: int) {
  in x: [width]
  in phase: [writes]
  slow net {
    k: [writes, heads, key] = l2_norm(silu(linear(x, bias: false)))
    v: [writes, heads, value] = silu(linear(x, bias: false))
    q: [heads, key] = l2_norm(silu(linear(x, bias: false)))
    rate: [writes, heads] = 2 * sigmoid(linear(x, bias: false))
    decay: [heads] = sigmoid(linear(x))
    now_k: [heads, key] = einsum(phase[i], k[i, h, n] -> [h, n])
    now_v: [heads, value] = einsum(phase[i], v[i, h, n] -> [h, n])
    now_rate: [heads] = einsum(phase[i], rate[i, h] -> [h])
    now_decay: [heads] = phase[1] * decay + (1 - phase[1])
  }
  fast net { W: [heads, value, key] = 0 }
  program {
    W <- gated_delta(W, key: now_k, value: now_v, rate: now_rate, decay: now_decay)
  }
  out o: [width] = linear(rms_norm(W @ q), bias: false)
}`;
    const { batch, time } = SIZES;
    const long = { ...SIZES, time: time * writes };
    const [short, right] = [product(writes), layer(interleaved, { ...sizes, writes })];
    const inputs = draw(short, SIZES);
    const want = oracle(short)(inputs, SIZES);
    const stretched = (x: Tensor, of: (v: number, micro: number) => number) =>
      tensor([batch, long.time, width], (b, t, i) =>
        of(element(x, [batch, time, width], b!, Math.floor(t! / writes), i!), t! % writes),
      );
    const last = (v: number, micro: number) => (micro === writes - 1 ? v : 0);
    const others: Values = new Map([
      ...inputs,
      ["input:x", stretched(inputs.get("input:x")!, (v) => v)],
      ["input:phase", tensor([batch, long.time, writes], (_, t, i) => (t! % writes === i ? 1 : 0))],
      ["cotangent:o", stretched(inputs.get("cotangent:o")!, last)],
    ]);
    const split = [batch, time, writes, width];
    const wanted = new Map([...want].filter(([name]) => name !== "gradient:phase"));
    for (const route of routes(right, true)) {
      const found = route.run(others, long);
      const got = new Map([
        ...found,
        ["gradient:x", summed(found.get("gradient:x")!, split, 2)],
        ["output:o", tensor([batch, time, width], (b, t, i) =>
          element(found.get("output:o")!, split, b!, t!, writes - 1, i!))],
      ] as const); // prettier-ignore
      expectSame(got, wanted, route);
    }
    for (const route of routes(short, true)) expectSame(route.run(inputs, SIZES), want, route);
  });
});

/** Keys of third-order memories are the products of two keys, laid out in a row. */
const flat = (x: Tensor, [a, b, c]: readonly [number, number, number]): Tensor => ({
  ...permuted(x, [SIZES.batch, a, b, c], [0, 3, 1, 2]),
  shape: [SIZES.batch, c, a * b],
});
const cube = (x: Tensor, [a, b, c]: readonly [number, number, number]) =>
  permuted(x, [SIZES.batch, c, a, b], [0, 2, 3, 1]);
const turned = (shape: readonly [number, number, number]) => ({
  give: (inputs: Values) => ({
    "state:F": flat(inputs.get("state:F")!, shape),
    "cotangent:state.F": flat(inputs.get("cotangent:state.F")!, shape),
  }),
  rightAs: (found: Values) => ({
    "state:F": cube(found.get("state:F")!, shape),
    "gradient:state.F": cube(found.get("gradient:state.F")!, shape),
  }),
});

describe("8: third-order memories", () => {
  const size = 3;
  const own = { hidden: 4, size, hops: 2, width };
  const slow = `
    z = LSTM(units: hidden)(x)
    k1: [size] = tanh(linear(z))
    k2: [size] = tanh(linear(z))
    v: [size] = tanh(linear(z))
    b: [] = sigmoid(linear(z, bias_init: constant(1)))
    n: [size] = linear(z)
    e: [hops, size] = tanh(linear(z))`;
  const memory = (state: string, program: string, read: string) => `import std.layers
layer L(hidden: int, size: int, hops: int) {
  in x: [width]
  slow net {${slow}
  }
  fast net { F: ${state} = 0 }
  program { F <- ${program} }
  repeat i in 1..hops { n = norm(${read}, affine: false) }
  out y: [width] = linear(z) + linear(n)
}`;
  const matrix = (rule: string) =>
    memory(
      "[size, size * size]",
      `${rule}(F, key: flatten(outer(k1, k2)), value: v, rate: b)`,
      "F @ flatten(outer(n, e[i]))",
    );

  test("the fast weight memory is a clipped delta rule at products of keys", () => {
    expectRewrite({
      left: spec("associative.fwp", "FastWeightMemory", own),
      right: layer(matrix("clipped_delta"), own),
      chunks: [false, false],
      ...turned([size, size, size]),
    });
  });

  test("without the clip it is the delta rule at products of keys", () => {
    // A second hop would ask with what the first one answers, which is not for all steps at once.
    const once = { ...own, hops: 1 };
    const tensorial = memory(
      "[size, size, size]",
      "F + einsum(k1[s], k2[r], (b * (v - einsum(F[s, r, t], k1[s], k2[r] -> [t])))[t] -> [s, r, t])",
      "einsum(F[s, r, t], n[s], e[i][r] -> [t])",
    );
    expectRewrite({
      left: layer(tensorial, once),
      right: layer(matrix("delta"), once),
      ...turned([size, size, size]),
    });
  });

  test("TPR-RNN's is three corrections at products of keys, all of the old memory", () => {
    const [entity, role] = [3, 2];
    const rows = `layer L(entity: int, role: int, hidden: int) {
  in x: [width]
  slow net {
    net(x) = tanh(linear(tanh(linear(x, to: [hidden]))))
    e1: [entity] = net(x)
    e2: [entity] = net(x)
    r1: [role] = net(x)
    r2: [role] = net(x)
    r3: [role] = net(x)
    K1: [entity * role] = flatten(outer(e1, r1))
    K2: [entity * role] = flatten(outer(e1, r2))
    K3: [entity * role] = flatten(outer(e2, r3))
  }
  fast net { F: [entity, entity * role] = 0 }
  program {
    w = F @ K1
    m = F @ K2
    b = F @ K3
    F <- F + outer(e2 - w, K1) + outer(w - m, K2) + outer(e1 - b, K3)
  }
  i1: [entity] = norm(F @ K1)
  i2: [entity] = norm(F @ flatten(outer(i1, r2)))
  i3: [entity] = norm(F @ flatten(outer(i2, r3)))
  out y: [width] = linear(i1 + i2 + i3, bias: false)
}`;
    const tpr = { entity, role, hidden: 4, width };
    expectRewrite({
      left: spec("tensor_product.fwp", "TensorProductMemory", tpr),
      right: layer(rows, tpr),
      chunks: [false, false],
      ...turned([entity, role, entity]),
    });
  });
});
