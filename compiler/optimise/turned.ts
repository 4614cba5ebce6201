/**
 * States as loops over chunks want them in memory. Products take vectors of columns from the state, so the axis along which
 * its columns lie had better be its last; where most products ask for another axis there, the loop carries the state with
 * its axes in another order, and what comes in and goes out is turned outside, once instead of in every chunk.
 */
import { constant } from "../dims.ts";
import { algebra } from "../graph/index.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { Carry, Graph, Node, NodeId, Recurrence, RecurrenceOutput } from "../graph/ir.ts";
import { isProduct } from "../graph/products.ts";
import type { SequenceProgram } from "../graph/program.ts";
import { countUses, rebuild } from "../graph/rebuild.ts";
import { bodyNode, mapOperands } from "../graph/shapes.ts";
import { replaceLoops, withBody } from "./loops.ts";

/** Axes in a new order: the one at place i is the old one with number `order[i]`. */
type Order = readonly number[];

const inverse = (order: Order): Order => order.map((_, i) => order.indexOf(i));
/** The same behind some axes that stay. */
const behind = (order: Order, lead: number): Order => [
  ...Array.from({ length: lead }, (_, i) => i),
  ...order.map((a) => a + lead),
];

const turn = <T>(list: readonly T[], order: Order): T[] => order.map((a) => list[a]!);

/** For each axis of a value the axis of the carry that it is; null where it is not the carry, in some order. */
function axesOfCarry(body: Graph, id: NodeId, carry: Carry): readonly number[] | null {
  const node = bodyNode(body, id);
  if (id === carry.input) return node.shape.map((_, i) => i);
  if (node.op === "stop") return axesOfCarry(body, node.x, carry);
  if (node.op !== "transpose") return null;
  const inner = axesOfCarry(body, node.x, carry);
  return inner && node.perm.map((p) => inner[p]!);
}

/** The order that most products want; null if they want the one that is there. */
function wantedOrder(body: Graph, carry: Carry): Order | null {
  const rank = bodyNode(body, carry.input).shape.length;
  const votes = Array.from({ length: rank }, () => 0);
  for (const node of body.nodes) {
    if (node.op !== "contract" || !isProduct(body, node)) continue;
    const last = node.outLabels.findLast((_, i) => constant(node.shape[i]!) !== 1);
    if (last === undefined) continue;
    for (const [x, labels] of [
      [node.a, node.aLabels],
      [node.b, node.bLabels],
    ] as const) {
      const axis = axesOfCarry(body, x, carry)?.[labels.indexOf(last)];
      if (axis !== undefined) votes[axis]! += 1;
    }
  }
  const best = votes.indexOf(Math.max(...votes));
  if (rank < 2 || votes[best] === votes.at(-1)) return null;
  return [...votes.keys()].filter((a) => a !== best).concat(best);
}

/** A body whose carries have their axes in other orders. */
class Turned {
  readonly #r: Recurrence;
  readonly #orders: ReadonlyMap<NodeId, Order>;
  readonly #builder: GraphBuilder;
  readonly #uses: ReadonlyMap<NodeId, number>;
  /** The carries as the loop has them. */
  readonly #inputs = new Map<NodeId, NodeId>();
  readonly #to: (id: NodeId) => NodeId;

