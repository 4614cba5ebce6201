/** Ctrl-C, once: ends the training at the next step, with a checkpoint. A second one ends the process as usual. */
export interface Interruption {
  readonly signal: AbortSignal;
  /** Leaves Ctrl-C as it was. */
  dispose(): void;
}

export function onInterrupt(): Interruption {
  const controller = new AbortController();
  const signals = ["SIGINT", "SIGTERM"] as const;
  const dispose = () => {
    for (const name of signals) process.removeListener(name, stop);
  };
  const stop = () => {
    controller.abort();
    dispose();
  };
  for (const name of signals) process.once(name, stop);
  return { signal: controller.signal, dispose };
}
