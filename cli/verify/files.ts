/** From files on the command line to what was found in them. */
import { checkProject } from "../../compiler/check/check.ts";
import type { Setting } from "../../compiler/check/settings.ts";
import { DiagnosticError } from "../../diagnostics/diagnostic.ts";
import type { LayerDecl, ModelDecl } from "../../grammar/ast.ts";
import { cliProblem } from "../catalogue.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../exit.ts";
import { chooseStep, soundProject, throwErrors } from "../project.ts";
import { placeSettings } from "../settings.ts";
import type { Candidates } from "./candidates.ts";
import type { Verified } from "./report.ts";
import { planRounds } from "./rounds.ts";
import { verifyStep } from "./verify.ts";

export interface Request {
  readonly files: readonly string[];
  /** One layer or model of the one file. */
  readonly of?: string;
  readonly settings: readonly Setting[];
  readonly seed: number;
  /** Choices of sizes for each layer and model. */
  readonly rounds: number;
  /** Small sizes and short sequences only. */
  readonly quick: boolean;
  readonly candidates: Candidates;
}

/**
 * What is being done: on a terminal in one line that is drawn over itself, elsewhere a line per layer or model where there
 * are several.
 */
class Progress {
  readonly #context: Context;
  readonly #total: number;
  #count = 0;
  #label = "";

  constructor(context: Context, total: number) {
    this.#context = context;
    this.#total = total;
  }
  start(file: string, name: string): void {
    this.#label = `${++this.#count}/${this.#total} ${file} ${name}`;
    if (!this.#context.terminal && this.#total > 1) this.#context.err(`${this.#label}\n`);
  }
  say(text: string): void {
    this.#draw(`${this.#label}: ${text}`);
  }
  clear(): void {
    this.#draw("");
  }
  #draw(text: string): void {
    if (this.#context.terminal) this.#context.err(`\r\u001B[K${text.slice(0, 78)}`);
  }
}

/**
 * Verifies files in order; `done` is called with what was found in each.
 * @throws DiagnosticError fwp8002 when no file declares a layer or model, fwp8301 when no sizes fit one, and those of the
 * specs; UsageError for settings that cannot be meant for all.
 */
export function verifyFiles(
  request: Request,
  context: Context,
  done: (file: string, verified: readonly Verified[]) => void,
): void {
  const { files, of, settings, seed, candidates } = request;
  if (of !== undefined && files.length > 1) throw new UsageError("--of NAME needs a single file");
  const projects = files.map((file) => {
    const project = soundProject(file);
    throwErrors(checkProject(project));
    const all = [...project.main.own.values()].filter(
      (d): d is LayerDecl | ModelDecl => d.kind === "layer" || d.kind === "model",
    );
    return { project, chosen: of === undefined ? all : [chooseStep(project, of)] };
  });
  const total = projects.reduce((n, { chosen }) => n + chosen.length, 0);
  if (total === 0) throw cliProblem("fwp8002", files[0]!, { kind: "layer or model" });
  if (total > 1 && settings.length > 0) {
    throw new UsageError("--set needs --of NAME when there are several layers or models");
  }
  const progress = new Progress(context, total);
  for (const { project, chosen } of projects) {
    const { file } = project.main;
    const found: Verified[] = [];
    for (const decl of chosen) {
      const name = decl.name.text;
      progress.start(file, name);
      progress.say("choosing sizes");
      const plan = planRounds(project, decl, request);
      if (!("rounds" in plan)) {
        progress.clear();
        // With settings the fault is most likely theirs; the spec's own problems say it best.
        if (settings.length > 0) throw new DiagnosticError(placeSettings(plan));
        const reason = plan.map((d) => d.message).join("; ");
        throw cliProblem("fwp8301", file, { name, reason });
      }
      const rounds = plan.rounds.map(({ sizes, step, lengths, gates }, i) => ({
        sizes,
        lengths,
        findings: verifyStep(step, candidates, {
          lengths,
          gates,
          seed: seed + i,
          before: (what) => progress.say(`${i + 1} of ${plan.rounds.length}, ${what}`),
        }),
      }));
      found.push({ file, name, rounds, missing: plan.missing });
    }
    progress.clear();
    done(file, found);
  }
}
