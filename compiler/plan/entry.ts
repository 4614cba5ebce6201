/** From a sequence program to kernels: the whole plan of one entry. */
import { InternalError } from "../../diagnostics/diagnostic.ts";
import type {
  BufferRole,
  BufferSpec,
  EntrySpec,
  ScratchSpec,
  SizeExpr,
} from "../../runtime/format/program.ts";
import { dim, product, type Dim, type DimFunction, type Shape } from "../dims.ts";
import type { SequenceProgram } from "../graph/program.ts";
import type { DType } from "../graph/ir.ts";
import { buffersIn, drawsRandom } from "../loop/scan.ts";
import { withoutQuestions } from "../loop/cuts.ts";
import { sumsInRegisters } from "../loop/registers.ts";
import { shortLoopsWrittenOut } from "../loop/short.ts";
import type { Fresh } from "../loop/split.ts";
import { extremesAsVectors } from "../loop/vectorise.ts";
import type { Expr, LoopKernel, Statement } from "../loop/ir.ts";
import { Emitter } from "./emitter.ts";
import { equationOf } from "./equation.ts";
import { interchange, type Names } from "./interchange.ts";
import { Lowering } from "./lower.ts";
import { SCALAR, type Machine } from "./machine.ts";
import { asIdentifier } from "./names.ts";
import { assignHomes, nameOf, planRegion, rowMajor, type Sink } from "./place.ts";
import { Memory, type Precision } from "./memory.ts";
import { groups, nest, schedule } from "./order.ts";
import type { Region } from "./region.ts";
import { rowsTogether } from "./rows.ts";
import { spreadLoops } from "./spread.ts";
import type { Stage } from "./stages.ts";
import { emitWhole } from "./whole.ts";

export interface CompileOptions {
  /** Element type of floats in memory. */
  readonly precision?: Precision;
  /** What the kernels are for: a machine that takes one number at a time by default. */
  readonly machine?: Machine;
}

/** A kernel of an entry. For machines with threads it says how they share it. */
export interface PlannedKernel extends LoopKernel {
  readonly spread: {
    /** Buffers of which every thread needs one of its own. */
    readonly privates: ReadonlySet<string>;
    /** About how many elements it computes, an int expression over its sizes. */
    readonly work: Expr;
  } | null;
}

export interface CompiledEntry {
  readonly spec: EntrySpec;
  readonly kernels: readonly PlannedKernel[];
  /** Names of the buffers as kernels call them, in the order inputs, outputs, scratch. Shared memory has one name. */
  readonly buffers: readonly string[];
}

/** A size of the compiler as the runtime reads it. */
export function sizeExpr(d: Dim): SizeExpr {
  const terms = d.terms.map((t): SizeExpr => {
    const factors: SizeExpr[] = t.atoms.map((atom): SizeExpr => {
      if (atom.kind === "opaque") {
        return { op: runtimeFunction(atom.fn), args: atom.args.map(sizeExpr) };
      }
      const name = atom.key.slice(1);
      if (name !== "batch" && name !== "time" && name !== "past") {
        throw new InternalError(`the size ${atom.name} has no number`);
      }
      return name;
    });
    if (t.coefficient !== 1 || factors.length === 0) factors.unshift(t.coefficient);
    return factors.length === 1 ? factors[0]! : { op: "mul", args: factors };
  });
  if (terms.length === 0) return 0;
  return terms.length === 1 ? terms[0]! : { op: "add", args: terms };
}

function runtimeFunction(fn: DimFunction): "div" | "ceildiv" | "mod" | "max" | "min" {
  if (fn === "ceil_log2" || fn === "floor_log2") {
    throw new InternalError(`${fn} of a run-time size`);
  }
  return fn;
}

const bufferSpec = (
  memory: Memory,
  port: { role: BufferRole; name: string; shape: Shape; dtype: DType },
): BufferSpec => ({
  role: port.role,
  name: port.name,
  type: memory.elementType(port.dtype),
  shape: port.shape.map(sizeExpr),
});

