/** A loop in blocks of so many iterations, and the iterations that are left over. */
import { add, binary, int, intVariable, sub } from "./build.ts";
import type { Expr, LoopKernel, Statement } from "./ir.ts";
import { namesIn } from "./scan.ts";

export type Loop = Extract<Statement, { op: "for" }>;
export const isLoop = (s: Statement): s is Loop => s.op === "for";

/** Gives names that nothing in a kernel has yet. */
export interface Fresh {
  fresh(wish: string): string;
}

export class Names implements Fresh {
  readonly #taken: Set<string>;

  constructor(kernel: LoopKernel) {
    this.#taken = namesIn(kernel);
  }
  fresh(wish: string): string {
    let name = wish;
    for (let i = 2; this.#taken.has(name); i++) name = `${wish}_${i}`;
    this.#taken.add(name);
    return name;
  }
}

/**
 * `blocks`: what runs a whole number of blocks of `size` iterations, from the loop's start to `middle`; `rest`: the loop
 * itself from there on. Neither is there where it has nothing to do.
 */
export function split(
  loop: Loop,
  size: number,
  names: Fresh,
  blocks: (from: Expr, middle: Expr) => readonly Statement[],
): Statement[] {
  const { from, to, step } = loop;
  const whole = size * step;
  if (from.op === "number" && to.op === "number") {
    const count = Math.max(0, Math.floor((to.value - from.value) / whole));
    const middle = int(from.value + count * whole);
    const rest =
      middle.op === "number" && middle.value < to.value ? [{ ...loop, from: middle }] : [];
    return count === 0 ? [loop] : [...blocks(from, middle), ...rest];
  }
  const name = names.fresh(`${loop.variable}_middle`);
  // Towards zero: of a loop that does not run at all the middle is not below its end.
  const count = binary("div", sub(to, from), int(whole));
  const value = add(from, binary("mul", count, int(whole)));
  const middle: Statement = { op: "define", name, type: value.type, mutable: false, value };
  return [middle, ...blocks(from, intVariable(name)), { ...loop, from: intVariable(name) }];
}
