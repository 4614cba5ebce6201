/** Training and evaluation as programs. */
export { evaluationProgram } from "./evaluation.ts";
export type { ObjectiveOptions } from "./objective.ts";
export { decays } from "./optimizer.ts";
export { trainingProgram, type TrainingOptions } from "./training.ts";
