/** Replays that have nothing to compute: every state that was before a step is at hand. */
import { constant, type Shape } from "../dims.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { Recurrence, Replay } from "../graph/ir.ts";
import { bodyNode } from "../graph/shapes.ts";

export const isAtHand = (r: Recurrence): boolean =>
  r.replay === null || constant(r.replay.every) === 1;

/** A replay that asks for nothing, its carries of the shapes given. */
export function bareReplay(replay: Replay, shapeOf: (carry: number) => Shape): Replay {
  const builder = new GraphBuilder(replay.body.name);
  const carries = replay.carries.map((c, i) => {
    const input = builder.input(c.name, shapeOf(i));
    return { ...c, input, next: input };
  });
  return { ...replay, body: builder.finish(), bindings: [], carries };
}

/** The recurrence without what a replay needs that computes nothing. */
export function withoutReplay(r: Recurrence): Recurrence {
  const { replay } = r;
  if (replay === null || !isAtHand(r)) return r;
  const shapeOf = (i: number) => bodyNode(replay.body, replay.carries[i]!.input).shape;
  return { ...r, replay: bareReplay(replay, shapeOf) };
}
