/** How a command ends. */

export const EXIT = {
  success: 0,
  /** The input was refused: diagnostics say why. */
  bad: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** A fault of fwp, never of its input. */
  internal: 3,
  /** Ctrl-C: what was done so far is saved. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command whose output has been written. */
export class Exit extends Error {
  readonly code: ExitCode;
  constructor(code: ExitCode) {
    super(`exit ${code}`);
    this.name = "Exit";
    this.code = code;
  }
}

/** The command line asks for something that cannot be meant: exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}
