/**
 * The two kinds of int in C. Places and lengths are `int64_t`: they never leave 32 bits, and signed arithmetic that may be
 * taken as free of overflow is what lets a compiler see that addresses follow each other. What was read from memory, cut
 * from a float or mixed as bits is a word, `int32_t`, whose sums and products wrap around as the loop language says.
 */
import type { Expr, LoopKernel, Statement } from "../../loop/ir.ts";
import { bodiesOf } from "../../loop/scan.ts";

const isBits = (fn: string): boolean =>
  fn.startsWith("bit_") || fn.startsWith("shift_") || fn === "mul_high";

/** Whether an int expression is a word, given which variables are. A place among its operands makes it a place. */
export function isWord(e: Expr, words: ReadonlySet<string>): boolean {
  switch (e.op) {
    case "load":
      return true;
    case "variable":
      return words.has(e.name);
    case "unary":
      return e.fn === "int_of_float" || (e.fn !== "float_of_int" && isWord(e.x, words));
    case "binary":
      return isBits(e.fn) || bothWords(e.a, e.b, words);
    case "select":
      return bothWords(e.a, e.b, words);
    case "number":
    case "splat":
    case "ramp":
    case "across":
    case "sums":
    case "shuffle":
      return false;
  }
}

function bothWords(a: Expr, b: Expr, words: ReadonlySet<string>): boolean {
  const x = isWord(a, words);
  const y = isWord(b, words);
  return (x && y) || (x && b.op === "number") || (y && a.op === "number");
}

/** The int variables of a kernel that hold words. */
export function wordsOf(kernel: LoopKernel): ReadonlySet<string> {
  const given: { readonly name: string; readonly value: Expr }[] = [];
  const visit = (s: Statement): void => {
    if ((s.op === "define" || s.op === "assign") && s.value.type.kind === "int") given.push(s);
    bodiesOf(s).forEach((body) => body.forEach(visit));
  };
  kernel.body.forEach(visit);
  const words = new Set<string>();
  for (let before = -1; before !== words.size;) {
    before = words.size;
    for (const { name, value } of given) if (isWord(value, words)) words.add(name);
  }
  return words;
}
