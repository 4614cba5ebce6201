/**
 * The normal form, chunk by chunk. Of the C steps of a chunk let Z be all reads, U all writes, P the products of their keys
 * (decayed, zero where the write is not earlier), Ā the keys of the reads decayed since entry, Λ the λ of each step:
 *
 *     Z = Ā S₀ᵀ + P U,   U = C + Λ Z   ⇒   (I − Λ P) U = C + Λ Ā S₀ᵀ
 *
 * I − Λ P is unit lower triangular and does not depend on the state, so it is made for all chunks at once. What remains is
 * a loop over chunks that carries the state: it reads the state on entry at all keys, solves for what is written, and
 * writes it (compact WY form: Bischof and Van Loan 1987; for the delta rule Yang et al., NeurIPS 2024).
 */
import { InternalError } from "../../../diagnostics/diagnostic.ts";
import { dim, type Dim } from "../../dims.ts";
import { algebra, GraphBuilder, type NodeId, type Recurrence } from "../../graph/index.ts";
import type { Binding, RecurrenceOutput } from "../../graph/ir.ts";
import { feedingReads, type CrossRead } from "../analyse/index.ts";
import type { ReadWeights, Weights } from "./blocks.ts";
import { weights } from "./decay.ts";
import { Names, type Named } from "./named.ts";
import { Steps, type ChunkResults, type Given } from "./steps.ts";

class Chunks {
  readonly #given: Given;
  readonly #builder: GraphBuilder;
  readonly #names: Names;
  readonly #steps: Steps;
  readonly #weights: Weights;
  /** `bcshwn`, and the constant part of the writes, `bcshwm`. */
  readonly #keys: Named;
  readonly #constant: Named;

