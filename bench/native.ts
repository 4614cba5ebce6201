/** The `native` target beside `typescript`: the demo's training step, products, recurrences. */
import { nativeSupport } from "../runtime/device/native/index.ts";
import type { Effort } from "./measure.ts";
import { filled, flopsOf, runTime, SYSTEMS, type Row } from "./parts.ts";
import { characterModel, layer, trainingInstance, type Experiment, type Target } from "./specs.ts";

const TARGETS: readonly Target[] = ["typescript", "native"];

/** Milliseconds on each target, and how many times faster the second is. */
function rowOf(what: string, times: readonly number[], flops: number): Row {
  const [typescript = 0, native = 0] = times;
  return {
    group: "native",
    what,
    milliseconds: native,
    gigaflops: flops / native / 1e6,
    note: `${(typescript / native).toFixed(1)} × typescript (${typescript.toPrecision(3)} ms)`,
  };
}

async function demoStep(effort: Effort): Promise<Row> {
  const made: Experiment[] = [];
  for (const target of TARGETS) {
    made.push(await characterModel(["train"], target));
  }
  const [first] = made;
  const instances = made.map((m) => trainingInstance(m, m.task.batch("train", 0, m.train.batch)));
  const times = instances.map((instance) => runTime(instance, effort));
  return rowOf("training step of the demo", times, flopsOf(first!, "train", instances[0]!));
}

function products(effort: Effort): Row[] {
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
      const times = TARGETS.map(
        (target) =>
        runTime(filled(layer({ text }, "Dense", settings, [entry], { target }), entry, 8, rows / 8), effort), // prettier-ignore
      );
      const what = `product ${rows} × ${width} × ${to}${entry === "forward" ? "" : " and its two gradients"}`;
      return rowOf(what, times, (entry === "forward" ? 2 : 6) * rows * width * to);
    }),
  );
}

function recurrences(effort: Effort): Row[] {
  return SYSTEMS.flatMap(({ what, spec, name, settings, batch, time }) =>
    (["forward", "gradient"] as const).map((entry) => {
      const made = TARGETS.map((target) => layer(spec, name, settings, [entry], { target }));
      const instances = made.map((m) => filled(m, entry, batch, time));
      const times = instances.map((instance) => runTime(instance, effort));
      const way = entry === "forward" ? "forward" : "forward and backward";
      return rowOf(`${what}, ${way}`, times, flopsOf(made[0]!, entry, instances[0]!));
    }),
  );
}

/** Nothing where no C compiler works. */
export async function nativeRows(effort: Effort): Promise<Row[]> {
  if (!nativeSupport().works) return [];
  return [await demoStep(effort), ...products(effort), ...recurrences(effort)];
}
