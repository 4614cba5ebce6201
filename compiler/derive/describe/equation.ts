/** Transitions as text. */
import { write, type Formula } from "./expression.ts";
import type { ProgramState } from "../../graph/ir.ts";
import type { Row } from "./bare.ts";
import { scalarOf, type Addend } from "./transition.ts";

export interface TransitionText {
  /** `W_t = W_{t−1} B + C`, with only what is there. */
  readonly equation: string;
  /** Axes of the state that are rows and columns of W; along all others it holds for each place by itself. */
  readonly rows: readonly number[];
  readonly columns: readonly number[];
  /** Null where the equation itself has the matrices: sums of several products. */
  readonly A: string | null;
  readonly B: string | null;
  /** Elementwise factors; null where there are none. */
  readonly G: string | null;
  readonly C: string;
}

const paper = (x: Formula): string => write(x, "paper");
const factor = (x: Formula): string => (x.kind === "sum" ? `(${paper(x)})` : paper(x));
const before = (name: string): string => `${name}_{t−1}`;

/** Letters for matrices, or the matrices themselves; a number stands in front. */
function addendText(name: string, { A, B, G }: Addend, letters: boolean): string {
  const number = letters || A !== null || G !== null || B === null ? null : scalarOf(B);
  if (number !== null) return `${factor(number)} ${before(name)}`;
  const [a, b, g] = [
    [A, "A"],
    [B, "B"],
    [G, "G"],
  ].map(([x, letter]) => (x === null ? "" : letters ? (letter as string) : factor(x as Formula)));
  return `${g === "" ? "" : `${g} ⊙ `}${a === "" ? "" : `${a} `}${before(name)}${b === "" ? "" : ` ${b}`}`;
}

export function rowText(row: Row, nameOf: (state: ProgramState) => string): TransitionText {
  const { from, C, sides } = row;
  const alone = from.length === 1 && from[0]!.addends.length === 1;
  const one = alone ? from[0]!.addends[0]! : null;
  const parts = from.flatMap((x) => x.addends.map((a) => addendText(nameOf(x.state), a, alone)));
  const constant = C === null ? "0" : paper(C);
  if (constant !== "0") parts.push("C");
  const matrix = (x: Formula | null): string => (x === null ? "I" : paper(x));
  return {
    equation: `${nameOf(row.state)}_t = ${parts.length === 0 ? "0" : parts.join(" + ")}`,
    rows: sides.left,
    columns: sides.right,
    A: one && matrix(one.A),
    B: one && matrix(one.B),
    G: one?.G == null ? null : paper(one.G),
    C: constant,
  };
}
