/** Work that a thread does beside this one, which has more of a model to compile meanwhile. */
import { startCompanion, type Companion } from "./companion.ts";
import { doWork, type Kind, type Results, type WorkOf } from "./work.ts";

/** Gives the result when it is called and waited for: the same either way. */
export type Later<T> = () => Promise<T>;

export interface Beside {
  readonly begin: <K extends Kind>(work: WorkOf<K>) => Later<Results[K]>;
  /** All that was begun is done. */
  readonly end: () => void;
}

/** Everything done here, when it is wanted. */
const HERE: Beside = { begin: (work) => async () => doWork(work), end: () => undefined };

/** `early`: a thread that is there already. */
export function startBeside(early: Companion | null | undefined): Beside {
  const companion = early ?? startCompanion(new URL("./thread.js", import.meta.url));
  if (companion === null) return HERE;
  return {
    begin: <K extends Kind>(work: WorkOf<K>): Later<Results[K]> => {
      const done = companion.ask(work) as Promise<Results[K] | null>;
      // What went wrong there goes wrong here too, where it is reported; or it was only the thread.
      return async () => (await companion.wait(done)) ?? doWork(work);
    },
    end: () => companion.dismiss(),
  };
}
