/** The optimisers once more, on plain arrays, as their papers write them. */
import type { OptimizerSettings } from "../../runtime/format/training.ts";

export type Arrays = Map<string, Float64Array>;
export interface Optimizer {
  readonly parameters: Arrays;
  readonly m: Arrays;
  readonly v: Arrays;
}

/** `decayed`: names of the parameters that weight decay pulls on. Writes over everything in `o`. */
export function referenceStep(
  o: Optimizer,
  gradients: Arrays,
  settings: OptimizerSettings,
  rate: number,
  t: number,
  decayed: ReadonlySet<string>,
): void {
  for (const [name, p] of o.parameters) {
    const [m, v] = [o.m.get(name)!, o.v.get(name)!];
    const decay = decayed.has(name) ? settings.decay : 0;
    for (let i = 0; i < p.length; i++) {
      let g = gradients.get(name)![i]!;
      const old = p[i]!;
      if (settings.kind === "sgd") {
        m[i] = settings.momentum * m[i]! + g;
        const along = settings.nesterov ? g + settings.momentum * m[i]! : m[i]!;
        p[i] = old - rate * along - rate * decay * old;
        continue;
      }
      if (settings.kind === "adam") g += decay * old;
      m[i] = settings.beta1 * m[i]! + (1 - settings.beta1) * g;
      v[i] = settings.beta2 * v[i]! + (1 - settings.beta2) * g * g;
      const [mHat, vHat] = [m[i]! / (1 - settings.beta1 ** t), v[i]! / (1 - settings.beta2 ** t)];
      p[i] = old - (rate * mHat) / (Math.sqrt(vHat) + settings.epsilon);
      if (settings.kind === "adamw") p[i]! -= rate * decay * old;
    }
  }
}
