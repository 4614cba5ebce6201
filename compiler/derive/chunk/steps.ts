/** What a form over chunks is given, and the way from steps to chunks and back. */
import { unreachable } from "../../../diagnostics/diagnostic.ts";
import { apply, dim, multiply, subtract, type Dim } from "../../dims.ts";
import { algebra, type NodeId } from "../../graph/index.ts";
import type { Decay, NormalForm } from "../analyse/index.ts";
import type { Named, Names } from "./named.ts";

export interface Given {
  readonly form: NormalForm;
  /** Steps per chunk. */
  readonly length: number;
  readonly batch: Dim;
  readonly time: Dim;
  /** State before the first step, `[batch, H, m, n]`. */
  readonly init: NodeId;
  /** A state-free node of the form for all steps, `[batch, time, s…]`. */
  readonly sequence: (id: NodeId) => NodeId;
  /** Reads, nodes of the form, whose values are asked for and whose keys need no other reads. */
  readonly wanted: ReadonlySet<NodeId>;
  /** Whether there will be others, with keys that depend on these. */
  readonly later: boolean;
  /** Takes the value of a read, `[batch, time, H, m]` or, from the side of the values, `[batch, time, H, n]`. */
  readonly give: (read: NodeId, value: NodeId) => void;
  readonly name: string;
}

export interface ChunkResults {
  /** The last state, `[batch, H, m, n]`. */
  readonly final: NodeId;
  /** Gives the values of later reads, once what their keys need has been given. */
  readonly answer: (level: ReadonlySet<NodeId>) => void;
}

export class Steps {
  readonly #names: Names;
  readonly #given: Given;
  /** Number of chunks. */
  readonly count: Dim;
  readonly #padded: Dim;

  constructor(names: Names, given: Given) {
    this.#names = names;
    this.#given = given;
    this.count = apply("ceildiv", given.time, dim(given.length));
    this.#padded = multiply(this.count, dim(given.length));
  }

  /**
   * A node of the form as `bcth` and `rest`, with steps after the last filled in: they read, write and forget nothing. The
   * identity is that of the last two axes.
   */
  take(id: NodeId, rest: string, fill: 0 | 1 | "identity" = 0): Named {
    const { length, batch, time } = this.#given;
    const b = this.#names.builder;
    const value = this.#given.sequence(id);
    let padded = algebra.pad(b, value, 1, dim(0), subtract(this.#padded, time));
    const shape = b.shape(padded);
    if (fill !== 0 && padded !== value) {
      const end = algebra.broadcast(b, b.size(time), [], [this.#padded]);
      const there = b.binary("lt", b.iota(this.#padded), end);
      const mask = algebra.broadcast(b, there, [1], shape);
      const last = shape.length - 1;
      const along = (axis: number): NodeId => algebra.broadcast(b, b.iota(shape[last]!), [axis], shape); // prettier-ignore
      const none = fill === 1 ? algebra.filled(b, 1, shape) : b.binary("eq", along(last - 1), along(last)); // prettier-ignore
      padded = algebra.select(b, mask, padded, none);
    }
    const split = [batch, this.count, dim(length), ...shape.slice(2)];
    return this.#names.of(algebra.reshape(b, padded, split), `bcth${rest}`);
  }

  /** The decay of the form as `bcth`, with n if it differs between keys, and with o and e if it is a matrix. */
  decay(decay: Decay): Named | null {
    switch (decay.kind) {
      case "none":
        return null;
      case "scalar":
        return this.take(decay.factor, "", 1);
      case "diagonal":
        return this.take(decay.factor, "n", 1);
      case "matrix": {
        const perKey = this.#given.form.graph.nodes[decay.factor]!.shape.length === 4;
        return this.take(decay.factor, perKey ? "noe" : "oe", "identity");
      }
      default:
        return unreachable(decay);
    }
  }

  /** The steps of all chunks as one sequence again, without what was filled in: `bcth…` to `[batch, time, H, …]`. */
  join(x: Named): NodeId {
    const b = this.#names.builder;
    const shape = b.shape(x.id);
    const whole = algebra.reshape(b, x.id, [shape[0]!, this.#padded, ...shape.slice(3)]);
    return algebra.slice(b, whole, 1, dim(0), this.#given.time);
  }
}
