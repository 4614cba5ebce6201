/**
 * All that the loops of a kernel depend on, as a text: the stages and the nodes behind them, with sizes, and where their
 * values lie. Nodes and buffers are numbered in the order in which they come, so two kernels of equal texts have the same
 * loops, with other buffers. The blocks of a deep model do.
 */
import { isDim, type Dim } from "../dims.ts";
import type { Binding, Graph, Node, NodeId, Recurrence } from "../graph/ir.ts";
import { valueName } from "../graph/names.ts";
import { mapOperands, operands } from "../graph/shapes.ts";
import { keyOf } from "./affine.ts";
import type { Memory } from "./memory.ts";
import type { Nest } from "./order.ts";
import type { BufferLocation, RegionPlan } from "./place.ts";
import type { Location } from "./region.ts";
import type { Stage } from "./stages.ts";

export interface Fingerprint {
  readonly text: string;
  /** Names of values with the path of a layer in them, by number: of these the text has only the numbers. */
  readonly paths: readonly string[];
  /** Buffers that were there before the kernel, by number. */
  readonly buffers: readonly string[];
}

export function fingerprintOf(
  plan: RegionPlan,
  nests: readonly Nest[],
  memory: Memory,
): Fingerprint {
  return new Writer(plan, memory).kernel(nests);
}

/** A field of a node as text: sizes by their keys, numbers with their signs. */
function fieldKey(value: unknown): string {
  if (typeof value !== "object" || value === null)
    return Object.is(value, -0) ? "-0" : `${value as string}`;
  if (Array.isArray(value)) {
    let key = "[";
    for (let i = 0; i < value.length; i++) key += `${fieldKey(value[i])},`;
    return `${key}]`;
  }
  if (isDim(value)) return value.key;
  return `{${fieldsKey(value)}}`;
}
/** A text that is the same for equal fields in the same order. */
function fieldsKey(fields: object): string {
  let key = "";
  for (const name in fields) key += `${name}:${fieldKey(fields[name as keyof typeof fields])};`;
  return key;
}

/** Numbers things in the order in which they come. */
class Numbers<T> {
  readonly #known = new Map<T, number>();
  get all(): T[] {
    return [...this.#known.keys()];
  }
  /** The number of a thing, and whether it is the first time that it comes. */
  of(thing: T): { readonly number: number; readonly isNew: boolean } {
    const known = this.#known.get(thing);
    const number = known ?? this.#known.size;
    if (known === undefined) this.#known.set(thing, number);
    return { number, isNew: known === undefined };
  }
}

/** What a node is but for its name, as a text. */
function fieldsOf(node: Node): string {
  const { id: _, origin: __, ...fields } = node;
  return fields.op === "input"
    ? `input ${keysOf(fields.shape)} ${fields.dtype}`
    : fieldsKey(fields);
}

const keysOf = (shape: readonly Dim[]): string => shape.map((d) => d.key).join();

class Writer {
  readonly #plan: RegionPlan;
  readonly #memory: Memory;
  readonly #words: string[] = [];
  readonly #paths = new Numbers<string>();
  readonly #buffers = new Numbers<string>();
  readonly #nodes = new Numbers<NodeId>();
  /** What the kernel itself computes: its operands matter, wherever it puts it. */
  readonly #own = new Set<NodeId>();

  constructor(plan: RegionPlan, memory: Memory) {
    this.#plan = plan;
    this.#memory = memory;
  }

  kernel(nests: readonly Nest[]): Fingerprint {
    this.#claim(nests);
    this.#nests(nests);
    return {
      text: this.#words.join(" "),
      paths: this.#paths.all,
      buffers: this.#buffers.all,
    };
  }

  #claim(nests: readonly Nest[]): void {
    for (const n of nests) {
      if (n.kind === "loop") this.#claim(n.body);
      else if (!n.stage.copies) this.#own.add(n.stage.node);
    }
  }

  #nests(nests: readonly Nest[]): void {
    this.#words.push("(");
    for (const n of nests) {
      if (n.kind === "stage") this.#stage(n.stage);
      else {
        if (n.segments !== undefined) {
          this.#words.push("segments", `${n.segments.length}`, `${n.segments.most}`);
          n.segments.kept.forEach((id) => this.#node(id));
        }
        this.#nests(n.body);
      }
    }
    this.#words.push(")");
  }

