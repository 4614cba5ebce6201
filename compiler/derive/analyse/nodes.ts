/** The nodes that a normal form is made of. */
import type { NodeId } from "../../graph/index.ts";
import type { NormalForm } from "./form.ts";

/** Nodes of a form that are no reads: keys, values, rates, decays. */
export function mapForm(form: NormalForm, to: (id: NodeId) => NodeId): NormalForm {
  const { decay } = form;
  return {
    ...form,
    decay: decay.kind === "none" ? decay : { ...decay, factor: to(decay.factor) },
    reads: form.reads.map((r) => ({ ...r, key: to(r.key) })),
    crossReads: form.crossReads.map((r) => ({ ...r, key: to(r.key) })),
    writes: form.writes.map((w) => ({
      key: to(w.key),
      constant: w.constant === null ? null : to(w.constant),
      from: w.from.map((f) => ({ ...f, factor: to(f.factor) })),
    })),
  };
}

/** The nodes that `mapForm` maps. */
export function nodesOf(form: NormalForm): NodeId[] {
  const roots: NodeId[] = [];
  mapForm(form, (id) => {
    roots.push(id);
    return id;
  });
  return roots;
}
