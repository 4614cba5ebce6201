/** Peers as processes of their own: asked by a line, they answer with a line of JSON (worker.py says what). */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { createInterface } from "node:readline";

export interface Answer {
  readonly ready?: boolean;
  readonly facts?: Readonly<Record<string, string | number>>;
  readonly ms?: readonly number[];
  readonly files?: readonly string[];
  readonly error?: string;
}

export interface Command {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

const answerIn = (line: string): Answer | null => {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Answer) : null;
  } catch {
    return null; // What a library printed.
  }
};

const alive = new Set<Worker>();
process.on("exit", () => {
  for (const worker of alive) worker.stop();
});

export class Worker {
  readonly #child: ChildProcessWithoutNullStreams;
  /** Milliseconds that we may still wait for it. */
  #left: number;
  readonly #answers: Answer[] = [];
  #wake: (() => void) | null = null;
  #ended: string | null = null;
  #complaints = "";

  constructor({ program, arguments: given, env }: Command, limit: number) {
    this.#left = limit;
    // In a group of its own, so that compilers it started end with it.
    this.#child = spawn(program, given, { env, stdio: "pipe", detached: true });
    alive.add(this);
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      const answer = answerIn(line);
      if (answer === null) return;
      this.#answers.push(answer);
      this.#wake?.();
    });
    this.#child.stderr.on("data", (text: Buffer) => {
      this.#complaints = (this.#complaints + text.toString()).slice(-2000);
    });
    const end = (how: string) => {
      this.#ended ??= how;
      this.#wake?.();
    };
    this.#child.on("error", (error) => end(error.message));
    this.#child.on("close", (code, signal) => end(`ended with ${signal ?? `code ${code}`}`));
    this.#child.stdin.on("error", () => undefined);
  }

  /** The next answer. @throws Error when it reports an error, ends, or takes longer than it may; it is stopped then. */
  async answer(): Promise<Answer> {
    const start = performance.now();
    const late = setTimeout(() => {
      this.#ended = "it took longer than it may";
      this.#wake?.();
    }, this.#left);
    try {
      while (this.#answers.length === 0) {
        if (this.#ended !== null) throw new Error(`${this.#ended}${this.#lastComplaint()}`);
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
      const answer = this.#answers.shift()!;
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer;
    } catch (error) {
      this.stop();
      throw error;
    } finally {
      clearTimeout(late);
      this.#left -= performance.now() - start;
    }
  }

  async ask(line: string): Promise<Answer> {
    this.#child.stdin.write(`${line}\n`);
    return this.answer();
  }

  /** Milliseconds of each of so many runs. */
  async run(way: string, count: number): Promise<readonly number[]> {
    const { ms } = await this.ask(`${way} ${count}`);
    if (ms?.length !== count) throw new Error(`it did not time ${way}`);
    return ms;
  }

  #lastComplaint(): string {
    const line = this.#complaints.trim().split("\n").pop() ?? "";
    return line === "" ? "" : `: ${line.slice(0, 200)}`;
  }

  stop(): void {
    if (!alive.delete(this)) return;
    const { pid } = this.#child;
    try {
      if (pid !== undefined) process.kill(-pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
}
