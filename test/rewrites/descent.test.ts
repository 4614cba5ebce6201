/** The delta rule as gradient descent, and from the other side (systems.md D.1, rules 3 and 6). */
import { expect, test } from "vitest";
import type { Tensor } from "../../compiler/graph/tensor.ts";
import { expectRewrite, layer, permuted, spec } from "./support.ts";

const sizes = { heads: 2, key: 3, value: 4, width: 3 };

test("3: a Delta Net is descent of its squared error, a step per token", () => {
  expectRewrite({
    left: spec("delta_net.fwp", "DeltaNet", { ...sizes, rule: "delta" }),
    right: spec("delta_net.fwp", "DeltaNet", { ...sizes, rule: "descend" }),
  });
});

test("3: TTT-linear with a mini-batch of one is a Delta Net that learns what is missing to its keys", () => {
  const net = `layer L(heads: int, size: int) {
  in x: [width]
  slow net {
    k: [heads, size] = linear(x, bias: false)
    v: [heads, size] = linear(x, bias: false)
    q: [heads, size] = linear(x, bias: false)
    eta: [heads] = sigmoid(linear(x)) / size
  }
  fast net { W: [heads, size, size] = learned normal(0, 0.02) }
  program { W <- delta(W, key: k, value: v - k, rate: eta) }
  out y: [width] = linear(q + norm(W @ q), bias: false)
}`;
  const own = { heads: 2, size: 3, width: 4 };
  expectRewrite({ left: spec("online.fwp", "TTTLinear", own), right: layer(net, own) });
});

const turned = (x: Tensor) => permuted(x, [2, 2, 4, 3], [0, 1, 3, 2]);
const back = (x: Tensor) => permuted(x, [2, 2, 3, 4], [0, 1, 3, 2]);

test("6: Oja's rule is the delta rule of the transposed memory, keys and values exchanged", () => {
  const transposed = `layer L(heads: int, key: int, value: int) {
  in x: [width]
  slow net {
    k: [heads, key] = linear(x, bias: false)
    v: [heads, value] = linear(x, bias: false)
    q: [heads, key] = linear(x, bias: false)
    rate: [heads] = sigmoid(linear(x, bias: false))
  }
  fast net { W: [heads, key, value] = 0 }
  program { W <- delta(W, key: v, value: sum_norm(elu1(k)), rate: rate) }
  out y: [width] = linear(einsum(W[h, k, v], sum_norm(elu1(q))[h, k] -> [h, v]), bias: false)
}`;
  expectRewrite({
    left: spec("delta_net.fwp", "DeltaNet", { ...sizes, phi: "elu1", rule: "oja" }),
    right: layer(transposed, sizes),
    give: (inputs) => ({
      "state:W": turned(inputs.get("state:W")!),
      "cotangent:state.W": turned(inputs.get("cotangent:state.W")!),
    }),
    rightAs: (found) => ({
      "state:W": back(found.get("state:W")!),
      "gradient:state.W": back(found.get("gradient:state.W")!),
    }),
  });
});

test("what is not the same is not taken for the same", () => {
  const left = spec("delta_net.fwp", "DeltaNet", { ...sizes, rule: "delta" });
  const right = spec("delta_net.fwp", "DeltaNet", { ...sizes, rule: "gated" });
  expect(() => expectRewrite({ left, right })).toThrow(/right, step by step in f64/u);
});
