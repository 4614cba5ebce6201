/** Recurrent fast weight programmers without their recurrence (systems.md D.1, rules 9 and 11). */
import { test } from "vitest";
import type { Tensor } from "../../compiler/graph/tensor.ts";
import {
  draw,
  expectRewrite,
  expectSame,
  filled,
  layer,
  oracle,
  routes,
  SIZES,
  spec,
  type Values,
} from "./support.ts";

const sizes = { heads: 2, key: 3, value: 4, width: 3 };

const sum = (a: Tensor, b: Tensor): Tensor => ({ ...a, data: a.data.map((x, i) => x + b.data[i]!) }); // prettier-ignore

test("9: a Delta RNN is a Delta Net for all steps at once, and then a recurrence along what it answers", () => {
  const parallel = `layer L(heads: int, key: int, value: int) {
  in x: [width]
  slow net {
    k: [heads, key] = linear(x, bias: false)
    v: [heads, value] = linear(x, bias: false)
    q: [heads, key] = linear(x, bias: false)
    b: [heads] = sigmoid(linear(x, bias: false))
  }
  fast net { W: [heads, value, key] = 0 }
  program { W <- delta(W, key: sum_norm(elu1(k)), value: v, rate: b) }
  out z: [heads, value] = W @ sum_norm(elu1(q))
}`;
  const recurrence = `layer L(heads: int, value: int) {
  in x: [width]
  in z: [heads, value]
  slow net {
    rk: [heads, value] = softmax(linear(x, bias: false))
    rv: [heads, value] = linear(x, bias: false)
    rb: [heads] = sigmoid(linear(x, bias: false))
  }
  fast net { R: [heads, value, value] = 0 }
  program { R <- delta(R, key: rk, value: rv, rate: rb) }
  y: [heads, value] = z + R @ softmax(prev(y))
  out o: [width] = linear(y, bias: false)
}`;
  const { key: _, ...others } = sizes;
  const whole = spec("recurrent.fwp", "DeltaRNN", sizes);
  const [first, second] = [layer(parallel, sizes), layer(recurrence, others)];
  const inputs = draw(whole, SIZES);
  const want = oracle(whole)(inputs, SIZES);
  const shape = [SIZES.batch, SIZES.time, sizes.heads, sizes.value];
  const shaped = (x: Tensor): Tensor => ({ shape, data: x.data });
  const later = routes(second, false);
  for (const [i, route] of routes(first, true).entries()) {
    const { run } = later[i]!;
    const none = { shape, data: new Float64Array(shape.reduce((a, b) => a * b, 1)) };
    const z = shaped(
      route.run(new Map([...inputs, ["cotangent:z", none]]), SIZES).get("output:z")!,
    );
    const after = run(new Map([...inputs, ["input:z", z]]), SIZES);
    const back: Values = new Map([...inputs, ["cotangent:z", shaped(after.get("gradient:z")!)]]);
    const before = route.run(back, SIZES);
    const both = sum(before.get("gradient:x")!, after.get("gradient:x")!);
    expectSame(new Map([...before, ...after, ["gradient:x", both]]), want, route);
  }
  for (const route of routes(whole, true)) expectSame(route.run(inputs, SIZES), want, route);
});

test("11: a recurrent Delta Net that hears nothing of its answers is a Delta Net with softmax keys", () => {
  const net = `layer L(heads: int, key: int, value: int) {
  in x: [width]
  slow net {
    k: [heads, key] = softmax(linear(x, bias: false))
    v: [heads, value] = linear(x, bias: false)
    q: [heads, key] = softmax(linear(x, bias: false))
    b: [heads] = sigmoid(linear(x, bias: false))
  }
  fast net { W: [heads, value, key] = 0 }
  program { W <- delta(W, key: k, value: v, rate: b) }
  out o: [width] = linear(W @ q, bias: false)
}`;
  const feedback = ["k", "v", "q", "b"].map((name) => `${name}.r.weight`);
  const last = "state:prev.y";
  expectRewrite({
    left: spec("recurrent.fwp", "RDN", sizes),
    right: layer(net, sizes),
    chunks: [false, true],
    prepare: (inputs) => {
      for (const name of feedback) {
        inputs.set(`parameter:${name}`, filled(inputs.get(`parameter:${name}`)!, 0));
      }
      // The last answer is a state of one, and an output of none.
      inputs.set("cotangent:state.prev.y", filled(inputs.get("cotangent:state.prev.y")!, 0));
    },
    unlike: [last, "gradient:state.prev.y", ...feedback.map((name) => `gradient:${name}`)],
  });
});
