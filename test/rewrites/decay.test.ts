/** Decays that are each other's special cases (systems.md D.1, rules 4 and 5). */
import { describe, test } from "vitest";
import type { Tensor } from "../../compiler/graph/tensor.ts";
import {
  element,
  expectRewrite,
  filled,
  layer,
  spec,
  summed,
  tensor,
  type Values,
} from "./support.ts";

const [heads, key, width, rank] = [2, 3, 4, 5];
const sizes = { heads, key, value: 4, width, rank };

const PROJECTIONS = `
    k: [heads, key] = linear(x, bias: false)
    v: [heads, value] = linear(x, bias: false)
    q: [heads, key] = linear(x, bias: false)`;

test("4: gated linear attention with one constant decay per head is a retention", () => {
  const retention = `layer L(heads: int, key: int, value: int) {
  in x: [width]
  weight gamma: [heads] = normal(0, 1)
  slow net {${PROJECTIONS}
    g: [heads, value] = silu(linear(x))
  }
  fast net { W: [heads, value, key] = 0 }
  program { W <- gated(W, key: k, value: v, decay: exp(logsigmoid(gamma) / 16)) }
  y = norm(W @ q / sqrt(key), affine: false)
  out o: [width] = linear(g * y, bias: false)
}`;
  const gamma = [0.3, -1.5];
  const { rank: _, ...others } = sizes;
  expectRewrite({
    left: spec("decay.fwp", "GLA", sizes),
    right: layer(retention, others),
    prepare: (inputs) => {
      inputs.set("parameter:decay.weight", filled(inputs.get("parameter:decay.weight")!, 0));
      inputs.set(
        "parameter:decay.bias",
        tensor([heads, key], (h) => Math.fround(gamma[h!]!)),
      );
    },
    give: () => ({ "parameter:gamma": tensor([heads], (h) => Math.fround(gamma[h!]!)) }),
    leftAs: (found) => ({
      "gradient:gamma": summed(found.get("gradient:decay.bias")!, [heads, key], 1),
    }),
    unlike: ["gradient:decay.weight", "gradient:decay.bias", "gradient:low.weight"],
  });
});

test("4: and RetNet is gated linear attention with its constants in every channel", () => {
  const channels = `layer L(heads: int, pairs: int, value: int) {
  in x: [width]
  const decay: [heads] = 1 - exp(-log(2) * (4 + iota(heads)))
  const speed: [pairs] = exp(-log(10000) * (iota(pairs) - 1) / pairs)
  slow net {
    k: [heads, 2 * pairs] = linear(x, bias: false)
    v: [heads, value] = linear(x, bias: false)
    q: [heads, 2 * pairs] = linear(x, bias: false)
    g: [heads, value] = silu(linear(x, bias: false))
  }
  fast net {
    W: [heads, value, 2 * pairs] = 0
    time: [] = 0
  }
  alpha: [heads, 2 * pairs] = einsum(decay[h], ones([2 * pairs])[n] -> [h, n])
  program { W <- channel_gated(W, key: rotate(k, time * speed), value: v, decay: alpha) }
  y = W @ rotate(q, time * speed) / sqrt(2 * pairs)
  program { time <- time + 1 }
  out o: [width] = linear(g * norm(y, affine: false), bias: false)
}`;
  const own = { heads, pairs: 2, value: 4, width };
  expectRewrite({
    left: spec("decay.fwp", "RetNet", own),
    right: layer(channels, own, ["decay.fwp"]),
  });
});

/** KDA's slow net around another rule. */
const net = (
  decay: string,
  rule: string,
  weights = "",
) => `layer L(heads: int, key: int, value: int, rank: int) {
  in x: [width]
  ${weights}
  slow net {
    k: [heads, key] = l2_norm(silu(linear(x, bias: false)))
    v: [heads, value] = silu(linear(x, bias: false))
    q: [heads, key] = l2_norm(silu(linear(x, bias: false)))
    rate: [heads] = sigmoid(linear(x, bias: false))
    ${decay}
    g: [heads, value] = sigmoid(linear(x, bias: false))
  }
  fast net { W: [heads, value, key] = 0 }
  program { W <- ${rule} }
  out o: [width] = linear(g * rms_norm(W @ q), bias: false)
}`;

/** The first channel's for every channel. */
const same = (x: Tensor, shape: readonly number[]) =>
  tensor(shape, (h, _, ...rest) => element(x, shape, h!, 0, ...rest));
const first = (x: Tensor, shape: readonly number[]) =>
  tensor([shape[0]!, ...shape.slice(2)], (h, ...rest) => element(x, shape, h!, 0, ...rest));

