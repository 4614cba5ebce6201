/** Finds a node that is equal to another one: a table by hashes of fields, which no text is made for. */
import { isDim } from "../dims.ts";
import type { Node, NodeId } from "./ir.ts";

/** A node that has no place in a graph yet. */
export type Draft<N> = N extends Node ? Omit<N, "id" | "origin"> : never;

/** Texts by numbers, those of sizes too: few, and the same ones again and again. */
const words = new Map<string, number>();

function wordOf(text: string): number {
  const known = words.get(text);
  if (known !== undefined) return known;
  words.set(text, words.size);
  return words.size - 1;
}

const mixed = (hash: number, value: number): number => Math.imul(hash ^ value, 0x9e3779b1) >>> 0;

function hashOf(value: unknown): number {
  switch (typeof value) {
    case "number":
      return value | 0 || Math.trunc(value * 2 ** 20) | 0;
    case "string":
      return wordOf(value);
    case "boolean":
      return value ? 2 : 3;
    case "object": {
      if (value === null) return 1;
      let hash = 0;
      if (Array.isArray(value)) {
        for (let i = 0; i < value.length; i++) hash = mixed(hash + 1, hashOf(value[i]));
        return hash;
      }
      return isDim(value) ? wordOf(value.key) : hashOfFields(value);
    }
    default:
      return 0;
  }
}

function hashOfFields(fields: object): number {
  let hash = 0;
  for (const name in fields) hash = mixed(hash + 1, hashOf(fields[name as keyof typeof fields]));
  return hash;
}

/** Whether two fields are equal: sizes by their keys, numbers with their signs. */
function same(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || a === null || typeof b !== "object" || b === null)
    return Object.is(a, b);
  if (a === b) return true;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!same(a[i], b[i])) return false;
    return true;
  }
  if (isDim(a) || isDim(b)) return isDim(a) && isDim(b) && a.key === b.key;
  return sameFields(a, b, 0);
}

/** Whether `b` has the fields of `a` and so many more. */
function sameFields(a: object, b: object, more: number): boolean {
  let count = more;
  for (const name in a) {
    if (!same(a[name as keyof typeof a], b[name as keyof typeof b])) return false;
    count += 1;
  }
  for (const _ in b) count -= 1;
  return count === 0;
}

/** Fields of a node that its draft lacks. */
const OWN = ["id", "origin"].length;

/** Nodes are equal whenever their fields are. Inputs are told apart by name; recurrences are never shared. */
const mayShare = (draft: Draft<Node>): boolean => draft.op !== "recurrence" && draft.op !== "input";

export class Sharing {
  readonly #nodes: readonly Node[];
  /** The last node of each hash. */
  readonly #last = new Map<number, NodeId>();
  /** For each node the one of the same hash before it. */
  readonly #before: (NodeId | undefined)[] = [];

  /** `nodes`: those of the graph, in which others are looked for. */
  constructor(nodes: readonly Node[]) {
    this.#nodes = nodes;
  }

  /** A node equal to the draft; if there is none, `add` is asked for its id and it is found from now on. */
  find(draft: Draft<Node>, add: () => NodeId): NodeId {
    if (!mayShare(draft)) return add();
    const hash = hashOfFields(draft);
    const last = this.#last.get(hash);
    for (let id = last; id !== undefined; id = this.#before[id]) {
      if (sameFields(draft, this.#nodes[id]!, OWN)) return id;
    }
    const id = add();
    this.#before[id] = last;
    this.#last.set(hash, id);
    return id;
  }
}
