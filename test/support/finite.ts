/** Gradients by central differences, to hold derived ones against. */
import { expect } from "vitest";
import { evaluateDim } from "../../compiler/dims.ts";
import {
  gradient,
  GraphBuilder,
  interpret,
  runProgram,
  sizeLookup,
  verify,
  verifyProgram,
  withGradients,
  type AdjointOptions,
  type NodeId,
  type RunSizes,
  type SequenceProgram,
  type Tensor,
} from "../../compiler/graph/index.ts";
import { relativeRms } from "./compare.ts";
import { drawNormal } from "./draw.ts";
import { drawInputs, portKey } from "./steps.ts";

/** ∂f/∂x for every element of `x`, which is changed and restored. Error about step². */
export function finiteGradient(f: () => number, x: Tensor, step = 2e-5): Float64Array {
  return x.data.map((value, i) => {
    // Fourth order: (8 (f₁ − f₋₁) − (f₂ − f₋₂)) / 12 h
    const at = (k: number) => {
      x.data[i] = value + k * step;
      return f();
    };
    const [near, far] = [at(1) - at(-1), at(2) - at(-2)];
    x.data[i] = value;
    return (8 * near - far) / (12 * step);
  });
}

/** The weighted sum of all elements, in float64. */
function weigh(values: Tensor, weights: Tensor): number {
  return values.data.reduce((total, v, i) => total + v * weights.data[i]!, 0);
}

export const NO_SIZES: RunSizes = { batch: 1, time: 1, past: 0 };

/**
 * Builds y from inputs, and compares the gradient of Σ y · weights (random) with finite differences. `order` 2 compares the
 * gradient of the gradient instead.
 */
export function checkGraphGradient(
  inputs: Readonly<Record<string, Tensor>>,
  build: (b: GraphBuilder, ids: Readonly<Record<string, NodeId>>) => NodeId,
  declare: (b: GraphBuilder, name: string) => NodeId,
  options: { order?: 1 | 2; tolerance?: number; sizes?: RunSizes } = {},
): void {
  const { order = 1, tolerance = 1e-7, sizes = NO_SIZES } = options;
  const b = new GraphBuilder("check");
  const ids = Object.fromEntries(Object.keys(inputs).map((n) => [n, declare(b, n)]));
  const floats = Object.keys(inputs).filter((n) => b.node(ids[n]!).dtype === "float");
  const wrt = floats.map((n) => ids[n]!);
  const all = new Map(Object.entries(inputs));
  const weighted = (y: NodeId, name: string): NodeId => {
    const shape = b.shape(y);
    const numbers = shape.map((d) => evaluateDim(d, sizeLookup(sizes)));
    all.set(name, drawNormal(numbers, name));
    const product = b.mul(y, b.input(name, shape));
    return b.sum(
      product,
      shape.map((_, i) => i),
    );
  };
  let loss = weighted(build(b, ids), "weights");
  if (order === 2) {
    const first = gradient(b, loss, wrt);
    loss = first.map((g, i) => weighted(g, `weights.${i}`)).reduce((x, y) => b.add(x, y));
  }
  b.output("loss", loss);
  gradient(b, loss, wrt).forEach((g, i) => b.output(floats[i]!, g));
  const graph = b.finish();
  verify(graph);
  const found = interpret(graph, all, sizes);
  const alone = { ...graph, outputs: graph.outputs.slice(0, 1) };
  const f = () => interpret(alone, all, sizes).get("loss")!.data[0]!;
  for (const name of floats) {
    const expected = finiteGradient(f, inputs[name]!);
    const error = relativeRms(found.get(name)!.data, expected);
    expect(error, `gradient of ${name}`).toBeLessThanOrEqual(tolerance);
  }
}

/** Compares every gradient of a program, for random inputs and cotangents, with finite differences. */
export function checkProgramGradients(
  program: SequenceProgram,
  sizes: RunSizes,
  options: AdjointOptions & { tolerance?: number; transform?: (p: SequenceProgram) => SequenceProgram } = {}, // prettier-ignore
): void {
  const { tolerance = 1e-6, transform = (p) => p } = options;
  const adjoint = transform(withGradients(program, undefined, options));
  verifyProgram(adjoint);
  const inputs = drawInputs(adjoint, sizes);
  const found = runProgram(adjoint, inputs, sizes);
  const f = () => {
    let total = 0;
    for (const [key, value] of runProgram(program, inputs, sizes)) {
      const [role, name] = key.split(":") as [string, string];
      const cotangent = inputs.get(`cotangent:${role === "state" ? `state.${name}` : name}`);
      if (cotangent !== undefined) total += weigh(value, cotangent);
    }
    return total;
  };
  const gradients = adjoint.outputs.filter((p) => p.role === "gradient");
  expect(gradients.length).toBeGreaterThan(0);
  for (const port of gradients) {
    const source = adjoint.inputs.find(
      (p) => portKey(p) === `state:${port.name.replace(/^state\./, "")}` && port.name.startsWith("state."),
    ) ?? adjoint.inputs.find((p) => p.name === port.name && (p.role === "input" || p.role === "parameter"))!; // prettier-ignore
    const expected = finiteGradient(f, inputs.get(portKey(source))!, 1e-4);
    const error = relativeRms(found.get(portKey(port))!.data, expected);
    expect(error, `gradient of ${port.name}`).toBeLessThanOrEqual(tolerance);
  }
}
