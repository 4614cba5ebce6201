/**
 * A loop whose body does the same for every head, and nothing from one head to another, runs head by head: heads become part
 * of its batch. What one run works on is then a head's share, which a nearer cache holds, and there are more runs for threads.
 */
import { constant, multiply, type Dim } from "../dims.ts";
import { algebra } from "../graph/index.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { Binding, Graph, NodeId, Recurrence, RecurrenceOutput, Replay } from "../graph/ir.ts";
import type { SequenceProgram } from "../graph/program.ts";
import { rebuild } from "../graph/rebuild.ts";
import { bodyNode } from "../graph/shapes.ts";
import { isProduct } from "../graph/products.ts";
import { replaceLoops } from "./loops.ts";
import { independentAxis, type IndependentAxis } from "./independent.ts";
import { bareReplay, isAtHand } from "./replays.ts";
import { withoutAxes } from "./without.ts";

/** A body without an axis, and its nodes by those of the body before. */
interface Body {
  readonly graph: Graph;
  readonly to: (id: NodeId) => NodeId;
}

function bodyWithout(body: Graph, axis: IndependentAxis): Body {
  const builder = new GraphBuilder(body.name);
  const gone = (id: NodeId): readonly number[] => {
    const place = axis.of(id);
    return place === null ? [] : [place];
  };
  const to = rebuild(body, builder, (node, mapped) => {
    const own = gone(node.id);
    if (own.length === 0) return null;
    if (node.op === "input") {
      return builder.input(node.name, node.shape.filter((_, i) => i !== own[0]), node.dtype); // prettier-ignore
    }
    return withoutAxes(builder, node, own, (x) => ({ id: mapped(x), gone: gone(x) }));
  });
  return { graph: builder.finish(), to };
}

const products = (body: Graph): number =>
  body.nodes.filter((n) => n.op === "contract" && isProduct(body, n)).length;
/** Loops with products in their steps are loops over chunks: their working set is worth making smaller. */
export const hasProducts = ({ body }: Recurrence): boolean => products(body) > 0;

/** Axis `from` of a value moved to place `to`. */
function moveAxis(builder: GraphBuilder, x: NodeId, from: number, to: number): NodeId {
  const perm = builder.shape(x).map((_, i) => i);
  const [axis] = perm.splice(from, 1);
  perm.splice(to, 0, axis!);
  return algebra.transpose(builder, x, perm);
}

class Separated {
  readonly #builder: GraphBuilder;
  readonly #r: Recurrence;
  readonly #axis: IndependentAxis;
  readonly #body: Body;
  readonly #batch: Dim;

  constructor(builder: GraphBuilder, r: Recurrence, axis: IndependentAxis, body: Body) {
    this.#builder = builder;
    this.#r = r;
    this.#axis = axis;
    this.#body = body;
    this.#batch = multiply(r.batch, axis.extent);
  }

