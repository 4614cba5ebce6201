import { Option, type Command } from "commander";
import { describe, fixSizes } from "../../compiler/pipeline.ts";
import { initialize } from "../../runtime/parameters/initialise.ts";
import type { Data } from "../../runtime/device/program.ts";
import type { Tensor } from "../../runtime/files/safetensors.ts";
import { readSafetensors, writeSafetensors } from "../../runtime/files/tensors.ts";
import type { Context } from "../context.ts";
import { chooseDevice, deviceNames } from "../devices.ts";
import { UsageError } from "../exit.ts";
import { chunkOf, formOf, formOptions, type FormFlags } from "../forms.ts";
import { chooseStep, instantiateStep, soundProject } from "../project.ts";
import { runStepwise, runWhole, type Job } from "../run/execute.ts";
import { inferSettings } from "../run/infer.ts";
import { makeProgram } from "../run/program.ts";
import { checkInputs, checkParameters, type Declared } from "../run/tensors.ts";
import { addSetOption, parseSettings } from "../settings.ts";

interface Options extends FormFlags {
  readonly of?: string;
  readonly set: readonly string[];
  readonly input: string;
  readonly params?: string;
  readonly output: string;
  readonly grad?: boolean;
  readonly device: string;
  readonly seed: string;
  readonly precision: "auto" | "f32" | "f64";
}

const isWide = (tensors: Iterable<Tensor>): boolean =>
  [...tensors].some((t) => t.data instanceof Float64Array);

function seedOf(text: string): number {
  const seed = Number(text);
  if (/^\d+$/.test(text) && seed < 2 ** 32) return seed;
  throw new UsageError(`--seed takes a whole number from 0 to ${2 ** 32 - 1}, not ${text}`);
}

function run(file: string, options: Options, context: Context): void {
  const device = chooseDevice(options.device);
  const form = formOf(options.form ?? "auto", ["step"]);
  const chunk = chunkOf(options.chunk, form);
  const seed = seedOf(options.seed);
  const grad = options.grad === true;
  const settings = parseSettings(options.set);
  const project = soundProject(file);
  const decl = chooseStep(project, options.of);
  const { tensors } = readSafetensors(options.input);
  const weights = options.params === undefined ? null : readSafetensors(options.params).tensors;

  const inferred = inferSettings(project, decl, settings, tensors, options.input);
  const made = instantiateStep(project, decl.name.text, [...settings, ...inferred]);
  const declared: Declared = {
    symbolic: made.step,
    manifest: describe(fixSizes(made.step, made.values), device.device),
  };
  const sizes = checkInputs(declared, tensors, options.input, grad);
  const parameters: ReadonlyMap<string, Data> =
    weights === null
      ? initialize(declared.manifest, seed)
      : checkParameters(declared, weights, options.params!);

  const given = [...tensors.values(), ...(weights?.values() ?? [])];
  const wide = options.precision === "f64" || (options.precision === "auto" && isWide(given));
  const stepwise = form === "step";
  const entries = grad && !stepwise ? (["gradient"] as const) : (["forward"] as const);
  const program = makeProgram(made, {
    device,
    form,
    chunk,
    sizes,
    wide,
    entries: grad && stepwise ? ["forward", "gradient"] : entries,
  });
  const job: Job = { program, parameters, tensors, sizes, grad };
  const results = stepwise ? runStepwise(job) : runWhole(job);
  writeSafetensors(options.output, results, new Map(), context.io);
}

export function configure(command: Command, context: Context): void {
  command
    .description(
      "Runs a layer or model on tensors and writes what comes out, with gradients if asked.",
    )
    .argument("<file>", "a .fwp file")
    .option("--of <name>", "the layer or model (may be left out if there is only one)");
  formOptions(addSetOption(command), ", step")
    .requiredOption("--input <file>", "safetensors with the inputs")
    .option("--params <file>", "safetensors with the parameters (default: drawn from --seed)")
    .requiredOption("--output <file>", "safetensors to write")
    .option("--grad", "also compute gradients")
    .option("--device <device>", `what computes: ${deviceNames}`, "auto")
    .addOption(
      new Option("--precision <precision>", "of the arithmetic; auto: f64 if a given tensor is F64")
        .choices(["auto", "f32", "f64"])
        .default("auto"),
    )
    .option("--seed <number>", "draws the parameters that are not given", "1")
    .addHelpText(
      "after",
      `
Input file:   each input NAME [batch, time, ...] (tokens as I32 or I64), and optionally
              state.NAME [batch, ...], a state to start from.
              With --grad the cotangents d.OUTPUT [batch, time, ...] and optionally d.state.NAME
              [batch, ...]; a cotangent that is left out counts as zero, but one must be there.
Output file:  each output, the last state.NAME; with --grad also d.INPUT, d.PARAMETER and
              d.state.NAME. F64 when computed in f64 (the oracle always is), else F32.
Widths that are not set are taken from the shapes of the inputs.

Examples:
  fwp run delta.fwp --of Delta --set heads=2 --input in.safetensors --output out.safetensors
  fwp run delta.fwp --of Delta --input in.safetensors --params weights.safetensors \\
      --grad --device oracle --output gradients.safetensors`,
    )
    .action((file: string, options: Options) => run(file, options, context));
}
