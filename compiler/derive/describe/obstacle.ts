/** The way from an old state to a new one that keeps a set from being affine, station by station. */
import type { Graph, Node, NodeId, Recurrence } from "../../graph/ir.ts";
import { operands } from "../../graph/shapes.ts";
import type { StateSet } from "../analyse/index.ts";
import { degrees } from "../analyse/degree.ts";
import { inputName } from "../../graph/names.ts";

export interface Station {
  /** The signal or state that the value is (or is part of), and what is done there: `tanh`, `product`. */
  readonly name: string;
  readonly what: string;
  /** Null for what the spec does not write down. */
  readonly place: { readonly file: string; readonly start: number; readonly end: number } | null;
  /** Here a value stops being affine in the states. */
  readonly culprit: boolean;
}

const WORDS: Readonly<Record<string, string>> = {
  add: "sum",
  sub: "difference",
  mul: "product",
  div: "quotient",
  neg: "negative",
  contract: "product",
  select: "choice",
  input: "state",
};

function what(node: Node): string {
  const own = node.op === "unary" || node.op === "binary" || node.op === "reduce" ? node.fn : node.op; // prettier-ignore
  return WORDS[own] ?? own;
}

/** Why a value is not affine in the states although what it is made of is. */
function reason(node: Node, depends: (id: NodeId) => boolean): string {
  const own = what(node);
  if (node.op === "contract" || (node.op === "binary" && node.fn === "mul")) {
    return "product of two values that both depend on the states";
  }
  if (node.op === "binary" && node.fn === "div") return "division by a value that depends on the states"; // prettier-ignore
  if (node.op === "select" && depends(node.cond)) return "choice by a condition that depends on the states"; // prettier-ignore
  return `${own} of a value that depends on the states`;
}

/** Neighbours that are one statement of the spec are one station; the culprit stands alone. */
export function stationsOf(recurrence: Recurrence, set: StateSet): Station[] | null {
  if (set.obstacle === null) return null;
  const { body } = recurrence;
  const states = new Set(set.carries.map((i) => recurrence.carries[i]!.input));
  const found = degrees(body, states);
  const other = (id: NodeId): boolean => found[id] === "other";
  const isCulprit = (id: NodeId): boolean => other(id) && !operands(body.nodes[id]!).some(other);
  const stations: Station[] = [];
  for (const id of set.obstacle) {
    const made = station(body, id, isCulprit(id), (x) => found[x] !== "free");
    const last = stations.at(-1);
    const same =
      last !== undefined &&
      last.name === made.name &&
      last.place?.start === made.place?.start &&
      last.place?.file === made.place?.file;
    if (same && !last.culprit && !made.culprit) continue;
    if (same && last.culprit) continue;
    if (same) stations.pop();
    stations.push(made);
  }
  return stations;
}

function station(
  body: Graph,
  id: NodeId,
  culprit: boolean,
  depends: (id: NodeId) => boolean,
): Station {
  const node = body.nodes[id]!;
  const { origin } = node;
  const name = origin?.label ?? (node.op === "input" ? node.name : what(node));
  return {
    name: inputName(name),
    what: culprit ? reason(node, depends) : what(node),
    place: origin === null ? null : { file: origin.file, start: origin.start, end: origin.end },
    culprit,
  };
}
