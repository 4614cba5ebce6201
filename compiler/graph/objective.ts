/**
 * Outputs of a step that training needs beside the model's own: its loss, a number; how much the step counts, at least 0 (1 if
 * absent); anything else to be averaged. No signal of a spec can have such a name.
 */
export const LOSS = "objective.loss";
export const WEIGHT = "objective.weight";
export const METRIC = "metric.";
