import type { Command } from "commander";
import { checkProject } from "../../compiler/check/check.ts";
import type { Project } from "../../compiler/check/project.ts";
import type { Setting } from "../../compiler/check/settings.ts";
import { DiagnosticError } from "../../diagnostics/diagnostic.ts";
import type { ExperimentDecl, LayerDecl, ModelDecl } from "../../grammar/ast.ts";
import { writeFileAtomic } from "../../runtime/files/io.ts";
import { cliProblem } from "../catalogue.ts";
import { chooseDevice, deviceNames } from "../devices.ts";
import { machineOf } from "../targets.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../exit.ts";
import type { Explained } from "../explain/explained.ts";
import { explainStep } from "../explain/facts.ts";
import { explainExperiment } from "../explain/experiment.ts";
import { explanationText } from "../explain/text.ts";
import { formOptions, formWish, type FormFlags, type FormWish } from "../forms.ts";
import { printJson } from "../output.ts";
import { planFacts, type PlanFacts } from "../plan/facts.ts";
import { entryNames, openSubject } from "../plan/subject.ts";
import { planText } from "../plan/text.ts";
import { chooseDeclaration, soundProject, throwErrors } from "../project.ts";
import { addSetOption, parseSettings, placeSettings } from "../settings.ts";

interface Options extends FormFlags {
  readonly of?: string;
  readonly set: readonly string[];
  readonly json?: boolean;
  readonly derive?: boolean;
  readonly svg?: string;
  readonly plan?: boolean;
  readonly entry?: string;
  readonly device: string;
}

type Chosen = LayerDecl | ModelDecl | ExperimentDecl;

/** What `--of` names, or every layer and model of the file; the experiments of one that has nothing else. */
function choose(project: Project, name: string | undefined): readonly Chosen[] {
  const kinds = ["layer", "model", "experiment"] as const;
  if (name !== undefined) return [chooseDeclaration(project, kinds, name, "--of NAME")];
  const all = [...project.main.own.values()].filter((d): d is Chosen =>
    (kinds as readonly string[]).includes(d.kind),
  );
  if (all.length === 0) {
    throw cliProblem("fwp8002", project.main.file, { kind: "layer, model or experiment" });
  }
  const steps = all.filter((d) => d.kind !== "experiment");
  return steps.length > 0 ? steps : all;
}

async function explain(file: string, options: Options, context: Context): Promise<void> {
  const { device } = chooseDevice(options.device);
  // The oracle computes in any form.
  const machine = machineOf(device === "oracle" ? "typescript" : device);
  const wish: FormWish = { ...formWish(options), machine };
  const settings: readonly Setting[] = parseSettings(options.set);
  const project = soundProject(file);
  const chosen = choose(project, options.of);
  if (chosen.length > 1 && settings.length > 0) {
    throw new UsageError("--set needs --of NAME when the file has several layers or models");
  }
  if (options.plan !== true && options.entry !== undefined) {
    throw new UsageError("--entry belongs to --plan");
  }
  if (options.svg !== undefined && chosen.length > 1) {
    throw new UsageError("--svg needs --of NAME when the file has several layers or models");
  }
  throwErrors(checkProject(project));
  const explained: Explained[] = [];
  const plans = new Map<Explained, PlanFacts>();
  const planned = async (decl: Chosen, found: Explained): Promise<void> => {
    if (options.plan !== true) return;
    const { entry } = options;
    const subject = await openSubject(project, decl, {
      settings,
      wish,
      device,
      ...(entry === undefined ? {} : { entry }),
    });
    plans.set(found, planFacts(subject.entry, device, subject.sizes));
  };
  for (const decl of chosen) {
    if (decl.kind === "experiment") {
      const found = await explainExperiment(project, decl, settings, wish);
      explained.push(found);
      await planned(decl, found);
      continue;
    }
    const found = explainStep(project, decl, settings, wish);
    if (!("failed" in found)) {
      explained.push(found);
      await planned(decl, found);
      continue;
    }
    const { diagnostics } = found.failed;
    if (chosen.length === 1) throw new DiagnosticError(placeSettings(diagnostics));
    const missing = diagnostics.map((d) => d.message).join("; ");
    explained.push({ kind: decl.kind, name: decl.name.text, missing });
  }
  const [first] = explained;
  if (options.svg !== undefined && first !== undefined && !("missing" in first)) {
    const { pictureOf } = await import("../explain/svg/picture.ts");
    const picture = pictureOf(first.kind === "experiment" ? first.model : first);
    writeFileAtomic(options.svg, picture, context.io);
  }
  if (options.json === true) {
    const all = explained.map((e) => (plans.has(e) ? { ...e, plan: plans.get(e) } : e));
    printJson(context, { file: project.main.file, explained: all });
    return;
  }
  const text = (e: Explained): string => {
    const plan = plans.get(e);
    return explanationText(e, options) + (plan === undefined ? "" : planText(plan));
  };
  context.out(explained.map(text).join("\n"));
}

export function configure(command: Command, context: Context): void {
  command
    .description(
      "Shows what becomes of layers, models and experiments: shapes, parameters, states, what is computed\n" +
        "for all time steps at once and what stays in a loop, the update of each state as W <- A W B + C,\n" +
        "which arguments are dropped, what a token costs.",
    )
    .argument("<file>", "a .fwp file")
    .option("--of <name>", "only this layer, model or experiment");
  formOptions(addSetOption(command))
    .option(
      "--derive",
      "also the equations of the forms that are derived: one step, and chunks of steps",
    )
    .option(
      "--svg <file>",
      "also draw what feeds what, within a step and from one step to the next",
    )
    .option(
      "--plan",
      "also the kernels of an entry: what each computes and moves, and the memory of all",
    )
    .option(
      "--entry <name>",
      `of the plan: ${entryNames} (default: train of experiments, else gradient)`,
    )
    .option(
      "--device <device>",
      `what forms are chosen for and plans are of: ${deviceNames}`,
      "auto",
    )
    .option("--json", "print JSON, the derived equations included")
    .addHelpText(
      "after",
      `
Widths without a value count as 64. An operation is one multiplication, addition or function of a
number; traffic is in float32.

Examples:
  fwp explain delta.fwp
  fwp explain delta.fwp --of Delta --set width=128 --set rule=additive
  fwp explain specs/char_lm.fwp --of char_lm`,
    )
    .action((file: string, options: Options) => explain(file, options, context));
}
