/**
 * States in which every element goes its own way, s ← α s + c, by an associative scan: two stretches of time (α, c) and then
 * (α′, c′) are one stretch (α′ α, α′ c + c′). Within a chunk stretches double in length until each reaches back to the
 * chunk's start (Hillis and Steele, "Data parallel algorithms", 1986); what remains is a loop over chunks.
 */
import { dim, type Dim } from "../../dims.ts";
import { algebra, GraphBuilder, type NodeId } from "../../graph/index.ts";
import type { Binding, RecurrenceOutput } from "../../graph/ir.ts";
import { feedingReads, type NormalForm } from "../analyse/index.ts";
import { mixedState } from "../chunk/mixed.ts";
import { Names, type Named } from "../chunk/named.ts";
import { Steps, type ChunkResults, type Given } from "../chunk/steps.ts";

/** Whether nothing sums over the state but a matrix that mixes it: reads see all of the rest and feed no writes. */
export function isScan(form: NormalForm): boolean {
  const { layout, crossReads } = form;
  const mixed = layout.keys.length === layout.mixed.length;
  return mixed && crossReads.length === 0 && feedingReads(form).length === 0;
}

/** Stretches of time: `factor` is `bcth`, or a matrix `bcthoe`; `written` is `bcthm` or `bcthme`. */
interface Stretches {
  readonly factor: Named;
  readonly written: Named;
}

class Scan {
  readonly #names: Names;
  /** The axis of a state that matrices mix, if they do. */
  readonly mixed: "" | "e";

  constructor(names: Names, mixes: boolean) {
    this.#names = names;
    this.mixed = mixes ? "e" : "";
  }

  /** What was written, or a state, after the stretch of the factor. To `bcthm` or `bcthme`. */
  pass(written: Named, factor: Named): Named {
    if (this.mixed === "") return this.#names.product(written, factor, "bcthm");
    return this.#names.rename(this.#names.product(written, factor, "bcthmo"), "o", "e");
  }
  /** One stretch after another, as one. */
  #after(late: Named, early: Named): Named {
    if (this.mixed === "") return this.#names.product(late, early, late.axes);
    const [x, y] = [this.#names.rename(late, "e", "x"), this.#names.rename(early, "o", "x")];
    return this.#names.product(x, y, late.axes);
  }

  /** What happened before the first step of a chunk, `shape`: nothing. */
  #nothing(shape: readonly Dim[], isFactor: boolean): NodeId {
    const b = this.#names.builder;
    if (!isFactor) return algebra.filled(b, 0, shape);
    if (this.mixed === "") return algebra.filled(b, 1, shape);
    const last = shape.length - 1;
    const along = (axis: number): NodeId => b.broadcast(b.iota(shape[last]!), [axis], shape);
    return b.binary("eq", along(last - 1), along(last));
  }
  #delayed(x: Named, by: number, isFactor: boolean): Named {
    const b = this.#names.builder;
    const shape = [...b.shape(x.id)];
    const length = dim(this.#names.length(x, "t") - by);
    const kept = algebra.slice(b, x.id, 2, dim(0), length);
    shape[2] = dim(by);
    return { ...x, id: algebra.concat(b, [this.#nothing(shape, isFactor), kept], 2) };
  }
  /** The same, as it was some steps earlier. */
  delayed({ factor, written }: Stretches, by: number): Stretches {
    return {
      factor: this.#delayed(factor, by, true),
      written: this.#delayed(written, by, false),
    };
  }
  joined(late: Stretches, early: Stretches): Stretches {
    const passed = this.pass(early.written, late.factor);
    return {
      factor: this.#after(late.factor, early.factor),
      written: this.#names.add(late.written, passed, late.written.axes),
    };
  }
}

/** Appends the scan to the builder. The form must satisfy `isScan`. */
export function emitScan(builder: GraphBuilder, given: Given): ChunkResults {
  const { form, length, batch } = given;
  const names = new Names(builder);
  const steps = new Steps(names, given);
  const scan = new Scan(names, form.decay.kind === "matrix");
  const { mixed } = scan;
  const { heads, m, n } = form.layout;
  const shape = [batch, steps.count, dim(length), heads];
  const own = mixed === "" ? [] : [n];
  const keyOf = (id: NodeId): Named =>
    names.reshape(steps.take(id, "n"), `bcth${mixed}`, [...shape, ...own]);

  // One stretch per step.
  const decay = steps.decay(form.decay) ?? names.of(algebra.filled(builder, 1, shape), "bcth");
  const factor = names.reshape(decay, mixed === "" ? "bcth" : "bcthoe", [...shape, ...own, ...own]);
  const axes = `bcthm${mixed}`;
  let written = names.of(algebra.filled(builder, 0, [...shape, m, ...own]), axes);
  for (const w of form.writes) {
    if (w.constant === null) continue;
    const value = names.product(steps.take(w.constant, "m"), keyOf(w.key), axes);
    written = names.add(written, value, axes);
  }
  let all: Stretches = { factor, written };
  for (let reach = 1; reach < length; reach *= 2) all = scan.joined(all, scan.delayed(all, reach));

  const { states, final } = overChunks(names, given, steps, all);
  const valueOf = ({ factor: f, written: w }: Stretches): Named =>
    names.add(scan.pass(states, f), w, axes);
  const [before, after] = [valueOf(scan.delayed(all, 1)), valueOf(all)];
  const answer = (level: ReadonlySet<NodeId>): void => {
    for (const read of form.reads) {
      if (!level.has(read.node)) continue;
      const value = names.product(read.late ? after : before, keyOf(read.key), "bcthm");
      given.give(read.node, steps.join(value));
    }
  };
  answer(given.wanted);
  return { final, answer };
}

/** The state on entry to each chunk, `bchm` or `bchme`, and the last one. */
function overChunks(
  outer: Names,
  given: Given,
  steps: Steps,
  { factor, written }: Stretches,
): { states: Named; final: NodeId } {
  const { heads, m, n } = given.form.layout;
  const body = new GraphBuilder(`${given.name} by chunks`);
  const names = new Names(body);
  const bindings: Binding[] = [];
  const last = (name: string, x: Named): Named => {
    const end = outer.pick(x, "t", given.length - 1);
    const input = body.input(name, outer.builder.shape(end.id).slice(2));
    bindings.push({ kind: "sequence", input, value: end.id });
    return names.of(input, end.axes.slice(2));
  };
  const state = names.of(body.input("state", [heads, m, n]), "hmn");
  const [decay, write] = [last("decay", factor), last("write", written)];
  const kept = decay.axes === "h" ? names.product(state, decay, "hmn") : mixedState(names, state, decay); // prettier-ignore
  const next = names.add(kept, names.reshape(write, "hmn", [heads, m, n]), "hmn");
  const outputs: RecurrenceOutput[] = [
    { kind: "stack", node: state.id },
    { kind: "final", carry: 0 },
  ];
  const [states, final] = outer.builder.recurrence({
    body: body.finish(),
    reverse: false,
    batch: given.batch,
    time: steps.count,
    carries: [{ name: given.name, init: given.init, input: state.id, next: next.id }],
    bindings,
    outputs,
    replay: null,
  });
  const whole = outer.of(states!, "bchme");
  const vector = decay.axes === "h";
  return { states: vector ? outer.pick(whole, "e", 0) : whole, final: final! };
}
