/** How many threads run a program. */

/** The variables of a process by name. */
export type Env = Readonly<Record<string, string | undefined>>;

const MOST_THREADS = 256;

/** `$FWP_THREADS`, or else as many as there are processors. */
export function threadCount(env: Env, processors: number): number {
  const given = Number(env["FWP_THREADS"]);
  const threads = Number.isInteger(given) && given > 0 ? given : processors;
  return Math.min(threads, MOST_THREADS);
}
