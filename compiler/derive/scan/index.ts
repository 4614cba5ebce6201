/**
 * States in which every element goes its own way, s ← α s + c, by an associative scan: two stretches of time (α, c) and then
 * (α′, c′) are one stretch (α′ α, α′ c + c′). Within a chunk stretches double in length until each reaches back to the
 * chunk's start (Hillis and Steele, "Data parallel algorithms", 1986); what remains is a loop over chunks.
 */
import { dim } from "../../dims.ts";
import { algebra, GraphBuilder, type NodeId } from "../../graph/index.ts";
import type { Binding, RecurrenceOutput } from "../../graph/ir.ts";
import { feedingReads, type NormalForm } from "../analyse/index.ts";
import { Names, type Named } from "../chunk/named.ts";
import { Steps, type ChunkResults, type Given } from "../chunk/steps.ts";

/** Whether nothing sums over the state: reads see all of it and feed no writes. */
export function isScan(form: NormalForm): boolean {
  const { layout, crossReads } = form;
  return layout.keys.length === 0 && crossReads.length === 0 && feedingReads(form).length === 0;
}

/** Steps later by `by`: the first ones become `fill`. */
function delayed(names: Names, x: Named, by: number, fill: 0 | 1): Named {
  const b = names.builder;
  const shape = [...b.shape(x.id)];
  const kept = algebra.slice(b, x.id, 2, dim(0), dim(names.length(x, "t") - by));
  shape[2] = dim(by);
  return { ...x, id: algebra.concat(b, [algebra.filled(b, fill, shape), kept], 2) };
}

/** Appends the scan to the builder. The form must satisfy `isScan`. */
export function emitScan(builder: GraphBuilder, given: Given): ChunkResults {
  const { form, length, batch } = given;
  const names = new Names(builder);
  const steps = new Steps(names, given);
  const { heads, m } = form.layout;
  const shape = [batch, steps.count, dim(length), heads];

  // One stretch per step: `bcth` and `bcthm`.
  let factor = names.of(algebra.filled(builder, 1, shape), "bcth");
  if (form.decay.kind !== "none") factor = names.reshape(steps.take(form.decay.factor, form.decay.kind === "diagonal" ? "n" : "", 1), "bcth", shape); // prettier-ignore
  let written = names.of(algebra.filled(builder, 0, [...shape, m]), "bcthm");
  for (const w of form.writes) {
    if (w.constant === null) continue;
    const key = names.reshape(steps.take(w.key, "n"), "bcth", shape);
    const value = names.product(steps.take(w.constant, "m"), key, "bcthm");
    written = names.add(written, value, "bcthm");
  }
  for (let reach = 1; reach < length; reach *= 2) {
    const earlier = names.product(delayed(names, written, reach, 0), factor, "bcthm");
    written = names.add(written, earlier, "bcthm");
    factor = names.product(factor, delayed(names, factor, reach, 1), "bcth");
  }

  const { states, final } = overChunks(builder, given, steps, names, factor, written);
  const entry = names.product(states, delayed(names, factor, 1, 1), "bcthm");
  const before = names.add(entry, delayed(names, written, 1, 0), "bcthm");
  const answer = (level: ReadonlySet<NodeId>): void => {
    for (const read of form.reads) {
      if (!level.has(read.node)) continue;
      const key = names.reshape(steps.take(read.key, "n"), "bcth", shape);
      given.give(read.node, steps.join(names.product(before, key, "bcthm")));
    }
  };
  answer(given.wanted);
  return { final, answer };
}

/** The state on entry to each chunk, `bchm`, and the last one. */
function overChunks(
  builder: GraphBuilder,
  given: Given,
  steps: Steps,
  names: Names,
  factor: Named,
  written: Named,
): { states: Named; final: NodeId } {
  const { heads, m, n } = given.form.layout;
  const last = given.length - 1;
  const body = new GraphBuilder(`${given.name} by chunks`);
  const state = body.input("state", [heads, m, n]);
  const decay = body.input("decay", [heads]);
  const write = body.input("write", [heads, m]);
  const kept = algebra.mul(body, state, algebra.broadcast(body, decay, [0], [heads, m, n]));
  const next = algebra.add(body, kept, algebra.reshape(body, write, [heads, m, n]));
  const bindings: Binding[] = [
    { kind: "sequence", input: decay, value: names.pick(factor, "t", last).id },
    { kind: "sequence", input: write, value: names.pick(written, "t", last).id },
  ];
  const outputs: RecurrenceOutput[] = [
    { kind: "stack", node: state },
    { kind: "final", carry: 0 },
  ];
  const [states, final] = builder.recurrence({
    body: body.finish(),
    reverse: false,
    batch: given.batch,
    time: steps.count,
    carries: [{ name: given.name, init: given.init, input: state, next }],
    bindings,
    outputs,
    replay: null,
  });
  const flat = algebra.reshape(builder, states!, [given.batch, steps.count, heads, m]);
  return { states: names.of(flat, "bchm"), final: final! };
}
