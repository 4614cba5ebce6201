/** From one step to programs that run fast: what leaves the time loops, and which form the loops take. */
export { stage } from "./stage/index.ts";
export { totalOf } from "./stage/total.ts";
export { countsLast } from "./stage/last.ts";
export { makePlan, type Plan, type Unit } from "./stage/plan.ts";
export { analyse, type ClassName, type NormalForm, type StateSet } from "./analyse/index.ts";
export {
  chunk,
  chunkedAs,
  obstacleToChunks,
  type Chunked,
  type ChunkOptions,
} from "./chunk/index.ts";
