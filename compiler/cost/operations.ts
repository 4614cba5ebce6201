/** What one node of a graph costs, whichever graph it stands in. */
import { evaluateDim, type Dim, type Shape } from "../dims.ts";
import { InternalError, unreachable } from "../../diagnostics/diagnostic.ts";
import type { Node, NodeId, UnaryFn } from "../graph/ir.ts";
import type { Sizes } from "../../runtime/format/program.ts";

/** The number of a size. */
export type SizeOf = (d: Dim) => number;

/** Sizes in which only those of the run are open. @throws InternalError for a size with another name. */
export function sizesOf({ batch, time, past }: Sizes): SizeOf {
  const known: Readonly<Record<string, number>> = { $batch: batch, $time: time, $past: past };
  return (d) =>
    evaluateDim(d, (atom) => {
      const value = known[atom.key];
      if (value === undefined) throw new InternalError(`the size ${atom.name} has no number`);
      return value;
    });
}

export const elementsOf = (shape: Shape, size: SizeOf): number =>
  shape.reduce((n, d) => n * size(d), 1);

/** How an operation goes through its numbers, which decides how fast it is. */
export type Manner =
  /** Matrix by matrix: every number that is loaded is used many times. */
  | "product"
  /** Matrix by vector: every number of the matrix is used once. */
  | "sweep"
  /** A triangular system. */
  | "solve"
  | "elementwise"
  /** exp, tanh, … */
  | "function";

export interface Operation {
  /** Multiplications, additions and elementary functions, each counted as one. Moving numbers counts nothing. */
  readonly flops: number;
  readonly manner: Manner;
  /** Separate products of matrices and triangular systems: each begins and ends, however small it is. */
  readonly matrices: number;
}

const FUNCTIONS: ReadonlySet<UnaryFn> = new Set<UnaryFn>(["exp", "log", "log1p", "expm1", "sin", "cos", "tanh", "sigmoid", "softplus", "erf"]); // prettier-ignore

const elementwise = (flops: number): Operation => ({ flops, manner: "elementwise", matrices: 0 });
const functions = (flops: number): Operation => ({ flops, manner: "function", matrices: 0 });

function contraction(
  node: Extract<Node, { op: "contract" }>,
  at: (id: NodeId) => Node,
  size: SizeOf,
): Operation {
  const lengths = new Map<number, number>();
  for (const [labels, id] of [
    [node.aLabels, node.a],
    [node.bLabels, node.b],
  ] as const) {
    for (const [i, label] of labels.entries()) lengths.set(label, size(at(id).shape[i]!));
  }
  const [a, b, out] = [node.aLabels, node.bLabels, node.outLabels].map((l) => new Set(l));
  const volume = (wanted: (label: number) => boolean): number =>
    [...lengths].reduce((n, [label, length]) => (wanted(label) ? n * length : n), 1);
  const all = volume(() => true);
  const summed = volume((l) => !out!.has(l));
  if (summed === 1) return elementwise(all);
  const rows = volume((l) => out!.has(l) && !b!.has(l));
  const columns = volume((l) => out!.has(l) && !a!.has(l));
  // A sum adds as often as it multiplies.
  if (rows === 1 || columns === 1) return { flops: 2 * all, manner: "sweep", matrices: 0 };
  const matrices = volume((l) => out!.has(l) && a!.has(l) && b!.has(l));
  return { flops: 2 * all, manner: "product", matrices };
}

export function operationOf(node: Node, at: (id: NodeId) => Node, size: SizeOf): Operation {
  const of = (id: NodeId): number => elementsOf(at(id).shape, size);
  switch (node.op) {
    case "unary":
      return (FUNCTIONS.has(node.fn) ? functions : elementwise)(elementsOf(node.shape, size));
    case "binary":
    case "select":
      return elementwise(elementsOf(node.shape, size));
    case "reduce":
    case "cumsum":
      return elementwise(of(node.x));
    case "contract":
      return contraction(node, at, size);
    case "scatter":
      return elementwise(of(node.updates));
    case "place":
      return elementwise(of(node.value));
    case "solve": {
      const n = size(at(node.matrix).shape.at(-1)!);
      const matrices = of(node.matrix) / n ** 2;
      return { flops: n * elementsOf(node.shape, size), manner: "solve", matrices };
    }
    case "random":
      return functions(elementsOf(node.shape, size));
    case "input":
    case "constant":
    case "size":
    case "iota":
    case "broadcast":
    case "transpose":
    case "reshape":
    case "slice":
    case "pad":
    case "concat":
    case "roll":
    case "reverse":
    case "gather":
    case "pick":
    case "append":
    case "stop":
    case "recurrence":
    case "result":
      return elementwise(0);
    default:
      return unreachable(node);
  }
}

/** Whether a target stores the node's value, rather than compute it where it is used. */
export function isStored(node: Node): boolean {
  switch (node.op) {
    case "contract":
    case "reduce":
    case "cumsum":
    case "solve":
    case "scatter":
    case "concat":
    case "recurrence":
      return true;
    case "input":
    case "constant":
    case "size":
    case "iota":
    case "random":
    case "unary":
    case "binary":
    case "select":
    case "broadcast":
    case "transpose":
    case "reshape":
    case "slice":
    case "pad":
    case "roll":
    case "reverse":
    case "gather":
    case "pick":
    case "place":
    case "append":
    case "stop":
    case "result":
      return false;
    default:
      return unreachable(node);
  }
}
