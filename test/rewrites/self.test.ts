/** Nets that change their own weights, some of them held still (systems.md D.1, rules 10 and 12). */
import { test } from "vitest";
import type { Tensor } from "../../compiler/graph/tensor.ts";
import { element, expectRewrite, filled, layer, SIZES, spec, tensor } from "./support.ts";

/** One sequence, so that what every sequence starts with can be a parameter. */
const ALONE = { ...SIZES, batch: 1 };

test("10: a self-referential matrix that leaves its keys and queries alone is a net whose first weights make them", () => {
  const [heads, n] = [2, 3];
  const rows = 3 * n + 4;
  /** W_y alone changes: by the delta rule, from what it answers to q to what it answers to k. */
  const net = `layer L(heads: int, n: int) {
  in x: [heads, n]
  weight Q: [heads, n, n] = normal(0, 1)
  weight K: [heads, n, n] = normal(0, 1)
  weight rate: [heads, n] = normal(0, 1)
  fast net { W: [heads, n, n] = 0 }
  x0 = softmax(x)
  y: [heads, n] = W @ x0
  program {
    W <- delta(W, key: softmax(K @ x0), value: W @ softmax(Q @ x0), rate: sigmoid(dot(rate, x0)))
  }
  out y
}`;
  const all = [1, heads, rows, n];
  /** Rows `from` … of W. */
  const part = (x: Tensor, from: number, count: number) =>
    tensor([heads, count, n], (h, i, j) => element(x, all, 0, h!, from + i!, j!));
  const state = (x: Tensor) =>
    tensor([1, heads, n, n], (_, h, i, j) => element(x, all, 0, h!, i!, j!));
  const rate = (x: Tensor) => tensor([heads, n], (h, j) => element(x, all, 0, h!, 3 * n, j!));
  expectRewrite({
    left: spec("self_referential.fwp", "SRWM", { heads, n }),
    right: layer(net, { heads, n }),
    chunks: [false, true],
    sizes: ALONE,
    prepare: (inputs) => {
      // softmax(x) adds up to 1, so rows of −1000 are rates of sigmoid(−1000) = 0: for queries, keys and rates.
      const W = inputs.get("state:W")!;
      inputs.set("state:W", tensor(all, (b, h, i, j) => i! > 3 * n ? -1000 : element(W, all, b!, h!, i!, j!))); // prettier-ignore
      // What comes back to a row that does not change would pass it by: nothing does.
      const C = inputs.get("cotangent:state.W")!;
      inputs.set("cotangent:state.W", tensor(all, (b, h, i, j) => i! < n ? element(C, all, b!, h!, i!, j!) : 0)); // prettier-ignore
    },
    give: (inputs) => {
      const W = inputs.get("state:W")!;
      return {
        "state:W": state(W),
        "cotangent:state.W": state(inputs.get("cotangent:state.W")!),
        "parameter:Q": part(W, n, n),
        "parameter:K": part(W, 2 * n, n),
        "parameter:rate": rate(W),
      };
    },
    leftAs: (found) => {
      const gradient = found.get("gradient:state.W")!;
      return {
        "state:W": state(found.get("state:W")!),
        "gradient:state.W": state(gradient),
        "gradient:Q": part(gradient, n, n),
        "gradient:K": part(gradient, 2 * n, n),
        "gradient:rate": rate(gradient),
      };
    },
    unlike: ["gradient:W"],
  });
});

test("12: the net of 1993 without its functions writes as Ba et al. do, λ = η = 1 and no settling", () => {
  // Slow weights that stay, fast weights that begin at zero: the rule is that of RecentPast.
  const net = `layer L(units: int) {
  in x: [inputs]
  weight slow: [units, units + inputs] = normal(0, 1)
  fast net { A: [units, units + inputs] = 0 }
  before = concat(prev(y, init: 0.5), x)
  y: [units] = sigmoid(slow @ before + A @ before)
  program { A <- gated(A, key: before, value: y, rate: 1, decay: 1) }
  out y
}`;
  const functions = { g: "identity", h: "identity", squash: "identity" };
  const shape = [3, 5];
  const [W, dW] = ["state:W", "gradient:state.W"];
  let first: Tensor | null = null;
  expectRewrite({
    left: spec("self_referential.fwp", "Spotlights1993", { units: 3, inputs: 2, ...functions }),
    right: layer(net, { units: 3, inputs: 2 }),
    chunks: [false, false],
    sizes: ALONE,
    prepare: (inputs) => {
      first = inputs.get(W)!;
      inputs.set("cotangent:state.W", filled(inputs.get("cotangent:state.W")!, 0));
    },
    give: (inputs) => ({
      "parameter:slow": { shape, data: first!.data },
      "state:A": filled(first!, 0),
      "cotangent:state.A": inputs.get("cotangent:state.W")!,
    }),
    leftAs: (found) => ({ "gradient:slow": found.get(dW)! }),
    rightAs: (found) => {
      const A = found.get("state:A")!;
      return {
        [W]: { ...A, data: A.data.map((a, i) => a + first!.data[i]!) },
        [dW]: found.get("gradient:state.A")!,
      };
    },
    unlike: ["gradient:W"],
  });
});