  constructor(builder: GraphBuilder, given: Given) {
    this.#given = given;
    this.#builder = builder;
    this.#names = new Names(builder);
    this.#steps = new Steps(this.#names, given);
    const { decay, writes, layout } = given.form;
    this.#weights = weights(this.#names, this.#steps.decay(decay), given.length);
    const shape = [given.batch, this.#steps.count, dim(given.length), layout.heads];
    const zero = (size: Dim, axes: string): Named =>
      this.#names.of(algebra.filled(builder, 0, [...shape, size]), axes);
    const keys = writes.map((w) => this.#steps.take(w.key, "n"));
    const constants = writes.map((w) =>
      w.constant === null ? zero(layout.m, "bcthm") : this.#steps.take(w.constant, "m"),
    );
    const none = writes.length === 0;
    const all = this.#names.stack(none ? [zero(layout.n, "bcthn")] : keys, "w", 4);
    this.#keys = this.#names.rename(all, "t", "s");
    const values = this.#names.stack(none ? [zero(layout.m, "bcthm")] : constants, "w", 4);
    this.#constant = this.#names.rename(values, "t", "s");
  }

  /** λ as `bcshwr`, for the reads that feed writes. */
  #rates(feeding: readonly number[]): Named {
    const { form } = this.#given;
    const names = this.#names;
    const zero = (like: Named): Named => ({
      ...like,
      id: algebra.zerosLike(this.#builder, like.id),
    });
    const rows = form.writes.map((w) => {
      const entries = feeding.map((r) => w.from.find((f) => f.read === r) ?? null);
      return entries.map((e) => (e === null ? null : this.#steps.take(e.factor, "")));
    });
    const some = rows.flat().find((x) => x !== null)!;
    const stacked = rows.map((row) =>
      names.stack(
        row.map((x) => x ?? zero(some)),
        "r",
        4,
      ),
    );
    return names.rename(names.stack(stacked, "w", 4), "t", "s");
  }

  /** Keys of reads as `bcthrn`. */
  #readKeys(indices: readonly number[]): Named {
    const keys = indices.map((r) => this.#steps.take(this.#given.form.reads[r]!.key, "n"));
    return this.#names.stack(keys, "r", 4);
  }

  emit(): ChunkResults {
    const { form, wanted, give, later } = this.#given;
    const names = this.#names;
    const feeding = feedingReads(form);
    const others = form.reads.flatMap((r, i) =>
      wanted.has(r.node) && !feeding.includes(i) ? [i] : [],
    );
    const cross = form.crossReads.filter((r) => wanted.has(r.node));
    const questions = this.#questions([...feeding, ...others]);
    const [first] = questions;
    const entries = this.#loop(
      first === undefined ? null : names.join(questions.map((q) => q.entering), "r"), // prettier-ignore
      feeding.length === 0 ? null : this.#system(first!.gram, feeding),
      cross.map((r) => this.#steps.take(r.key, "m")),
      later,
    );

    let place = 0;
    for (const { asked, gram } of questions) {
      const start = asked.findIndex((r) => wanted.has(form.reads[r]!.node));
      const own = (x: Named, from: number): Named =>
        names.slice(x, "r", from + start, dim(asked.length - start));
      if (start >= 0) {
        const found = this.#found(own(entries.reads!, place), own(gram, 0), entries.writes);
        asked.slice(start).forEach((r, i) => {
          const { node } = form.reads[r]!;
          if (wanted.has(node)) give(node, this.#steps.join(names.pick(found, "r", i)));
        });
      }
      place += asked.length;
    }
    cross.forEach((read, i) => this.#cross(read, entries.cross[i]!, entries.writes));
    return { final: entries.final, answer: (level) => this.#answer(level, entries) };
  }

  /** Reads, by index, of the state before and of that after their step, as far as there are any. */
  #questions(reads: readonly number[]): Questions[] {
    const groups = [false, true].flatMap((late) => {
      const asked = reads.filter((r) => this.#given.form.reads[r]!.late === late);
      return asked.length === 0 ? [] : [{ asked, late, keys: this.#readKeys(asked) }];
    });
    const grams = groups.length === 0 ? [] : this.#weights.grams(groups, this.#keys);
    return groups.map(({ asked, late, keys }, i) => ({
      asked,
      gram: grams[i]!,
      entering: this.#weightsOf(late).enter(keys),
    }));
  }
  #weightsOf(late: boolean): ReadWeights {
    return late ? this.#weights.late : this.#weights.early;
  }

  /** Values of reads: what they find of the state on entry, and what the writes of the same chunk add to it. */
  #found(entry: Named, gram: Named, writes: Named): Named {
    return this.#names.add(entry, this.#names.product(gram, writes, "bcthrm"), "bcthrm");
  }
  #cross(read: CrossRead, entry: Named, writes: Named): void {
    const names = this.#names;
    const key = this.#steps.take(read.key, "m");
    const weights = this.#weightsOf(read.late);
    const inside = weights.scatter(names.product(key, writes, "bchtsw"), this.#keys);
    const value = names.add(weights.arrive(entry), inside, "bcthn");
    this.#given.give(read.node, this.#steps.join(value));
  }

  /** Reads whose keys were not known before the loop over chunks. */
  #answer(level: ReadonlySet<NodeId>, { states, writes }: Entries): void {
    const { form, give } = this.#given;
    const names = this.#names;
    const asked = form.reads.flatMap((r, i) => (level.has(r.node) ? [i] : []));
    const cross = form.crossReads.filter((r) => level.has(r.node));
    if (asked.length + cross.length === 0) return;
    if (states === null) throw new InternalError("reads that were not announced");
    for (const { asked: some, gram, entering } of this.#questions(asked)) {
      const found = this.#found(names.product(entering, states, "bcthrm"), gram, writes);
      some.forEach((r, i) => {
        give(form.reads[r]!.node, this.#steps.join(names.pick(found, "r", i)));
      });
    }
    for (const read of cross) {
      const entry = names.product(this.#steps.take(read.key, "m"), states, "bcthn");
      this.#cross(read, entry, writes);
    }
  }

  /** Λ, and Λ P with its sign turned, for all chunks at once. The reads that feed writes come first in `gram`. */
  #system(gram: Named, feeding: readonly number[]): System {
    const names = this.#names;
    const b = this.#builder;
    const { layout, writes } = this.#given.form;
    const rates = this.#rates(feeding);
    const [left, right] = [names.rename(rates, "s", "t"), names.rename(gram, "w", "v")];
    const own = names.slice(right, "r", 0, dim(feeding.length));
    const mixed = names.product(left, own, "bchtwsv");
    const rows = dim(this.#given.length * writes.length);
    const shape = [this.#given.batch, this.#steps.count, layout.heads, rows, rows];
    const matrix = algebra.neg(b, algebra.reshape(b, mixed.id, shape));
    return { rates, matrix: names.of(matrix, "bchij") };
  }

  /** `bchim` as `bchswm`. */
  #perWrite(x: Named): Named {
    const { length, form } = this.#given;
    const shape = [...this.#builder.shape(x.id)];
    shape.splice(3, 1, dim(length), dim(form.writes.length));
    return this.#names.reshape(x, "bchswm", shape);
  }

  /**
   * The loop over chunks: what `keys`, `bcthrn`, and those from the other side, `bcthm`, read of the state on entry, what
   * is written, `bcshwm`, the last state and, if asked for, the state on entry itself, `bchmn`.
   */
  #loop(
    keys: Named | null,
    system: System | null,
    cross: readonly Named[],
    withStates: boolean,
  ): Entries {
    const { layout } = this.#given.form;
    const outer = this.#names;
    const body = new GraphBuilder(`${this.#given.name} by chunks`);
    const names = new Names(body);
    const bindings: Binding[] = [];
    const take = (name: string, value: Named): Named => {
      const shape = this.#builder.shape(value.id).slice(2);
      const input = body.input(name, shape);
      bindings.push({ kind: "sequence", input, value: value.id });
      return names.of(input, value.axes.slice(2));
    };
    const outputs: RecurrenceOutput[] = [{ kind: "final", carry: 0 }];
    const axes: string[] = [];
    const stack = (value: Named): void => {
      outputs.push({ kind: "stack", node: value.id });
      axes.push(`bc${value.axes}`);
    };
    const state = names.of(body.input("state", [layout.heads, layout.m, layout.n]), "hmn");
    const written = take("keys", this.#weights.leave(this.#keys));
    let writes = take("writes", this.#constant);
    if (keys !== null) {
      const reads = names.product(take("reads", keys), state, "htrm");
      stack(reads);
      if (system !== null) {
        const [rates, matrix] = [take("rates", system.rates), take("matrix", system.matrix)];
        const own = names.rename(names.slice(reads, "r", 0, names.size(rates, "r")), "t", "s");
        const right = names.add(names.product(rates, own, "hswm"), writes, "hswm");
        const shape = body.shape(right.id);
        const rows = names.size(matrix, "i");
        const flat = algebra.reshape(body, right.id, [shape[0]!, rows, shape[3]!]);
        const solved = names.of(body.solve(matrix.id, flat, { lower: true, unit: true }), "him");
        stack(solved);
        writes = names.reshape(solved, "hswm", shape);
      }
    }
    for (const key of cross) stack(names.product(take("from values", key), state, "thn"));
    if (withStates) stack(state);
    const { total, keep } = this.#weights;
    const kept = total === null ? state : keep(names, state, take("decay", total));
    const next = names.add(kept, names.product(writes, written, "hmn"), "hmn");
    const recurrence: Recurrence = {
      body: body.finish(),
      reverse: false,
      batch: this.#given.batch,
      time: this.#steps.count,
      carries: [{ name: this.#given.name, init: this.#given.init, input: state.id, next: next.id }],
      bindings,
      outputs,
      replay: null,
    };
    const [final, ...stacked] = this.#builder.recurrence(recurrence);
    const found = stacked.map((id, i) => outer.of(id, axes[i]!));
    const reads = keys === null ? null : found.shift()!;
    const solved = system === null ? null : this.#perWrite(found.shift()!);
    const states = withStates ? found.pop()! : null;
    return { final: final!, reads, writes: solved ?? this.#constant, cross: found, states };
  }
}

/** Reads of one kind, by index, what their keys have in common with what the chunk writes, `bchtrsw`, and their keys as the
 * state on entry is asked, `bcthrn`. */
interface Questions {
  readonly asked: readonly number[];
  readonly gram: Named;
  readonly entering: Named;
}

interface System {
  /** `bcshwr` */
  readonly rates: Named;
  /** `bchij`, i and j counting steps and the writes of each. */
  readonly matrix: Named;
}

interface Entries {
  readonly final: NodeId;
  /** `bchtrm` */
  readonly reads: Named | null;
  /** Axes b, c, h, s, w, m. */
  readonly writes: Named;
  /** Each `bcthn`. */
  readonly cross: readonly Named[];
  readonly states: Named | null;
}

/** Appends the chunkwise form to the builder. */
export function emitChunks(builder: GraphBuilder, given: Given): ChunkResults {
  return new Chunks(builder, given).emit();
}
