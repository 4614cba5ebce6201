/**
 * Whether threads pay is measured: on a machine that others keep busy, waiting for each other can take longer than doing
 * everything alone. The result is the same either way.
 */
const [FIRST_PAUSE, LONGEST_PAUSE] = [25, 800];

export class Pace {
  /** Of a run, lately; 0 before the first one. */
  #alone = 0;
  #together = 0;
  /** Runs until the way that is not taken is tried again, and how many there were the last time. */
  #left = FIRST_PAUSE;
  #pause = FIRST_PAUSE;

  get #better(): boolean {
    return this.#together <= this.#alone;
  }

  /** Whether the next run is one of all threads. */
  choose(): boolean {
    if (this.#together === 0) return true;
    if (this.#alone === 0) return false;
    if (this.#left-- > 0) return this.#better;
    // The worse one is tried ever more rarely while it stays the worse one.
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
    this.#left = this.#pause;
    return !this.#better;
  }

  learn(together: boolean, time: number): void {
    const before = this.#better;
    const mean = together ? this.#together : this.#alone;
    const next = mean === 0 || time < mean ? time : 0.8 * mean + 0.2 * time;
    if (together) this.#together = next;
    else this.#alone = next;
    if (this.#alone === 0 || this.#together === 0) return;
    if (this.#better !== before) this.#left = this.#pause = FIRST_PAUSE;
  }
}
