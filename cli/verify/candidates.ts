/** Everything that claims to compute a step: the forms of time on the devices, whole and in pieces. */
import { chunk, stage } from "../../compiler/derive/index.ts";
import type { StepProgram } from "../../compiler/graph/ir.ts";
import { fixSizes, prepareStep, type PipelineOptions } from "../../compiler/pipeline.ts";
import type { Precision } from "../../compiler/plan/memory.ts";
import type { Program } from "../../runtime/device/program.ts";
import { wasmMissing } from "../../runtime/device/wasm/index.ts";
import { chooseDevice, loadPrepared, loadStep, type DeviceChoice } from "../devices.ts";
import { runStepwise, runWhole, type Job } from "../run/execute.ts";
import type { Values } from "./measure.ts";
import { runPieces } from "./pieces.ts";

/** A job without what runs it. All first states and all cotangents are given. */
export type Given = Omit<Job, "program" | "grad">;

export interface Candidate {
  /** How time is run, as the report says it. */
  readonly form: string;
  readonly device: string;
  readonly precision: Precision;
  /** Runs a form that was derived; it alone stands for all such forms when gates are held still. */
  readonly gated: boolean;
  /** Is it tried on sequences that long? */
  readonly fits: (time: number) => boolean;
  /** Outputs and last states in each of the maps, all gradients in the last. */
  readonly run: (given: Given) => readonly Values[];
}

export type Candidates = (step: StepProgram) => readonly Candidate[];

/** Steps per chunk: less than, and more than, most of the sequences here hold; none divides all of them. */
const CHUNKS = [3, 16] as const;
/** Lengths, from and to: one step cannot be cut; longer ones by single steps would say nothing new. */
const ALL = [1, Infinity] as const;
const CUT = [2, Infinity] as const;
const CALLS = [1, 7] as const;
/** All sizes are numbers already. */
const noSizes = (): undefined => undefined;
const PRECISIONS: readonly Precision[] = ["f32", "f64"];

/** With scratch memory and outputs full of NaN, so that what is read before it is written shows. */
const poisoned = ({ manifest, instantiate }: Program): Program => ({
  manifest,
  instantiate: (name, sizes, options) => instantiate(name, sizes, { ...options, poison: true }),
});

/** Where a sequence is cut: off the middle, and off the borders of chunks. */
const cutsOf = (time: number): number[] =>
  time < 7 ? [1] : [Math.floor(time / 3), Math.floor(time / 3) + 1];

const whole = (program: Program, given: Given): Values[] => [
  runWhole({ ...given, program, grad: false }),
  runWhole({ ...given, program, grad: true }),
];

const split = (program: Program, given: Given): Values[] => [
  runPieces({ ...given, program, grad: true }, cutsOf(given.sizes.time)),
];

const stepwise = (program: Program, given: Given): Values[] => [
  runStepwise({ ...given, program, grad: true }),
];

/** What every target that works here makes of a step. @throws DiagnosticError, UsageError as `chooseDevice`. */
export function candidatesOn(device: string): Candidates {
  const choice = chooseDevice(device);
  if (!choice.auto) return (step) => candidatesOf(step, [choice]);
  // All that there are: what is chosen beside what would stand in for it. Gates say something of the derivation, which all
  // targets share: the first of them is enough.
  const beside = wasmMissing() === null ? [TYPESCRIPT, WASM] : [TYPESCRIPT];
  const lesser = beside.filter((c) => c.device !== choice.device);
  const chosen: DeviceChoice = { ...choice, auto: false, build: "passing" };
  return (step) =>
    candidatesOf(step, choice.device === "typescript" ? [chosen] : [...lesser, chosen]);
}

const TYPESCRIPT: DeviceChoice = { device: "typescript", auto: false, why: null };
const WASM: DeviceChoice = { device: "wasm", auto: false, why: null };

export const typescriptCandidates: Candidates = (step) => candidatesOf(step, [TYPESCRIPT]);

/** A form of time as all devices have it. */
interface Formed {
  readonly name: string;
  readonly program: (choice: DeviceChoice, precision: Precision) => Program;
  readonly run: (program: Program, given: Given) => Values[];
  /** Of sequences, from and to. */
  readonly lengths: readonly [number, number];
  readonly gated: boolean;
}

const once = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
};

type FormWish = Pick<PipelineOptions, "form" | "chunk">;

/** Programs of one form, each compiled once. Graphs are the same for all devices that kernels are compiled for. */
function programsOf(step: StepProgram, wish: FormWish): Formed["program"] {
  const options = { ...wish, entries: ["forward", "gradient"] } as const;
  const prepared = once(() => prepareStep(step, noSizes, options));
  const load = (choice: DeviceChoice, precision: Precision): Program => {
    const { device } = choice;
    return device === "oracle"
      ? loadStep(step, noSizes, choice, options)
      : loadPrepared(prepared(), { ...choice, device }, precision);
  };
  const programs = new Map<string, Program>();
  return (choice, precision) => {
    const key = `${choice.device} ${precision}`;
    const program = programs.get(key) ?? poisoned(load(choice, precision));
    programs.set(key, program);
    return program;
  };
}

/** All forms of a step with numbers for its sizes. */
function formsOf(step: StepProgram): Formed[] {
  const of = (
    name: string,
    program: Formed["program"],
    run: Formed["run"],
    lengths: Formed["lengths"] = ALL,
    gated = false,
  ): Formed => ({ name, program, run, lengths, gated });
  const staged = programsOf(step, { form: "sequential" });
  const chunked = chunk(stage(step), { length: CHUNKS[0], elementwise: true });
  return [
    of("plain", programsOf(step, { form: "plain" }), whole),
    of("sequential", staged, whole),
    of("sequential, cut", staged, split, CUT),
    of("step", staged, stepwise, CALLS),
    ...(chunked.kept.includes(null) ? CHUNKS : []).flatMap((length, i, { length: all }) => {
      const program = programsOf(step, { form: "derived", chunk: length });
      const own = of(`chunk ${length}`, program, whole, ALL, i === all - 1);
      return i > 0 ? [own] : [own, of(`chunk ${length}, cut`, program, split, CUT)];
    }),
  ];
}

/** Programs are compiled when first run. */
function candidatesOf(symbolic: StepProgram, choices: readonly DeviceChoice[]): Candidate[] {
  const forms = formsOf(fixSizes(symbolic, noSizes));
  return choices.flatMap((choice, i) =>
    PRECISIONS.flatMap((precision) =>
      forms.map(({ name, program, run, lengths: [shortest, longest], gated }): Candidate => ({
        form: name,
        device: choice.device,
        precision,
        gated: gated && i === 0,
        fits: (time) => time >= shortest && time <= longest,
        run: (given) => run(program(choice, precision), given),
      })),
    ),
  );
}
