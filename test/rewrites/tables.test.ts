/** What memories of outer products are (systems.md D.1, rules 1 and 2). */
import { expect, test } from "vitest";
import type { Tensor } from "../../compiler/graph/tensor.ts";
import { drawNormal, drawUniform } from "../support/draw.ts";
import { element, expectRewrite, filled, layer, spec, tensor } from "./support.ts";

const sizes = { heads: 2, key: 3, value: 4, width: 3 };

/** FROM and TO of 1991 (eq. 5), with sums in the place of squashings. */
const FROM_TO = (read: string) => `layer L(heads: int, key: int, value: int) {
  in x: [width]
  slow net {
    k: [heads, key] = linear(x, bias: false)
    v: [heads, value] = linear(x, bias: false)
    q: [heads, key] = linear(x, bias: false)
  }
  fast net { W: [heads, value, key] = 0 }
  program { W <- W + einsum(v[h, to], k[h, from] -> [h, to, from]) }
  out o: [width] = linear(${read}, bias: false)
}`;

test("1: the memory of a linear Transformer is that of FROM and TO", () => {
  expectRewrite({
    left: spec("linear_transformer.fwp", "LinearTransformer", { ...sizes, phi: "identity" }),
    right: layer(FROM_TO("W @ q"), sizes),
    // Only the memory is looked at: reads are divided by z here, and not there.
    prepare: (inputs) => {
      for (const key of ["cotangent:o", "cotangent:state.z"]) {
        inputs.set(key, filled(inputs.get(key)!, 0));
      }
    },
    unlike: ["output:o", "state:z", "gradient:state.z"],
  });
});

test("1: without z they also answer alike", () => {
  const attention = `layer L(heads: int, key: int, value: int) {
  in x: [width]
  slow net {
    k: [heads, key] = linear(x, bias: false)
    v: [heads, value] = linear(x, bias: false)
    q: [heads, key] = linear(x, bias: false)
  }
  fast net { W: [heads, value, key] = 0 }
  program { W <- additive(W, key: identity(k), value: v) }
  out o: [width] = linear(W @ identity(q), bias: false)
}`;
  const read = "einsum(W[h, to, from], q[h, from] -> [h, to])";
  expectRewrite({ left: layer(attention, sizes), right: layer(FROM_TO(read), sizes) });
});

const DELTA = `layer L() {
  in k: [5]
  in v: [4]
  in q: [5]
  fast net { W: [4, 5] = 0 }
  program { W <- delta(W, key: k, value: v, rate: 1) }
  out y: [4] = W @ q
}`;
/** Column \`slot\` is written over, column \`ask\` is the answer. */
const TABLE = `layer L() {
  in slot: [5]
  in v: [4]
  in ask: [5]
  fast net { W: [4, 5] = 0 }
  program { W <- einsum(W[i, j], (1 - slot)[j] -> [i, j]) + outer(v, slot) }
  out y: [4] = einsum(W[i, j], ask[j] -> [i])
}`;

/** Columns of length 1 at right angles. */
function orthonormal(n: number): number[][] {
  const { data } = drawNormal([n, n], "basis");
  const columns: number[][] = [];
  for (let j = 0; j < n; j++) {
    let x = Array.from(data.subarray(j * n, (j + 1) * n));
    for (let pass = 0; pass < 2; pass++) {
      for (const c of columns) {
        const along = c.reduce((sum, y, i) => sum + y * x[i]!, 0);
        x = x.map((y, i) => y - along * c[i]!);
      }
    }
    const length = Math.hypot(...x);
    columns.push(x.map((y) => y / length));
  }
  return columns;
}

const total = (n: number, of: (i: number) => number): number =>
  Array.from({ length: n }, (_, i) => of(i)).reduce((a, b) => a + b, 0);

test("2: the delta rule with rate 1 and orthonormal keys is a table in which the last write wins", () => {
  const [batch, time, n, m] = [2, 21, 5, 4];
  const basis = orthonormal(n);
  const draws = (name: string) => drawUniform([batch, time], name, 0, n).data.map(Math.floor);
  const [slots, asked] = [draws("slots"), draws("asked")];
  const onehot = (which: Float64Array) => tensor([batch, time, n], (b, t, i) => which[b! * time + t!] === i ? 1 : 0); // prettier-ignore
  const vectors = (which: Float64Array) => tensor([batch, time, n], (b, t, i) => basis[which[b! * time + t!]!]![i!]!); // prettier-ignore
  /** Columns of a table as a matrix over keys, and back. */
  const toKeys = (x: Tensor) => tensor([batch, m, n], (b, i, j) => total(n, (s) => element(x, [batch, m, n], b!, i!, s) * basis[s]![j!]!)); // prettier-ignore
  const toSlots = (x: Tensor) => tensor([batch, m, n], (b, i, s) => total(n, (j) => element(x, [batch, m, n], b!, i!, j) * basis[s!]![j]!)); // prettier-ignore
  let values: Tensor | null = null;
  expectRewrite({
    left: layer(DELTA, {}),
    right: layer(TABLE, {}),
    prepare: (inputs) => {
      inputs.set("input:k", vectors(slots));
      inputs.set("input:q", vectors(asked));
      inputs.set("state:W", filled(inputs.get("state:W")!, 0));
      values = inputs.get("input:v")!;
    },
    give: (inputs) => ({
      "input:slot": onehot(slots),
      "input:ask": onehot(asked),
      "cotangent:state.W": toSlots(inputs.get("cotangent:state.W")!),
    }),
    leftAs: (found) => {
      // The table itself, in other words.
      const shape = [batch, time, m];
      const y = found.get("output:y")!;
      for (let b = 0; b < batch; b++) {
        const table = new Map<number, number>();
        for (let t = 0; t < time; t++) {
          table.set(slots[b * time + t]!, t);
          const last = table.get(asked[b * time + t]!);
          for (let i = 0; i < m; i++) {
            const written = last === undefined ? 0 : element(values!, shape, b, last, i);
            expect(element(y, shape, b, t, i)).toBeCloseTo(written, 4);
          }
        }
      }
      return {};
    },
    rightAs: (found) => ({
      "state:W": toKeys(found.get("state:W")!),
      "gradient:state.W": toKeys(found.get("gradient:state.W")!),
      "gradient:q": tensor([batch, time, n], (b, t, j) =>
        total(n, (s) => element(found.get("gradient:ask")!, [batch, time, n], b!, t!, s) * basis[s]![j!]!)), // prettier-ignore
    }),
    // Keys may not leave their basis here, so there is no such derivative there.
    unlike: ["gradient:k"],
  });
});
