/** Every problem that the runtime can report: files, parameters, tasks, training, models. Codes fwp6001 to fwp7999. */
import { diagnosticsOf, entry } from "../diagnostics/catalogue.ts";
import { DiagnosticError, type Place } from "../diagnostics/diagnostic.ts";
import type { FactsOf } from "../diagnostics/catalogue.ts";

type Because = { path: string; reason: string };
type Named = { name: string };
type Mismatch = { name: string; expected: string; found: string };
type Suggested = { suggestion: string; known: string };

const suggest = (f: Suggested): string =>
  f.suggestion === "" ? `known here: ${f.known}` : `did you mean \`${f.suggestion}\`?`;

const files = {
  fwp6001: entry(
    "error",
    "A file does not exist",
    (f: { path: string }) => `there is no file \`${f.path}\``,
    () => "check the path; it is relative to the folder the command runs in",
    "A file that was named does not exist, or a folder on the way to it does not.",
  ),
  fwp6002: entry(
    "error",
    "A folder where a file was expected",
    (f: { path: string }) => `expected a file, found the folder \`${f.path}\``,
    null,
    "The path names a folder; name the file in it.",
  ),
  fwp6003: entry(
    "error",
    "A file may not be read or written",
    (f: Because) => `no permission for \`${f.path}\` (${f.reason})`,
    () => "check the owner and the mode of the file and of its folder",
    "The operating system refused access to the file.",
  ),
  fwp6004: entry(
    "error",
    "No space left",
    (f: { path: string }) => `the disk filled up while \`${f.path}\` was written`,
    () => "free some space and run again; no partial file was left behind",
    "Files are written beside their final place and renamed once complete, so the previous version is still whole.",
  ),
  fwp6005: entry(
    "error",
    "A file could not be read or written",
    (f: Because) => `\`${f.path}\` could not be used: ${f.reason}`,
    null,
    "The operating system reported a failure that has no code of its own here; its words follow.",
  ),
  fwp6006: entry(
    "error",
    "A file is too large",
    (f: { path: string; bytes: number; limit: number }) =>
      `\`${f.path}\` has ${f.bytes} bytes; at most ${f.limit} are read here`,
    null,
    "Text files have a limit so that naming the wrong file does not take the machine's memory.",
  ),
  fwp6007: entry(
    "error",
    "A file is not UTF-8",
    (f: { path: string; offset: number }) =>
      `\`${f.path}\` is not UTF-8 text: byte ${f.offset} does not belong to a character`,
    () => "convert the file to UTF-8",
    "Text is read as UTF-8 and nothing is guessed or replaced.",
  ),
  fwp6008: entry(
    "error",
    "A folder is in the way",
    (f: { path: string }) => `expected a folder at \`${f.path}\`, found something else`,
    null,
    "A folder has to be made there, but a file of that name exists.",
  ),
  fwp6009: entry(
    "error",
    "A JSON file cannot be used",
    (f: Because) => `\`${f.path}\` cannot be used: ${f.reason}`,
    null,
    "A JSON file of the runtime (a checkpoint or a program) is malformed or of another version.",
  ),
  fwp6010: entry(
    "error",
    "The folder of a file does not exist",
    (f: { path: string; folder: string }) =>
      `\`${f.path}\` cannot be written: there is no folder \`${f.folder}\``,
    () => "make the folder first, or correct the path",
    "A file that is written lands in a folder that is already there; none is made along the way.",
  ),
  fwp6011: entry(
    "error",
    "A file that cannot be fetched",
    (f: Because) => `\`${f.path}\` cannot be fetched: ${f.reason}`,
    () => "serve the whole folder of the package",
    "In a browser a package fetches its program, its code and its weights from beside its module.",
  ),
};

