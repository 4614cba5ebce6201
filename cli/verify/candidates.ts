/** Everything that claims to compute a step: the forms of time on the devices, whole and in pieces. */
import { chunk, stage } from "../../compiler/derive/index.ts";
import type { StepProgram } from "../../compiler/graph/ir.ts";
import { fixSizes, type Form } from "../../compiler/pipeline.ts";
import type { Precision } from "../../compiler/plan/memory.ts";
import type { Program } from "../../runtime/device/program.ts";
import { wasmMissing } from "../../runtime/device/wasm/index.ts";
import { chooseDevice, loadStep, type DeviceChoice } from "../devices.ts";
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
  /** The rule went through the recurrence analysis: this is another way to compute it. */
  readonly derived: boolean;
  /** Is it tried on sequences that long? */
  readonly fits: (time: number) => boolean;
  /** Outputs and last states in each of the maps, all gradients in the last. */
  readonly run: (given: Given) => readonly Values[];
}

export type Candidates = (step: StepProgram) => readonly Candidate[];

/** Steps per chunk: less than, and more than, most of the sequences here hold; none divides all of them. */
const CHUNKS = [3, 16] as const;
/** Lengths, from and to: one step cannot be cut; longer ones by single steps would say nothing new. */
const CUT = [2, Infinity] as const;
const CALLS = [1, 7] as const;
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

/** The fastest first. */
const LESSER: readonly string[] = ["native", "wasm", "typescript"];

/** What every target that works here makes of a step. @throws DiagnosticError, UsageError as `chooseDevice`. */
export function candidatesOn(device: string): Candidates {
  const choice = chooseDevice(device);
  // By default all that there are: native code and WebAssembly are compared beside what would stand in for them.
  const lesser = LESSER.slice(LESSER.indexOf(choice.device) + 1);
  const works = lesser.filter((name) => name !== "wasm" || wasmMissing() === null);
  const beside = choice.auto ? works.map((name) => chooseDevice(name)) : [];
  const choices = [...beside, { ...choice, auto: false }];
  return (step) => choices.flatMap((c) => candidatesOf(step, c));
}

export const typescriptCandidates: Candidates = (step) =>
  candidatesOf(step, { device: "typescript", auto: false, why: null });

/** What a target makes of a step with numbers for its sizes. Programs are compiled when first run. */
function candidatesOf(step: StepProgram, choice: DeviceChoice): Candidate[] {
  const chunked = chunk(stage(fixSizes(step, () => undefined)), {
    length: CHUNKS[0],
    elementwise: true,
  });
  const lengths = chunked.kept.includes(null) ? CHUNKS : [];
  return PRECISIONS.flatMap((precision) => {
    const compile = (form: Form, length?: number) => {
      let program: Program | null = null;
      return (): Program => {
        if (program !== null) return program;
        const compiled = loadStep(step, () => undefined, choice, {
          entries: ["forward", "gradient"],
          form,
          precision,
          ...(length === undefined ? {} : { chunk: length }),
        });
        program = poisoned(compiled);
        return program;
      };
    };
    const of = (
      form: string,
      program: () => Program,
      run: (program: Program, given: Given) => Values[],
      [shortest, longest]: readonly [number, number] = [1, Infinity],
      derived = false,
    ): Candidate => ({
      form,
      device: choice.device,
      precision,
      derived,
      fits: (time) => time >= shortest && time <= longest,
      run: (given) => run(program(), given),
    });
    const staged = compile("sequential");
    return [
      of("plain", compile("plain"), whole),
      of("sequential", staged, whole),
      of("sequential, cut", staged, split, CUT),
      of("step", staged, stepwise, CALLS),
      ...lengths.flatMap((length) => {
        const program = compile("derived", length);
        const cut = () => of(`chunk ${length}, cut`, program, split, CUT, true);
        const own = of(`chunk ${length}`, program, whole, [1, Infinity], true);
        return length === CHUNKS[0] ? [own, cut()] : [own];
      }),
    ];
  });
}