  #stage({ kind, node, copies, loops, reducing, reads, target, overwrites }: Stage): void {
    const words = this.#words;
    words.push(kind, `${copies}`);
    for (const list of [loops, reducing])
      words.push(list.map((l) => `${l.axis}:${l.extent.key}:${l.step.key}`).join());
    this.#node(node);
    for (const [id, indices] of reads) {
      this.#node(id);
      words.push(indices === null ? "any" : indices.map((i) => i.map(keyOf).join()).join("|"));
    }
    if (target !== null) {
      words.push(target.add ? "+=" : "=");
      this.#at(target.location);
    }
    if (overwrites !== null) this.#node(overwrites);
  }

  #name(name: string): void {
    this.#words.push(name.includes(".") ? `.${this.#paths.of(name).number}` : name);
  }

  #at({ buffer, offset, strides, depth }: BufferLocation): void {
    const { number, isNew } = this.#buffers.of(buffer);
    this.#words.push(`$${number}`, keyOf(offset), keysOf(strides), `${depth}`);
    if (!isNew) return;
    const { type, length, kind, local } = this.#memory.buffers.get(buffer)!;
    this.#words.push(type, length.key, kind, `${local}`);
  }
  #location(at: Location): void {
    // At the outermost level values are in buffers, or computed where they are read.
    if (at.kind === "buffer") this.#at(at);
    else this.#words.push(at.kind);
  }

  /** A node: its number, and what it is when it comes first. What lies in memory already may come from anywhere. */
  #node(id: NodeId): void {
    const { number, isNew } = this.#nodes.of(id);
    this.#words.push(`%${number}`);
    if (!isNew) return;
    const { region, choice } = this.#plan;
    const node = region.node(id);
    const words = this.#words;
    words.push(node.dtype, keysOf(node.shape));
    this.#name(valueName(node));
    const at = region.locations.get(id);
    if (at !== undefined) this.#location(at);
    if (at !== undefined && !this.#own.has(id)) return;
    // What is computed where it is read is named if it is read more than once.
    const shared = at === undefined && (region.uses.get(id) ?? 0) > 1;
    words.push(node.op, `${shared}`, `${choice.roots.has(id)}`, `${choice.blocked.has(id)}`);
    const finished = choice.finished.get(id);
    if (finished !== undefined) this.#node(finished);
    if (node.op === "recurrence") this.#recurrence(id, node.recurrence);
    else this.#fields(node);
  }

  /** What a node does with its operands. */
  #fields(node: Node): void {
    operands(node).forEach((x) => this.#node(x));
    this.#words.push(fieldsOf(mapOperands(node, (x) => this.#nodes.of(x).number as NodeId)));
  }

  #recurrence(id: NodeId, r: Recurrence): void {
    const { region } = this.#plan;
    this.#loop(r, (x) => this.#node(x));
    for (let i = id; i < region.graph.nodes.length; i++) {
      const x = region.graph.nodes[i]!;
      if (x.op !== "result" || x.of !== id) continue;
      this.#words.push("result", `${this.#nodes.of(x.id).number}`, `${x.index}`);
      const at = region.locations.get(x.id);
      if (at !== undefined) this.#location(at);
      const shown = region.shown.get(x.id);
      if (shown === undefined) continue;
      this.#at(shown.target);
      for (const view of shown.views)
        this.#words.push(keysOf(region.node(view.x).shape), fieldsOf({ ...view, x: 0 as NodeId }));
    }
  }

  /** A loop over time; `outer` writes a node of the graph around it. */
  #loop(r: Recurrence, outer: (id: NodeId) => void): void {
    const words = this.#words;
    const bindings = (all: readonly Binding[]): void => {
      for (const b of all) {
        words.push(b.kind, `${b.input}`);
        if (b.kind !== "position") outer(b.value);
      }
    };
    words.push(`${r.reverse}`, r.batch.key, r.time.key);
    for (const c of r.carries) {
      this.#name(c.name);
      words.push(`${c.input}`, `${c.next}`);
      outer(c.init);
    }
    bindings(r.bindings);
    for (const o of r.outputs) words.push(fieldsKey(o));
    this.#body(r.body);
    if (r.replay === null) return;
    words.push("replay", r.replay.every.key);
    for (const c of r.replay.carries) {
      this.#name(c.name);
      words.push(`${c.input}`, `${c.next}`, `${c.target}`);
      outer(c.borders);
    }
    bindings(r.replay.bindings);
    this.#body(r.replay.body);
  }

  /** A step of a loop, all of it: what is kept in it is chosen while the loop is written. */
  #body(body: Graph): void {
    for (const node of body.nodes) {
      this.#name(valueName(node));
      if (node.op === "recurrence") this.#loop(node.recurrence, (x) => this.#words.push(`${x}`));
      else this.#words.push(fieldsOf(node));
    }
  }
}
