/**
 * The forms of a rule written out: one step, and a chunk of steps at a time. Everything comes from the normal form that the
 * emitter of chunks takes (`../chunk/form.ts`, `../scan/index.ts`), so what a rule does not have is not written: no system to
 * solve where no read feeds a write, no decays where there are none.
 */
import { constant } from "../../dims.ts";
import type { Graph, NodeId, Recurrence } from "../../graph/ir.ts";
import { reachable } from "../../graph/rebuild.ts";
import { feedingReads, leaving, type NormalForm, type StateSet } from "../analyse/index.ts";
import { readLevels } from "../chunk/levels.ts";
import { planOf, type ChunkPlan, type Part } from "../chunk/plan.ts";
import { isScan } from "../scan/index.ts";
import { renamed, write, type Formula } from "./expression.ts";
import * as f from "./expression.ts";
import { dependents } from "./cuts.ts";
import { inputName } from "../../graph/names.ts";
import { Notation } from "./notation.ts";

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
  ["sum", "product", "quotient", "outer", "infix", "choice"].includes(x.kind) ? `(${paper(x)})` : paper(x); // prettier-ignore

interface Vector {
  /** `a₂` where the key is long, else the key. */
  readonly of: Formula;
  readonly isLong: boolean;
}

/** What a read finds of the state on entry to the chunk. */
const entry = (name: string): string => `${name}⁰`;

type Lines = Pick<DerivedForm, "once" | "carried" | "read">;

/** What a read sees: the state as it is before step `to`, and what was written at steps s that are `over`. */
interface Sight {
  readonly to: string;
  readonly over: string;
}
const sightOf = ({ late }: { readonly late: boolean }): Sight =>
  late ? { to: "t + 1", over: "s≤t" } : { to: "t", over: "s<t" };

class Writer {
  readonly #form: NormalForm;
  readonly #notation: Notation;
  readonly #constant = new Set<string>();
  readonly #feeding: readonly number[];
  readonly #state: string;
  readonly #keys: readonly Vector[];
  /** Reads that something outside of the loop needs; those of them whose keys are known before it. */
  readonly #wanted: ReadonlySet<NodeId>;
  readonly #first: ReadonlySet<NodeId>;
  /** Nodes of the body that leave the loop, and those that they are in terms of reads. */
  readonly #outputs: readonly (readonly [from: NodeId, to: NodeId])[];
  readonly #body: Graph;
  /** How many axes in front are the same for all; those of length one do not count. */
  readonly #lead: number;
  readonly #graph: Graph;
  /** Nodes of the graph that depend on reads. */
  readonly #answers: ReadonlySet<NodeId>;
  /** Of several states that are one: what their unit vectors are called. */
  #units: readonly string[] = [];
  readonly #said = new Set<string>();
  /** Of the reads, those from the side of the values after the others. */
  readonly #letter: string;
  readonly names: { symbol: string; is: string }[] = [];

