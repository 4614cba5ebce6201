/** Nodes of one step, free of its states, as values of all steps of all sequences. */
import { InternalError } from "../../../diagnostics/diagnostic.ts";
import { TIME } from "../../dims.ts";
import type { GraphBuilder, NodeId } from "../../graph/index.ts";
import type { Binding, Graph } from "../../graph/ir.ts";
import { reachable } from "../../graph/rebuild.ts";
import { lift } from "./lift.ts";
import { PER_BATCH, PER_TIME, SEQUENCE, SHARED, widen, type Lifted } from "./variant.ts";

/** Adds to the builder, which has the graph that the loop is in, what nodes of the loop's step become outside of it. */
export class Sequences {
  readonly #builder: GraphBuilder;
  readonly #step: Graph;
  readonly #values = new Map<NodeId, Lifted>();

  /** `copyOf`: the node of `step` for an input of the loop's body, if it has one. */
  constructor(
    builder: GraphBuilder,
    step: Graph,
    bindings: readonly Binding[],
    copyOf: (input: NodeId) => NodeId | undefined = (input) => input,
  ) {
    this.#builder = builder;
    this.#step = step;
    for (const x of bindings) {
      const input = copyOf(x.input);
      if (input === undefined) continue;
      if (x.kind === "position") {
        this.#values.set(input, { ...PER_TIME, node: builder.iota(TIME, "int") });
        continue;
      }
      const variant = x.kind === "sequence" ? SEQUENCE : x.kind === "batch" ? PER_BATCH : SHARED;
      this.#values.set(input, { ...variant, node: x.value });
    }
  }

  /** Takes the sequence, `[batch, time, s…]`, that a node stands for: what a read says. */
  give = (id: NodeId, node: NodeId): void => {
    this.#values.set(id, { ...SEQUENCE, node });
  };

  #at = (id: NodeId): Lifted => {
    const found = this.#values.get(id);
    if (found === undefined) throw new InternalError(`node ${id} of a step is not lifted`);
    return found;
  };

  /** A node of the step for all sequences and steps, `[batch, time, s…]`. */
  of = (id: NodeId): NodeId => {
    for (const node of reachable(this.#step, [id])) {
      if (this.#values.has(node.id)) continue;
      this.#builder.origin = node.origin;
      this.#values.set(node.id, lift(this.#builder, node, this.#at));
    }
    this.#builder.origin = null;
    return widen(this.#builder, this.#at(id), SEQUENCE);
  };
}