  constructor(r: Recurrence, orders: ReadonlyMap<NodeId, Order>) {
    this.#r = r;
    this.#orders = orders;
    const leaving = r.outputs.flatMap((o) => ("node" in o ? [o.node] : []));
    this.#uses = countUses(r.body, [...r.carries.map((c) => c.next), ...leaving]);
    const builder = new GraphBuilder(r.body.name);
    this.#builder = builder;
    this.#to = rebuild(r.body, builder, (node, to) => {
      const order = orders.get(node.id);
      if (order !== undefined && node.op === "input") {
        const input = builder.input(node.name, turn(node.shape, order), node.dtype);
        this.#inputs.set(node.id, input);
        return builder.transpose(input, inverse(order));
      }
      if (node.op !== "contract") return null;
      return algebra.contract(builder, to(node.a), node.aLabels, to(node.b), node.bLabels, node.outLabels); // prettier-ignore
    });
  }

  /** A value of the old body, its axes in another order, computed in that order where nobody else wants it. */
  #turned(id: NodeId, order: Order): NodeId {
    const b = this.#builder;
    const node = bodyNode(this.#r.body, id);
    const own = this.#orders.get(id);
    if (own !== undefined && own.every((a, i) => a === order[i])) return this.#inputs.get(id)!;
    if ((this.#uses.get(id) ?? 0) <= 1) {
      const made = this.#computed(node, order);
      if (made !== null) return made;
    }
    return algebra.transpose(b, this.#to(id), order);
  }

  #computed(node: Node, order: Order): NodeId | null {
    const b = this.#builder;
    switch (node.op) {
      case "unary":
      case "binary":
      case "select": {
        const { id: _, origin: __, ...draft } = mapOperands(node, (x) => this.#turned(x, order));
        return b.copy({ ...draft, shape: turn(node.shape, order) });
      }
      case "broadcast": {
        const axes = node.axes.map((a) => order.indexOf(a));
        // A broadcast keeps the order of its operand's axes.
        if (axes.some((a, i) => i > 0 && a < axes[i - 1]!)) return null;
        return b.broadcast(this.#to(node.x), axes, turn(node.shape, order));
      }
      case "contract":
        return algebra.contract(b, this.#to(node.a), node.aLabels, this.#to(node.b), node.bLabels, turn(node.outLabels, order)); // prettier-ignore
      default:
        return null;
    }
  }

  /** The order in which a carry goes through the loop; null for the one that it had. */
  #orderOf(carry: number): Order | null {
    return this.#orders.get(this.#r.carries[carry]!.input) ?? null;
  }

  /** The order in which a stacked value leaves the loop: a carry as it is. */
  orderOf(output: RecurrenceOutput): { readonly order: Order; readonly lead: number } | null {
    switch (output.kind) {
      case "final":
      case "border": {
        const order = this.#orderOf(output.carry);
        return order && { order, lead: output.kind === "final" ? 1 : 2 };
      }
      case "stack": {
        const order = this.#orders.get(output.node);
        return order === undefined ? null : { order, lead: 2 };
      }
      default:
        return null;
    }
  }

  recurrence(builder: GraphBuilder): Recurrence {
    const r = this.#r;
    const to = this.#to;
    // Before the body is finished: some of it is computed in another order.
    const nexts = r.carries.map((c, i) => {
      const order = this.#orderOf(i);
      return order && this.#turned(c.next, order);
    });
    const moved = withBody(r, this.#builder.finish(), to);
    return {
      ...moved,
      carries: moved.carries.map((c, i) => {
        const order = this.#orderOf(i);
        if (order === null) return c;
        const init = algebra.transpose(builder, c.init, behind(order, 1));
        return { ...c, init, input: this.#inputs.get(r.carries[i]!.input)!, next: nexts[i]! };
      }),
      outputs: moved.outputs.map((o, i) => {
        const old = r.outputs[i]!;
        const input = old.kind === "stack" ? this.#inputs.get(old.node) : undefined;
        return o.kind === "stack" && input !== undefined ? { ...o, node: input } : o;
      }),
    };
  }
}

/** The program with states in the order that the products of their loops want. Same ports, same values. */
export function turnStates(program: SequenceProgram): SequenceProgram {
  return replaceLoops(program, (builder, r) => {
    const orders = new Map<NodeId, Order>();
    for (const c of r.carries) {
      const order = wantedOrder(r.body, c);
      if (order !== null) orders.set(c.input, order);
    }
    if (orders.size === 0) return null;
    const turned = new Turned(r, orders);
    return builder.recurrence(turned.recurrence(builder)).map((x, i) => {
      const found = turned.orderOf(r.outputs[i]!);
      return found === null ? x : algebra.transpose(builder, x, behind(inverse(found.order), found.lead)); // prettier-ignore
    });
  });
}
