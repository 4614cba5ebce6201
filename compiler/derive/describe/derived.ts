/**
 * The forms of a rule written out: one step, and a chunk of steps at a time. Everything comes from the normal form that the
 * emitter of chunks takes (`../chunk/form.ts`, `../scan/index.ts`), so what a rule does not have is not written: no system to
 * solve where no read feeds a write, no decays where there are none.
 */
import type { Graph, NodeId, Recurrence } from "../../graph/ir.ts";
import { reachable } from "../../graph/rebuild.ts";
import { feedingReads, type NormalForm } from "../analyse/index.ts";
import { isScan } from "../scan/index.ts";
import { renamed, write, type Formula } from "./expression.ts";
import * as f from "./expression.ts";
import { dependents } from "./cuts.ts";
import { inputName, Notation } from "./notation.ts";

export interface DerivedForm {
  readonly kind: "scan" | "chunk";
  /** Said where W, values × keys, is not as the spec has it. */
  readonly note: string | null;
  /** One step: reads of the state before it, decay, writes, what leaves. */
  readonly step: readonly string[];
  /** Without the state, for all chunks at once. */
  readonly once: readonly string[];
  /** From chunk to chunk. */
  readonly carried: readonly string[];
  /** From what was carried, for all chunks at once. */
  readonly read: readonly string[];
  /** Names that are not the spec's own. */
  readonly names: readonly { readonly symbol: string; readonly is: string }[];
}

/** A key with more names in it than this gets one of its own. */
const LONG = 4;

const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";
const subscript = (n: number): string => [...String(n)].map((d) => SUBSCRIPTS[Number(d)]!).join("");
/** One of several is numbered. */
const numbered = (name: string, index: number, count: number): string =>
  count === 1 ? name : `${name}${subscript(index + 1)}`;

const paper = (x: Formula): string => write(x, "paper");
/** As a factor. */
const factor = (x: Formula): string =>
  x.kind === "sum" || x.kind === "product" || x.kind === "quotient" || x.kind === "outer" ? `(${paper(x)})` : paper(x); // prettier-ignore

interface Vector {
  /** `a₂` where the key is long, else the key. */
  readonly of: Formula;
  readonly definition: string | null;
}

/** What a read finds of the state on entry to the chunk. */
const entry = (name: string): string => `${name}⁰`;

type Lines = Pick<DerivedForm, "once" | "carried" | "read">;

class Writer {
  readonly #form: NormalForm;
  readonly #notation: Notation;
  readonly #constant = new Set<string>();
  readonly #feeding: readonly number[];
  readonly #state: string;
  readonly #keys: readonly Vector[];
  /** Reads that something outside of the loop needs. */
  readonly #wanted: ReadonlySet<NodeId>;
  /** Of the reads, those from the side of the values after the others. */
  readonly #letter: string;
  readonly names: { symbol: string; is: string }[] = [];

