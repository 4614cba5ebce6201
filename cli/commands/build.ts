/** `fwp build`: a layer, a model or the model of an experiment as a package of its own. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { packageFiles, packText } from "../../compiler/package/index.ts";
import { compilePrepared, describe, preparer } from "../../compiler/pipeline.ts";
import { PORTABLE, SCALAR, WASM } from "../../compiler/plan/machine.ts";
import type { Data } from "../../runtime/device/program.ts";
import type { ProgramManifest } from "../../runtime/format/program.ts";
import { saveWeights } from "../../runtime/parameters/weights.ts";
import { startBeside } from "../build/beside.ts";
import { fromFile } from "../build/source.ts";
import type { Configure } from "../commands.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../exit.ts";
import { formOptions, formWish, type FormFlags } from "../forms.ts";
import { packageVersion } from "../install.ts";
import { printDiagnostics, printJson } from "../output.ts";
import type { Bundle } from "../train/bundle.ts";
import { trainProblem } from "../train/catalogue.ts";
import { writeFolder, type FolderContent } from "../train/folder.ts";
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

/** Whether fwp wrote this folder. */
const isPackage = (folder: string): boolean =>
  ["package.json", "program.json", "kernels.js"].every((file) => existsSync(join(folder, file)));

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
  const beside = startBeside();
  const built =
    file === undefined
      ? trained!.fromRun(run!, flags.set)
      : await fromFile(file, flags.of, flags.set);
  if (built.warnings.length > 0) printDiagnostics(context, built.warnings, false);
  const { step, doc, bundle } = built;
  const alphabet = run?.checkpoint.record.alphabet ?? built.alphabet;
  const asked = { entries: ["forward", "step"] as const, ...form };
  const { parameters } = describe(step, "typescript");
  const drawn = run === null ? beside.begin({ kind: "draw", parameters, seed: flags.seed }) : null;
  const prepare = preparer(step, () => undefined, asked);
  const wasm = beside.begin({ kind: "pack", programs: prepare(WASM).optimised });
  const typescript = compilePrepared(prepare(SCALAR), { machine: SCALAR });
  const native = compilePrepared(prepare(PORTABLE), { machine: PORTABLE });
  const { manifest } = typescript;
  const origin =
    run === null
      ? `random (seed ${flags.seed})`
      : `those of step ${run.checkpoint.record.step} of the training of \`${run.source.experiment}\``;
  const settings = [...(file === undefined ? run!.source.settings : []), ...flags.set];
  const source = { name: step.name, doc, manifest, alphabet, spec: specOf(bundle), settings, weights: origin, version: packageVersion() }; // prettier-ignore
  const text = packText(source, typescript.entries, native.entries);
  const contents = packageFiles(source, text, await wasm());
  const weights: ReadonlyMap<string, Data> =
    drawn === null ? trained!.checkpointParameters(manifest, run!) : await drawn();
  const more: FolderContent["more"] = (folder, io) =>
    saveWeights(manifest, join(folder, "weights.safetensors"), weights, io);
  const refuse = () => trainProblem("fwp8203", output, { path: output });
  writeFolder(output, { files: contents, more }, isPackage, refuse, context.io);
  const files = [...contents.keys(), "weights.safetensors"].sort();
  report(manifest, files, flags, context);
}

function report(
  manifest: ProgramManifest,
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
