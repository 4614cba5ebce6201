/** The commands by name. A command's file is loaded only when it runs, so that `fwp check` does not wait for the others. */
import type { Command } from "commander";
import type { Context } from "./context.ts";

/** Adds arguments, options, help and the action to a command that has its name and summary already. */
export type Configure = (command: Command, context: Context) => void;

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<{ readonly configure: Configure }>;
}

export const commands: readonly CommandEntry[] = [
  {
    name: "check",
    summary: "report every problem of specs",
    load: () => import("./commands/check.ts"),
  },
  { name: "fmt", summary: "format specs", load: () => import("./commands/fmt.ts") },
  {
    name: "explain",
    summary: "show layers, shapes, states, loops, counts and costs",
    load: () => import("./commands/explain.ts"),
  },
  {
    name: "params",
    summary: "list the parameters of a layer or model",
    load: () => import("./commands/params.ts"),
  },
  {
    name: "run",
    summary: "run a layer or model on tensors from a file",
    load: () => import("./commands/run.ts"),
  },
  {
    name: "verify",
    summary: "compare every form on every device with the oracle",
    load: () => import("./commands/verify.ts"),
  },
  {
    name: "doctor",
    summary: "say which targets work here, and why the others do not",
    load: () => import("./commands/doctor.ts"),
  },
  { name: "new", summary: "start a project that trains", load: () => import("./commands/new.ts") },
  {
    name: "build",
    summary: "write a model package",
    load: () => import("./commands/build.ts"),
  },
  { name: "train", summary: "train an experiment", load: () => import("./commands/train.ts") },
  { name: "eval", summary: "measure a trained model", load: () => import("./commands/eval.ts") },
  {
    name: "profile",
    summary: "time the kernels of a training step, a layer or a model",
    load: () => import("./commands/profile.ts"),
  },
  {
    name: "sample",
    summary: "write text with a trained model",
    load: () => import("./commands/sample.ts"),
  },
];