  constructor(recurrence: Recurrence, form: NormalForm, outer: Graph, name: string) {
    this.#form = form;
    this.#state = inputName(name.split(".").at(-1)!);
    this.#letter = this.#state === "z" ? "r" : "z";
    this.#feeding = feedingReads(form);
    this.#wanted = new Set(reachable(form.graph, form.outputs.values()).map((n) => n.id));
    const fixed = new Map<NodeId, string>();
    const count = form.reads.length + form.crossReads.length;
    [...form.reads, ...form.crossReads].forEach((r, i) => fixed.set(r.node, numbered(this.#letter, i, count))); // prettier-ignore
    const outside = this.#inputs(recurrence, outer, fixed);
    const lead = form.layout.batch.length;
    const hidden = new Set([form.graph.nodes[recurrence.carries[0]!.input]!.origin?.label ?? ""]);
    const answers = dependents(form.graph, [...form.reads, ...form.crossReads].map((r) => r.node)); // prettier-ignore
    this.#notation = new Notation(form.graph, {
      isOpen: (id) => answers.has(id), fixed, lead, hidden, outside: (id) => outside.get(id) ?? null }); // prettier-ignore
    this.#keys = form.reads.map((r, i) => this.#key(r.key, i));
  }

  /** What the inputs of the body are outside of it; long values are called after the part that they play. */
  #inputs(recurrence: Recurrence, outer: Graph, fixed: Map<NodeId, string>): Map<NodeId, Formula> {
    const form = this.#form;
    const notation = new Notation(outer, { lead: 2 + form.layout.batch.length, sequence: 2 });
    const parts = new Map<NodeId, string>();
    const bare = (id: NodeId): NodeId => {
      const node = form.graph.nodes[id]!;
      return node.op === "reshape" || node.op === "broadcast" ? bare(node.x) : id;
    };
    const part = (id: NodeId | null, name: string): void => {
      if (id !== null && !parts.has(bare(id))) parts.set(bare(id), name);
    };
    for (const w of form.writes) {
      part(w.key, "key");
      part(w.constant, "value");
      for (const x of w.from) part(x.factor, "rate");
    }
    form.reads.forEach((r, i) => part(r.key, this.#feeding.includes(i) ? "key" : "query"));
    for (const r of form.crossReads) part(r.key, "query");
    if (form.decay.kind !== "none") part(form.decay.factor, "decay");
    const roots = [
      ...form.writes.flatMap((w) => [w.key, ...(w.constant === null ? [] : [w.constant])]),
      ...this.#feeding.map((r) => form.reads[r]!.key),
    ];
    const written = new Set(reachable(form.graph, roots).map((n) => n.id));
    const found = new Map<NodeId, Formula>();
    for (const b of recurrence.bindings) {
      if (!("value" in b)) continue;
      const formula = notation.of(b.value);
      if (b.kind === "shared" && formula.kind === "symbol") this.#constant.add(formula.name);
      if (f.sizeOf(formula) <= LONG) {
        found.set(b.input, formula);
        continue;
      }
      const name = parts.get(b.input) ?? (written.has(b.input) ? "h" : "query");
      const same = [...fixed.values()].filter((x) => x.replace(/\d+$/u, "") === name).length;
      const symbol = same === 0 ? name : `${name}${same + 1}`;
      fixed.set(b.input, symbol);
      this.names.push({ symbol, is: write(formula, "spec") });
    }
    for (const v of notation.named) {
      if (v.is !== null) this.names.push({ symbol: v.symbol, is: write(v.is, "spec") });
    }
    return found;
  }

  #of(id: NodeId): Formula {
    return this.#notation.of(id);
  }
  #key(id: NodeId, index: number): Vector {
    const of = this.#of(id);
    if (f.sizeOf(of) <= LONG) return { of, definition: null };
    const name = numbered("a", index, this.#form.reads.length);
    return { of: f.symbol(name), definition: paper(of) };
  }
  #z(index: number): string {
    const { reads, crossReads } = this.#form;
    return numbered(this.#letter, index, reads.length + crossReads.length);
  }
  #u(index: number): string {
    return numbered("u", index, this.#form.writes.length);
  }
  /** A formula at a step. */
  #at(x: Formula, step: string): Formula {
    return renamed(x, (name) => (this.#constant.has(name) ? name : `${name}_${step}`));
  }

  /** u = c + Σ λ z of one write. */
  #written(index: number): Formula {
    const { constant, from } = this.#form.writes[index]!;
    const terms = from.map((x) => f.product([this.#of(x.factor), f.symbol(this.#z(x.read))]));
    return f.plus(...(constant === null ? [] : [this.#of(constant)]), ...terms);
  }

  /** What leaves a step, in terms of its reads. */
  #outputs(step: string): string[] {
    const label = (id: NodeId): string => this.#form.graph.nodes[id]!.origin?.label ?? "out";
    return [...this.#form.outputs].map(([from, to]) => {
      const name = label(from) === this.#state ? `${this.#state}′` : label(from);
      const value = this.#of(to);
      if (step === "") return `${name} = ${paper(value)}`;
      return `${name}_${step} = ${paper(this.#at(value, step))}`;
    });
  }
  #definitions(step: string): string[] {
    return this.#keys.flatMap(({ of, definition }, i) => {
      if (definition === null) return [];
      const value = this.#of(this.#form.reads[i]!.key);
      return step === "" ? [`${paper(of)} = ${definition}`] : [`${paper(this.#at(of, step))} = ${paper(this.#at(value, step))}`]; // prettier-ignore
    });
  }

  /** A matrix times a vector of keys; a state without keys stands for itself. */
  #asked(matrix: string, key: Formula): string {
    return f.isNumber(key, 1) ? matrix : `${matrix} ${factor(key)}`;
  }

  step(): string[] {
    const { reads, crossReads, decay, writes } = this.#form;
    const W = this.#state;
    const kept = {
      none: () => W,
      scalar: (id: NodeId) => `${factor(this.#of(id))} ${W}`,
      diagonal: (id: NodeId) => `${W} diag(${paper(this.#of(id))})`,
    };
    const old = decay.kind === "none" ? kept.none() : kept[decay.kind](decay.factor);
    const added = writes.map((w, i) => ` + ${this.#pair(this.#u(i), this.#of(w.key))}`);
    return [
      ...this.#definitions(""),
      ...reads.map((_, i) => `${this.#z(i)} = ${this.#asked(W, this.#keys[i]!.of)}`),
      ...crossReads.map((r, i) => `${this.#z(reads.length + i)} = ${this.#asked(`${W}ᵀ`, this.#of(r.key))}`), // prettier-ignore
      ...writes.map((_, i) => `${this.#u(i)} = ${paper(this.#written(i))}`),
      `${W} ← ${old}${added.join("")}`,
      ...this.#outputs(""),
    ];
  }
  /** u kᵀ */
  #pair(u: string, key: Formula): string {
    if (f.isNumber(key, 1)) return u;
    return `${u} ${factor(key)}ᵀ`;
  }

