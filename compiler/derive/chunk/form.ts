/**
 * The normal form, chunk by chunk. Of the C steps of a chunk let Z be all reads, U all writes, P the products of their keys
 * (decayed, zero where the write is not earlier), Ā the keys of the reads decayed since entry, Λ the λ of each step:
 *
 *     Z = Ā S₀ᵀ + P U,   U = C + Λ Z   ⇒   (I − P Λ) Z = Ā S₀ᵀ + P C
 *
 * I − P Λ is unit lower triangular and does not depend on the state, so it is solved for all chunks at once. What remains is
 * a loop over chunks that carries the state (WY form: Bischof and Van Loan 1987; for the delta rule Yang et al., NeurIPS
 * 2024).
 */
import { dim, type Dim } from "../../dims.ts";
import { algebra, GraphBuilder, type NodeId, type Recurrence } from "../../graph/index.ts";
import type { Binding, RecurrenceOutput } from "../../graph/ir.ts";
import { feedingReads } from "../analyse/index.ts";
import type { Weights } from "./blocks.ts";
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
    const { form, wanted } = this.#given;
    const names = this.#names;
    const feeding = feedingReads(form);
    const results = new Map<NodeId, NodeId>();
    const solved = feeding.length === 0 ? null : this.#solve(feeding);
    const { states, final, reads } = this.#loop(solved);

    // What was written, for all chunks.
    let writes = this.#constant;
    if (solved !== null && reads !== null) {
      const own = names.rename(reads, "t", "s");
      writes = names.add(names.product(solved.rates, own, "bcshwm"), writes, "bcshwm");
      feeding.forEach((r, i) => {
        const value = names.turn(names.pick(reads, "r", i), "bcthm");
        results.set(form.reads[r]!.node, this.#steps.join(value));
      });
    }
    const others = form.reads.flatMap((r, i) =>
      wanted.has(r.node) && !feeding.includes(i) ? [i] : [],
    );
    if (others.length > 0) {
      const keys = this.#readKeys(others);
      const inside = names.product(this.#weights.gram(keys, this.#keys), writes, "bcthrm");
      const entry = names.product(this.#weights.enter(keys), states, "bcthrm");
      const values = names.add(entry, inside, "bcthrm");
      others.forEach((r, i) => {
        results.set(form.reads[r]!.node, this.#steps.join(names.pick(values, "r", i)));
      });
    }
    for (const cross of form.crossReads) {
      if (!wanted.has(cross.node)) continue;
      const key = this.#steps.take(cross.key, "m");
      const inside = this.#weights.scatter(names.product(key, writes, "bchtsw"), this.#keys);
      const entry = this.#weights.arrive(names.product(key, states, "bcthn"));
      results.set(cross.node, this.#steps.join(names.add(entry, inside, "bcthn")));
    }
    return { reads: results, final };
  }

  /** X and Y with Z = X S₀ᵀ + Y, for all chunks at once. */
  #solve(feeding: readonly number[]) {
    const names = this.#names;
    const b = this.#builder;
    const { layout } = this.#given.form;
    const keys = this.#readKeys(feeding);
    const gram = this.#weights.gram(keys, this.#keys);
    const rates = this.#rates(feeding);
    const mixed = names.product(gram, names.rename(rates, "r", "q"), "bchtrsq");
    const lead = [this.#given.batch, this.#steps.count, layout.heads];
    const rows = dim(this.#given.length * feeding.length);
    const matrix = algebra.neg(b, algebra.reshape(b, mixed.id, [...lead, rows, rows]));
    const entry = names.turn(this.#weights.enter(keys), "bchtrn");
    const inside = names.product(gram, this.#constant, "bchtrm");
    const solve = (right: Named, size: Dim): Named => {
      const flat = algebra.reshape(b, right.id, [...lead, rows, size]);
      const found = b.solve(matrix, flat, { lower: true, unit: true });
      return names.of(algebra.reshape(b, found, b.shape(right.id)), right.axes);
    };
    return { rates, x: solve(entry, layout.n), y: solve(inside, layout.m) };
  }

  /** The loop over chunks: the state on entry to each, `bchmn`, the last state, and the reads that feed writes, `bchtrm`. */
  #loop(solved: { rates: Named; x: Named; y: Named } | null) {
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
    const state = names.of(body.input("state", [layout.heads, layout.m, layout.n]), "hmn");
    const keys = take("keys", this.#weights.leave(this.#keys));
    let writes = take("writes", this.#constant);
    let reads: Named | null = null;
    if (solved !== null) {
      const [x, y, rates] = [take("x", solved.x), take("y", solved.y), take("rates", solved.rates)];
      reads = names.add(names.product(x, state, "htrm"), y, "htrm");
      const own = names.rename(reads, "t", "s");
      writes = names.add(names.product(rates, own, "shwm"), writes, "shwm");
    }
    const { total, keep } = this.#weights;
    const kept = total === null ? state : keep(names, state, take("decay", total));
    const next = names.add(kept, names.product(writes, keys, "hmn"), "hmn");
    const outputs: RecurrenceOutput[] = [
      { kind: "stack", node: state.id },
      { kind: "final", carry: 0 },
      ...(reads === null ? [] : [{ kind: "stack" as const, node: reads.id }]),
    ];
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
    const [states, final, values] = this.#builder.recurrence(recurrence);
    return {
      states: outer.of(states!, "bchmn"),
      final: final!,
      reads: values === undefined ? null : outer.of(values, "bchtrm"),
    };
  }
}

/** Appends the chunkwise form to the builder. */
export function emitChunks(builder: GraphBuilder, given: Given): ChunkResults {
  return new Chunks(builder, given).emit();
}
