/** Rules at random: decays, reads and writes in any order, several per step. */
import { dim } from "../../../compiler/dims.ts";
import type { NodeId, StepProgram } from "../../../compiler/graph/ir.ts";
import { StepBuilder } from "../../support/steps.ts";

/** `draws` decides everything. The sides of the state change places in some of the rules. */
export function randomRule(draws: readonly number[]): StepProgram {
  let at = 0;
  const draw = (n: number): number => (draws[at++ % draws.length]! >>> 0) % n;
  const step = new StepBuilder("events");
  const b = step.body;
  const h = dim(1 + draw(3));
  const [m, n] = [dim(1 + draw(4)), dim(1 + draw(4))];
  const turned = draw(3) === 0;
  const shape = turned ? [h, n, m] : [h, m, n];
  // Axes of the values and of the keys.
  const [va, ka] = turned ? ([2, 1] as const) : ([1, 2] as const);
  let count = 0;
  const input = (own: readonly (typeof h)[], fn: "tanh" | "sigmoid", scale = 0.6): NodeId =>
    b.scaleBy(b.unary(fn, step.input(`x${count++}`, own)), scale);
  let w = step.state("W", shape);
  const read = (key: NodeId): NodeId => b.contract(w, [0, 1, 2], key, [0, ka], [0, va]);
  const reads: NodeId[] = [];
  const known: NodeId[] = [];
  const key = (): NodeId => {
    if (known.length > 0 && draw(2) === 0) return known[draw(known.length)]!;
    const made = input([h, n], "tanh");
    known.push(made);
    return made;
  };
  const times = (x: NodeId, factor: NodeId, axes: readonly number[]): NodeId =>
    b.mul(x, b.broadcast(factor, axes, b.shape(x)));
  const perRow = draw(4) === 0;
  const events: (() => void)[] = [
    () => (w = times(w, input([h], "sigmoid", 1), [0])),
    () => (w = times(w, input([h, n], "sigmoid", 1), [0, ka])),
    () => (w = times(w, input([h], "tanh", 1), [0])),
    () => (w = b.scaleBy(w, 0.9)),
    () => reads.push(read(key())),
    () => reads.push(read(key())),
    () => {
      let value = input([h, m], "tanh");
      for (const z of reads.slice(-2)) {
        const rated = perRow
          ? b.mul(z, input([h, m], "sigmoid"))
          : times(z, input([h], "tanh"), [0]);
        value = draw(2) === 0 ? b.sub(value, rated) : b.add(rated, value);
      }
      w = b.add(w, b.contract(value, [0, va], key(), [0, ka], [0, 1, 2]));
    },
  ];
  const length = 2 + draw(6);
  for (let i = 0; i < length; i++) events[draw(events.length)]!();
  events[6]!();
  step.update("W", w);
  const last = reads.length > 0 ? reads[draw(reads.length)]! : read(key());
  step.outputs.push({ name: "y", node: b.unary("tanh", b.add(last, read(input([h, n], "tanh")))) });
  step.outputs.push({ name: "early", node: last });
  return step.finish();
}
