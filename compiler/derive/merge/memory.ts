/** A normal form for all steps of all sequences: its keys, values and rates as nodes of the outer graph. */
import { BATCH, product, type Dim } from "../../dims.ts";
import { algebra, type GraphBuilder, type NodeId, type Recurrence } from "../../graph/index.ts";
import { reachable } from "../../graph/rebuild.ts";
import { bodyNode } from "../../graph/shapes.ts";
import type { NormalForm } from "../analyse/index.ts";
import { Sequences } from "../stage/sequences.ts";

/** A write of every step. Sequences, `[batch, time, …]` before the shapes of the form. */
export interface SequenceWrite {
  readonly key: NodeId;
  readonly constant: NodeId | null;
  /** By key of the read. */
  readonly from: ReadonlyMap<NodeId, NodeId>;
}

/** A read of every step, of the state after it if `late`. */
export interface SequenceRead {
  readonly key: NodeId;
  readonly late: boolean;
}

export class Memory {
  readonly form: NormalForm;
  readonly recurrence: Recurrence;
  readonly decay: NodeId | null;
  readonly writes: readonly SequenceWrite[];
  /** The reads that outputs or writes need, by the read's node in the form. */
  readonly reads: ReadonlyMap<NodeId, SequenceRead>;
  readonly crossReads: ReadonlyMap<NodeId, SequenceRead>;
  readonly #builder: GraphBuilder;
  readonly #steps: Sequences;
  readonly #given = new Map<NodeId, NodeId>();

  /**
   * Adds to the builder, which has the graph that the recurrence is in, what the form computes without the state. `known`
   * has sequences for nodes of the form: what other states of the recurrence say.
   */
  constructor(
    builder: GraphBuilder,
    recurrence: Recurrence,
    form: NormalForm,
    known: ReadonlyMap<NodeId, NodeId> = new Map(),
  ) {
    this.#builder = builder;
    this.recurrence = recurrence;
    this.form = form;
    this.#steps = new Sequences(builder, form.graph, recurrence.bindings);
    for (const [id, node] of known) this.give(id, node);
    const needed = new Set(reachable(form.graph, form.outputs.values()).map((n) => n.id));
    const { decay, writes, reads, crossReads } = form;
    const keyOf = (read: number): NodeId => this.sequence(reads[read]!.key);
    this.decay = decay.kind === "none" ? null : this.sequence(decay.factor);
    this.writes = writes.map((w) => ({
      key: this.sequence(w.key),
      constant: w.constant === null ? null : this.sequence(w.constant),
      from: new Map(w.from.map((f) => [keyOf(f.read), this.sequence(f.factor)])),
    }));
    const fed = new Set(writes.flatMap((w) => w.from.map((f) => f.read)));
    const asked = reads.filter((r, i) => needed.has(r.node) || fed.has(i));
    const ofSteps = (r: { readonly key: NodeId; readonly late: boolean }): SequenceRead => ({
      key: this.sequence(r.key),
      late: r.late,
    });
    this.reads = new Map(asked.map((r) => [r.node, ofSteps(r)]));
    const across = crossReads.filter((r) => needed.has(r.node));
    this.crossReads = new Map(across.map((r) => [r.node, ofSteps(r)]));
  }

  give(id: NodeId, node: NodeId): void {
    this.#steps.give(id, node);
    this.#given.set(id, node);
  }
  /** Sequences by node of the form. */
  get given(): ReadonlyMap<NodeId, NodeId> {
    return this.#given;
  }

  /** A node of the form for all sequences and steps, `[batch, time, s…]`. */
  sequence = (id: NodeId): NodeId => this.#steps.of(id);

  /** The state before the first step, `[batch, H, m, n]`. */
  init(): NodeId {
    const { layout } = this.form;
    const turned = algebra.transpose(this.#builder, this.recurrence.carries[0]!.init, [
      0,
      ...this.#axes().map((a) => a + 1),
    ]);
    return algebra.reshape(this.#builder, turned, [BATCH, layout.heads, layout.m, layout.n]);
  }
  /** `[batch, H, m, n]` as the state has it. */
  state(flat: NodeId): NodeId {
    const { body, carries } = this.recurrence;
    const { shape } = bodyNode(body, carries[0]!.input);
    const axes = this.#axes();
    const split: Dim[] = [BATCH, ...axes.map((a) => shape[a]!)];
    const back = shape.map((_, a) => axes.indexOf(a) + 1);
    return algebra.transpose(this.#builder, algebra.reshape(this.#builder, flat, split), [0, ...back]); // prettier-ignore
  }
  #axes(): number[] {
    const { batch, values, keys } = this.form.layout;
    return [...batch, ...values, ...keys];
  }
}

/** Numbers in the state of a memory. */
export const sizeOf = ({ form }: Memory): Dim =>
  product([form.layout.heads, form.layout.m, form.layout.n]);
