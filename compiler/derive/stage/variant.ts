/** Values of a step over a whole batch and all time steps: which of the two axes they have, and how they get them. */
import { BATCH, dim, subtract, TIME, type Dim, type Shape } from "../../dims.ts";
import type { GraphBuilder } from "../../graph/builder.ts";
import type { NodeId } from "../../graph/ir.ts";

/**
 * Leading axes of a lifted value, batch before time: parameters have neither, initial states and caches `[batch, …]`,
 * what only depends on the position `[time, …]`, everything else `[batch, time, …]`.
 */
export interface Variant {
  readonly batch: boolean;
  readonly time: boolean;
}

export interface Lifted extends Variant {
  readonly node: NodeId;
}

export const SHARED: Variant = { batch: false, time: false };
export const PER_BATCH: Variant = { batch: true, time: false };
export const PER_TIME: Variant = { batch: false, time: true };
export const SEQUENCE: Variant = { batch: true, time: true };

/** The smallest variant that has every axis that one of these has. */
export function join(variants: readonly Variant[]): Variant {
  return { batch: variants.some((v) => v.batch), time: variants.some((v) => v.time) };
}

/** Sizes of the leading axes. */
export function leading(variant: Variant): Dim[] {
  return [...(variant.batch ? [BATCH] : []), ...(variant.time ? [TIME] : [])];
}

/** How many leading axes there are. */
export const depth = (variant: Variant): number => Number(variant.batch) + Number(variant.time);

/** The value repeated along the axes that it lacks. */
export function widen(builder: GraphBuilder, value: Lifted, to: Variant): NodeId {
  const [from, lead] = [depth(value), leading(to)];
  if (from === lead.length) return value.node;
  const own = builder.shape(value.node).slice(from);
  const axes = own.map((_, i) => lead.length + i);
  if (value.time) axes.unshift(lead.length - 1);
  if (value.batch) axes.unshift(0);
  return builder.broadcast(value.node, axes, [...lead, ...own]);
}

/** One element of the time axis, `at`, which disappears: `[batch, time, s…]` → `[batch, s…]`. */
export function atTime(builder: GraphBuilder, sequence: NodeId, at: Dim): NodeId {
  const shape: Shape = builder.shape(sequence);
  const cut = builder.slice(sequence, 1, at, dim(1));
  return builder.reshape(cut, [shape[0]!, ...shape.slice(2)]);
}

/** The last step's place. */
export const LAST = subtract(TIME, dim(1));

/** The value at the last step: `[batch, s…]`, or without the batch if it had none. */
export function atLast(builder: GraphBuilder, value: Lifted): Lifted {
  const { batch, time, node } = value;
  if (!time) return value;
  if (batch) return { ...PER_BATCH, node: atTime(builder, node, LAST) };
  const cut = builder.slice(node, 0, LAST, dim(1));
  return { ...SHARED, node: builder.reshape(cut, builder.shape(node).slice(1)) };
}
