/** Arrays whose axes have one-letter names, so that products can be written as on paper. */
import { InternalError } from "../../../diagnostics/diagnostic.ts";
import { constant, dim, type Dim } from "../../dims.ts";
import { algebra, type GraphBuilder, type NodeId } from "../../graph/index.ts";

export interface Named {
  readonly id: NodeId;
  /** A letter per axis. */
  readonly axes: string;
}

const labelsOf = (axes: string): number[] => [...axes].map((l) => l.charCodeAt(0));

export class Names {
  readonly builder: GraphBuilder;

  constructor(builder: GraphBuilder) {
    this.builder = builder;
  }

  of(id: NodeId, axes: string): Named {
    const { length } = this.builder.shape(id);
    if (length !== axes.length) throw new InternalError(`${length} axes are named ${axes}`);
    return { id, axes };
  }
  size(x: Named, letter: string): Dim {
    return this.builder.shape(x.id)[x.axes.indexOf(letter)]!;
  }

  /** Σ x · y over the letters that `out` lacks. */
  product(x: Named, y: Named, out: string): Named {
    const [a, b, o] = [x.axes, y.axes, out].map(labelsOf);
    return { id: algebra.contract(this.builder, x.id, a!, y.id, b!, o!), axes: out };
  }
  /** x + y, both brought to the axes `out`, which x or y must all have. */
  add(x: Named | null, y: Named | null, out: string): Named {
    const [p, q] = [x, y].filter((z) => z !== null);
    if (p === undefined) throw new InternalError("a sum of nothing");
    if (q === undefined) return this.turn(p, out);
    return { id: algebra.add(this.builder, this.turn(p, out).id, this.turn(q, out).id), axes: out };
  }
  /** The same array with its axes in another order. */
  turn(x: Named, axes: string): Named {
    const perm = [...axes].map((l) => x.axes.indexOf(l));
    return this.of(algebra.transpose(this.builder, x.id, perm), axes);
  }
  /** Repeated along axes that x lacks; x's own must come in the same order. */
  spread(x: Named, axes: string, shape: readonly Dim[]): Named {
    const places = [...x.axes].map((l) => axes.indexOf(l));
    return this.of(algebra.broadcast(this.builder, x.id, places, shape), axes);
  }
  /** `length` elements along an axis from `start` on. */
  slice(x: Named, letter: string, start: number, length: Dim): Named {
    const at = x.axes.indexOf(letter);
    return { ...x, id: algebra.slice(this.builder, x.id, at, dim(start), length) };
  }
  /** One element along an axis, which disappears. */
  pick(x: Named, letter: string, index: number): Named {
    const at = x.axes.indexOf(letter);
    const one = algebra.slice(this.builder, x.id, at, dim(index), dim(1));
    const shape = this.builder.shape(one).filter((_, i) => i !== at);
    return { id: algebra.reshape(this.builder, one, shape), axes: x.axes.replace(letter, "") };
  }
  rename(x: Named, from: string, to: string): Named {
    const axes = [...x.axes].map((l) => (from.includes(l) ? to[from.indexOf(l)]! : l)).join("");
    return { id: x.id, axes };
  }
  reshape(x: Named, axes: string, shape: readonly Dim[]): Named {
    return this.of(algebra.reshape(this.builder, x.id, shape), axes);
  }
  /** A new axis before the one at `at`, along which the given arrays stand side by side. */
  stack(list: readonly Named[], letter: string, at: number): Named {
    const [first] = list;
    if (first === undefined) throw new InternalError("nothing to put side by side");
    const pieces = list.map((x) => {
      const shape = [...this.builder.shape(x.id)];
      shape.splice(at, 0, dim(1));
      return algebra.reshape(this.builder, x.id, shape);
    });
    const axes = first.axes.slice(0, at) + letter + first.axes.slice(at);
    return this.of(algebra.concat(this.builder, pieces, at), axes);
  }
  /** Arrays one after the other along an axis that all of them have. */
  join(list: readonly Named[], letter: string): Named {
    const [first] = list;
    if (first === undefined) throw new InternalError("nothing to join");
    const at = first.axes.indexOf(letter);
    const ids = list.map((x) => this.turn(x, first.axes).id);
    return { id: algebra.concat(this.builder, ids, at), axes: first.axes };
  }
  length(x: Named, letter: string): number {
    const found = constant(this.size(x, letter));
    if (found === undefined) throw new InternalError(`the axis ${letter} has no known length`);
    return found;
  }
}
