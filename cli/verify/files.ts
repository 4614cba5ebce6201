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
import { chooseSizes } from "./sizes.ts";
import { verifyStep } from "./verify.ts";

export interface Request {
  readonly files: readonly string[];
  /** One layer or model of the one file. */
  readonly of?: string;
  readonly settings: readonly Setting[];
  readonly seed: number;
  /** Choices of sizes for each layer and model. */
  readonly rounds: number;
  readonly candidates: Candidates;
}

/** One line on a terminal that says what is being done, drawn over itself. */
function progressOn(context: Context): { say: (text: string) => void; clear: () => void } {
  const draw = (text: string) => context.terminal && context.err(`\r\u001B[K${text.slice(0, 78)}`);
  return { say: draw, clear: () => draw("") };
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
  const { files, of, settings, seed, rounds, candidates } = request;
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
  const progress = progressOn(context);
  for (const { project, chosen } of projects) {
    const { file } = project.main;
    const found: Verified[] = [];
    for (const decl of chosen) {
      const name = decl.name.text;
      for (let round = 0; round < rounds; round++) {
        progress.say(`${file} ${name}: choosing sizes`);
        const sized = chooseSizes(project, decl, settings, seed, round);
        if (!("step" in sized)) {
          progress.clear();
          // With settings the fault is most likely theirs; the spec's own problems say it best.
          if (settings.length > 0) throw new DiagnosticError(placeSettings(sized));
          const reason = sized.map((d) => d.message).join("; ");
          throw cliProblem("fwp8301", file, { name, reason });
        }
        progress.say(`${file} ${name}: oracle`);
        const findings = verifyStep(sized.step, candidates, seed + round, (c) =>
          progress.say(`${file} ${name}: ${c.form}, ${c.device} ${c.precision}`),
        );
        found.push({ file, name, sizes: sized.sizes, findings });
      }
    }
    progress.clear();
    done(file, found);
  }
}