/** Compiles a program in which every size but the run-time ones is a number. */
export function compileEntry(
  program: SequenceProgram,
  entryName: string,
  options: CompileOptions = {},
): CompiledEntry {
  const { graph } = program;
  const memory = new Memory(options.precision ?? "f32", options.machine ?? SCALAR);
  const inputNames = program.inputs.map((p) =>
    memory.port(p.name, memory.elementType(p.dtype), product(p.shape)),
  );
  const sinks: Sink[] = [];
  const outputNames = program.outputs.map((p) => {
    // Parameters and what the optimiser keeps are written over the inputs of the same name.
    const same =
      p.role === "parameter" || p.role === "optimizer"
        ? program.inputs.findIndex((i) => i.role === p.role && i.name === p.name)
        : -1;
    const wish =
      p.role === "gradient" ? `d_${p.name}` : p.role === "state" ? `${p.name}_next` : p.name;
    const name =
      inputNames[same] ?? memory.port(wish, memory.elementType(p.dtype), product(p.shape));
    const overwrites = same < 0 ? null : program.inputs[same]!.node;
    if (overwrites === p.node) return name;
    sinks.push({
      node: p.node,
      target: { location: rowMajor(name, p.shape, 0), add: false },
      overwrites,
    });
    return name;
  });
  const place = (region: Region): void => {
    program.inputs.forEach((p, i) =>
      region.locations.set(p.node, rowMajor(inputNames[i]!, p.shape, 0)),
    );
  };
  const bySequence = memory.machine.kind === "vector" && memory.machine.together;
  const plan = planRegion(graph, sinks, 0, place, bySequence);
  const order = schedule(plan.stages, plan.deps);
  const kernelStages = groups(order, plan.deps);
  const nests = kernelStages.map((stages) => nest(stages, plan.deps, memory.machine));
  assignHomes(plan, nests, memory, null);
  const kernels = nests.map((list, k): PlannedKernel => {
    const emitter = new Emitter(memory);
    memory.locals = emitter;
    new Lowering(plan, emitter, memory, emitWhole).nests(list);
    const body = forVectors(emitter, memory);
    const uses = buffersIn(body);
    const kernel: LoopKernel = {
      name: kernelName(`${entryName}_${nameOfStages(plan.region, kernelStages[k]!)}`, memory),
      title: titleOf(plan.region, plan.choice.roots, kernelStages[k]!),
      buffers: [...uses].map(([name, access]) => memory.describe(name, access)),
      sizes: emitter.sizes,
      body,
    };
    if (memory.machine.kind === "scalar") return { ...kernel, spread: null };
    const spread = spreadLoops(kernel, (name) => memory.buffers.get(name)?.local ?? false);
    return { ...kernel, body: spread.body, spread };
  });
  const scratch = scratchSpecs(memory, kernels);
  return {
    spec: {
      name: entryName,
      inputs: program.inputs.map((p) => bufferSpec(memory, p)),
      outputs: program.outputs.map((p) => bufferSpec(memory, p)),
      scratch,
      kernels: kernels.map((k) => k.title),
    },
    kernels,
    buffers: [...inputNames, ...outputNames, ...scratch.map((s) => s.name)],
  };
}

/** What a machine with vectors wants otherwise: neighbouring sums made together. */
function forVectors(emitter: Emitter, memory: Memory): readonly Statement[] {
  const { machine, precision } = memory;
  if (machine.kind === "scalar") return emitter.statements;
  const fresh: Fresh = { fresh: (wish) => emitter.name(wish) };
  const names = (what: string): Names => ({
    ...fresh,
    array: (wish, length) => memory.scratch(`${wish}_${what}`, precision, dim(length), true),
  });
  // Where random numbers are drawn floats are computed wider than they are kept.
  const plain = !drawsRandom(emitter.statements);
  const lanes = precision === "f64" ? machine.lanes / 2 : machine.lanes;
  const wanted = plain ? emitter.sideBySide : new Set<string>();
  const pieces = withoutQuestions(emitter.statements, fresh);
  const rows = rowsTogether(pieces, wanted, lanes, names("rows"));
  const columns = interchange(rows, names("columns"));
  if (!plain || !machine.together) return columns;
  const sums = extremesAsVectors(sumsInRegisters(columns, lanes, fresh), lanes, fresh);
  return shortLoopsWrittenOut(sums, lanes, fresh);
}

function scratchSpecs(memory: Memory, kernels: readonly PlannedKernel[]): ScratchSpec[] {
  const lives = new Map<string, { first: number; last: number }>();
  const privates = new Set(kernels.flatMap((k) => [...(k.spread?.privates ?? [])]));
  kernels.forEach((kernel, k) => {
    for (const b of kernel.buffers) {
      if (memory.buffers.get(b.name)?.kind !== "scratch") continue;
      const life = lives.get(b.name);
      if (life === undefined) lives.set(b.name, { first: k, last: k });
      else life.last = k;
    }
  });
  return [...lives].map(([name, life]) => {
    const { type, length } = memory.buffers.get(name)!;
    const own = privates.has(name) ? { private: true as const } : {};
    return { name, type, length: sizeExpr(length), ...life, ...own };
  });
}

function nameOfStages(region: Region, stages: readonly Stage[]): string {
  const last = stages.at(-1)!;
  const labelled = stages.find((s) => region.node(s.node).origin?.label != null) ?? last;
  return nameOf(region, region.node(labelled.node));
}

function titleOf(
  region: Region,
  roots: ReadonlySet<Parameters<Region["node"]>[0]>,
  stages: readonly Stage[],
): string {
  const [first] = stages;
  const node = region.node(first!.node);
  const equation = node.op === "recurrence" ? null : equationOf(region.graph, roots, node);
  const more = stages.length === 1 ? "" : ` and ${stages.length - 1} more`;
  if (node.op === "recurrence") {
    const one = (s: Stage): string => {
      const x = region.node(s.node);
      if (x.op !== "recurrence") throw new InternalError("a loop over time beside something else");
      const states = x.recurrence.carries.map((c) => c.name).join(", ");
      return `of ${states}${x.recurrence.reverse ? ", backwards" : ""}`;
    };
    return `recurrence ${stages.map(one).join(", then ")}`;
  }
  return `${equation ?? nameOf(region, node)}${more}`;
}

function kernelName(wish: string, memory: Memory): string {
  const clean = asIdentifier(wish);
  let name = clean;
  for (let i = 2; memory.has(name) || memory.functions.has(name); i++) name = `${clean}_${i}`;
  memory.functions.add(name);
  return name;
}
