/**
 * Products of few rows, one vector and a matrix first of all: nothing is used often enough to be worth copying into panels.
 * Sums of several columns are under way while the matrix goes by once, for all rows; the columns are what threads
 * share. How many rows there are is often known only when a kernel runs: then it has both ways.
 */
import { constant, dim, multiply, product, type Dim } from "../dims.ts";
import { valueName } from "../graph/names.ts";
import type { ContractNode } from "../graph/ir.ts";
import { binary, int } from "../loop/build.ts";
import type { Expr } from "../loop/ir.ts";
import { fixed, ofVariable, shifted, stridesOf, type Affine } from "./affine.ts";
import { classify, labelSizes } from "../graph/products.ts";
import { LANES } from "./jam.ts";
import { joined } from "./joined.ts";
import { finished, homeOf, loopName, loops, type Lowering } from "./lower.ts";
import { isStored, labelsAt, sidesOf, type Side } from "./sides.ts";
import type { Stage, StageLoop } from "./stages.ts";

/**
 * From so many rows on panels pay: where neighbours in the matrix are terms of one sum, and where they are columns, as many
 * sums are under way as a block of columns has and go through memory. Measured on products of the language model.
 */
const MANY = { terms: 12, columns: 4 } as const;

export interface FewRows {
  /** Whether there are few, an expression over the kernel's sizes. */
  readonly condition: Expr;
  /** What they are fewer than. */
  readonly many: number;
  /** What lies side by side in the matrix, for machines that care. */
  readonly beside: "terms" | "columns";
  readonly rows: Side;
  readonly columns: Side;
}

/** The side of a product that may turn out to be a few rows, if one may. */
export function fewRows(l: Lowering, node: ContractNode): FewRows | null {
  const { a, b } = sidesOf(node, labelSizes(l.plan.region.graph, node));
  const known = [a, b].map((side) => constant(side.count) !== undefined);
  if (known[0] === known[1]) return null;
  const [rows, columns] = known[0] === true ? [b, a] : [a, b];
  const across = columns.labels.includes(columns.last!);
  const beside = l.memory.machine.kind === "vector" && across ? "columns" : "terms";
  const many = MANY[beside];
  const condition = binary("lt", l.emitter.size(rows.count), int(many));
  return { condition, many, beside, rows, columns };
}

export function emitFew(
  l: Lowering,
  s: Stage,
  node: ContractNode,
  { many, beside, rows, columns }: FewRows,
): void {
  const { emitter, plan } = l;
  const sizes = labelSizes(plan.region.graph, node);
  const { summed, batch } = sidesOf(node, sizes);
  const { region } = plan;
  const stored = isStored(region, rows.operand);
  if (!stored) copyRows(l, rows, many, sizes);
  const home = homeOf(l, s);
  const all = classify(node).summed;
  const single = summed.map((label): StageLoop => ({
    axis: all.indexOf(label),
    extent: sizes.get(label)!,
    step: dim(1),
  }));
  const reducing = joined(region, node, single);
  const at = new Map<number, Affine>();
  /** Loops over labels, `inside` within them. */
  const each = (
    labels: readonly number[],
    spread: "serial" | "independent",
    inside: () => void,
  ) => {
    for (const label of labels) {
      const extent = sizes.get(label)!;
      at.set(label, ofVariable(emitter.open(loopName(extent, at.size), extent, { spread })));
    }
    inside();
    for (const label of labels) {
      at.delete(label);
      emitter.close();
    }
  };
  /** The sums of some columns side by side, for all rows. */
  const sums = (lanes: readonly ReadonlyMap<number, Affine>[]): void =>
    each(rows.labels, "serial", () => {
      const indices = lanes.map((lane) =>
        node.outLabels.map((label) => at.get(label) ?? lane.get(label) ?? fixed(0)),
      );
      const totals = l.reduce(node, reducing, indices);
      indices.forEach((index, i) => {
        const value = finished(l, s, node, index, totals[i]!.expr);
        l.store(home, index, value, s.target?.add ?? false);
      });
    });

  each(batch, "independent", () => {
    if (beside === "columns") {
      // The loop over neighbours moves inside the sums (see interchange.ts).
      const last = columns.last!;
      const order = [...columns.labels.filter((label) => label !== last), last];
      each(order, "independent", () => sums([at]));
      return;
    }
    const count = constant(columns.count)!;
    const share = Math.floor(count / LANES);
    // Columns far apart: each is read on from where the one before it ended, which memory is quick at.
    const some = (extent: number, from: number, starts: readonly number[]): void => {
      const c = emitter.open("c", dim(extent), { from: int(from), spread: "independent" });
      l.evaluator.sharedAlong = starts.length > 1 ? c.name : null;
      const places = starts.map((start) => shifted(ofVariable(c), dim(start)));
      sums(places.map((place) => labelsAt(emitter, sizes, columns, place, 1, fixed(0))));
      l.evaluator.sharedAlong = null;
      emitter.close();
    };
    if (share > 0)
      some(
        share,
        0,
        Array.from({ length: LANES }, (_, i) => i * share),
      );
    if (share * LANES < count) some(count, share * LANES, [0]);
  });
  // The other way computes them in passing.
  if (!stored) region.locations.delete(rows.operand);
}

/** Copies the rows, so that no element is computed again for every few columns. There are fewer than `many`. */
function copyRows(l: Lowering, rows: Side, many: number, sizes: ReadonlyMap<number, Dim>): void {
  const { emitter, memory, plan } = l;
  const { region } = plan;
  const operand = region.node(rows.operand);
  const others = rows.operandLabels.filter((label) => !rows.labels.includes(label));
  const row = product(others.map((label) => sizes.get(label)!));
  const length = multiply(dim(many - 1), row);
  const buffer = memory.scratch(`${valueName(operand)}_rows`, memory.precision, length, true);
  const strides = stridesOf(operand.shape);
  const copy = { kind: "buffer", buffer, offset: fixed(0), strides, depth: emitter.depth } as const;
  loops(l, operand.shape, (index) =>
    l.store(copy, index, l.evaluator.value(region, operand.id, index).expr, false),
  );
  region.locations.set(operand.id, copy);
}
