/** `fwp build`: a layer, a model or the model of an experiment as a package of its own. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { entryFiles, packageFiles } from "../../compiler/package/index.ts";
import { describe, formsOf, manifestOf, preparer } from "../../compiler/pipeline.ts";
import { PORTABLE, SCALAR, WASM } from "../../compiler/plan/machine.ts";
import type { Data } from "../../runtime/device/program.ts";
import type { ProgramManifest } from "../../runtime/format/program.ts";
import { writeFileAtomic } from "../../runtime/files/io.ts";
import { saveWeights } from "../../runtime/parameters/weights.ts";
import { Beside } from "../build/beside.ts";
import { writeFolder, type FolderWriter } from "../build/folder.ts";
import { fromFile } from "../build/source.ts";
import type { Configure } from "../commands.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../exit.ts";
import { formOptions, formWish, type FormFlags } from "../forms.ts";
import { packageVersion } from "../install.ts";
import { printDiagnostics, printJson } from "../output.ts";
import type { Bundle } from "../train/bundle.ts";
import { trainProblem } from "../train/catalogue.ts";
import type { OpenRun } from "../train/run.ts";
import { jsonOption, numberOption, setOption } from "../train/options.ts";

export interface BuildFlags extends FormFlags {
  readonly of?: string;
  readonly output: string;
  readonly set: readonly string[];
  readonly checkpoint?: string;
  readonly seed: number;
  readonly json?: boolean;
}

const specOf = ({ main, files }: Bundle) => [
  { name: main, text: files[main]! },
  ...Object.entries(files)
    .filter(([name]) => name !== main && !name.startsWith("library/"))
    .map(([name, text]) => ({ name, text })),
];

const WEIGHTS = "weights.safetensors";

/** Whether fwp wrote this folder. */
const isPackage = (folder: string): boolean =>
  ["package.json", "program.json", "kernels.js"].every((file) => existsSync(join(folder, file)));

/** In words, where the weights come from. */
const originOf = (run: OpenRun | null, seed: number): string =>
  run === null
    ? `random (seed ${seed})`
    : `those of step ${run.checkpoint.record.step} of the training of \`${run.source.experiment}\``;

async function buildPackage(
  file: string | undefined,
  flags: BuildFlags,
  context: Context,
): Promise<void> {
  const { checkpoint, output } = flags;
  const form = formWish(flags);
  const trained = checkpoint === undefined ? null : await import("../build/trained.ts");
  const run = trained?.openRun(checkpoint!) ?? null;
  if (file === undefined && run === null) throw new UsageError("name a spec or a --checkpoint");
  const beside = new Beside(context.companion);
  const built =
    file === undefined
      ? trained!.fromRun(run!, flags.set)
      : await fromFile(file, flags.of, flags.set);
  if (built.warnings.length > 0) printDiagnostics(context, built.warnings, false);
  const { step, doc, bundle } = built;
  const alphabet = run?.checkpoint.record.alphabet ?? built.alphabet;
  const asked = { entries: ["forward", "step"] as const, ...form };
  const described = describe(step, "typescript");
  const drawn =
    run === null
      ? beside.begin({ kind: "draw", parameters: described.parameters, seed: flags.seed })
      : null;
  const prepare = preparer(step, () => undefined, asked);
  const { name } = step;
  // There is nothing to choose for one step at a time: while this thread looks for forms the other has something to do.
  beside.ahead("native", prepare(PORTABLE, ["step"]).optimised);
  beside.ahead("typescript", prepare(SCALAR, ["step"]).optimised);
  const native = beside.begin({ kind: "native", name, programs: prepare(PORTABLE).optimised });
  const scalar = prepare(SCALAR);
  const typescript = beside.begin({ kind: "typescript", name, programs: scalar.optimised });
  // The other half, about.
  const wasm = beside.here({ kind: "wasm", name, programs: prepare(WASM).optimised });
  const weights: ReadonlyMap<string, Data> =
    drawn === null ? trained!.checkpointParameters(described, run!) : await drawn();
  const settings = [...(file === undefined ? run!.source.settings : []), ...flags.set];
  const manifest = { ...described, forms: formsOf(scalar.choices) };
  const source = { name, doc, manifest, alphabet, spec: specOf(bundle), settings, weights: originOf(run, flags.seed), version: packageVersion() }; // prettier-ignore
  const names: string[] = [WEIGHTS];
  const write: FolderWriter = async (folder, io) => {
    const put = ([file, data]: readonly [string, string | Uint8Array]): void => {
      writeFileAtomic(join(folder, file), data, io);
      names.push(file);
    };
    // First what does not wait for the others.
    saveWeights(described, join(folder, WEIGHTS), weights, io);
    packageFiles(source).forEach(put);
    const packed = { native: await native(), typescript: await typescript(), wasm };
    beside.end();
    entryFiles(manifestOf(scalar, packed.typescript.entries), packed).forEach(put);
  };
  const refuse = () => trainProblem("fwp8203", output, { path: output });
  await writeFolder(output, write, isPackage, refuse, context.io);
  report(described, names.sort(), flags, context);
}

function report(
  manifest: Pick<ProgramManifest, "name" | "target">,
  files: readonly string[],
  flags: BuildFlags,
  context: Context,
): void {
  const { output, json } = flags;
  const { name, target } = manifest;
  if (json === true) printJson(context, { name, target, directory: output, files });
  else context.out(`${name}: ${output}\n${files.map((f) => `  ${f}\n`).join("")}`);
}

export const configure: Configure = (command, context) => {
  command
    .argument("[file]", "the spec; that of the checkpoint by default")
    .option("--of <name>", "the layer, model or experiment; the only one by default")
    .requiredOption("-o, --output <folder>", "folder of the package")
    .option("--checkpoint <folder>", "folder of a run whose weights to take")
    .option("--seed <n>", "of random weights, without a checkpoint", numberOption("integer", 0), 1);
  jsonOption(formOptions(setOption(command)))
    .addHelpText(
      "after",
      "\nWrites package.json, index.ts, index.js, index.d.ts, kernels, program.json, weights.safetensors, README.md." +
        "\nThe folder appears whole or not at all.\n\nExample: fwp build --checkpoint runs/char_lm -o generated/char-lm",
    )
    .action((file: string | undefined, flags: BuildFlags) => buildPackage(file, flags, context));
};
