/** Rules at random for several states of one shape: decays, matrices, reads and writes in any order, across the states. */
import { dim } from "../../../compiler/dims.ts";
import type { NodeId, StepProgram } from "../../../compiler/graph/ir.ts";
import { StepBuilder } from "../../support/steps.ts";

/** `draws` decides everything. Of all rules a third has no keys: what is mixed are vectors. */
export function randomMixing(draws: readonly number[]): StepProgram {
  let at = 0;
  const draw = (n: number): number => (draws[at++ % draws.length]! >>> 0) % n;
  const step = new StepBuilder("mixing");
  const b = step.body;
  const h = dim(1 + draw(2));
  const [m, n] = [dim(1 + draw(3)), dim(1 + draw(3))];
  const vectors = draw(3) === 0;
  const shape = vectors ? [h, n] : [h, m, n];
  const keyAxis = shape.length - 1;
  let count = 0;
  const input = (own: readonly (typeof h)[], fn: "tanh" | "sigmoid", scale = 0.6): NodeId =>
    b.scaleBy(b.unary(fn, step.input(`x${count++}`, own)), scale);
  const w = Array.from({ length: 1 + draw(3) }, (_, i) => step.state(`W${i}`, shape));
  const pick = (): number => draw(w.length);
  const times = (x: NodeId, factor: NodeId, axes: readonly number[]): NodeId =>
    b.mul(x, b.broadcast(factor, axes, b.shape(x)));
  const all = shape.map((_, i) => i);
  const read = (state: NodeId, key: NodeId): NodeId =>
    vectors ? b.mul(state, key) : b.contract(state, all, key, [0, 2], [0, 1]);
  const write = (value: NodeId, key: NodeId): NodeId =>
    vectors ? b.mul(value, key) : b.contract(value, [0, 1], key, [0, 2], [0, 1, 2]);
  const value = (): NodeId => input(vectors ? shape : [h, m], "tanh");
  const key = (): NodeId => input([h, n], "tanh");
  const reads: NodeId[] = [];
  const events: (() => void)[] = [
    () => {
      const i = pick();
      w[i] = times(w[i]!, input([h], "tanh", 1), [0]);
    },
    () => {
      const i = pick();
      w[i] = times(w[i]!, input([h, n], "sigmoid", 1), [0, keyAxis]);
    },
    () => {
      const [i, j] = [pick(), pick()];
      w[i] = b.add(w[i]!, times(w[j]!, input([h], "tanh", 0.3), [0]));
    },
    () => {
      const [i, j] = [pick(), pick()];
      [w[i], w[j]] = [b.scaleBy(w[j]!, 0.9), w[i]!];
    },
    () => {
      const i = pick();
      const matrix = input([h, n, n], "tanh", 0.5);
      if (!vectors) w[i] = b.contract(w[i]!, [0, 1, 2], matrix, [0, 2, 3], [0, 1, 3]);
    },
    () => reads.push(read(w[pick()]!, key())),
    () => {
      const i = pick();
      const from = reads.at(-1) ?? read(w[pick()]!, key());
      const error = b.sub(value(), times(from, input([h], "sigmoid"), [0]));
      w[i] = b.add(w[i]!, write(error, key()));
    },
  ];
  const length = 3 + draw(6);
  for (let i = 0; i < length; i++) events[draw(events.length)]!();
  for (let i = 0; i < w.length; i++) step.update(`W${i}`, w[i]!);
  const answers = w.map((state) => read(state, key()));
  const sum = answers.reduce((a, x) => b.add(a, x));
  step.outputs.push({ name: "y", node: b.unary("tanh", sum) });
  step.outputs.push({ name: "early", node: reads[0] ?? sum });
  return step.finish();
}