const tensors = {
  fwp6020: entry(
    "error",
    "A safetensors file is cut off",
    (f: { path: string; expected: number; found: number }) =>
      `\`${f.path}\` should have ${f.expected} bytes by its own header, it has ${f.found}`,
    () => "the file was probably not copied completely",
    "The header announces more (or fewer) bytes of data than the file holds.",
  ),
  fwp6021: entry(
    "error",
    "A safetensors header is malformed",
    (f: Because) => `\`${f.path}\` is not a safetensors file: ${f.reason}`,
    null,
    "A safetensors file starts with the length of a JSON header (eight bytes, little endian), the header, and the data.",
  ),
  fwp6022: entry(
    "error",
    "A safetensors header is too long",
    (f: { path: string; bytes: number; limit: number }) =>
      `the header of \`${f.path}\` claims ${f.bytes} bytes; at most ${f.limit} are allowed`,
    () => "the file is probably not a safetensors file",
    "The format limits headers to 100 MB.",
  ),
  fwp6023: entry(
    "error",
    "A tensor is listed twice",
    (f: Named) => `the header lists the tensor \`${f.name}\` more than once`,
    null,
    "Names in a safetensors header are unique.",
  ),
  fwp6024: entry(
    "error",
    "A tensor has an element type that cannot be read",
    (f: Named & { type: string; known: string }) =>
      `the tensor \`${f.name}\` has the element type \`${f.type}\`; expected one of ${f.known}`,
    null,
    "F64, F32, F16, BF16 and I32 are read, and I64 where every value fits 32 bits.",
  ),
  fwp6025: entry(
    "error",
    "A tensor's place in the file is wrong",
    (f: Named & { reason: string }) => `the tensor \`${f.name}\`: ${f.reason}`,
    null,
    "Offsets must lie in the data, be in order, leave no hole, not overlap, and span as many bytes as the shape needs.",
  ),
  fwp6026: entry(
    "error",
    "An integer does not fit",
    (f: Named & { value: string }) =>
      `the tensor \`${f.name}\` holds ${f.value}, which does not fit a 32-bit integer`,
    null,
    "64-bit integers are read where every value fits 32 bits.",
  ),
  fwp6030: entry(
    "error",
    "A tensor is missing",
    (f: Named & { path: string }) => `\`${f.path}\` has no tensor \`${f.name}\``,
    () => "the file may belong to another model, or to another version of this one",
    "Every parameter of the model must be in the file of weights.",
  ),
  fwp6031: entry(
    "error",
    "A tensor that the model does not have",
    (f: Named & Suggested) => `the model has no \`${f.name}\``,
    suggest,
    "The file holds a tensor that no parameter of the model takes.",
  ),
  fwp6032: entry(
    "error",
    "A tensor of the wrong shape",
    (f: Mismatch) => `\`${f.name}\` should have the shape ${f.expected}; found ${f.found}`,
    null,
    "Shapes must agree exactly; nothing is reshaped or broadcast when weights and inputs are loaded.",
  ),
  fwp6033: entry(
    "error",
    "A tensor holds a number that is not finite",
    (f: Named & { value: string; index: number }) =>
      `\`${f.name}\` holds ${f.value} at position ${f.index}`,
    () => "the weights come from a run that diverged, or the file is damaged",
    "A NaN or an infinity in the weights makes every output meaningless.",
  ),
  fwp6034: entry(
    "error",
    "A token is outside the vocabulary",
    (f: Named & { value: number; vocab: number; index: number }) =>
      `\`${f.name}\` holds ${f.value} at position ${f.index}; tokens are whole numbers from 0 to ${f.vocab - 1}`,
    null,
    "A token is an index into a table of the size of the vocabulary.",
  ),
  fwp6035: entry(
    "error",
    "A tensor of the wrong element type",
    (f: Mismatch) => `\`${f.name}\` should hold ${f.expected}; found ${f.found}`,
    null,
    "Tokens are integers, everything else is floating point.",
  ),
};

const tasks = {
  fwp6100: entry(
    "error",
    "An unknown task",
    (f: Named & Suggested) => `there is no task \`${f.name}\``,
    suggest,
    'A task is one of the built-in ones or a module of your own: `task "./my_task.ts"(…)`.',
  ),
  fwp6101: entry(
    "error",
    "An option that does not exist",
    (f: Named & Suggested & { owner: string }) => `${f.owner} has no option \`${f.name}\``,
    suggest,
    "The option is not one that the task, the optimiser or the schedule has.",
  ),
  fwp6102: entry(
    "error",
    "An option of the wrong type",
    (f: Mismatch & { owner: string }) =>
      `the option \`${f.name}\` of ${f.owner} should be ${f.expected}; found ${f.found}`,
    null,
    "Each option says what it takes.",
  ),
  fwp6103: entry(
    "error",
    "An option out of range",
    (f: Mismatch & { owner: string }) =>
      `the option \`${f.name}\` of ${f.owner} should be ${f.expected}; found ${f.found}`,
    null,
    "The value has the right type but makes no sense there.",
  ),
  fwp6104: entry(
    "error",
    "Options that do not go together",
    (f: { owner: string; reason: string }) => `${f.owner}: ${f.reason}`,
    null,
    "Each value is possible, but not with the others.",
  ),
  fwp6105: entry(
    "error",
    "A text is too short",
    (f: { path: string; found: number; needed: number }) =>
      `the text \`${f.path}\` has ${f.found} characters; at least ${f.needed} are needed`,
    () => "use a longer text, shorter windows or another validation fraction",
    "Both the training and the validation part must hold at least one window and the character after it.",
  ),
  fwp6106: entry(
    "error",
    "A character outside the alphabet",
    (f: { character: string; index: number }) =>
      `the character ${f.character} at position ${f.index} does not occur in the text that the model was trained on`,
    null,
    "The alphabet is the set of characters of the training text.",
  ),
  fwp6107: entry(
    "error",
    "A task's module cannot be used",
    (f: Because) => `the task \`${f.path}\` cannot be used: ${f.reason}`,
    () => "the module's default export is a function from options to a task",
    "A task of your own is a module whose default export takes the options and gives an object with fields, provides and batch.",
  ),
  fwp6108: entry(
    "error",
    "A corpus is not installed",
    (f: Named & { reason: string }) => `the corpus \`${f.name}\` could not be loaded: ${f.reason}`,
    () => "run `npm install`, or give the path of a text file",
    "The corpora come from packages that are loaded when they are first used.",
  ),
};

