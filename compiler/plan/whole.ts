/** Operations with loops of their own: what cannot be had element by element. */
import { InternalError } from "../../diagnostics/diagnostic.ts";
import { dim, subtract } from "../dims.ts";
import type { AppendNode, ConcatNode, CumsumNode, ScatterNode } from "../graph/ir.ts";
import { add, float, int } from "../loop/build.ts";
import { fixed, minus, ofVariable, sameAffine, shifted, type Affine } from "./affine.ts";
import { emitFew, fewRows } from "./few.ts";
import { homeOf, loopName, loops, valueAt, type Lowering } from "./lower.ts";
import { emitProduct } from "./product.ts";
import { emitRandom } from "./random.ts";
import { emitRecurrence } from "./recurrence.ts";
import { emitSolve } from "./solve.ts";
import type { Stage } from "./stages.ts";
import { emitTiled } from "./tiled.ts";

/** `sequence`: the number of the sequence, where the loop over sequences is open already. */
export function emitWhole(l: Lowering, s: Stage, sequence: Affine | null): void {
  const node = l.plan.region.node(s.node);
  const product = l.plan.choice.finished.get(s.node) ?? s.node;
  if (l.plan.choice.blocked.has(product)) {
    const contract = l.plan.region.node(product);
    const { machine } = l.memory;
    if (contract.op === "contract") {
      const inBlocks = () =>
        machine.kind === "vector"
          ? emitTiled(l, s, contract, machine)
          : emitProduct(l, s, contract);
      const few = fewRows(l, contract);
      if (few === null) return inBlocks();
      return l.emitter.when(few.condition, () => emitFew(l, s, contract, few), inBlocks);
    }
  }
  switch (node.op) {
    case "concat":
      return emitConcat(l, s, node);
    case "cumsum":
      return emitCumsum(l, s, node);
    case "scatter":
      return emitScatter(l, s, node);
    case "solve":
      return emitSolve(l, s, node);
    case "append":
      return emitAppend(l, s, node);
    case "random":
      return emitRandom(l, s, node);
    case "recurrence":
      return emitRecurrence(l, node, sequence);
    default:
      throw new InternalError(`${node.op} has no loops of its own`);
  }
}

function emitConcat(l: Lowering, s: Stage, node: ConcatNode): void {
  const home = homeOf(l, s);
  let start = dim(0);
  for (const x of node.xs) {
    const shape = l.plan.region.node(x).shape;
    const from = start;
    loops(l, shape, (index) => {
      const to = index.map((a, i) => (i === node.axis ? shifted(a, from) : a));
      l.store(home, to, valueAt(l, x, index), s.target?.add ?? false);
    });
    start = subtract(start, subtract(dim(0), shape[node.axis]!));
  }
}

function emitCumsum(l: Lowering, s: Stage, node: CumsumNode): void {
  const { emitter } = l;
  const home = homeOf(l, s);
  const length = node.shape[node.axis]!;
  const others = node.shape.filter((_, i) => i !== node.axis);
  loops(l, others, (lead) => {
    const zero = node.dtype === "int" ? int(0) : float(0);
    const total = emitter.define("total", zero, true);
    const v = ofVariable(emitter.open(loopName(length, others.length), length));
    const at = node.reverse ? minus(fixed(subtract(length, dim(1))), v) : v;
    const index = [...lead.slice(0, node.axis), at, ...lead.slice(node.axis)];
    const adding = s.target?.add ?? false;
    if (node.exclusive) l.store(home, index, total, adding);
    emitter.assign(total, add(total, valueAt(l, node.x, index)));
    if (!node.exclusive) l.store(home, index, total, adding);
    emitter.close();
  });
}

function emitScatter(l: Lowering, s: Stage, node: ScatterNode): void {
  const { emitter } = l;
  const { region } = l.plan;
  const home = homeOf(l, s);
  if (!(s.target?.add ?? false)) {
    loops(l, node.shape, (index) => l.store(home, index, float(0), false));
  }
  // Rows of equal index are added up: these loops are not independent.
  const lead = region.node(node.index).shape;
  const places = lead.map((d, i) => ofVariable(emitter.open(loopName(d, i), d)));
  const row = emitter.opaqueIndex(
    l.evaluator.value(region, node.index, places),
    node.shape[0]!,
    "row",
  );
  loops(
    l,
    node.shape.slice(1),
    (rest) => l.store(home, [row, ...rest], valueAt(l, node.updates, [...places, ...rest]), true),
    lead.length,
  );
  for (let i = 0; i < lead.length; i++) emitter.close();
}

function emitAppend(l: Lowering, s: Stage, node: AppendNode): void {
  const { emitter } = l;
  const { region } = l.plan;
  const home = homeOf(l, s);
  const source = region.locations.get(node.x);
  const inPlace =
    source?.kind === "buffer" &&
    source.buffer === home.buffer &&
    sameAffine(source.offset, home.offset);
  if (!inPlace)
    loops(l, node.shape, (index) => l.store(home, index, valueAt(l, node.x, index), false));
  const at = l.evaluator.value(region, node.at, []);
  const row = emitter.opaqueIndex(at, node.shape[0]!, "row");
  loops(l, node.shape.slice(1), (rest) =>
    l.store(home, [row, ...rest], valueAt(l, node.row, rest), false),
  );
}
