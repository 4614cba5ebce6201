/**
 * Addresses of elements. What an address has in common for all iterations of a loop is computed before the loop: engines
 * do not move it there themselves.
 */
import type { Expr, Statement } from "../../loop/ir.ts";
import { expressionsOf, loadsOf, parts, statementsIn, type Access } from "../../loop/scan.ts";
import { expressionText } from "../../loop/text.ts";
import type { Body, Code } from "./body.ts";

/**
 * Every buffer begins at this address or above (runtime/device/wasm/space.ts), so that a place less a constant below it
 * is still an address, and the constant can be left to the instruction that loads.
 */
export const FIRST_ADDRESS = 65_536;

/** coefficient · value, or the value of a sum's constant part. */
interface Term {
  /** The same text for the same value. */
  readonly key: string;
  readonly value: Expr;
  coefficient: number;
}

/** A place in a buffer as a sum. */
interface Place {
  readonly terms: readonly Term[];
  readonly constant: number;
}

function placeOf(e: Expr): Place {
  const terms: Term[] = [];
  let constant = 0;
  const visit = (x: Expr, factor: number): void => {
    if (x.op === "number") {
      constant += factor * x.value;
      return;
    }
    if (x.op === "binary" && (x.fn === "add" || x.fn === "sub")) {
      visit(x.a, factor);
      visit(x.b, x.fn === "add" ? factor : -factor);
      return;
    }
    if (x.op === "binary" && x.fn === "mul" && x.b.op === "number") return visit(x.a, factor * x.b.value); // prettier-ignore
    if (x.op === "binary" && x.fn === "mul" && x.a.op === "number") return visit(x.b, factor * x.a.value); // prettier-ignore
    const key = expressionText(x);
    const known = terms.find((t) => t.key === key);
    if (known === undefined) terms.push({ key, value: x, coefficient: factor });
    else known.coefficient += factor;
  };
  visit(e, 1);
  return { terms, constant };
}

/** Whether a value depends on nothing but these variables, and can be computed where it is not asked for. */
function dependsOnlyOn(e: Expr, visible: ReadonlySet<string>): boolean {
  if (e.op === "variable") return visible.has(e.name);
  if (e.op === "load" || e.op === "select" || e.op === "across") return false;
  if (e.op === "binary" && (e.fn === "div" || e.fn === "mod")) {
    if (e.b.op !== "number" || e.b.value === 0) return false;
  }
  return parts(e).every((x) => dependsOnlyOn(x, visible));
}

/** What statements read and write, with all that are inside them. */
function accessesIn(statements: readonly Statement[]): Access[] {
  const found: Access[] = [];
  statementsIn(statements).forEach((s) => {
    if (s.op === "store") found.push(s);
    expressionsOf(s).forEach((e) => loadsOf(e, found));
  });
  return found;
}

/** A loop that is being written. */
interface Frame {
  /** Variables that none of its iterations changes. */
  readonly visible: ReadonlySet<string>;
  /** Locals that hold the beginning of an address. */
  readonly starts: Map<string, number>;
}

export interface Addressing {
  /** The code of an int expression. */
  int(e: Expr): Code;
  /** Where a buffer begins, and the bytes of its elements as a power of two. */
  buffer(name: string): { readonly local: number; readonly shift: number };
}

const keyOf = (buffer: string, terms: readonly Term[]): string =>
  terms
    .map(({ key, coefficient }) => `${coefficient}*${key}`)
    .sort()
    .reduce((sum, term) => `${sum} + ${term}`, buffer);

/** Terms that no iteration changes. */
const unchanged = ({ terms }: Place, visible: ReadonlySet<string>): readonly Term[] =>
  terms.filter((t) => dependsOnlyOn(t.value, visible));

export class Addresses {
  readonly #body: Body;
  readonly #of: Addressing;
  readonly #frames: Frame[] = [];
  /** Of indices that were looked at before: those inside several loops are at each. */
  readonly #places = new Map<Expr, Place>();

  constructor(body: Body, of: Addressing) {
    this.#body = body;
    this.#of = of;
  }

  /** Computes what the accesses of a loop's body have in common, and keeps it while `inside` writes the loop. */
  loop(body: readonly Statement[], visible: ReadonlySet<string>, inside: () => void): void {
    const starts = new Map<string, number>();
    for (const { buffer, index } of accessesIn(body)) {
      const same = unchanged(this.#place(index), visible);
      if (same.length === 0) continue;
      const key = keyOf(buffer, same);
      if (starts.has(key)) continue;
      if (this.#frames.some((f) => f.starts.has(key))) continue;
      const code = this.#sum(buffer, { terms: same, constant: 0 });
      const local = this.#body.local("i32", `${buffer}_at`);
      this.#body.emit(...code, { op: "local.set", local });
      starts.set(key, local);
    }
    this.#frames.push({ visible, starts });
    inside();
    this.#frames.pop();
    for (const local of starts.values()) this.#body.release("i32", local);
  }

  #place(index: Expr): Place {
    const known = this.#places.get(index);
    if (known !== undefined) return known;
    const place = placeOf(index);
    this.#places.set(index, place);
    return place;
  }

  /** The address of a place, from the longest beginning that is known. */
  #sum(buffer: string, place: Place): Code {
    const { local, shift } = this.#of.buffer(buffer);
    let rest = place.terms;
    let start = local;
    for (let i = this.#frames.length - 1; i >= 0; i--) {
      const { visible, starts } = this.#frames[i]!;
      if (starts.size === 0) continue;
      const same = unchanged(place, visible);
      const known = same.length === 0 ? undefined : starts.get(keyOf(buffer, same));
      if (known === undefined) continue;
      start = known;
      rest = rest.filter((t) => !same.includes(t));
      break;
    }
    let code: Code = [{ op: "local.get", local: start }];
    rest.forEach(({ value, coefficient }) => {
      code = code.concat(this.#of.int(value), times(coefficient * 2 ** shift), { op: "i32.add" });
    });
    const bytes = place.constant * 2 ** shift;
    return bytes === 0 ? code : code.concat({ op: "i32.const", value: bytes }, { op: "i32.add" });
  }

  /** The address of an element: a value on the stack and what the instruction adds to it. */
  of({ buffer, index }: Access): { readonly code: Code; readonly offset: number } {
    const place = this.#place(index);
    const bytes = place.constant * 2 ** this.#of.buffer(buffer).shift;
    if (bytes < 0 || bytes >= FIRST_ADDRESS) return { code: this.#sum(buffer, place), offset: 0 };
    return { code: this.#sum(buffer, { ...place, constant: 0 }), offset: bytes };
  }
  /** The same in one value. */
  whole({ buffer, index }: Access): Code {
    return this.#sum(buffer, this.#place(index));
  }
}

function times(factor: number): Code {
  const places = Math.log2(factor);
  if (factor === 1) return [];
  if (Number.isInteger(places)) return [{ op: "i32.const", value: places }, { op: "i32.shl" }];
  return [{ op: "i32.const", value: factor }, { op: "i32.mul" }];
}
