/** From a sequence program to kernels: the whole plan of one entry. */
import { InternalError } from "../../diagnostics/diagnostic.ts";
import type {
  BufferRole,
  BufferSpec,
  EntrySpec,
  ScratchSpec,
  SizeExpr,
} from "../../runtime/format/program.ts";
import { product, type Dim, type DimFunction, type Shape } from "../dims.ts";
import type { SequenceProgram } from "../graph/program.ts";
import type { DType } from "../graph/ir.ts";
import { equationOf } from "./equation.ts";
import type { PlannedKernel } from "./kernel.ts";
import { SCALAR, type Machine } from "./machine.ts";
import { asIdentifier } from "./names.ts";
import { assignHomes, nameOf, planRegion, rowMajor, type Sink } from "./place.ts";
import { Memory, type Precision } from "./memory.ts";
import { groups, nest, schedule } from "./order.ts";
import type { Region } from "./region.ts";
import { KernelWriter } from "./repeat.ts";
import { bySegments } from "./segments.ts";
import type { Stage } from "./stages.ts";

export interface CompileOptions {
  /** Element type of floats in memory. */
  readonly precision?: Precision;
  /** What the kernels are for: a machine that takes one number at a time by default. */
  readonly machine?: Machine;
  /** Writes every kernel, also those that are like one before: to compare. */
  readonly each?: boolean;
}

export type { PlannedKernel } from "./kernel.ts";

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
  const nests = kernelStages.map((stages) =>
    bySegments(plan, nest(stages, plan.deps, memory.machine), memory.machine),
  );
  assignHomes(plan, nests, memory, null);
  const writer = new KernelWriter(plan, memory, options.each ?? false);
  const kernels = nests.map((list, k) =>
    writer.kernel(list, () => ({
      name: kernelName(`${entryName}_${nameOfStages(plan.region, kernelStages[k]!)}`, memory),
      title: titleOf(plan.region, plan.choice.roots, kernelStages[k]!),
    })),
  );
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