  /** What is left at `to` of what was there at `from`: null for all of it. */
  #left(to: string, from: string): Formula | null {
    return this.#form.decay.kind === "none" ? null : f.symbol(`G(${to}, ${from})`);
  }
  /** A key, decayed. */
  #decayed(key: Formula, to: string, from: string): Formula {
    const left = this.#left(to, from);
    if (left === null) return key;
    const each = this.#form.decay.kind === "diagonal";
    if (f.isNumber(key, 1)) return left;
    return f.product(each ? [left, key] : [left, key], each);
  }
  #says(): string[] {
    const { decay } = this.#form;
    if (decay.kind === "none") return [];
    const sign = decay.kind === "diagonal" ? " ⊙ … ⊙ " : " … ";
    const each = decay.kind === "diagonal" ? ", one number per key" : "";
    const [first, last] = ["{s+1}", "{t−1}"].map((at) => factor(this.#at(this.#of(decay.factor), at))); // prettier-ignore
    return [
      `G(t, s) = ${first!}${sign}${last!} for s < t${each}; from the start of the chunk for s = 0, to its end for t = C + 1`,
    ];
  }

  chunk(): Lines {
    const { reads, crossReads, writes, decay } = this.#form;
    const constants = writes.map((w) => paper(w.constant === null ? f.number(0) : this.#at(this.#of(w.constant), "t"))); // prettier-ignore
    const solves = this.#feeding.length > 0;
    const once = [
      ...this.#says(),
      ...this.#definitions("t"),
      ...(solves ? this.#system(constants) : constants.map((c, j) => `${this.#u(j)}_t = ${c}`)),
    ];
    const end = this.#left("C + 1", "0");
    const kept = { none: "S", scalar: `${end && paper(end)} S`, diagonal: `S diag(${end && paper(end)})` }[decay.kind]; // prettier-ignore
    const added = writes.map((w, j) => {
      const [own, left] = [this.#at(this.#of(w.key), "t"), this.#left("C + 1", "t")];
      const u = `${this.#u(j)}_t`;
      if (f.isNumber(own, 1)) return ` + Σ_t ${left === null ? "" : `${paper(left)} `}${u}`;
      return ` + Σ_t ${this.#pair(u, this.#decayed(own, "C + 1", "t"))}`;
    });
    const asked = reads.flatMap((r, i) => (solves && this.#feeding.includes(i)) || this.#wanted.has(r.node) ? [i] : []); // prettier-ignore
    const entries = asked.map((i) => {
      const key = this.#decayed(this.#at(this.#keys[i]!.of, "t"), "t", "0");
      return `${entry(this.#z(i))}_t = ${this.#asked("S", key)}`;
    });
    const across = crossReads.map((r, i) => {
      const key = this.#at(this.#of(r.key), "t");
      return `${entry(this.#z(reads.length + i))}_t = ${this.#asked("Sᵀ", key)}`;
    });
    const own = asked.filter((i) => this.#wanted.has(reads[i]!.node));
    const read = own.map((i) => {
      const key = this.#at(this.#keys[i]!.of, "t");
      const inside = writes.map((w, j) => {
        const written = this.#decayed(this.#at(this.#of(w.key), "s"), "t", "s");
        const weight = f.isNumber(key, 1) ? written : f.dot(written, key);
        return ` + Σ_{s<t} ${f.isNumber(weight, 1) ? "" : `${factor(weight)} `}${this.#u(j)}_s`;
      });
      return `${this.#z(i)}_t = ${entry(this.#z(i))}_t${inside.join("")}`;
    });
    const readAcross = crossReads.map((r, i) => {
      const name = this.#z(reads.length + i);
      const key = this.#at(this.#of(r.key), "t");
      const inside = writes.map((w, j) => {
        const written = this.#decayed(this.#at(this.#of(w.key), "s"), "t", "s");
        const u = `${this.#u(j)}_s`;
        const answer = f.isNumber(key, 1) ? u : `(${u} · ${factor(key)})`;
        return ` + Σ_{s<t} ${answer} ${factor(written)}`;
      });
      const old = this.#decayed(f.symbol(`${entry(name)}_t`), "t", "0");
      return `${name}_t = ${paper(old)}${inside.join("")}`;
    });
    const z = entry(this.#letter.toUpperCase());
    return {
      once,
      carried: [
        ...entries,
        ...across,
        ...(solves ? [`(I − Λ P) U = c + Λ ${z}`] : []),
        `S ← ${kept}${added.join("")}`,
      ],
      read: [...read, ...readAcross, ...this.#outputs("t")],
    };
  }

  /** The triangular system of the reads that feed writes. */
  #system(constants: readonly string[]): string[] {
    const { writes } = this.#form;
    const count = this.#feeding.length;
    const several = count > 1 || writes.length > 1;
    const place = (letter: string, i: number, j: number): string =>
      several ? `${letter}${subscript(i + 1)}${subscript(j + 1)}` : letter;
    const key = (r: number): Formula => this.#at(this.#keys[r]!.of, "t");
    const gram = this.#feeding.flatMap((r, i) =>
      writes.map((w, j) => {
        const written = this.#at(this.#of(w.key), "s");
        const left = this.#left("t", "s");
        const value =
          this.#form.decay.kind === "diagonal" || left === null
            ? f.dot(key(r), this.#decayed(written, "t", "s"))
            : f.product([left, f.dot(key(r), written)]);
        return `${place("P", i, j)}[t, s] = ${paper(value)} for s < t, else 0`;
      }),
    );
    const rates = writes.flatMap((w, j) =>
      w.from.map(({ read, factor: id }) => {
        const rate = paper(this.#at(this.#of(id), "t"));
        return `${place("Λ", j, this.#feeding.indexOf(read))} = diag(${rate})`;
      }),
    );
    const z = this.#feeding.map((r) => `${this.#z(r)}⁰_t`);
    const u = writes.map((_, j) => `${this.#u(j)}_t`);
    return [
      ...gram,
      ...rates,
      `rows of c: ${constants.join(" and ")};  of ${this.#letter.toUpperCase()}⁰: ${z.join(" and ")};  of U: ${u.join(" and ")}`, // prettier-ignore
    ];
  }

  scan(): Lines {
    const { decay, writes, reads } = this.#form;
    const kept = decay.kind === "none" ? f.number(1) : this.#of(decay.factor);
    const added = writes.map((w) => f.product([w.constant === null ? f.number(0) : this.#of(w.constant), this.#of(w.key)])); // prettier-ignore
    const [g, c] = [kept, f.plus(...added)].map((x) => paper(this.#at(x, "t")));
    return {
      once: [
        `one step is the pair (${g!}, ${c!}): s ← g s + c`,
        "(g, c) and then (g′, c′) is (g′ g, g′ c + c′): stretches double until each reaches back to the start of its chunk", // prettier-ignore
      ],
      carried: ["S ← g S + c, with the pair of the whole chunk"],
      read: [
        ...reads.map((_, i) => `${this.#z(i)}_t = g S + c, with the pair of steps 1 … t − 1`),
        ...this.#outputs("t"),
      ],
    };
  }
}

/** The forms of a state that has them. `outer`: the graph in which the recurrence stands. */
export function derivedForm(
  recurrence: Recurrence,
  form: NormalForm,
  outer: Graph,
  state: string,
): DerivedForm {
  const writer = new Writer(recurrence, form, outer, state);
  const scan = isScan(form) && form.layout.values.length === 0;
  const { keys, values } = form.layout;
  const turned = keys.length === 1 && values.length > 0 && keys[0]! < values[0]!;
  return {
    kind: scan ? "scan" : "chunk",
    note: turned
      ? `below, ${inputName(state)} is its transpose: the rule sums over the other axis`
      : null,
    step: writer.step(),
    ...(scan ? writer.scan() : writer.chunk()),
    names: writer.names,
  };
}
