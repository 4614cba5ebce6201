/** Two threads of one process, each with code of its own to load before the engine is told anything else. */
import { stayYoung } from "../patience.ts";

/** A thread is loaded; the second that is says so for both. `loaded`: how many are, in memory of both. */
export function bothLoaded(loaded: Int32Array): void {
  if (Atomics.add(loaded, 0, 1) === 1) stayYoung();
}
