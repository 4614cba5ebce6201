import type { Command } from "commander";
import { showShape } from "../../compiler/dims.ts";
import { describe, fixSizes } from "../../compiler/pipeline.ts";
import { unreachable } from "../../diagnostics/diagnostic.ts";
import type { InitSpec } from "../../runtime/format/program.ts";
import type { Context } from "../context.ts";
import { plural, printJson, table } from "../output.ts";
import { chooseStep, instantiateStep, soundProject } from "../project.ts";
import { addSetOption, parseSettings } from "../settings.ts";

interface Options {
  readonly of?: string;
  readonly set: readonly string[];
  readonly json?: boolean;
}

const digits = (value: number): string => String(Number(value.toPrecision(5)));

export function showInit(init: InitSpec): string {
  switch (init.kind) {
    case "constant":
      return digits(init.value);
    case "normal":
      return `normal(${digits(init.mean)}, ${digits(init.deviation)})`;
    case "uniform":
      return `uniform(${digits(init.low)}, ${digits(init.high)})`;
    case "orthogonal":
      return `orthogonal(${digits(init.scale)})`;
    case "blocks":
      return init.pieces.map((p) => `${p.size}: ${showInit(p.init)}`).join(" | ");
    default:
      return unreachable(init);
  }
}

function params(file: string, options: Options, context: Context): void {
  const settings = parseSettings(options.set);
  const project = soundProject(file);
  const decl = chooseStep(project, options.of);
  const name = decl.name.text;
  const { step, values } = instantiateStep(project, name, settings);
  const { parameters } = describe(fixSizes(step, values), "none");
  const symbolic = new Map(step.parameters.map((p) => [p.name, showShape(p.shape)]));
  const listed = parameters.map((p) => ({
    name: p.name,
    shape: p.shape,
    axes: symbolic.get(p.name) ?? "",
    count: p.shape.reduce((a, b) => a * b, 1),
    initializer: p.init,
    trained: p.trained,
  }));
  const sum = (trained: boolean): number =>
    listed.filter((p) => p.trained === trained).reduce((a, p) => a + p.count, 0);
  const [trained, fixed] = [sum(true), sum(false)];
  if (options.json === true) {
    printJson(context, { name, parameters: listed, trained, fixed });
    return;
  }
  const head = ["name", "shape", "axes", "numbers", "starts as", ""];
  const rows = listed.map((p) => [
    p.name,
    `[${p.shape.join(", ")}]`,
    p.axes,
    String(p.count),
    showInit(p.initializer),
    p.trained ? "" : "fixed",
  ]);
  if (rows.length > 0) context.out(table([head, ...rows], { right: [3] }));
  const rest = fixed === 0 ? "" : `, ${fixed} fixed`;
  context.out(
    `${name}: ${plural(listed.length, "parameter")}, ${trained} trained numbers${rest}\n`,
  );
}

export function configure(command: Command, context: Context): void {
  command
    .description("Lists the parameters of a layer or model: names, shapes, how they start.")
    .argument("<file>", "a .fwp file")
    .option("--of <name>", "the layer or model (may be left out if there is only one)");
  addSetOption(command)
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Example:
  fwp params delta.fwp --of Delta --set width=64 --set heads=2`,
    )
    .action((file: string, options: Options) => params(file, options, context));
}
