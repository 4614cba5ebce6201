/** `--form` and `--chunk`: how time is run, on all commands that compile. */
import type { Command } from "commander";
import { FORMS, type FormName } from "../compiler/choose/index.ts";
import type { Machine } from "../compiler/plan/machine.ts";
import { cliProblem } from "./catalogue.ts";
import { UsageError } from "./exit.ts";

export interface FormFlags {
  readonly form?: string;
  readonly chunk?: string;
}

/** As `PipelineOptions` takes it. */
export interface FormWish {
  readonly form: "auto" | FormName;
  readonly chunk?: number;
  /** What forms are chosen for. */
  readonly machine?: Machine;
}

const known = ["auto", ...FORMS] as const;
const planned = ["parallel"];

/**
 * One of `auto`, the forms and what a command has besides.
 * @throws DiagnosticError fwp8020 for a form of a later version, UsageError for none at all.
 */
export function formOf<M extends string>(name: string, more: readonly M[]): "auto" | FormName | M {
  const all = [...known, ...more];
  const found = all.find((f) => f === name);
  if (found !== undefined) return found;
  const available = all.join(", ");
  if (planned.includes(name)) throw cliProblem("fwp8020", "--form", { form: name, available });
  throw new UsageError(`there is no form ${name}; available: ${available}`);
}

/** @throws UsageError */
export function chunkOf(text: string | undefined, form: string): number | undefined {
  if (text === undefined) return undefined;
  if (form === "sequential" || form === "step") {
    throw new UsageError(
      `--chunk needs a form that has chunks; with --form ${form} there are none`,
    );
  }
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new UsageError(`--chunk takes a number of steps, 1 or more, not ${text}`);
}

export const asksForForm = ({ form, chunk }: FormFlags): boolean =>
  form !== undefined || chunk !== undefined;

/** What the flags ask for. @throws as `formOf` and `chunkOf`. */
export function formWish(flags: FormFlags): FormWish {
  const form = formOf(flags.form ?? "auto", []);
  const chunk = chunkOf(flags.chunk, form);
  return chunk === undefined ? { form } : { form, chunk };
}

export const formOptions = (command: Command, more = ""): Command =>
  command
    .option("--form <form>", `how time is run: ${known.join(", ")}${more} (default: auto)`)
    .option("--chunk <steps>", "steps per chunk (default: the compiler's choice)");
