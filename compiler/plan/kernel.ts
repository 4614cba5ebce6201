/** One kernel written: from nested stages to statements, as the machine wants them. */
import { dim } from "../dims.ts";
import { askedAhead } from "../loop/ahead.ts";
import { withoutQuestions } from "../loop/cuts.ts";
import type { Expr, LoopKernel, Statement } from "../loop/ir.ts";
import { sumsInRegisters } from "../loop/registers.ts";
import { buffersIn } from "../loop/scan.ts";
import { shortLoopsWrittenOut } from "../loop/short.ts";
import type { Fresh } from "../loop/split.ts";
import { extremesAsVectors } from "../loop/vectorise.ts";
import { Emitter, type Naming } from "./emitter.ts";
import { interchange, type Names } from "./interchange.ts";
import { Lowering, type WholeWriter } from "./lower.ts";
import type { Memory } from "./memory.ts";
import type { Nest } from "./order.ts";
import type { RegionPlan } from "./place.ts";
import { rowsTogether } from "./rows.ts";
import { emitSegments } from "./segments.ts";
import { spreadLoops } from "./spread.ts";
import { emitWhole } from "./whole.ts";

/** A kernel of an entry. For machines with threads it says how they share it. */
export interface PlannedKernel extends LoopKernel {
  readonly spread: {
    /** Buffers of which every thread needs one of its own. */
    readonly privates: ReadonlySet<string>;
    /** About how many elements it computes, an int expression over its sizes. */
    readonly work: Expr;
  } | null;
}

const WRITER: WholeWriter = { stage: emitWhole, segments: emitSegments };

/** What a kernel is called, which is known when it has its memory. */
export type Called = () => Pick<LoopKernel, "name" | "title">;

export interface Written {
  readonly kernel: PlannedKernel;
  readonly namings: readonly Naming[];
}

export function writeKernel(
  plan: RegionPlan,
  nests: readonly Nest[],
  memory: Memory,
  called: Called,
): Written {
  const emitter = new Emitter(memory);
  memory.kernel = emitter;
  new Lowering(plan, emitter, memory, WRITER).nests(nests);
  const body = forVectors(emitter, memory);
  const { namings } = emitter;
  const kernel: LoopKernel = {
    ...called(),
    buffers: [...buffersIn(body)].map(([name, access]) => memory.describe(name, access)),
    sizes: emitter.sizes,
    body,
  };
  if (memory.machine.kind === "scalar") return { kernel: { ...kernel, spread: null }, namings };
  const spread = spreadLoops(kernel, (name) => memory.buffers.get(name)?.local ?? false);
  return { kernel: { ...kernel, body: spread.body, spread }, namings };
}

/** What a machine with vectors wants otherwise: neighbouring sums made together. */
function forVectors(emitter: Emitter, memory: Memory): readonly Statement[] {
  const { machine, precision } = memory;
  if (machine.kind === "scalar") return emitter.statements;
  const fresh: Fresh = { fresh: (wish) => emitter.name(wish, "variable") };
  const names = (what: string): Names => ({
    ...fresh,
    array: (wish, length) => memory.scratch(`${wish}_${what}`, precision, dim(length), true, "variable"), // prettier-ignore
  });
  // Where random numbers are drawn floats are computed wider than they are kept.
  const plain = !emitter.draws;
  const lanes = precision === "f64" ? machine.lanes / 2 : machine.lanes;
  const wanted = plain ? emitter.sideBySide : new Set<string>();
  const pieces = withoutQuestions(emitter.statements, fresh);
  const rows = rowsTogether(pieces, wanted, lanes, names("rows"));
  const columns = interchange(rows, names("columns"));
  if (!plain || !machine.together) return columns;
  const sums = extremesAsVectors(sumsInRegisters(columns, lanes, fresh), lanes, fresh);
  const short = shortLoopsWrittenOut(sums, lanes, fresh);
  return askedAhead(short, (name) => memory.buffers.get(name)?.local !== true, fresh);
}