  /** `[batch, …]`, the heads among the other axes or nowhere, as `[batch · heads, …]`. */
  #joined(x: NodeId, place: number | null): NodeId {
    const b = this.#builder;
    const [batch, ...rest] = b.shape(x);
    if (place !== null) {
      const moved = moveAxis(b, x, place, 1);
      return algebra.reshape(b, moved, [this.#batch, ...b.shape(moved).slice(2)]);
    }
    const axes = [0, ...rest.map((_, i) => i + 2)];
    const repeated = b.broadcast(x, axes, [batch!, this.#axis.extent, ...rest]);
    return algebra.reshape(b, repeated, [this.#batch, ...rest]);
  }
  /** The way back, to heads at `place`. */
  #parted(x: NodeId, place: number): NodeId {
    const b = this.#builder;
    const [, ...rest] = b.shape(x);
    const apart = algebra.reshape(b, x, [this.#r.batch, this.#axis.extent, ...rest]);
    return moveAxis(b, apart, 1, place);
  }

  #binding(binding: Binding): Binding {
    const input = this.#body.to(binding.input);
    if (binding.kind === "position") return { ...binding, input };
    const place = this.#axis.of(binding.input);
    const { kind, value } = binding;
    if (kind === "shared") {
      if (place === null) return { kind, input, value };
      const b = this.#builder;
      const first = moveAxis(b, value, place, 0);
      const shape = b.shape(first);
      const all = b.broadcast(first, shape.map((_, i) => i + 1), [this.#r.batch, ...shape]); // prettier-ignore
      return { kind: "batch", input, value: this.#joined(all, 1) };
    }
    const lead = kind === "sequence" ? 2 : 1;
    return { kind, input, value: this.#joined(value, place === null ? null : place + lead) };
  }

  #output(output: RecurrenceOutput): RecurrenceOutput {
    switch (output.kind) {
      case "stack":
      case "batch-sum":
        return { ...output, node: this.#body.to(output.node) };
      case "sum":
        return { kind: "batch-sum", node: this.#body.to(output.node) };
      default:
        return output;
    }
  }

  /** The results as they were before, from those of the loop that runs head by head. */
  #result(output: RecurrenceOutput, x: NodeId): NodeId {
    switch (output.kind) {
      case "final":
        return this.#parted(x, 1);
      case "border":
        return this.#parted(x, 2);
      case "stack":
        return this.#parted(x, this.#axis.of(output.node)! + 2);
      case "batch-sum":
        return this.#parted(x, this.#axis.of(output.node)! + 1);
      case "sum":
        return this.#builder.sum(this.#parted(x, this.#axis.of(output.node)! + 1), [0]);
    }
  }

  #replay(replay: Replay): Replay {
    const shapeOf = (i: number) => bodyNode(this.#r.body, replay.carries[i]!.target).shape.slice(1);
    const bare = bareReplay(replay, shapeOf);
    const carries = bare.carries.map((c) => ({
      ...c,
      borders: this.#joined(c.borders, 2),
      target: this.#body.to(c.target),
    }));
    return { ...bare, carries };
  }

  results(): NodeId[] {
    const r = this.#r;
    const { graph, to } = this.#body;
    const made = this.#builder.recurrence({
      ...r,
      body: graph,
      batch: this.#batch,
      carries: r.carries.map((c) => ({
        ...c,
        init: this.#joined(c.init, 1),
        input: to(c.input),
        next: to(c.next),
      })),
      bindings: r.bindings.map((b) => this.#binding(b)),
      outputs: r.outputs.map((o) => this.#output(o)),
      replay: r.replay && this.#replay(r.replay),
    });
    return made.map((x, i) => this.#result(r.outputs[i]!, x));
  }
}

/** The heads that a loop may be run by, and its body without them; null where it has to stay as it is. */
function separable(r: Recurrence): { readonly axis: IndependentAxis; readonly body: Body } | null {
  if (!isAtHand(r)) return null;
  const axis = independentAxis(r);
  if (axis === null || (constant(axis.extent) ?? 1) === 1) return null;
  const shared = r.outputs.some((o) => "node" in o && axis.of(o.node) === null);
  if (shared) return null;
  const body = bodyWithout(r.body, axis);
  // What all heads share may have been a product only with all of them.
  return products(body.graph) < products(r.body) ? null : { axis, body };
}

/** The axis of a loop that heads are on if it can be run head by head, by its body's nodes. */
export const headsOf = (r: Recurrence): IndependentAxis | null => separable(r)?.axis ?? null;

/** A recurrence's results, of the loop that runs head by head; null where it has to stay as it is. */
function separated(builder: GraphBuilder, r: Recurrence): NodeId[] | null {
  const found = separable(r);
  return found && new Separated(builder, r, found.axis, found.body).results();
}

/** The program with loops that run head by head where they can. Same ports, same values. */
export function separateHeads(
  program: SequenceProgram,
  worthwhile: (r: Recurrence) => boolean = hasProducts,
): SequenceProgram {
  return replaceLoops(program, (builder, r) => (worthwhile(r) ? separated(builder, r) : null));
}
