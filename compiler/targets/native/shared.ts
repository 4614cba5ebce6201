/** Kernels that differ in names only: the blocks of a deep model have the same loops, which are compiled once. */
import type { LoopKernel, Statement } from "../../loop/ir.ts";
import { bodiesOf } from "../../loop/scan.ts";

function namesIn(kernel: LoopKernel): Set<string> {
  const names = new Set([...kernel.buffers.map((b) => b.name), ...kernel.sizes]);
  const visit = (s: Statement): void => {
    if (s.op === "define") names.add(s.name);
    if (s.op === "for") names.add(s.variable);
    for (const body of bodiesOf(s)) body.forEach(visit);
  };
  kernel.body.forEach(visit);
  return names;
}

/** The printed lines of a kernel with its own names numbered in the order in which they come, and without comments. */
export function keyOf(kernel: LoopKernel, lines: readonly string[]): string {
  const own = namesIn(kernel);
  const numbers = new Map<string, number>();
  return lines
    .filter((line) => !/^\s*\/\//.test(line))
    .join("\n")
    .replace(/[A-Za-z_]\w*/g, (word) => {
      if (!own.has(word)) return word;
      const number = numbers.get(word) ?? numbers.size;
      numbers.set(word, number);
      return `$${number}`;
    });
}
