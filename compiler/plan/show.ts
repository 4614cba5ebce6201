/** How a loop over time stores results where views of them are wanted. */
import { constant, type Dim } from "../dims.ts";
import { binary, int, load } from "../loop/build.ts";
import { fixed, linear, ofVariable, plus, type Affine } from "./affine.ts";
import { loopName, type Lowering } from "./lower.ts";
import type { BufferLocation } from "./place.ts";
import { throughViews, viewOf, type Shown } from "./shown.ts";
import { copyTurned, type Laid } from "./squares.ts";

/** Part of a result: what lies at `from`, of `shape`, at the indices `lead` of its first axes, which have `lengths`. */
export interface Part {
  readonly from: BufferLocation;
  readonly shape: readonly Dim[];
  readonly lead: readonly Affine[];
  readonly lengths: readonly Dim[];
}

/** An array and the axis of its neighbours. */
export function laid({ emitter }: Lowering, at: BufferLocation): Laid {
  const place = (index: readonly Affine[]) => ({
    buffer: at.buffer,
    index: emitter.index(plus(at.offset, linear(index, at.strides))),
  });
  return { at: place, axis: at.strides.length - 1 };
}

/** Stores part of a result where a view of it is wanted. */
export function storeShown(l: Lowering, shown: Shown, part: Part): void {
  const { from, shape, lead, lengths } = part;
  const { emitter, evaluator, plan } = l;
  const { graph } = plan.region;
  const whole = [...lengths, ...shape];
  const view = viewOf(graph, shown, whole);
  const levels = view.levels.map((level) => Math.max(0, level - lead.length));
  if (levels.length === 0 && view.beside !== undefined && view.beside >= lead.length) {
    const place = (i: readonly Affine[]) => {
      const { index: there } = throughViews(evaluator, graph, shown, [...lead, ...i]);
      const { buffer, offset, strides } = shown.target;
      return { buffer, index: emitter.index(plus(offset, linear(there, strides))) };
    };
    const to = { at: place, axis: view.beside - lead.length };
    if (copyTurned(l, shape, laid(l, from), to)) return;
  }
  const index: Affine[] = [];
  /** With the loops over the first axes open, the others at zero. */
  const seen = () =>
    throughViews(evaluator, graph, shown, [...lead, ...shape.map((_, i) => index[i] ?? fixed(0))]);
  const inside = (): void => {
    const here = levels.flatMap((level, i) => (level === index.length ? [i] : []));
    if (here.length === 0) return next();
    const { bounds } = seen();
    const tests = here.flatMap((i) => {
      const { at, extent, below } = bounds[i]!;
      const x = emitter.index(at);
      const within = binary("lt", x, emitter.size(extent));
      return below ? [binary("le", int(0), x), within] : [within];
    });
    emitter.when(
      tests.reduce((a, b) => binary("and", a, b)),
      next,
    );
  };
  const next = (): void => {
    const axis = index.length;
    if (axis === shape.length) {
      const value = load(from.buffer, emitter.index(plus(from.offset, linear(index, from.strides))), "float"); // prettier-ignore
      return l.store(shown.target, seen().index, value, false);
    }
    const extent = shape[axis]!;
    const single = constant(extent) === 1;
    index.push(single ? fixed(0) : ofVariable(emitter.open(loopName(extent, axis), extent, { spread: "independent" }))); // prettier-ignore
    inside();
    index.pop();
    if (!single) emitter.close();
  };
  inside();
}