describe("5: Kimi Delta Attention", () => {
  const left = spec("gated_delta.fwp", "KDA", sizes);
  const [weights, biases] = [
    [heads, key, rank],
    [heads, key],
  ];
  const equal = (inputs: Map<string, Tensor>) => {
    inputs.set("parameter:a.weight", same(inputs.get("parameter:a.weight")!, weights));
    inputs.set("parameter:a.bias", same(inputs.get("parameter:a.bias")!, biases));
  };
  const perHead = (inputs: Values) => ({
    "parameter:a.weight": first(inputs.get("parameter:a.weight")!, weights),
    "parameter:a.bias": first(inputs.get("parameter:a.bias")!, biases),
  });
  const together = (found: Values) => ({
    "gradient:a.weight": summed(found.get("gradient:a.weight")!, weights, 1),
    "gradient:a.bias": summed(found.get("gradient:a.bias")!, biases, 1),
  });

  test("with equal channels is a gated Delta Net", () => {
    const gated = net(
      "low: [rank] = linear(x, bias: false)\n a: [heads] = softplus(linear(low))",
      "gated_delta(W, key: k, value: v, rate: rate, decay: exp(-exp(A_log) * a))",
      "weight A_log: [heads] = uniform(0, 2.77)",
    );
    expectRewrite({
      left,
      right: layer(gated, sizes),
      prepare: equal,
      give: perHead,
      leftAs: together,
    });
  });

  test("and the memory is that of GatedDeltaNet, which has another output gate", () => {
    const { rank: _, ...others } = sizes;
    const square = { ...sizes, rank: width };
    const own = [heads, key, width];
    const o = "gradient:o.weight";
    expectRewrite({
      left: spec("gated_delta.fwp", "KDA", square),
      right: spec("gated_delta.fwp", "GatedDeltaNet", others),
      prepare: (inputs) => {
        inputs.set(
          "parameter:low.weight",
          tensor([width, width], (i, j) => (i === j ? 1 : 0)),
        );
        inputs.set("parameter:a.weight", same(inputs.get("parameter:a.weight")!, own));
        inputs.set("parameter:a.bias", same(inputs.get("parameter:a.bias")!, biases));
        inputs.set("cotangent:o", filled(inputs.get("cotangent:o")!, 0));
      },
      give: (inputs) => ({
        "parameter:a.weight": first(inputs.get("parameter:a.weight")!, own),
        "parameter:a.bias": first(inputs.get("parameter:a.bias")!, biases),
      }),
      leftAs: (found) => ({
        "gradient:a.weight": summed(found.get("gradient:a.weight")!, own, 1),
        "gradient:a.bias": summed(found.get("gradient:a.bias")!, biases, 1),
      }),
      unlike: ["output:o", o, "gradient:low.weight"],
    });
  });

  test("with decays of one is a Delta Net", () => {
    expectRewrite({
      left,
      right: layer(net("", "delta(W, key: k, value: v, rate: rate)"), { ...sizes, rank: 1 }),
      // exp(−exp(−1000) a) is 1.
      prepare: (inputs) =>
        inputs.set("parameter:A_log", filled(inputs.get("parameter:A_log")!, -1000)),
      unlike: ["gradient:A_log", "gradient:a.weight", "gradient:a.bias", "gradient:low.weight"],
    });
  });

  test("that erases nothing is gated linear attention: Gated DeltaNet-2, where erasing has a gate", () => {
    const attention = `layer L(heads: int, key: int, value: int) {
  in x: [width]
  weight A_log: [heads] = uniform(0, 2.77)
  slow net {
    k: [heads, key] = l2_norm(silu(linear(x, bias: false)))
    v: [heads, value] = silu(linear(x, bias: false))
    q: [heads, key] = l2_norm(silu(linear(x, bias: false)))
    write: [heads, value] = sigmoid(linear(x, bias: false))
    a: [heads, key] = softplus(linear(x))
  }
  fast net { W: [heads, value, key] = 0 }
  program { W <- channel_gated(W, key: k, value: write * v, decay: exp(-exp(A_log) * a)) }
  out o: [width] = linear(rms_norm(W @ q), bias: false)
}`;
    const { rank: _, ...others } = sizes;
    expectRewrite({
      left: spec("gated_delta.fwp", "GDN2", others),
      right: layer(attention, others, ["decay.fwp"]),
      prepare: (inputs) => {
        const x = inputs.get("input:x")!;
        inputs.set("input:x", { ...x, data: x.data.map((v, i) => (i % width === 0 ? 1 : v)) });
        // A gate of sigmoid(−1000), which is 0.
        inputs.set(
          "parameter:erase.weight",
          tensor([heads, key, width], (_h, _k, i) => (i === 0 ? -1000 : 0)),
        );
      },
      unlike: ["gradient:erase.weight"],
    });
  });
});
