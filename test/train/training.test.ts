import { describe, expect, test } from "vitest";
import { stage } from "../../compiler/derive/index.ts";
import { evaluateDim, named } from "../../compiler/dims.ts";
import {
  LOSS,
  concretize,
  operands,
  runProgram,
  scalar,
  sizeLookup,
  unroll,
  verifyProgram,
  withGradients,
  withInitialStates,
  zeros,
  type NodeId,
  type RunSizes,
  type SequenceProgram,
  type StepProgram,
  type Tensor,
  WEIGHT,
} from "../../compiler/graph/index.ts";
import { evaluationProgram, trainingProgram, type TrainingOptions } from "../../compiler/train/index.ts"; // prettier-ignore
import type { OptimizerSettings } from "../../runtime/format/training.ts";
import { momentsOf } from "../../runtime/optimizers.ts";
import { expectClose, relativeRms } from "../support/compare.ts";
import { portKey } from "../support/steps.ts";
import { firstInputs, RATE } from "./inputs.ts";
import { regression } from "./models.ts";
import { referenceStep, type Optimizer } from "./reference.ts";

const sizes: RunSizes = { batch: 2, time: 5, past: 0 };

const plain: OptimizerSettings = { kind: "sgd", rate: 1, momentum: 0, nesterov: false, decay: 0 };
const optimizers: readonly OptimizerSettings[] = [
  plain,
  { ...plain, momentum: 0.9, decay: 0.1 },
  { ...plain, momentum: 0.9, nesterov: true },
  { kind: "adam", rate: 1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.2 },
  { kind: "adam", rate: 1, beta1: 0, beta2: 0.9, epsilon: 1e-3, decay: 0 },
  { kind: "adamw", rate: 1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, decay: 0.2 },
];

const values = (atom: { name: string }) => (atom.name === "width" ? 3 : undefined);
const metric = (outputs: ReadonlyMap<string, Tensor>, name: string): number =>
  outputs.get(`metric:${name}`)!.data[0]!;

function train(step: StepProgram, options: Partial<TrainingOptions> = {}): SequenceProgram {
  const all = { carry: false, optimizer: plain, clip: null, ...options };
  const program = trainingProgram(stage(step), all);
  verifyProgram(program);
  return program;
}

/** What comes out under the name of an input goes in the next time. */
function feedBack(inputs: Map<string, Tensor>, outputs: ReadonlyMap<string, Tensor>): void {
  for (const [name, value] of outputs) if (inputs.has(name)) inputs.set(name, value);
}

/** Gradients of the loss by way of the unrolled program's cotangents, where the loss is 1 / Σ weight per step. */
function lossGradients(
  step: StepProgram,
  inputs: ReadonlyMap<string, Tensor>,
  carry = false,
): { gradients: Map<string, Float64Array>; loss: number } {
  const program = carry ? unroll(step) : withInitialStates(unroll(step));
  const full = withGradients(program, { parameters: true });
  const given = new Map(inputs);
  for (const p of full.inputs) {
    const shape = p.shape.map((d) => evaluateDim(d, sizeLookup(sizes)));
    if (p.role === "cotangent") given.set(portKey(p), zeros(shape));
  }
  const first = runProgram(full, given, sizes);
  const losses = first.get(`output:${LOSS}`)!;
  const weight = first.get(`output:${WEIGHT}`)?.data ?? losses.data.map(() => 1);
  const total = weight.reduce((a, b) => a + b, 0);
  const loss = losses.data.reduce((sum, x, i) => sum + (x * weight[i]!) / total, 0);
  given.set(`cotangent:${LOSS}`, { shape: losses.shape, data: weight.map((w) => w / total) });
  const gradients = new Map<string, Float64Array>();
  for (const [name, { data }] of runProgram(full, given, sizes)) {
    if (name.startsWith("gradient:")) gradients.set(name.replace("gradient:", ""), data);
  }
  return { gradients, loss };
}

