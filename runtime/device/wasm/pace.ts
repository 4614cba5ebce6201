/**
 * Whether threads pay is measured: on a machine that others keep busy, waiting for each other can take longer than doing
 * everything alone. The result is the same either way. Target `native` has the same in C (targets/native/team.ts).
 *
 * Threads may be held up once: alone is soon doubted, together is not. The first run is of all threads and touches memory
 * for the first time, which says nothing; the second says how long that takes, the third how long one thread takes.
 */
const [TOGETHER_FIRST, TRIED] = [2, 3];
const [PAUSE_ALONE, PAUSE_TOGETHER, LONGEST_PAUSE] = [4, 25, 800];

export class Pace {
  /** Of a run, lately; 0 before the first one. */
  #alone = 0;
  #together = 0;
  /** How many runs there were; of those at first, which way is taken is fixed. */
  #runs = 0;
  /** Runs until the way that is not taken is tried again, and how many there were the last time. */
  #left = 0;
  #pause = 0;

  get #better(): boolean {
    return this.#together <= this.#alone;
  }

  /** Whether the next run is one of all threads. */
  choose(): boolean {
    if (this.#runs < TRIED) return this.#runs < TOGETHER_FIRST;
    if (this.#left-- > 0) return this.#better;
    // The worse one is tried ever more rarely while it stays the worse one.
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
    this.#left = this.#pause;
    return !this.#better;
  }

  learn(together: boolean, time: number): void {
    const before = this.#better;
    const mean = together ? this.#together : this.#alone;
    // A run that was held up for long counts as one that took twice as long.
    const next = mean === 0 || time < mean ? time : 0.8 * mean + 0.2 * Math.min(time, 2 * mean);
    if (together) this.#together = next;
    else this.#alone = next;
    if (this.#runs < TRIED && ++this.#runs < TRIED) return;
    if (this.#pause > 0 && this.#better === before) return;
    this.#left = this.#pause = this.#better ? PAUSE_TOGETHER : PAUSE_ALONE;
  }
}
