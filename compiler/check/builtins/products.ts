/** `outer`, `dot`; `@` and `einsum` are syntax. */
import { elementwise } from "../broadcast.ts";
import { outerProduct } from "../products.ts";
import { ERROR } from "../values.ts";
import { lastAxis, signal } from "./arguments.ts";
import type { BuiltinTable } from "./types.ts";

export const productBuiltins: BuiltinTable = {
  outer: {
    group: "products",
    signature: "outer(a, b)",
    doc: "The outer product: `[m]` and `[n]` give `[m, n]`; axes before the last are shared. Also written `a ⊗ b`.",
    parameters: ["a", "b"],
    run: (call) => outerProduct(call.frame, signal(call, "a"), signal(call, "b"), call.span),
  },
  dot: {
    group: "products",
    signature: "dot(a, b)",
    doc: "The inner product along the last axis: sum(a * b).",
    parameters: ["a", "b"],
    run: (call) => {
      const product = elementwise(
        call.frame,
        "mul",
        "dot",
        signal(call, "a"),
        signal(call, "b"),
        call.span,
      );
      if (product === null) return ERROR;
      const axis = lastAxis(call, product);
      return { ...product, node: call.frame.builder.sum(product.node, [axis]) };
    },
  },
};