describe("a training step is the optimiser of the paper", () => {
  test.each(optimizers.map((o) => [JSON.stringify(o), o] as const))("%s", (_, optimizer) => {
    const step = regression({ weighted: true });
    const program = train(step, { optimizer });
    const inputs = firstInputs(program, sizes);
    const moments = program.inputs.filter((p) => p.role === "optimizer").map((p) => p.name);
    const trained = step.parameters.filter((p) => p.trained).map((p) => p.name);
    expect(moments.sort()).toEqual(
      trained.flatMap((p) => momentsOf(optimizer).map((m) => `${m}.${p}`)).sort(),
    );

    const copy = (name: string) => inputs.get(`parameter:${name}`)!.data.slice();
    const none = (name: string) => new Float64Array(copy(name).length);
    const reference: Optimizer = {
      parameters: new Map(trained.map((p) => [p, copy(p)])),
      m: new Map(trained.map((p) => [p, none(p)])),
      v: new Map(trained.map((p) => [p, none(p)])),
    };
    const decayed = new Set(["k", "q", "v", "b", "o", "W0"]);
    for (let t = 1; t <= 3; t++) {
      inputs.set("scalar:step", scalar(t));
      const { gradients, loss } = lossGradients(step, inputs);
      referenceStep(reference, gradients, optimizer, RATE, t, decayed);
      const outputs = runProgram(program, inputs, sizes);
      expect(metric(outputs, "loss")).toBeCloseTo(loss, 10);
      feedBack(inputs, outputs);
      for (const [name, value] of reference.parameters) {
        const found = inputs.get(`parameter:${name}`)!.data;
        expect(relativeRms(found, value), `${name}, step ${t}`).toBeLessThan(1e-9);
      }
    }
  });

  test("what is fixed stays, what is trained changes, and the loss falls", () => {
    const program = train(regression({ weighted: false }), { optimizer: optimizers[4]! });
    const inputs = firstInputs(program, sizes);
    const losses = [];
    for (let t = 1; t <= 60; t++) {
      inputs.set("scalar:step", scalar(t));
      const outputs = runProgram(program, inputs, sizes);
      expect(outputs.has("parameter:features")).toBe(false);
      losses.push(metric(outputs, "loss"));
      feedBack(inputs, outputs);
    }
    expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]!);
  });
});

describe("clipping", () => {
  const step = regression({ weighted: false });
  const moved = (clip: number | null) => {
    const program = train(step, { clip });
    const inputs = firstInputs(program, sizes);
    const outputs = runProgram(program, inputs, sizes);
    let square = 0;
    for (const { role, name } of program.outputs) {
      if (role !== "parameter") continue;
      const [old, made] = [inputs, outputs].map((x) => x.get(`parameter:${name}`)!.data);
      made!.forEach((x, i) => (square += (x - old![i]!) ** 2));
    }
    return { far: Math.sqrt(square), norm: metric(outputs, "gradient_norm") };
  };
  const free = moved(null);

  test("the norm is over all gradients, and is reported as it was", () => {
    expect(free.far).toBeCloseTo(RATE * free.norm, 12);
    expect(moved(free.norm / 4).norm).toBe(free.norm);
  });
  test("a longer gradient is cut to the limit, a shorter one left alone", () => {
    expect(moved(free.norm / 4).far).toBeCloseTo((RATE * free.norm) / 4, 12);
    expect(moved(free.norm * 4).far).toBe(free.far);
  });
});

