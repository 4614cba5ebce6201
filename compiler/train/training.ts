/** One training step as one program: forward, backward, clipping, optimiser. */
import type { Dim } from "../dims.ts";
import { gradient } from "../graph/adjoint/index.ts";
import type { GraphBuilder } from "../graph/builder.ts";
import type { NodeId } from "../graph/ir.ts";
import type { SequenceProgram } from "../graph/program.ts";
import type { OptimizerSettings } from "../../runtime/format/training.ts";
import {
  average,
  emit,
  finish,
  LOSS_METRIC,
  startObjective,
  take,
  type ObjectiveOptions,
} from "./objective.ts";
import { update, type StepNumbers } from "./optimizer.ts";

export interface TrainingOptions extends ObjectiveOptions {
  readonly optimizer: OptimizerSettings;
  /** Largest global norm of the gradient; null: not clipped. */
  readonly clip: number | null;
  /** Steps between the states that a recurrence keeps for its adjoint; the adjoint's own choice by default. */
  readonly every?: Dim;
}

/** √ of the sum of all squares of all gradients. */
function globalNorm(b: GraphBuilder, gradients: readonly NodeId[]): NodeId {
  let total: NodeId | null = null;
  for (const g of gradients) {
    const square = b.sum(
      b.mul(g, g),
      b.shape(g).map((_, i) => i),
    );
    total = total === null ? square : b.add(total, square);
  }
  return total === null ? b.constant(0) : b.unary("sqrt", total);
}

/** min(1, clip / norm); 1 also where the norm is 0 (Pascanu, Mikolov, Bengio, "On the difficulty of training RNNs", 2013). */
function clipScale(b: GraphBuilder, norm: NodeId, clip: number): NodeId {
  const limit = b.constant(clip);
  return b.div(limit, b.binary("max", norm, limit));
}

/**
 * The training step of a program whose step has the float outputs of an objective (`graph/objective.ts`): a loss and, if it
 * likes, a weight (≥ 0) and metrics, each a number per time step. The loss is Σ weight · loss / Σ weight over batch and time.
 *
 * Further inputs: `scalar` `learning_rate` and (Adam only) `step`, counted from 1; per trained parameter the `optimizer`
 * ports `MOMENT.PARAMETER`, zero at first: `momentum` for SGD with momentum, `first_moment` and `second_moment` for Adam.
 *
 * Outputs: the new trained parameters and moments under the names of the old; the `metric`s `loss`, `gradient_norm` (before
 * clipping) and `metric.NAME`, averaged like the loss; with `carry` the final states; the outputs asked for. Everything but
 * the parameters and moments is of the model before the update.
 */
export function trainingProgram(
  program: SequenceProgram,
  options: TrainingOptions,
): SequenceProgram {
  const draft = startObjective(program, options);
  const b = draft.builder;
  const averages = new Map([...draft.sums].map(([name, sum]) => [name, average(draft, sum)]));
  const loss = averages.get(LOSS_METRIC)!;

  const fixed = new Set(program.step.parameters.filter((p) => !p.trained).map((p) => p.name));
  const trained = draft.inputs.filter((p) => p.role === "parameter" && !fixed.has(p.name));
  const every = options.every === undefined ? {} : { every: options.every };
  const wrt = trained.map((p) => p.node);
  const gradients = gradient(b, loss, wrt, undefined, every);

  const norm = globalNorm(b, gradients);
  const scale = options.clip === null ? null : clipScale(b, norm, options.clip);
  const rate = take(draft, "scalar", "learning_rate", []);
  let step: NodeId | null = null;
  const numbers: StepNumbers = { rate, step: () => (step ??= take(draft, "scalar", "step", [])) };

  for (const [name, node] of averages) emit(draft, "metric", name, node);
  emit(draft, "metric", "gradient_norm", norm);
  trained.forEach(({ name, shape, node }, i) => {
    const raw = gradients[i]!;
    const made = update(
      b,
      options.optimizer,
      {
        name,
        value: node,
        gradient: scale === null ? raw : b.mul(raw, b.broadcast(scale, [], shape)),
        moment: (moment) => take(draft, "optimizer", `${moment}.${name}`, shape),
      },
      numbers,
    );
    emit(draft, "parameter", name, made.parameter);
    for (const [moment, value] of made.moments) {
      emit(draft, "optimizer", `${moment}.${name}`, value);
    }
  });
  return finish(draft, `${program.name}.train`);
}
