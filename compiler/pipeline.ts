/** The whole way from a step to a program that runs: numbers for sizes, staging, gradients, kernels. */
import type {
  EntrySpec,
  FormSpec,
  InitSpec,
  ProgramManifest,
  SignalSpec,
} from "../runtime/format/program.ts";
import { InternalError } from "../diagnostics/diagnostic.ts";
import type { Choice } from "./choose/index.ts";
import { constant, type Dim, type Shape } from "./dims.ts";
import type { SizeValues } from "./graph/concretize.ts";
import type { Init, StepProgram } from "./graph/ir.ts";
import type { SequenceProgram } from "./graph/program.ts";
import { compileEntry, type CompiledEntry } from "./plan/entry.ts";
import { SCALAR } from "./plan/machine.ts";
import { isObjective, prepareStep, type EntryName, type PipelineOptions, type Prepared } from "./prepare.ts"; // prettier-ignore
import { javascriptOf } from "./targets/typescript/index.ts";

export {
  chooseForms,
  entryProgram,
  fixSizes,
  modelOf,
  preparer,
  prepareStep,
  scheduleProblems,
  stageObjective,
  type EntryName,
  type Form,
  type PipelineOptions,
  type Prepared,
} from "./prepare.ts";

export interface Compiled {
  /** The step with a number for every size but those of the run. */
  readonly step: StepProgram;
  /** The graph behind each entry: what the oracle runs. */
  readonly programs: ReadonlyMap<EntryName, SequenceProgram>;
  readonly entries: readonly CompiledEntry[];
  /** The form of every loop over time, for each entry that has some, and why. */
  readonly choices: ReadonlyMap<EntryName, readonly Choice[]>;
  readonly manifest: ProgramManifest;
  /** An ES module that exports a function for each entry. */
  readonly javascript: string;
}

/** Kernels of optimised programs, by the names of their entries. */
export const compileEntries = (
  optimised: ReadonlyMap<string, SequenceProgram>,
  options: Pick<PipelineOptions, "precision" | "machine">,
): CompiledEntry[] => [...optimised].map(([name, program]) => compileEntry(program, name, options));

/** The forms that were chosen, as a program says them. */
export const formsOf = (choices: Prepared["choices"]): FormSpec[] =>
  [...choices].flatMap(([entry, list]) =>
    list.map(({ states, form, length }): FormSpec => ({ entry, states, form, length })),
  );

/** What a prepared step says of itself, with its entries for the target `typescript`. */
export const manifestOf = (
  { step, choices }: Pick<Prepared, "step" | "choices">,
  entries: readonly EntrySpec[],
): ProgramManifest => ({
  ...describe(step, "typescript"),
  entries,
  forms: formsOf(choices),
});

/** The kernels of a prepared step. */
export function compilePrepared(
  { step, programs, optimised, choices }: Prepared,
  { precision = "f32", machine = SCALAR }: Pick<PipelineOptions, "precision" | "machine">,
): Compiled {
  const entries = compileEntries(optimised, { precision, machine });
  const manifest = manifestOf({ step, choices }, entries.map((e) => e.spec)); // prettier-ignore
  return {
    step,
    programs,
    entries,
    choices,
    manifest,
    get javascript() {
      return javascriptOf(step.name, entries);
    },
  };
}

/** Compiles a step for the `typescript` target. */
export const compileStep = (
  symbolic: StepProgram,
  values: SizeValues,
  options: PipelineOptions,
): Compiled => compilePrepared(prepareStep(symbolic, values, options), options);

const numberOf = (d: Dim): number => {
  const value = constant(d);
  if (value === undefined) throw new InternalError("a size without a number in a manifest");
  return value;
};
const numbersOf = (shape: Shape): number[] => shape.map(numberOf);

function initSpec(init: Init): InitSpec {
  if (init.kind !== "blocks") return init;
  return {
    ...init,
    pieces: init.pieces.map((p) => ({ size: numberOf(p.size), init: initSpec(p.init) })),
  };
}

/** What a program says of itself, entries apart. */
export function describe(step: StepProgram, target: string): Omit<ProgramManifest, "entries"> {
  const node = (id: number) => step.body.nodes[id]!;
  const outputs = step.outputs.filter((o) => !isObjective(o.name));
  return {
    format: "fwp-program",
    version: 1,
    name: step.name,
    target,
    inputs: step.inputs.map((i): SignalSpec => ({
      name: i.name,
      shape: numbersOf(i.shape),
      type: i.dtype === "int" ? "token" : "float",
      vocab: i.vocab === null ? null : numberOf(i.vocab),
    })),
    outputs: outputs.map((o): SignalSpec => ({
      name: o.name,
      shape: numbersOf(node(o.node).shape),
      type: "float",
      vocab: null,
    })),
    parameters: step.parameters.map((p) => ({
      name: p.name,
      shape: numbersOf(p.shape),
      init: initSpec(p.init),
      trained: p.trained,
    })),
    states: step.states.map((s) => ({
      name: s.name,
      shape: s.growing ? [0, ...numbersOf(s.shape.slice(1))] : numbersOf(s.shape),
      growing: s.growing,
      init: s.init,
    })),
  };
}
