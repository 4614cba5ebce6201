/** The fast weights themselves as a result, and as a hidden layer that grows (systems.md D.1, rules 13 and 14). */
import { test } from "vitest";
import type { Tensor } from "../../compiler/graph/tensor.ts";
import { element, expectRewrite, filled, layer, SIZES, spec, tensor } from "./support.ts";

test("13: what a painter has on its canvas after T strokes is the memory of a Delta Net after T steps", () => {
  const painter = `layer L(heads: int, key: int, value: int) {
  in x: [width]
  slow net {
    k: [heads, key] = linear(x, bias: false)
    v: [heads, value] = linear(x, bias: false)
    rate: [heads] = sigmoid(linear(x, bias: false))
  }
  fast net { W: [heads, value, key] = 0 }
  program { W <- W + rate * outer(v - W @ sum_norm(elu1(k)), sum_norm(elu1(k))) }
  out canvas: [heads, value, key] = W
}`;
  const sizes = { heads: 2, key: 3, value: 4, width: 3 };
  const { batch, time } = SIZES;
  const image = [sizes.heads, sizes.value, sizes.key];
  const film = [batch, time, ...image];
  const last = (canvas: Tensor): Tensor =>
    tensor([batch, ...image], (b, ...at) => element(canvas, film, b!, time - 1, ...at));
  expectRewrite({
    left: spec("delta_net.fwp", "DeltaNet", { ...sizes, phi: "elu1" }),
    right: layer(painter, sizes),
    // Every step's canvas is the whole memory, so the painter may have to paint stroke by stroke.
    chunks: [true, false],
    prepare: (inputs) => inputs.set("cotangent:y", filled(inputs.get("cotangent:y")!, 0)),
    give: (inputs) => {
      const judged = inputs.get("cotangent:state.W")!;
      return {
        "cotangent:canvas": tensor(film, (b, t, ...at) =>
          t === time - 1 ? element(judged, [batch, ...image], b!, ...at) : 0,
        ),
        "cotangent:state.W": filled(judged, 0),
      };
    },
    leftAs: (found) => ({ canvas: found.get("state:W")! }),
    rightAs: (found) => ({ canvas: last(found.get("output:canvas")!) }),
    unlike: ["output:y", "gradient:q.weight", "gradient:y.weight"],
  });
});

test("14: softmax attention is a net of two layers that gets one more hidden unit per step", () => {
  const [heads, key, value, width, past] = [2, 3, 4, 3, 3];
  const { batch, time } = SIZES;
  const units = past + time;
  /** All the units that there will be; those that are not there yet get no share of the softmax. */
  const net = `layer L(heads: int, key: int, value: int, units: int) {
  in x: [width]
  in unit: [units]
  slow net {
    k: [heads, key] = linear(x, bias: false)
    v: [heads, value] = linear(x, bias: false)
    q: [heads, key] = linear(x, bias: false)
  }
  fast net {
    K: [units, heads, key] = 0
    V: [units, heads, value] = 0
    there: [units] = 0
  }
  program {
    K <- K + einsum(unit[t], k[h, d] -> [t, h, d])
    V <- V + einsum(unit[t], v[h, d] -> [t, h, d])
    there <- there + unit
  }
  absent: [heads, units] = einsum((1 - there)[t], ones([heads])[h] -> [h, t])
  hidden = softmax(einsum(K[t, h, d], q[h, d] -> [h, t]) / sqrt(key) - 10000 * absent)
  out y: [width] = linear(einsum(hidden[h, t], V[t, h, d] -> [h, d]), bias: false)
}`;
  const sizes = { heads, key, value, width };
  const filledUp = (x: Tensor, n: number) =>
    tensor([batch, units, heads, n], (b, t, h, i) =>
      t! < past ? element(x, [batch, past, heads, n], b!, t!, h!, i!) : 0,
    );
  const given = (x: Tensor, n: number) =>
    tensor([batch, past, heads, n], (b, t, h, i) => element(x, [batch, units, heads, n], b!, t!, h!, i!)); // prettier-ignore
  expectRewrite({
    left: spec("std/layers.fwp", "Attention", sizes),
    right: layer(net, { ...sizes, units }),
    chunks: [false, false],
    sizes: { ...SIZES, past },
    give: (inputs) => ({
      "input:unit": tensor([batch, time, units], (_, t, i) => (i === past + t! ? 1 : 0)),
      "state:K": filledUp(inputs.get("state:K")!, key),
      "state:V": filledUp(inputs.get("state:V")!, value),
      "state:there": tensor([batch, units], (_, t) => (t! < past ? 1 : 0)),
      "cotangent:state.there": tensor([batch, units], () => 0),
    }),
    rightAs: (found) => ({
      "gradient:state.K": given(found.get("gradient:state.K")!, key),
      "gradient:state.V": given(found.get("gradient:state.V")!, value),
    }),
  });
});