const training = {
  fwp6200: entry(
    "error",
    "The loss is not a number",
    (f: { step: number; metric: string; value: string }) =>
      `${f.metric} is ${f.value} at step ${f.step}; training stops`,
    () => "lower the rate, clip the gradient, or bound the keys",
    "Nothing useful follows once a loss is not finite. The last checkpoint, from before, is still there.",
  ),
  fwp6201: entry(
    "error",
    "The folder already holds a run",
    (f: { path: string; step: number }) => `\`${f.path}\` already holds a run (at step ${f.step})`,
    () => "pass `--resume` to go on with it, or name another folder",
    "A run is not overwritten by accident.",
  ),
  fwp6202: entry(
    "error",
    "There is no checkpoint",
    (f: { path: string }) => `there is no checkpoint in \`${f.path}\``,
    () => "train first, or name the folder of a run",
    "Resuming, evaluating and sampling start from the checkpoint of a run.",
  ),
  fwp6203: entry(
    "error",
    "A checkpoint of another experiment",
    (f: Mismatch) =>
      `the checkpoint was made with another ${f.name}: it has ${f.found}, now it is ${f.expected}`,
    () => "restore the setting, or train into another folder",
    "A resumed run gives the same bits as one that was never interrupted; that needs the same program and settings.",
  ),
  fwp6204: entry(
    "error",
    "A metric that is not measured",
    (f: Named & Suggested) => `no metric is called \`${f.name}\``,
    suggest,
    "Metrics come from the compiled evaluation, from the task, or are derived from the loss.",
  ),
  fwp6205: entry(
    "error",
    "The program wants data that the task does not have",
    (f: Named & Suggested) => `the program reads \`${f.name}\`, which the task does not provide`,
    suggest,
    "Each input of the training step is a field of the task's batch.",
  ),
  fwp6206: entry(
    "error",
    "A growing state cannot be carried",
    (f: Named) =>
      `the state \`${f.name}\` grows with every step and cannot be carried from batch to batch`,
    () => "train without carrying states, or bound the state",
    "A state that grows without end has no fixed size from one training step to the next.",
  ),
  fwp6207: entry(
    "error",
    "Nothing to evaluate",
    (f: { task: string }) => `the task ${f.task} has no validation batches`,
    null,
    "An evaluation needs at least one batch with at least one step that counts.",
  ),
};

const programs = {
  fwp6300: entry(
    "error",
    "A program without the entry",
    (f: Named & { known: string }) => `the program has no entry \`${f.name}\`; it has ${f.known}`,
    () => "build it again with that entry",
    "A package is built with the entries that it needs: forward, step, train, evaluate.",
  ),
  fwp6301: entry(
    "error",
    "A program of another format",
    (f: { expected: string; found: string }) =>
      `expected a program of the format ${f.expected}; found ${f.found}`,
    () => "build it again with this version of fwp",
    "The runtime reads the programs that its own version of the compiler writes.",
  ),
  fwp6302: entry(
    "error",
    "An input is missing",
    (f: Named & { known: string }) => `the input \`${f.name}\` is missing; given: ${f.known}`,
    null,
    "Every input of the model must be given.",
  ),
  fwp6303: entry(
    "error",
    "An input that the model does not have",
    (f: Named & Suggested) => `the model has no input \`${f.name}\``,
    suggest,
    "An input was given that the model does not read.",
  ),
  fwp6304: entry(
    "error",
    "A model that cannot be sampled",
    (f: { reason: string }) => `this model cannot write text: ${f.reason}`,
    null,
    "Sampling needs one input of tokens and one output with a logit per token.",
  ),
};

export const runtimeCatalogue = { ...files, ...tensors, ...tasks, ...training, ...programs };

export type RuntimeCode = keyof typeof runtimeCatalogue;

export const diagnostic = diagnosticsOf(runtimeCatalogue);

/** A place that is a whole file, folder or source. */
export const whole = (file: string): Place => ({ file, range: null });

/** The exception for one problem; `place` may be just the name of what it is about. */
export function problem<K extends RuntimeCode>(
  code: K,
  place: Place | string,
  facts: FactsOf<(typeof runtimeCatalogue)[K]>,
): DiagnosticError {
  return new DiagnosticError(
    diagnostic(code, typeof place === "string" ? whole(place) : place, facts),
  );
}
