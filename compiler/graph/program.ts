/** A whole program over a batch of sequences: a sequence graph and the names by which the world talks to it. */
import type { Shape } from "../dims.ts";
import type { DType, Graph, NodeId, StepProgram } from "./ir.ts";

export type InputRole =
  /** A sequence given by the caller: `[batch, time, s…]`. */
  | "input"
  /** `[s…]` */
  | "parameter"
  /** A state before the first step: `[batch, s…]`; of a growing state `[batch, past, s…]`. */
  | "state"
  /** Cotangent of an output (`name` is the output's) or of a final state (`name` is `state.NAME`). */
  | "cotangent"
  /** What an optimiser keeps per parameter: `name` is `MOMENT.PARAMETER`. */
  | "optimizer"
  /** A number that changes from step to step (learning rate, step count): `[]`. */
  | "scalar";

export type OutputRole =
  /** `[batch, time, s…]` */
  | "output"
  /** A state after the last step; of a growing state `[batch, past + time, s…]`. */
  | "state"
  /** With respect to an input or parameter (`name` is its name) or a first state (`state.NAME`). */
  | "gradient"
  /** The new value of the parameter, state of the optimiser: written over the input of the same role and name. */
  | "parameter"
  | "optimizer"
  /** A number: `loss`, a metric, `gradient_norm`. */
  | "metric";

export interface InputPort {
  readonly role: InputRole;
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly node: NodeId;
}

export interface OutputPort {
  readonly role: OutputRole;
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly node: NodeId;
}

export interface SequenceProgram {
  readonly name: string;
  /** The step it was made from: initialisers, growing states, vocabularies. */
  readonly step: StepProgram;
  readonly graph: Graph;
  readonly inputs: readonly InputPort[];
  readonly outputs: readonly OutputPort[];
}
