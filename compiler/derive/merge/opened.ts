/**
 * A recurrence with its surroundings taken in, so that two of them can be compared: products that it is given as what they
 * are products of, and sums over a state that leaves whole (`Σ z · q` of a small z) as reads inside.
 */
import { constant, product } from "../../dims.ts";
import { GraphBuilder, type NodeId } from "../../graph/index.ts";
import type {
  BinaryNode,
  Binding,
  ContractNode,
  Graph,
  Node,
  Recurrence,
  RecurrenceNode,
  ReduceNode,
} from "../../graph/ir.ts";
import { rebuild } from "../../graph/rebuild.ts";
import { bodyNode } from "../../graph/shapes.ts";

export interface Opened {
  readonly recurrence: Recurrence;
  /** Nodes of the outer graph that outputs of the recurrence are equal to. */
  readonly results: ReadonlyMap<NodeId, number>;
}

/** Who reads a node of the outer graph. */
export type Users = (id: NodeId) => readonly Node[];

/** Axes in front of those of the step: batch and time. */
const LEAD = 2;

class Opener {
  readonly #graph: Graph;
  readonly #body: GraphBuilder;
  readonly #bindings: Binding[] = [];
  readonly #taken = new Map<NodeId, NodeId>();

  constructor(graph: Graph, name: string) {
    this.#graph = graph;
    this.#body = new GraphBuilder(name);
  }
  get builder(): GraphBuilder {
    return this.#body;
  }
  get bindings(): readonly Binding[] {
    return this.#bindings;
  }

  bind(binding: Binding, input: Node): NodeId {
    const made = this.#body.input(`given.${this.#bindings.length}`, input.shape, input.dtype);
    this.#bindings.push({ ...binding, input: made });
    return made;
  }

  /** A sequence of the outer graph as a value of one step. */
  take(id: NodeId): NodeId {
    let found = this.#taken.get(id);
    if (found === undefined) this.#taken.set(id, (found = this.#make(id)));
    return found;
  }

  #make(id: NodeId): NodeId {
    const node = bodyNode(this.#graph, id);
    const b = this.#body;
    const own = node.shape.slice(LEAD);
    if (node.op === "binary" && node.fn === "mul") return b.mul(this.take(node.a), this.take(node.b)); // prettier-ignore
    if (node.op === "unary" && node.fn === "neg") return b.neg(this.take(node.x));
    if (node.op === "broadcast") {
      const of = bodyNode(this.#graph, node.x);
      if (of.op === "constant") return b.broadcast(b.constant(of.value, of.dtype), [], own);
      if (node.axes[0] === 0 && node.axes[1] === 1) {
        const axes = node.axes.slice(LEAD).map((a) => a - LEAD);
        return b.broadcast(this.take(node.x), axes, own);
      }
    }
    const input = b.input(`sequence.${this.#bindings.length}`, own, node.dtype);
    this.#bindings.push({ kind: "sequence", input, value: id });
    return input;
  }
}

const lead = (labels: readonly number[]): string => labels.slice(0, LEAD).join();

/** Whether a product of sequences is one of their steps: both leading axes stay where they are. */
function isStepwise({ aLabels, bLabels, outLabels }: ContractNode): boolean {
  return lead(aLabels) === lead(outLabels) && lead(bLabels) === lead(outLabels);
}

type SumNode = ContractNode | ReduceNode;

/** The sum of one step. */
function summed(b: GraphBuilder, node: SumNode, at: (id: NodeId) => NodeId): NodeId {
  if (node.op === "reduce") return b.sum(at(node.x), node.axes.map((a) => a - LEAD)); // prettier-ignore
  const [p, q, out] = [node.aLabels, node.bLabels, node.outLabels].map((l) => l.slice(LEAD));
  return b.contract(at(node.a), p!, at(node.b), q!, out!);
}

/** What becomes of a whole state outside until it has been summed over: nodes in order, the sums last; null if more does. */
function sumsOf(state: NodeId, users: Users, isLater: (id: NodeId) => boolean) {
  const inner: BinaryNode[] = [];
  const sums: SumNode[] = [];
  const pending = [state];
  while (pending.length > 0) {
    const from = pending.pop()!;
    const all = users(from);
    if (all.length === 0) return null;
    for (const node of all) {
      if (node.op === "reduce" && node.fn === "sum" && node.axes.every((a) => a >= LEAD)) {
        sums.push(node);
      } else if (node.op === "contract" && node.a !== node.b && isStepwise(node)) {
        if (isLater(node.a === from ? node.b : node.a)) return null;
        sums.push(node);
      } else if (node.op === "binary" && node.fn === "mul") {
        const other = node.a === from ? node.b : node.a;
        if (isLater(other) || inner.includes(node)) return null;
        inner.push(node);
        pending.push(node.id);
      } else return null;
    }
  }
  return [...inner, ...sums];
}

const elements = (x: Node): number => constant(product(x.shape)) ?? Infinity;

/** `isLater` tells nodes that depend on the recurrence; `users` has none for outputs of the program that nothing else reads. */
export function opened(
  graph: Graph,
  node: RecurrenceNode,
  users: Users,
  isOutput: (id: NodeId) => boolean,
  isLater: (id: NodeId) => boolean,
): Opened {
  const { recurrence } = node;
  const opener = new Opener(graph, recurrence.body.name);
  const bound = new Map(recurrence.bindings.map((x) => [x.input, x]));
  const to = rebuild(recurrence.body, opener.builder, (n) => {
    const binding = bound.get(n.id);
    if (binding === undefined) return null;
    return binding.kind === "sequence" ? opener.take(binding.value) : opener.bind(binding, n);
  });
  const carries = recurrence.carries.map((c) => ({ ...c, input: to(c.input), next: to(c.next) }));
  const largest = Math.max(...recurrence.carries.map((c) => elements(bodyNode(recurrence.body, c.input)))); // prettier-ignore
  const results = new Map<NodeId, number>();
  const outputs: Recurrence["outputs"][number][] = [];
  const given = graph.nodes.filter((n) => n.op === "result" && n.of === node.id);
  recurrence.outputs.forEach((o, index) => {
    const place = given.find((n) => n.op === "result" && n.index === index)?.id;
    if (!("node" in o)) {
      if (place !== undefined) results.set(place, outputs.length);
      outputs.push(o);
      return;
    }
    if (place === undefined) return;
    const whole = elements(bodyNode(recurrence.body, o.node)) >= largest && !isOutput(place);
    const after = whole ? sumsOf(place, users, isLater) : null;
    if (after === null || after.some((n) => n.op === "binary" && isOutput(n.id))) {
      results.set(place, outputs.length);
      outputs.push({ ...o, node: to(o.node) });
      return;
    }
    const made = new Map([[place, to(o.node)]]);
    const at = (id: NodeId): NodeId => made.get(id) ?? opener.take(id);
    for (const n of after) {
      const b = opener.builder;
      if (n.op === "binary") {
        made.set(n.id, b.mul(at(n.a), at(n.b)));
        continue;
      }
      results.set(n.id, outputs.length);
      outputs.push({ kind: "stack", node: summed(b, n, at) });
    }
  });
  const body = opener.builder.finish();
  return {
    recurrence: { ...recurrence, body, carries, bindings: opener.bindings, outputs },
    results,
  };
}