describe("weights", () => {
  const step = regression({ weighted: true });
  const program = train(step, { optimizer: plain });
  const withCounts = (counts: readonly number[]) => {
    const inputs = firstInputs(program, sizes);
    return inputs.set("input:count", { shape: [2, 5], data: Float64Array.from(counts) });
  };

  test("a step of weight 0 changes nothing", () => {
    const inputs = withCounts([1, 1, 2, 1, 0, 3, 0.5, 1, 1, 0]);
    const outputs = runProgram(program, inputs, sizes);
    const target = { ...inputs.get("input:target")! };
    const data = target.data.slice();
    for (const last of [4, 9]) data.fill(100, last * 3, last * 3 + 3);
    const others = runProgram(program, inputs.set("input:target", { ...target, data }), sizes);
    for (const [name, value] of outputs) expectClose(others.get(name)!, value, 1e-12, name);
  });
  test("where no step counts, nothing moves", () => {
    const inputs = withCounts([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    const outputs = runProgram(program, inputs, sizes);
    expect(metric(outputs, "loss")).toBe(0);
    for (const name of ["k", "W0"]) {
      expectClose(outputs.get(`parameter:${name}`)!, inputs.get(`parameter:${name}`)!, 0);
    }
  });
  test("evaluation gives sums that add up to the training loss", () => {
    const evaluation = evaluationProgram(stage(step), { carry: false });
    verifyProgram(evaluation);
    const inputs = withCounts([1, 1, 2, 1, 0, 3, 0.5, 1, 1, 0]);
    const [sums, averages] = [evaluation, program].map((p) => runProgram(p, inputs, sizes));
    expect([...sums!.keys()]).toEqual(["metric:loss", "metric:metric.worst", "metric:weight"]);
    expect(metric(sums!, "weight")).toBeCloseTo(10.5, 12);
    for (const name of ["loss", "metric.worst"]) {
      expect(metric(sums!, name) / 10.5).toBeCloseTo(metric(averages!, name), 12);
    }
  });
  test("without weights every step of every sequence counts once", () => {
    const evaluation = evaluationProgram(stage(regression({ weighted: false })), { carry: false });
    const sums = runProgram(evaluation, firstInputs(evaluation, sizes), sizes);
    expect(sums.get("metric:weight")!.data[0]).toBe(10);
  });
});

describe("states", () => {
  const step = regression({ weighted: false });

  test("carried: given and given back, no gradient into where they started", () => {
    const program = train(step, { carry: true });
    const inputs = firstInputs(program, sizes);
    const outputs = runProgram(program, inputs, sizes);
    expect(outputs.get("state:W")!.shape).toEqual([2, 2, 3, 3]);
    expectClose(outputs.get("state:W")!, runProgram(unroll(step), inputs, sizes).get("state:W")!);
    expectClose(outputs.get("parameter:W0")!, inputs.get("parameter:W0")!, 0);
    const { gradients } = lossGradients(step, inputs, true);
    const k = inputs.get("parameter:k")!.data.map((x, i) => x - RATE * gradients.get("k")![i]!);
    expect(relativeRms(outputs.get("parameter:k")!.data, k)).toBeLessThan(1e-12);
  });
  test("not carried: they start from their initial values, learned ones learn", () => {
    const program = train(step);
    expect(program.inputs.some((p) => p.role === "state")).toBe(false);
    expect(program.outputs.some((p) => p.role === "state")).toBe(false);
    const inputs = firstInputs(program, sizes);
    const made = runProgram(program, inputs, sizes).get("parameter:W0")!.data;
    expect(relativeRms(made, inputs.get("parameter:W0")!.data)).toBeGreaterThan(1e-4);
  });
});

test("an output that is asked for is that of the old parameters", () => {
  const step = regression({ weighted: false });
  const program = train(step, { outputs: ["y"] });
  const inputs = firstInputs(program, sizes);
  const expected = runProgram(withInitialStates(unroll(step)), inputs, sizes);
  expectClose(runProgram(program, inputs, sizes).get("output:y")!, expected.get("output:y")!);
});

test("symbolic sizes and numbers give the same training step", () => {
  const step = regression({ weighted: true, width: named("width") });
  const options = { optimizer: optimizers[5]!, clip: 0.1 };
  const [before, after] = [train(concretize(step, values), options), concretize(train(step, options), values)]; // prettier-ignore
  verifyProgram(after);
  const inputs = firstInputs(before, sizes);
  const [a, b] = [before, after].map((p) => runProgram(p, inputs, sizes));
  for (const [name, value] of a!) expectClose(b!.get(name)!, value, 1e-12, name);
});

test("an update is elementwise from the gradient to the parameter", () => {
  const program = train(regression({ weighted: false }), { optimizer: optimizers[5]!, clip: 1 });
  const { nodes } = program.graph;
  const port = program.outputs.find((p) => p.role === "parameter" && p.name === "k")!;
  const operations = new Set<string>();
  const visit = (id: NodeId): void => {
    const node = nodes[id]!;
    if (node.shape.length === 0 || node.op === "contract") return;
    operations.add(node.op);
    for (const x of operands(node)) visit(x);
  };
  visit(port.node);
  expect([...operations].sort()).toEqual(["binary", "broadcast", "input", "unary"]);
});
