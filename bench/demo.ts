/** The training step of the demo model against the same step in TensorFlow.js. */
import { compare, type Effort, type Timing } from "./measure.ts";
import { profileEntry, type Profile } from "../cli/profile/measure.ts";
import { characterModel, trainingInstance } from "./specs.ts";
import { loadTfjs } from "./tfjs.ts";
import type { Shaped } from "./tfjs_step.ts";

/** How far two programs that do the same may be apart, relative. */
const TOLERANCE = 1e-3;

export interface Demo {
  readonly ours: Timing;
  readonly tfjs: Timing;
  /** How often our step fits into the other. */
  readonly ratio: number;
  /** The same of the time on processors, for busy machines. */
  readonly processorRatio: number;
  readonly tokensPerSecond: number;
  /** Of the first step: ours and theirs. */
  readonly loss: readonly [number, number];
  readonly gradientNorm: readonly [number, number];
  readonly description: string;
}

function checkSame(what: string, [ours, theirs]: readonly [number, number]): void {
  const difference = Math.abs(ours - theirs) / Math.max(Math.abs(theirs), 1e-12);
  if (difference <= TOLERANCE) return;
  throw new Error(`not the same work: ${what} is ${ours} here and ${theirs} in tfjs`);
}

export async function demo(effort: Effort): Promise<Demo> {
  const made = await characterModel();
  const { manifest } = made.compiled;
  const batch = made.task.batch("train", 0, made.train.batch);
  const instance = trainingInstance(made, batch);
  const parameters = new Map(
    manifest.parameters.map(({ name, shape }): [string, Shaped] => [
      name,
      { shape, data: Float32Array.from(made.instances.parameters.get(name)!) },
    ]),
  );
  const { tfjsStep } = await loadTfjs();
  const other = await tfjsStep(parameters, made.train);
  const metric = (name: string): number => instance.output("metric", name)[0]!;

  let taken = 0;
  const ourStep = (): void => {
    instance.input("scalar", "step")[0] = ++taken;
    instance.run();
  };
  // Two steps: the second one shows that the first changed the weights in the same way.
  let first: Pick<Demo, "loss" | "gradientNorm"> | null = null;
  for (let i = 0; i < 2; i++) {
    ourStep();
    const found = other.step(batch);
    const loss = [metric("loss"), found.loss] as const;
    const gradientNorm = [metric("gradient_norm"), found.gradientNorm] as const;
    checkSame(`the loss of step ${i + 1}`, loss);
    checkSame(`the gradient norm of step ${i + 1}`, gradientNorm);
    first ??= { loss, gradientNorm };
  }
  const alive = other.tensors();
  const [ours, tfjs] = compare(ourStep, () => void other.step(batch), effort);
  if (other.tensors() !== alive) throw new Error("the step in tfjs leaks tensors");
  other.dispose();
  return {
    ours,
    tfjs,
    ratio: tfjs.median / ours.median,
    processorRatio: tfjs.processor / ours.processor,
    tokensPerSecond: (1000 * batch.batch * batch.time) / ours.median,
    ...first!,
    description: `batch ${batch.batch}, ${batch.time} steps, ${made.task.description}`,
  };
}

/** Where our step spends its time, kernel by kernel. */
export async function profileDemo(): Promise<Profile> {
  const { compiled, task, train } = await characterModel();
  const batch = task.batch("train", 0, train.batch);
  const sizes = { batch: batch.batch, time: batch.time, past: 0 };
  const [entry] = compiled.entries;
  if (entry === undefined) throw new Error("there is no training step");
  return profileEntry({
    name: "char_lm",
    device: "typescript",
    sizes,
    compiled,
    entry,
    train,
    batch,
  });
}
