/** Compiled entries as a JavaScript module, printed straight from the loops: what runs when nobody wants to read it. */
import type { CompiledEntry } from "../../plan/entry.ts";
import { moduleName, type LoopBuffer, type LoopKernel } from "../../loop/ir.ts";
import { HELPERS, helpersOf, printStatements } from "./print.ts";

/** One function per kernel, one exported function per entry: `(buffers, sizes) => void`. */
export function javascriptOf(entries: readonly CompiledEntry[]): string {
  const lines: string[] = [];
  const helpers = new Set(entries.flatMap((e) => e.kernels.flatMap((k) => [...helpersOf(k)])));
  for (const name of helpers) {
    const { parameters, body } = HELPERS[name]!;
    lines.push(`function ${name}(${parameters.join(", ")}) {`, body, "}");
  }
  for (const [name, { type, length }] of moduleArrays(entries)) {
    lines.push(`const ${moduleName(name)} = new ${ARRAYS[type]}(${length});`);
  }
  for (const entry of entries) {
    for (const kernel of entry.kernels) {
      lines.push(`function ${kernel.name}(${parametersOf(kernel).join(", ")}) {`);
      lines.push(...aliases(kernel).map((l) => `  ${l}`));
      printStatements(kernel.body, "  ", lines);
      lines.push("}");
    }
    lines.push(`export function ${entry.spec.name}(buffers, sizes) {`);
    lines.push(...entryBody(entry).map((l) => `  ${l}`), "}");
  }
  return `${lines.join("\n")}\n`;
}

export const ARRAYS: Readonly<Record<LoopBuffer["type"], string>> = {
  f32: "Float32Array",
  f64: "Float64Array",
  i32: "Int32Array",
};

/** The arrays that belong to the module, each as long as the kernel that wants most of it needs. */
export function moduleArrays(
  entries: readonly CompiledEntry[],
): Map<string, { readonly type: LoopBuffer["type"]; readonly length: number }> {
  const found = new Map<string, { type: LoopBuffer["type"]; length: number }>();
  for (const { name, type, space, length } of entries.flatMap((e) =>
    e.kernels.flatMap((k) => k.buffers),
  )) {
    if (space !== "module") continue;
    found.set(name, { type, length: Math.max(found.get(name)?.length ?? 0, length ?? 0) });
  }
  return found;
}

/** A kernel's own names for arrays of the module: V8 sees a constant address only behind a local `const`. */
export const aliases = (kernel: LoopKernel): string[] =>
  kernel.buffers.flatMap((b) =>
    b.space === "module" ? [`const ${b.name} = ${moduleName(b.name)};`] : [],
  );

export const parametersOf = (kernel: LoopKernel): string[] => [
  ...kernel.buffers.flatMap((b) => (b.space === "module" ? [] : [b.name])),
  ...kernel.sizes,
];

/** Takes the buffers apart and calls the kernels one after the other. */
export function entryBody(entry: CompiledEntry): string[] {
  const used = new Set(entry.kernels.flatMap((k) => k.buffers.map((b) => b.name)));
  const seen = new Set<string>();
  const lines: string[] = [];
  entry.buffers.forEach((name, i) => {
    if (!used.has(name) || seen.has(name)) return;
    seen.add(name);
    lines.push(`const ${name} = buffers[${i}];`);
  });
  const sizes = ["batch", "time", "past"].filter((s) =>
    entry.kernels.some((k) => k.sizes.includes(s)),
  );
  if (sizes.length > 0) lines.push(`const { ${sizes.join(", ")} } = sizes;`);
  for (const k of entry.kernels) lines.push(`${k.name}(${parametersOf(k).join(", ")});`);
  return lines;
}
