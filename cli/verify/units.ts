/** The pieces that verifying is done in: one choice of sizes of one layer or model, in any order and in any process. */
import type { Project } from "../../compiler/check/project.ts";
import type { Setting } from "../../compiler/check/settings.ts";
import { DiagnosticError } from "../../diagnostics/diagnostic.ts";
import { cliProblem } from "../catalogue.ts";
import { chooseStep, soundProject } from "../project.ts";
import { placeSettings } from "../settings.ts";
import type { Candidates } from "./candidates.ts";
import type { Verified, VerifiedRound } from "./report.ts";
import { planRounds, type Plan } from "./rounds.ts";
import { verifyStep } from "./verify.ts";

/** What all units of a command have in common. */
export interface Task {
  readonly settings: readonly Setting[];
  readonly seed: number;
  /** Choices of sizes for each layer and model. */
  readonly rounds: number;
  /** Small sizes and short sequences only. */
  readonly quick: boolean;
}

export interface Unit {
  readonly file: string;
  /** Of a layer or model. */
  readonly name: string;
  /** Which of its choices of sizes, from 0; the last as asked for also stands for those beyond it. */
  readonly round: number;
}

export interface UnitResult {
  readonly rounds: readonly VerifiedRound[];
  /** The same for all rounds of a layer. */
  readonly missing: Verified["missing"];
}

/** Says what is being done. */
export type Say = (text: string) => void;

/** Works on units. What is known of a file is kept for its next unit. */
export class UnitRunner {
  readonly #task: Task;
  readonly #candidates: Candidates;
  readonly #projects = new Map<string, Project>();
  #plan: { readonly of: string; readonly plan: Plan } | null = null;

  constructor(task: Task, candidates: Candidates) {
    this.#task = task;
    this.#candidates = candidates;
  }

  /** @throws DiagnosticError fwp8301 when no sizes fit, and those of the spec. */
  run({ file, name, round }: Unit, say: Say): UnitResult {
    const { rounds, missing } = this.#planOf(file, name, say);
    const last = round === this.#task.rounds - 1;
    const own = rounds.slice(round, last ? rounds.length : round + 1);
    const verified = own.map(({ sizes, step, lengths, gates }, i): VerifiedRound => {
      const at = round + i;
      const found = verifyStep(step, this.#candidates, {
        lengths,
        gates,
        seed: this.#task.seed + at,
        before: (what) => say(`${at + 1} of ${rounds.length}, ${what}`),
      });
      return { sizes, lengths, ...found };
    });
    return { rounds: verified, missing };
  }

  #planOf(file: string, name: string, say: Say): Plan {
    const of = `${file}\n${name}`;
    if (this.#plan?.of === of) return this.#plan.plan;
    say("choosing sizes");
    const project = this.#projects.get(file) ?? soundProject(file);
    this.#projects.set(file, project);
    const plan = planRounds(project, chooseStep(project, name), this.#task);
    if (!("rounds" in plan)) {
      // With settings the fault is most likely theirs; the spec's own problems say it best.
      if (this.#task.settings.length > 0) throw new DiagnosticError(placeSettings(plan));
      const reason = plan.map((d) => d.message).join("; ");
      throw cliProblem("fwp8301", project.main.file, { name, reason });
    }
    this.#plan = { of, plan };
    return plan;
  }
}