  constructor(recurrence: Recurrence, plan: ChunkPlan, part: Part, outer: Graph) {
    const { form } = part;
    this.#form = form;
    this.#body = recurrence.body;
    this.#lead = form.layout.batch.filter((a) => constant(part.shape[a]!) !== 1).length;
    const name = recurrence.carries[part.carries[0]!]!.name;
    this.#state = part.layout === null ? inputName(name.split(".").at(-1)!) : "X";
    this.#letter = this.#state === "z" ? "r" : "z";
    this.#feeding = feedingReads(form);
    const own = [...form.reads, ...form.crossReads].map((r) => r.node);
    const levels = readLevels(plan.parts.map((p) => p.form), plan.outputs.values()); // prettier-ignore
    this.#wanted = new Set(levels.flatMap((level) => [...level]));
    this.#first = levels[0] ?? new Set();
    const answers = dependents(plan.graph, own);
    this.#answers = answers;
    this.#graph = plan.graph;
    // What later states of a chain need is among the outputs of the plan, but stays inside.
    const out = new Set(leaving(recurrence));
    this.#outputs = [...plan.outputs].filter(([from, to]) => out.has(from) && answers.has(to));
    const fixed = new Map<NodeId, string>();
    own.forEach((node, i) => fixed.set(node, numbered(this.#letter, i, own.length)));
    if (part.layout !== null) this.#sideBySide(recurrence, part, fixed);
    const outside = this.#inputs(recurrence, plan, outer, fixed);
    const labels = part.carries.map((i) => recurrence.body.nodes[recurrence.carries[i]!.input]!.origin?.label ?? ""); // prettier-ignore
    this.#notation = new Notation(plan.graph, {
      explains: (id) => answers.has(id),
      units: this.#units,
      fixed,
      lead: this.#lead,
      hidden: new Set(labels),
      outside: (id) => outside.get(id) ?? null,
    });
    this.#keys = form.reads.map((r, i) => this.#key(r.key, i));
  }

  #sideBySide(recurrence: Recurrence, { carries, form }: Part, fixed: Map<NodeId, string>): void {
    const names = carries.map((i) => inputName(recurrence.carries[i]!.name.split(".").at(-1)!));
    this.#units = names.map((name) => `e_${name}`);
    for (const unit of this.#units) this.#constant.add(unit);
    this.names.push(...names.map((name, i) => ({ symbol: this.#units[i]!, is: `the unit vector of ${name}` }))); // prettier-ignore
    if (form.decay.kind !== "matrix") return;
    fixed.set(form.decay.factor, "D");
    this.names.push({ symbol: "D", is: "the numbers by which the new states above multiply the old ones" }); // prettier-ignore
  }

  /** What the inputs of the body are outside of it; long values are called after the part that they play. */
  #inputs(
    recurrence: Recurrence,
    plan: ChunkPlan,
    outer: Graph,
    fixed: Map<NodeId, string>,
  ): Map<NodeId, Formula> {
    const form = this.#form;
    const notation = new Notation(outer, { lead: 2 + this.#lead, sequence: 2 });
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
      const input = plan.copyOf(b.input);
      if (!("value" in b) || input === undefined) continue;
      const formula = notation.of(b.value);
      if (b.kind === "shared" && formula.kind === "symbol") this.#constant.add(formula.name);
      if (f.sizeOf(formula) <= LONG) {
        found.set(input, formula);
        continue;
      }
      const name = parts.get(input) ?? (written.has(input) ? "h" : "query");
      const same = [...fixed.values()].filter((x) => x.replace(/\d+$/u, "") === name).length;
      const symbol = same === 0 ? name : `${name}${same + 1}`;
      fixed.set(input, symbol);
      this.names.push({ symbol, is: write(formula, "spec") });
    }
    for (const v of notation.named) {
      if (v.is !== null) this.names.push({ symbol: v.symbol, is: write(v.is, "spec") });
    }
    return found;
  }

  #of(id: NodeId): Formula {
    const found = this.#notation.of(id);
    return this.#units.length === 0 ? found : f.unitsFirst(found, (x) => this.#units.includes(x));
  }
  #key(id: NodeId, index: number): Vector {
    const of = this.#of(id);
    if (f.sizeOf(of) <= LONG) return { of, isLong: false };
    const name = numbered("a", index, this.#form.reads.length);
    return { of: f.symbol(name), isLong: true };
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
  #leaving(step: string): string[] {
    return this.#outputs.flatMap(([from, to]) => {
      const label = this.#body.nodes[from]!.origin?.label ?? "out";
      const name = label === this.#state ? `${this.#state}′` : label;
      const value = this.#of(to);
      const before = this.#named(to, step);
      if (value.kind === "symbol" && value.name === name) return before;
      return [...before, `${this.#word(name, step)} = ${this.#text(value, step)}`];
    });
  }
  #word(name: string, step: string): string {
    return step === "" ? name : `${name}_${step}`;
  }
  #text(x: Formula, step: string): string {
    return paper(step === "" ? x : this.#at(x, step));
  }

  /** What a node needs of what reads have answered and the spec has a name for, as far as it has not been said. */
  #named(root: NodeId, step: string): string[] {
    const needed = new Set(reachable(this.#graph, [root]).map((n) => n.id));
    return this.#notation.named.flatMap(({ node, symbol, is }) => {
      if (is === null || !needed.has(node) || !this.#answers.has(node)) return [];
      const line = `${this.#word(symbol, step)} = ${this.#text(is, step)}`;
      if (this.#said.has(line)) return [];
      this.#said.add(line);
      return [line];
    });
  }
  /** Long keys of reads, and what they need. */
  #definitions(step: string, reads: readonly number[]): string[] {
    return reads.flatMap((i) => {
      const { of, isLong } = this.#keys[i]!;
      const { key } = this.#form.reads[i]!;
      const before = this.#named(key, step);
      return isLong ? [...before, `${this.#text(of, step)} = ${this.#text(this.#of(key), step)}`] : before; // prettier-ignore
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
      matrix: (id: NodeId) => `${W} ${factor(this.#of(id))}ᵀ`,
    };
    const old = decay.kind === "none" ? kept.none() : kept[decay.kind](decay.factor);
    const added = writes.map((w, i) => ` + ${this.#pair(this.#u(i), this.#of(w.key))}`);
    const asked = (late: boolean): string[] => [
      ...reads.flatMap((r, i) =>
        r.late === late
          ? [...this.#definitions("", [i]), `${this.#z(i)} = ${this.#asked(W, this.#keys[i]!.of)}`]
          : [],
      ),
      ...crossReads.flatMap((r, i) => r.late === late ? [`${this.#z(reads.length + i)} = ${this.#asked(`${W}ᵀ`, this.#of(r.key))}`] : []), // prettier-ignore
    ];
    return [
      ...asked(false),
      ...writes.map((_, i) => `${this.#u(i)} = ${paper(this.#written(i))}`),
      `${W} ← ${old}${added.join("")}`,
      ...asked(true),
      ...this.#leaving(""),
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
  /** A key that is written, decayed. */
  #decayed(key: Formula, to: string, from: string): Formula {
    const left = this.#left(to, from);
    if (left === null) return key;
    const { kind } = this.#form.decay;
    if (kind === "matrix") return f.matmul(left, key);
    if (f.isNumber(key, 1)) return left;
    return f.product([left, key], kind === "diagonal");
  }
  /** A key that is asked, decayed as the state on entry is by then. */
  #entering(key: Formula, { to }: Sight): Formula {
    if (this.#form.decay.kind !== "matrix") return this.#decayed(key, to, "0");
    return f.matmul(f.transposed(this.#left(to, "0")!), key);
  }
  #says(): string[] {
    const { decay } = this.#form;
    if (decay.kind === "none") return [];
    const at = (step: string): string => factor(this.#at(this.#of(decay.factor), step));
    const [first, last] = [at("{s+1}"), at("{t−1}")];
    const ends = "from the start of the chunk for s = 0, to its end for t = C + 1";
    const says = {
      scalar: `${first} … ${last} for s < t`,
      diagonal: `${first} ⊙ … ⊙ ${last} for s < t, one number per key`,
      matrix: `${last} … ${first} for s < t, matrices along the keys`,
    };
    return [`G(t, s) = ${says[decay.kind]}; ${ends}`];
  }

  chunk(): Lines {
    const { reads, crossReads, writes, decay } = this.#form;
    const constants = writes.map((w) => paper(w.constant === null ? f.number(0) : this.#at(this.#of(w.constant), "t"))); // prettier-ignore
    const solves = this.#feeding.length > 0;
    const end = this.#left("C + 1", "0");
    const kept = { none: "S", scalar: `${end && paper(end)} S`, diagonal: `S diag(${end && paper(end)})`, matrix: `S ${end && paper(end)}ᵀ` }[decay.kind]; // prettier-ignore
    const added = writes.map((w, j) => {
      const [own, left] = [this.#at(this.#of(w.key), "t"), this.#left("C + 1", "t")];
      const u = `${this.#u(j)}_t`;
      if (f.isNumber(own, 1)) return ` + Σ_t ${left === null ? "" : `${paper(left)} `}${u}`;
      return ` + Σ_t ${this.#pair(u, this.#decayed(own, "C + 1", "t"))}`;
    });
    const all = reads.map((_, i) => i);
    const asked = all.filter((i) => this.#feeding.includes(i) || this.#first.has(reads[i]!.node));
    const later = all.filter((i) => !asked.includes(i) && this.#wanted.has(reads[i]!.node));
    const once = [
      ...this.#says(),
      ...this.#definitions("t", asked),
      ...(solves ? this.#system(constants) : constants.map((c, j) => `${this.#u(j)}_t = ${c}`)),
    ];
    const onEntry = (i: number): string =>
      this.#asked("S", this.#entering(this.#at(this.#keys[i]!.of, "t"), sightOf(reads[i]!)));
    const entries = asked.map((i) => `${entry(this.#z(i))}_t = ${onEntry(i)}`);
    const across = crossReads.map((r, i) => {
      const key = this.#at(this.#of(r.key), "t");
      return `${entry(this.#z(reads.length + i))}_t = ${this.#asked("Sᵀ", key)}`;
    });
    const own = asked.filter((i) => this.#wanted.has(reads[i]!.node));
    const inside = (i: number): string => {
      const key = this.#at(this.#keys[i]!.of, "t");
      const { to, over } = sightOf(reads[i]!);
      const parts = writes.map((w, j) => {
        const written = this.#decayed(this.#at(this.#of(w.key), "s"), to, "s");
        const weight = f.isNumber(key, 1) ? written : f.dot(written, key);
        return ` + Σ_{${over}} ${f.isNumber(weight, 1) ? "" : `${factor(weight)} `}${this.#u(j)}_s`;
      });
      return parts.join("");
    };
    const read = own.map((i) => `${this.#z(i)}_t = ${entry(this.#z(i))}_t${inside(i)}`);
    const readAcross = crossReads.map((r, i) => {
      const name = this.#z(reads.length + i);
      const key = this.#at(this.#of(r.key), "t");
      const { to, over } = sightOf(r);
      const parts = writes.map((w, j) => {
        const written = this.#decayed(this.#at(this.#of(w.key), "s"), to, "s");
        const u = `${this.#u(j)}_s`;
        const answer = f.isNumber(key, 1) ? u : `(${u} · ${factor(key)})`;
        return ` + Σ_{${over}} ${answer} ${factor(written)}`;
      });
      const old = this.#decayed(f.symbol(`${entry(name)}_t`), to, "0");
      return `${name}_t = ${paper(old)}${parts.join("")}`;
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
      read: [
        ...read,
        ...readAcross,
        ...later.flatMap((i) => [
          ...this.#definitions("t", [i]),
          `${this.#z(i)}_t = ${onEntry(i)}${inside(i)}`,
        ]),
        ...this.#leaving("t"),
      ],
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
          this.#form.decay.kind !== "scalar" || left === null
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
        ...reads.map(
          (r, i) =>
            `${this.#z(i)}_t = g S + c, with the pair of steps 1 … ${r.late ? "t" : "t − 1"}`,
        ),
        ...this.#leaving("t"),
      ],
    };
  }
}

/**
 * The forms of the states of one set, as the emitter makes them; null where it makes none. `outer`: the graph in which the
 * recurrence stands, whose sets are `sets`.
 */
export function derivedForm(
  recurrence: Recurrence,
  sets: readonly StateSet[],
  set: StateSet,
  outer: Graph,
): DerivedForm | null {
  const plan = planOf(recurrence, sets, { elementwise: true });
  if (typeof plan === "string") return null;
  const part = plan.parts.find((p) => set.carries.every((c) => p.carries.includes(c)))!;
  const { keys, values } = part.form.layout;
  const names = part.carries.map((i) => inputName(recurrence.carries[i]!.name));
  const writer = new Writer(recurrence, plan, part, outer);
  const scan = isScan(part.form) && values.length === 0;
  const turned = part.layout === null && keys.length === 1 && values.length > 0 && keys[0]! < values[0]!; // prettier-ignore
  const side = part.layout === null ? null : `below, X is ${names.join(" and ")} side by side, as one state with an axis more`; // prettier-ignore
  const note = turned ? `below, ${names[0]!} is its transpose: the rule sums over the other axis` : side; // prettier-ignore
  return {
    kind: scan ? "scan" : "chunk",
    note,
    step: writer.step(),
    ...(scan ? writer.scan() : writer.chunk()),
    names: writer.names,
  };
}
