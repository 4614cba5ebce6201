/** Options that `train`, `eval`, `sample` and `build` share. */
import { InvalidArgumentError, type Command } from "commander";
import { addSetOption } from "../settings.ts";

/** A number option. Bad ones are a wrong command line, not bad input. */
export function numberOption(kind: "integer" | "number", least: number): (text: string) => number {
  const expected = `${kind === "integer" ? "a whole number" : "a number"} of at least ${least}`;
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    const right = Number.isFinite(value) && value >= least;
    if (right && (kind === "number" || Number.isSafeInteger(value))) return value;
    throw new InvalidArgumentError(`expected ${expected}.`);
  };
}

export const setOption = (command: Command): Command =>
  addSetOption(command, "a parameter, or a setting such as train.steps=100 or task.length=64");

export const jsonOption = (command: Command): Command =>
  command.option("--json", "print JSON to standard output");
