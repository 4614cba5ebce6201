/** Ablations are checked now: axes that reach something, values that fit, rows of the right length. */
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import type { AblationDecl, ExperimentDecl, Expr, Span } from "../../grammar/ast.ts";
import { checkDiagnostic } from "./catalogue.ts";
import { memberPath } from "./evaluate.ts";
import { checkExperimentWith, type Environment } from "./experiments.ts";
import type { Project } from "./project.ts";
import type { Setting } from "./settings.ts";

class Checker {
  readonly #project: Project;
  readonly #env: Environment | null;
  readonly diagnostics: Diagnostic[] = [];
  readonly axes = new Set<string>();
  #known: ReadonlySet<string> | null = null;

  constructor(project: Project, env: Environment | null) {
    this.#project = project;
    this.#env = env;
  }

  place(span: Span) {
    return { file: this.#project.main.file, range: { start: span.start, end: span.end } };
  }

  /** Problems that the experiment has anyway. */
  #knownProblems(experiment: ExperimentDecl): ReadonlySet<string> {
    this.#known ??= new Set(
      checkExperimentWith(this.#project, experiment, [], this.#env).map(
        (d) => `${d.code} ${d.message}`,
      ),
    );
    return this.#known;
  }

  /** The experiment with some settings changed: its new problems are problems of the values. */
  tryValues(
    experiment: ExperimentDecl,
    settings: readonly Setting[],
    span: Span,
    axis: string,
    axisSpan: Span,
  ): void {
    const found = checkExperimentWith(this.#project, experiment, settings, this.#env);
    const known = this.#knownProblems(experiment);
    const fresh = found.filter(
      (d) => d.severity === "error" && !known.has(`${d.code} ${d.message}`),
    );
    const [first] = fresh;
    if (first === undefined) return;
    const reason = `${first.message} (${first.code})`;
    // An axis that leads nowhere has that problem once, whatever its values.
    const place = this.place(first.code === "fwp2307" ? axisSpan : span);
    const made = checkDiagnostic("fwp5008", place, { axis, reason });
    const repeated = this.diagnostics.some((d) => d.place.range?.start === place.range.start);
    if (!repeated) this.diagnostics.push(made);
  }
}

const items = (expr: Expr): readonly Expr[] =>
  expr.kind === "list" || expr.kind === "tuple" ? expr.items : [expr];

export function checkAblation(
  project: Project,
  decl: AblationDecl,
  env: Environment | null,
): readonly Diagnostic[] {
  const checker = new Checker(project, env);
  const experiment =
    project.main.own.get(decl.of.text) ?? project.main.imported.get(decl.of.text)?.decl;
  if (experiment?.kind !== "experiment") {
    const experiments = [...project.main.own.values()].filter((d) => d.kind === "experiment");
    const candidates = experiments.map((d) => d.name.text).join(", ");
    return [
      checkDiagnostic("fwp2103", checker.place(decl.of.span), { name: decl.of.text, candidates }),
    ];
  }
  let varies = false;
  for (const clause of decl.clauses) {
    if (clause.kind === "grid-clause") {
      varies = true;
      const axis = memberPath(clause.axis);
      checker.axes.add(axis);
      for (const value of items(clause.values)) {
        checker.tryValues(
          experiment,
          [{ path: axis.split("."), value }],
          value.span,
          axis,
          clause.axis.span,
        );
      }
    } else if (clause.kind === "zip-clause") {
      varies = true;
      const axes = clause.axes.map(memberPath);
      for (const axis of axes) checker.axes.add(axis);
      for (const row of items(clause.values)) {
        const values = items(row);
        if (values.length !== axes.length) {
          const facts = { axes: axes.length, found: values.length };
          checker.diagnostics.push(checkDiagnostic("fwp5009", checker.place(row.span), facts));
          continue;
        }
        const settings = axes.map((axis, i) => ({ path: axis.split("."), value: values[i]! }));
        checker.tryValues(
          experiment,
          settings,
          row.span,
          axes.join(", "),
          clause.axes[0]?.span ?? row.span,
        );
      }
    } else if (clause.kind === "seeds-clause") varies = true;
  }
  for (const clause of decl.clauses) {
    if (clause.kind !== "baseline-clause") continue;
    for (const { axis } of clause.assignments) {
      const path = memberPath(axis);
      if (!checker.axes.has(path)) {
        checker.diagnostics.push(
          checkDiagnostic("fwp5011", checker.place(axis.span), { axis: path }),
        );
      }
    }
  }
  if (!varies) {
    checker.diagnostics.push(
      checkDiagnostic("fwp5010", checker.place(decl.name.span), { name: decl.name.text }),
    );
  }
  return checker.diagnostics;
}
