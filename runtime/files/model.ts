/** A model whose weights are in files. */
import type { Program } from "../device/program.ts";
import { Model, type WeightSource } from "../model.ts";
import { saveWeights } from "../parameters/weights.ts";
import { readSafetensors } from "./tensors.ts";

/** Random first weights from a seed, weights in memory, or the path of a safetensors file. */
export type DiskWeights = WeightSource | { readonly weights: string };

const isPath = (source: DiskWeights): source is { readonly weights: string } =>
  "weights" in source && typeof source.weights === "string";

const fromFile = (path: string): WeightSource => ({
  weights: readSafetensors(path).tensors,
  from: path,
});

/** A model that also reads its weights from safetensors files and writes them there. */
export class DiskModel<
  Input extends string = string,
  Output extends string = string,
  State extends string = string,
> extends Model<Input, Output, State> {
  /** @throws DiagnosticError fwp6301 for a program of another format, and those of reading weights. */
  constructor(program: Program, source: DiskWeights) {
    super(program, isPath(source) ? fromFile(source.weights) : source);
  }

  /** Replaces the weights by those of a file. All or none. @throws DiagnosticError as the constructor. */
  loadWeights(path: string): void {
    this.setWeights(readSafetensors(path).tensors, path);
  }

  /** Writes the weights to a safetensors file, whole or not at all. */
  saveWeights(path: string): void {
    saveWeights(this.program.manifest, path, this.parameters);
  }
}
