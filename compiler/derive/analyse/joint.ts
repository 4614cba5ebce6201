/**
 * Several states whose axes have the same lengths as one state with an axis more, the first, along which they stand side by
 * side: its components. What the states do to each other is then what one state does to itself. Keys of the joint state are
 * pairs of a component and a key: reading component j at key a is reading at e_j ⊗ a, writing to it at k is writing at e_j ⊗ k.
 */
import { dim, equal, type Dim, type Shape } from "../../dims.ts";
import { algebra, GraphBuilder, type NodeId } from "../../graph/index.ts";
import type { Graph, Recurrence } from "../../graph/ir.ts";
import { reachable, rebuild } from "../../graph/rebuild.ts";
import { bodyNode } from "../../graph/shapes.ts";

/** The axis of a joint state that counts its components. */
export const COMPONENTS = 0;

export interface Joint {
  /** Of each component. */
  readonly layout: readonly Order[];
  /** The step in terms of the joint state. */
  readonly body: Graph;
  /** The joint state before and after the step, `[components, s…]`. */
  readonly input: NodeId;
  readonly next: NodeId;
  /** Nodes of the joint body for those of the body that it needs. */
  readonly copies: ReadonlyMap<NodeId, NodeId>;
  /** Nodes of the joint body whose values leave the loop at every step. */
  readonly leaving: readonly NodeId[];
}

/** Ways of laying out states as one that are tried at most: with axes of equal length there are many. */
const MOST_LAYOUTS = 12;

/** Which axis of the joint state, that of the components left out, each axis of a state is. */
export type Order = readonly number[];

/** Every way to find the axes of `shape` in `common`, that which keeps their order first. */
function orders(shape: Shape, common: Shape): Order[] {
  if (shape.length !== common.length) return [];
  const extend = (taken: Order): Order[] => {
    const [size, rest] = [shape[taken.length], common.map((_, i) => i)];
    if (size === undefined) return [taken];
    const free = rest.filter((i) => !taken.includes(i) && equal(common[i]!, size));
    return free.flatMap((i) => extend([...taken, i]));
  };
  return extend([]);
}

/** Ways to lay out some carries as one state: an order of axes for each. None if they have different sizes. */
export function layouts({ body, carries }: Recurrence, set: readonly number[]): Order[][] {
  const [common, ...others] = set.map((i) => bodyNode(body, carries[i]!.input).shape);
  let all: Order[][] = [[common!.map((_, i) => i)]];
  for (const shape of others) {
    const next = all.flatMap((taken) => orders(shape, common!).map((order) => [...taken, order]));
    all = next.slice(0, MOST_LAYOUTS);
  }
  return all;
}

/** A state as one component, `[components, s…]`; `lead` axes stay in front. */
export function asComponent(b: GraphBuilder, x: NodeId, order: Order, lead = 0): NodeId {
  const front = Array.from({ length: lead }, (_, i) => i);
  const perm = order.map((_, axis) => order.indexOf(axis) + lead);
  const turned = algebra.transpose(b, x, [...front, ...perm]);
  const shape = [...b.shape(turned)];
  shape.splice(lead, 0, dim(1));
  return algebra.reshape(b, turned, shape);
}

/** One component of a joint state with the axes of the state; `lead` axes stand before that of the components. */
export function component(
  b: GraphBuilder,
  joint: NodeId,
  index: number,
  order: Order,
  lead = 0,
): NodeId {
  const one = algebra.slice(b, joint, lead, dim(index), dim(1));
  const shape: Dim[] = b.shape(one).filter((_, i) => i !== lead);
  const front = Array.from({ length: lead }, (_, i) => i);
  const flat = algebra.reshape(b, one, shape);
  return algebra.transpose(b, flat, [...front, ...order.map((axis) => axis + lead)]);
}

/** The given carries of a recurrence as one state, each laid out in its order. Other carries stay inputs of the step. */
export function joined(
  { body, carries }: Recurrence,
  set: readonly number[],
  leaving: readonly NodeId[],
  layout: readonly Order[],
): Joint {
  const states = set.map((i) => carries[i]!);
  const shape = bodyNode(body, states[0]!.input).shape;
  const builder = new GraphBuilder(body.name);
  const name = states.map((c) => c.name).join(", ");
  const input = builder.input(name, [dim(states.length), ...shape]);
  const index = new Map(states.map((c, i) => [c.input, i]));
  const roots = [...states.flatMap((c) => [c.input, c.next]), ...leaving];
  const part = ({ id }: { readonly id: NodeId }): NodeId | null => {
    const at = index.get(id);
    return at === undefined ? null : component(builder, input, at, layout[at]!);
  };
  const to = rebuild(body, builder, part, roots);
  const next = algebra.concat(
    builder,
    states.map((c, i) => asComponent(builder, to(c.next), layout[i]!)),
    COMPONENTS,
  );
  return {
    layout,
    body: builder.finish(),
    input,
    next,
    copies: new Map(reachable(body, roots).map(({ id }) => [id, to(id)])),
    leaving: leaving.map(to),
  };
}
