/** Compiled entries as a module: TypeScript to be read, the same without its types to run, or its types alone. */
import { moduleName, type LoopBuffer, type LoopKernel } from "../../loop/ir.ts";
import { SharedKernels } from "../../loop/same.ts";
import type { CompiledEntry } from "../../plan/entry.ts";
import type { Declaration, Module, Parameter } from "./declarations.ts";
import { moduleArrays } from "../arrays.ts";
import { HELPERS, helpersOf } from "./helpers.ts";
import { call, lay } from "./layout.ts";
import { printStatements } from "./statements.ts";

const ARRAYS: Readonly<Record<LoopBuffer["type"], string>> = {
  f32: "Float32Array",
  f64: "Float64Array",
  i32: "Int32Array",
};

/** A kernel's own names for arrays of the module: V8 sees a constant address only behind a local `const`. */
const aliases = (kernel: LoopKernel): string[] =>
  kernel.buffers.flatMap((b) =>
    b.space === "module" ? [`const ${b.name} = ${moduleName(b.name)};`] : [],
  );

const parametersOf = ({ buffers, sizes }: LoopKernel): Parameter[] => [
  ...buffers.flatMap(({ name, space, type }) =>
    space === "module" ? [] : [{ name, type: ARRAYS[type] }],
  ),
  ...sizes.map((name) => ({ name, type: "number" })),
];

const RUN: readonly Parameter[] = [
  { name: "buffers", type: "readonly Data[]" },
  { name: "sizes", type: "Sizes" },
];

/** Takes the buffers apart and calls the kernels one after the other, by the names of their functions. */
function entryBody(entry: CompiledEntry, called: readonly string[], types: boolean): string[] {
  const used = new Map(entry.kernels.flatMap((k) => k.buffers.map((b) => [b.name, b.type])));
  const lines: string[] = [];
  entry.buffers.forEach((name, i) => {
    const type = used.get(name);
    if (type === undefined || !used.delete(name)) return;
    lines.push(`  const ${name} = buffers[${i}]${types ? ` as ${ARRAYS[type]}` : ""};`);
  });
  const sizes = ["batch", "time", "past"].filter((s) =>
    entry.kernels.some((k) => k.sizes.includes(s)),
  );
  if (sizes.length > 0) lines.push(`  const { ${sizes.join(", ")} } = sizes;`);
  entry.kernels.forEach((k, i) => {
    const names = parametersOf(k).map((p) => p.name);
    lay([call(called[i]!, names), ";"], 1, lines);
  });
  return lines;
}

const list = (ports: readonly { readonly role: string; readonly name: string }[]): string =>
  ports.map((p) => `${p.role} ${p.name}`).join(", ");

const entryDoc = ({ spec: { inputs, outputs, scratch } }: CompiledEntry): string =>
  `Buffers: inputs (${list(inputs)}), outputs (${list(outputs)}), scratch (${scratch.length}).`;

function entryFunction(entry: CompiledEntry, called: readonly string[]): Declaration {
  const { name } = entry.spec;
  const body = (types: boolean): string[] => entryBody(entry, called, types);
  return { kind: "function", exported: true, name, doc: entryDoc(entry), parameters: RUN, result: "void", body }; // prettier-ignore
}

/** Its body has no types: the same lines serve all faces of the module. */
function kernelFunction(kernel: LoopKernel): Declaration {
  const { name, title: doc } = kernel;
  let lines: string[] | null = null;
  const body = (): readonly string[] => {
    if (lines !== null) return lines;
    lines = aliases(kernel).map((line) => `  ${line}`);
    printStatements(kernel.body, 1, lines);
    return lines;
  };
  return { kind: "function", exported: false, name, doc, parameters: parametersOf(kernel), result: "void", body }; // prettier-ignore
}

function helperFunction(name: string): Declaration {
  const { doc, parameters: names, body: text } = HELPERS[name]!;
  const parameters = names.map((p) => ({ name: p, type: "number" }));
  const body = (): string[] => text.split("\n").map((line) => `  ${line}`);
  return { kind: "function", exported: false, name, doc, parameters, result: "number", body };
}

const TYPES: readonly Declaration[] = [
  {
    kind: "type",
    name: "Data",
    doc: "Memory that a kernel reads or writes: row-major, no padding.",
    types: ["Float32Array", "Float64Array", "Int32Array"],
  },
  {
    kind: "interface",
    name: "Sizes",
    doc: "Sizes known when the program is run.",
    fields: ["batch", "time", "past"].map((name) => ({ name, type: "number" })),
  },
];

/** A function for each kernel that is not like another, and an exported one for each entry: `(buffers, sizes) => void`. */
export function kernelsModule(name: string, entries: readonly CompiledEntry[]): Module {
  const arrays = [...moduleArrays(entries)].map(([array, { type, length }]): Declaration => ({
    kind: "constant",
    name: moduleName(array),
    doc: "Working memory of all kernels; none leaves anything in it.",
    type: null,
    exported: false,
    value: () => `new ${ARRAYS[type]}(${length})`,
  }));
  const shared = new SharedKernels();
  const helpers = new Set<string>();
  const functions = entries.flatMap((entry) => {
    const kernels = entry.kernels.map((kernel) => shared.functionOf(kernel));
    const called = kernels.map((k) => k.name);
    const own = kernels.filter((k) => k.isNew).map((k) => k.kernel);
    for (const kernel of own) helpersOf(kernel).forEach((name) => helpers.add(name));
    return [entryFunction(entry, called), ...own.map(kernelFunction)];
  });
  return {
    title: `Kernels of ${name}, generated by fwp.`,
    declarations: [...TYPES, ...arrays, ...functions, ...[...helpers].map(helperFunction)],
  };
}
