/** Small programs with a loss per step. */
import { dim, type Dim } from "../../compiler/dims.ts";
import type { StepProgram } from "../../compiler/graph/ir.ts";
import { LOSS, WEIGHT } from "../../compiler/graph/objective.ts";
import { Layer } from "../derive/steps.ts";

/** A delta net with a learned first matrix that predicts a target; a bias, a vector gain and a fixed table of features. */
export function regression(options: { weighted: boolean; width?: Dim }): StepProgram {
  const s = new Layer("regression");
  const b = s.body;
  const [d, h, n] = [options.width ?? dim(3), dim(2), dim(3)];
  const x = s.input("x", [d]);
  const target = s.input("target", [d]);
  const features = b.mul(x, s.parameter("features", [d], false));
  const [k, q] = [s.slow("k", features, [h, n], "tanh"), s.slow("q", x, [h, n], "tanh")];
  const v = b.add(s.slow("v", x, [h, n]), s.parameter("v.bias", [h, n]));
  s.parameter("W0", [h, n, n]);
  const w = s.delta(s.state("W", [h, n, n], { init: "W0" }), k, v, s.slow("b", x, [h], "sigmoid"));
  s.update("W", w);
  const y = b.mul(s.slow("o", s.read(w, q), [d]), s.parameter("gain", [d]));
  const error = b.sub(y, target);
  s.outputs.push({ name: "y", node: y });
  s.outputs.push({ name: LOSS, node: b.sum(b.mul(error, error), [0]) });
  if (options.weighted) {
    s.outputs.push({ name: WEIGHT, node: b.unary("abs", s.input("count", [])) });
  }
  s.outputs.push({ name: "metric.worst", node: b.reduce("max", b.unary("abs", error), [0]) });
  return s.finish();
}
