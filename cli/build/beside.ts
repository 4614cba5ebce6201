/** Work that a thread does beside this one, which has more of a model to compile meanwhile. */
import { startCompanion, type Companion } from "./companion.ts";
import { Workbench, type Ahead, type Kind, type Results, type WorkOf } from "./work.ts";

/** Gives the result when it is called and waited for: the same either way. */
export type Later<T> = () => Promise<T>;

/** Two workbenches: one here, the other where a thread is. */
export class Beside {
  readonly #here = new Workbench();
  readonly #companion: Companion | null;

  /** `early`: a thread that is there already. */
  constructor(early: Companion | null | undefined) {
    this.#companion = early ?? startCompanion(new URL("./thread.js", import.meta.url));
  }

  /** Has the thread compile what it will be asked for. */
  ahead(target: Ahead["target"], programs: Ahead["programs"]): void {
    this.#companion?.tell({ kind: "ahead", target, programs });
  }

  /** Gives work to the thread; without one it is done here when it is wanted. */
  begin<K extends Kind>(work: WorkOf<K>): Later<Results[K]> {
    const companion = this.#companion;
    if (companion === null) return async () => this.here(work);
    const done = companion.ask(work) as Promise<Results[K] | null>;
    // What went wrong there goes wrong here too, where it is reported; or it was only the thread.
    return async () => (await companion.wait(done)) ?? this.here(work);
  }

  here<K extends Kind>(work: WorkOf<K>): Results[K] {
    return this.#here.do(work);
  }

  /** All that was begun is done. */
  end(): void {
    this.#companion?.dismiss();
  }
}
