/** Kernels that differ in names only: the blocks of a deep model have the same loops, which are compiled once. */
import type { LoopKernel } from "../../loop/ir.ts";
import { namesIn } from "../../loop/scan.ts";

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
