/** Parameters among tensors. */
import { type Diagnostic, DiagnosticError } from "../../diagnostics/diagnostic.ts";
import { diagnostic, whole } from "../catalogue.ts";
import type { Data } from "../device/program.ts";
import type { Tensor } from "../files/safetensors.ts";
import type { ProgramManifest } from "../format/program.ts";
import { suggestion } from "../suggest.ts";

export type Manifest = Pick<ProgramManifest, "parameters">;

const showShape = (shape: readonly number[]): string => `[${shape.join(", ")}]`;

/**
 * The parameters of a program among the tensors of a file, which may also hold a checkpoint's moments and states (names
 * with a colon). Every parameter must be there with its own shape and finite numbers, and no other.
 * @throws DiagnosticError with every problem: fwp6030 missing, fwp6031 not a parameter, fwp6032 shape, fwp6033 NaN or
 * infinity, fwp6035 integers.
 */
export function matchParameters(
  manifest: Manifest,
  tensors: ReadonlyMap<string, Tensor>,
  path: string,
): Map<string, Float32Array | Float64Array> {
  const problems: Diagnostic[] = [];
  const place = whole(path);
  const found = new Map<string, Float32Array | Float64Array>();
  for (const { name, shape } of manifest.parameters) {
    const tensor = tensors.get(name);
    if (tensor === undefined) {
      problems.push(diagnostic("fwp6030", place, { name, path }));
      continue;
    }
    const { data } = tensor;
    if (tensor.shape.length !== shape.length || tensor.shape.some((n, i) => n !== shape[i])) {
      const facts = { name, expected: showShape(shape), found: showShape(tensor.shape) };
      problems.push(diagnostic("fwp6032", place, facts));
      continue;
    }
    if (data instanceof Int32Array) {
      const facts = { name, expected: "floating-point numbers", found: "integers" };
      problems.push(diagnostic("fwp6035", place, facts));
      continue;
    }
    const index = data.findIndex((value) => !Number.isFinite(value));
    if (index >= 0) {
      problems.push(diagnostic("fwp6033", place, { name, value: String(data[index]), index }));
    } else found.set(name, data);
  }
  const known = new Set(manifest.parameters.map((p) => p.name));
  for (const name of tensors.keys()) {
    if (known.has(name) || name.includes(":")) continue;
    problems.push(diagnostic("fwp6031", place, { name, ...suggestion(name, known) }));
  }
  if (problems.length > 0) throw new DiagnosticError(problems);
  return found;
}

/** The parameters of a program as tensors. */
export function tensorsOf(
  { parameters: specs }: Manifest,
  parameters: ReadonlyMap<string, Data>,
): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const { name, shape } of specs) {
    const data = parameters.get(name);
    if (data !== undefined) tensors.set(name, { shape, data });
  }
  return tensors;
}
