/** The same work on several targets: the demo's training step, products, recurrences. */
import type { Effort } from "./measure.ts";
import { filled, flopsOf, runTime, SYSTEMS } from "./parts.ts";
import type { Target } from "../cli/targets.ts";
import { characterModel, layer, trainingInstance, type Experiment } from "./specs.ts";

export interface Timed {
  readonly what: string;
  /** Milliseconds, in the order of the targets. */
  readonly times: readonly number[];
  readonly flops: number;
}

export async function demoTimes(targets: readonly Target[], effort: Effort): Promise<Timed> {
  const made: Experiment[] = [];
  for (const target of targets) {
    made.push(await characterModel(["train"], target));
  }
  const [first] = made;
  const instances = made.map((m) => trainingInstance(m, m.task.batch("train", 0, m.train.batch)));
  const times = instances.map((instance) => runTime(instance, effort));
  return {
    what: "training step of the demo",
    times,
    flops: flopsOf(first!, "train", instances[0]!),
  };
}

export function productTimes(targets: readonly Target[], effort: Effort): Timed[] {
  const text = "layer Dense(to: int) { in x: [width]  out y: [to] = linear(x, bias: false) }\n";
  const shapes = [
    [64, 64],
    [64, 256],
    [256, 64],
    [64, 89],
    [1024, 1024],
  ] as const;
  const rows = 1024;
  return shapes.flatMap(([width, to]) =>
    (["forward", "gradient"] as const).map((entry) => {
      const settings = [`width=${width}`, `to=${to}`];
      const times = targets.map(
        (target) =>
        runTime(filled(layer({ text }, "Dense", settings, [entry], { target }), entry, 8, rows / 8), effort), // prettier-ignore
      );
      const what = `product ${rows} × ${width} × ${to}${entry === "forward" ? "" : " and its two gradients"}`;
      return { what, times, flops: (entry === "forward" ? 2 : 6) * rows * width * to };
    }),
  );
}

export function recurrenceTimes(targets: readonly Target[], effort: Effort): Timed[] {
  return SYSTEMS.flatMap(({ what, spec, name, settings, batch, time }) =>
    (["forward", "gradient"] as const).map((entry) => {
      const made = targets.map((target) => layer(spec, name, settings, [entry], { target }));
      const instances = made.map((m) => filled(m, entry, batch, time));
      const times = instances.map((instance) => runTime(instance, effort));
      const way = entry === "forward" ? "forward" : "forward and backward";
      return { what: `${what}, ${way}`, times, flops: flopsOf(made[0]!, entry, instances[0]!) };
    }),
  );
}
