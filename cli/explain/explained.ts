import type { ExplainedExperiment } from "./experiment.ts";
import type { Explanation, Unexplained } from "./facts.ts";

/** What `fwp explain` says of one declaration. */
export type Explained = Explanation | ExplainedExperiment | Unexplained;
