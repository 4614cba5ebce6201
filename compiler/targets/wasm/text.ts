/** A module as text to read and to compare: the specification's names, one instruction a line, blocks by indentation. */
import type { Instruction, WasmFunction, WasmModule } from "./instructions.ts";

function lines(i: Instruction, nameOf: (local: number) => string): string[] {
  const inside = (body: readonly Instruction[]): string[] =>
    body.flatMap((x) => lines(x, nameOf)).map((line) => `  ${line}`);
  switch (i.op) {
    case "local.get":
    case "local.set":
    case "local.tee":
      return [`${i.op} $${nameOf(i.local)}`];
    case "v128.const":
      return [`${i.op} ${i.shape} ${i.values.join(" ")}`];
    case "i8x16.shuffle":
      return [`${i.op} ${i.bytes.join(" ")}`];
    case "fused":
      return [
        ...i.product.flatMap((x) => lines(x, nameOf)),
        `${i.kind}.mul`,
        ...i.sum.flatMap((x) => lines(x, nameOf)),
        `${i.kind}.add ;; or both as one`,
      ];
    case "call":
      return [`${i.op} $${i.callee}`];
    case "br":
    case "br_if":
      return [`${i.op} ${i.depth}`];
    case "block":
    case "loop":
      return [i.op, ...inside(i.body), "end"];
    case "if":
      return [
        i.result === null ? "if" : `if (result ${i.result})`,
        ...inside(i.body),
        ...(i.otherwise.length === 0 ? [] : ["else", ...inside(i.otherwise)]),
        "end",
      ];
  }
  if ("value" in i) return [`${i.op} ${Object.is(i.value, -0) ? "-0" : i.value}`];
  if ("offset" in i) return [i.offset === 0 ? i.op : `${i.op} offset=${i.offset}`];
  if ("lane" in i) return [`${i.op} ${i.lane}`];
  return [i.op];
}

export function functionText(f: WasmFunction): string {
  const count = f.parameters.length;
  const nameOf = (local: number): string => f.names[local] ?? String(local);
  const head = f.parameters.map((type, i) => ` (param $${nameOf(i)} ${type})`).join("");
  const result = f.result === null ? "" : ` (result ${f.result})`;
  return [
    `;; ${f.title}`,
    `(func $${f.name}${f.exported ? ` (export "${f.name}")` : ""}${head}${result}`,
    ...f.locals.map((type, i) => `  (local $${nameOf(count + i)} ${type})`),
    ...f.body.flatMap((i) => lines(i, nameOf)).map((line) => `  ${line}`),
    ")",
  ].join("\n");
}

export function moduleText({ imports, functions }: WasmModule): string {
  const header = [
    '(import "env" "memory" (memory 0))',
    ...imports.map(
      ({ module, name, parameters, result }) =>
        `(import "${module}" "${name}" (func $${module}.${name} (param ${parameters.join(" ")})${result === null ? "" : ` (result ${result})`}))`,
    ),
  ];
  return [...header, ...functions.map(functionText), ""].join("\n");
}
