/** From files on the command line to what was found in them. */
import { checkProject } from "../../compiler/check/check.ts";
import type { LayerDecl, ModelDecl } from "../../grammar/ast.ts";
import { cliProblem } from "../catalogue.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../exit.ts";
import { chooseStep, soundProject, throwErrors } from "../project.ts";
import type { Verified } from "./report.ts";
import type { Task, Unit, UnitResult } from "./units.ts";
import type { Watch } from "./workers.ts";

export interface Request extends Task {
  readonly files: readonly string[];
  /** One layer or model of the one file. */
  readonly of?: string;
}

/** Works on units, several at a time perhaps, and says so. */
export type Runner = (units: readonly Unit[], watch: Watch) => Promise<void>;

/**
 * What is being done: on a terminal in one line that is drawn over itself, elsewhere a line per layer or model where there
 * are several.
 */
class Progress {
  readonly #context: Context;
  readonly #labels: ReadonlyMap<string, string>;
  readonly #started = new Set<string>();

  constructor(context: Context, layers: readonly Layer[]) {
    this.#context = context;
    const label = ({ file, name }: Layer, i: number) => `${i + 1}/${layers.length} ${file} ${name}`;
    this.#labels = new Map(layers.map((layer, i) => [keyOf(layer), label(layer, i)]));
  }
  say(unit: Unit, text: string): void {
    const key = keyOf(unit);
    const label = this.#labels.get(key)!;
    if (this.#context.terminal) this.#draw(`${label}: ${text}`);
    else if (this.#labels.size > 1 && !this.#started.has(key)) this.#context.err(`${label}\n`);
    this.#started.add(key);
  }
  clear(): void {
    if (this.#context.terminal) this.#draw("");
  }
  #draw(text: string): void {
    this.#context.err(`\r\u001B[K${text.slice(0, 78)}`);
  }
}

interface Layer {
  readonly file: string;
  readonly name: string;
}

const keyOf = ({ file, name }: Layer): string => `${file}\n${name}`;

/** The layers and models of a file that are asked for. @throws DiagnosticError */
function layersOf(path: string, of: string | undefined): Layer[] {
  const project = soundProject(path);
  throwErrors(checkProject(project));
  const { file } = project.main;
  const chosen =
    of === undefined
      ? [...project.main.own.values()].filter(
          (d): d is LayerDecl | ModelDecl => d.kind === "layer" || d.kind === "model",
        )
      : [chooseStep(project, of)];
  return chosen.map((decl) => ({ file, name: decl.name.text }));
}

/**
 * Verifies files; `done` is called with what was found in each, in their order.
 * @throws DiagnosticError fwp8002 when no file declares a layer or model, fwp8301 when no sizes fit one, and those of the
 * specs; UsageError for settings that cannot be meant for all.
 */
export async function verifyFiles(
  request: Request,
  context: Context,
  run: Runner,
  done: (file: string, verified: readonly Verified[]) => void,
): Promise<void> {
  const { files, of, settings, rounds } = request;
  if (of !== undefined && files.length > 1) throw new UsageError("--of NAME needs a single file");
  const perFile = files.map((file) => ({ file, layers: layersOf(file, of) }));
  const layers = perFile.flatMap((f) => f.layers);
  if (layers.length === 0) throw cliProblem("fwp8002", files[0]!, { kind: "layer or model" });
  if (layers.length > 1 && settings.length > 0) {
    throw new UsageError("--set needs --of NAME when there are several layers or models");
  }
  const units = layers.flatMap((layer) =>
    Array.from({ length: rounds }, (_, round): Unit => ({ ...layer, round })),
  );
  const progress = new Progress(context, layers);
  const results: (UnitResult | undefined)[] = units.map(() => undefined);
  let [reported, first] = [0, 0];
  /** All files that are finished and that none before them keeps waiting. */
  const report = (): void => {
    for (; reported < perFile.length; reported++) {
      const { file, layers: own } = perFile[reported]!;
      const parts = results.slice(first, first + own.length * rounds);
      const found = parts.filter((r) => r !== undefined);
      if (found.length < parts.length) return;
      first += parts.length;
      progress.clear();
      done(
        file,
        own.map(({ name }, i): Verified => {
          const mine = found.slice(i * rounds, (i + 1) * rounds);
          const missing = mine.find((r) => r.missing.length > 0)?.missing ?? [];
          return { file, name, rounds: mine.flatMap((r) => r.rounds), missing };
        }),
      );
    }
  };
  try {
    await run(units, {
      doing: (place, text) => progress.say(units[place]!, text),
      done: (place, result) => {
        results[place] = result;
        report();
      },
    });
  } finally {
    progress.clear();
  }
}
