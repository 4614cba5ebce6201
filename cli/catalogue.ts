/** Every problem that the command line reports itself. Codes fwp8001 to fwp8999. */
import { diagnosticsOf, entry, type FactsOf } from "../diagnostics/catalogue.ts";
import { DiagnosticError, type Place } from "../diagnostics/diagnostic.ts";

type Candidates = { candidates: string };

const known = (f: Candidates): string | null =>
  f.candidates === "" ? null : `it has ${f.candidates}`;

export const cliCatalogue = {
  fwp8001: entry(
    "error",
    "A declaration that the file does not have",
    (f: { kind: string; name: string } & Candidates) => `there is no ${f.kind} \`${f.name}\` here`,
    known,
    "`--of` names a layer or model, `--experiment` an experiment, of the file itself, not of one that it imports.",
  ),
  fwp8002: entry(
    "error",
    "Nothing to choose from",
    (f: { kind: string }) => `the file declares no ${f.kind}`,
    null,
    "The command works on a declaration of that kind, and the file has none.",
  ),
  fwp8003: entry(
    "error",
    "More than one to choose from",
    (f: { kind: string; option: string } & Candidates) =>
      `the file has several declarations of the kind ${f.kind}: ${f.candidates}`,
    (f) => `choose one with ${f.option}`,
    "With only one declaration of the kind it need not be named; with several it must be.",
  ),
  fwp8010: entry(
    "error",
    "A setting that is not NAME=VALUE",
    (f: { text: string }) => `\`--set ${f.text}\` is not of the form NAME=VALUE`,
    () => "write for example `--set heads=2` or `--set phi='dpfp(nu: 2)'`",
    "A setting is a name, or a path of names joined by dots, an equals sign, and an expression of the language.",
  ),
  fwp8020: entry(
    "error",
    "A form that this version does not have",
    (f: { form: string; available: string }) => `the form \`${f.form}\` is not built yet`,
    (f) => `available: ${f.available}`,
    "Forms that run all of time at once are planned; every program can be run as `sequential`, `step` or `auto`.",
  ),
  fwp8021: entry(
    "error",
    "A device that this version does not have",
    (f: { device: string; available: string }) => `the device \`${f.device}\` is not built yet`,
    (f) => `available: ${f.available}; \`fwp doctor\` says more`,
    "`fwp doctor` lists the targets and what each needs.",
  ),
  fwp8022: entry(
    "error",
    "Native code does not run here",
    (f: { reason: string }) => `the device \`native\` does not work here: ${f.reason}`,
    () => "install a C compiler (gcc or clang), or name one in $CC; `--device auto` does without",
    "Native programs are C, compiled on this machine when they are loaded. That takes a C compiler that knows the " +
      "extensions of GCC and Clang, the optional package koffi, and a folder to keep compiled code in. `fwp doctor` says " +
      "which is missing. `--device auto` takes `wasm` instead.",
  ),
  fwp8023: entry(
    "error",
    "WebAssembly does not run here",
    (f: { reason: string }) => `the device \`wasm\` does not work here: ${f.reason}`,
    () => "use a JavaScript engine with WebAssembly and its vectors; `--device auto` does without",
    "Programs for `wasm` are modules with vector instructions, which Node has unless it was started without them. " +
      "`fwp doctor` says what is missing. `--device auto` takes `typescript` instead.",
  ),
  fwp8030: entry(
    "error",
    "An input tensor of the wrong rank or shape",
    (f: { name: string; expected: string; numbers: string; found: string }) =>
      `\`${f.name}\` should be ${f.expected}${f.numbers}; found ${f.found}`,
    null,
    "Inputs, states and cotangents have the axes of the spec behind `batch` and (but for states) `time`; nothing is reshaped or broadcast.",
  ),
  fwp8031: entry(
    "error",
    "Two tensors that give one size two values",
    (f: { size: string; first: string; one: number; second: string; other: number }) =>
      `\`${f.size}\` is ${f.one} in \`${f.first}\` and ${f.other} in \`${f.second}\``,
    null,
    "Batch, time and the widths that are not set have one value in the whole run: the one that the tensors give.",
  ),
  fwp8032: entry(
    "error",
    "A tensor with an empty axis",
    (f: { name: string; found: string }) => `\`${f.name}\` has the shape ${f.found}: it is empty`,
    () => "give at least one sequence of at least one step",
    "There has to be something to run.",
  ),
  fwp8033: entry(
    "error",
    "A tensor that nothing takes",
    (f: { name: string } & Candidates) => `nothing here takes a tensor \`${f.name}\``,
    (f) => `known here: ${f.candidates}`,
    "The file of inputs holds the inputs by name, `state.NAME` to start from and, with --grad, cotangents `d.OUTPUT` and `d.state.NAME`.",
  ),
  fwp8034: entry(
    "error",
    "A tensor is missing",
    (f: { name: string; expected: string; path: string }) =>
      `\`${f.path}\` has no tensor \`${f.name}\`, which should be ${f.expected}`,
    null,
    "Every input must be given and, with --grad, a cotangent for every output.",
  ),
  fwp8035: entry(
    "error",
    "A number that is not finite",
    (f: { name: string; value: string; index: number }) =>
      `\`${f.name}\` holds ${f.value} at position ${f.index}`,
    null,
    "Inputs, states and cotangents are finite numbers.",
  ),
  fwp8036: entry(
    "error",
    "A tensor of the wrong element type",
    (f: { name: string; expected: string; found: string }) =>
      `\`${f.name}\` should hold ${f.expected}; found ${f.found}`,
    null,
    "Tokens are stored as integers (I32 or I64), everything else as floating-point numbers.",
  ),
  fwp8037: entry(
    "error",
    "Growing states of different lengths",
    (f: { first: string; one: number; second: string; other: number }) =>
      `\`${f.first}\` holds ${f.one} steps and \`${f.second}\` ${f.other}; both grow by one per step`,
    () => "give all growing states of one moment, or none",
    "Growing states have one row for each past step, so in one run all of them have as many.",
  ),
  fwp8038: entry(
    "error",
    "A cotangent without --grad",
    (f: { name: string }) => `\`${f.name}\` is a cotangent, and no gradients are asked for`,
    () => "add --grad, or leave it out",
    "Tensors called `d.NAME` are read only to compute gradients.",
  ),
  fwp8040: entry(
    "error",
    "The folder is not empty",
    (f: { path: string }) => `\`${f.path}\` exists and is not empty`,
    () => "name a new folder",
    "`fwp new` never writes into a folder that holds something.",
  ),
  fwp8041: entry(
    "error",
    "More memory than there is",
    (f: { message: string }) => `the program needs an array that cannot be had here: ${f.message}`,
    () => "make sizes, batch or time smaller; `fwp explain` shows what the states take",
    "States, signals and gradients of a run are held in memory, each in one array. The engine has a largest length for those, and the machine an end to its memory.",
  ),
  fwp8301: entry(
    "error",
    "No sizes to verify with",
    (f: { name: string; reason: string }) =>
      `no sizes fit \`${f.name}\`; with the last ones: ${f.reason}`,
    (f) => `give some: --of ${f.name} --set NAME=VALUE`,
    "`fwp verify` gives whole-number parameters and free widths awkward values, then larger ones, then the defaults. A declaration that refuses all of them needs some to be set.",
  ),
};

export type CliCode = keyof typeof cliCatalogue & string;

export const cliDiagnostic = diagnosticsOf(cliCatalogue);

/** A place without a range. */
export const inFile = (file: string): Place => ({ file, range: null });

/** An error of one diagnostic, about a whole file. */
export function cliProblem<K extends CliCode>(
  code: K,
  file: string,
  facts: FactsOf<(typeof cliCatalogue)[K]>,
): DiagnosticError {
  return new DiagnosticError(cliDiagnostic(code, inFile(file), facts));
}
