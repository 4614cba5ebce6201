/** Checks every declaration of a file on its own: parameters without a value stay open. */
import { unreachable, type Diagnostic } from "../../diagnostics/diagnostic.ts";
import type { Declaration, InstructionDecl, MapDecl } from "../../grammar/ast.ts";
import { bindSetting, declareSizes } from "./calls.ts";
import { evaluate } from "./evaluate.ts";
import { Frame } from "./frame.ts";
import { runInstruction } from "./instructions.ts";
import { openStep, reportHoles, reportUnread } from "./instantiate.ts";
import { runMapBody } from "./maps.ts";

import { checkAblation } from "./ablations.ts";
import { checkExperiment, type Environment } from "./experiments.ts";
import type { Module, Project } from "./project.ts";
import { Session } from "./session.ts";
import { shapeOf } from "./dimensions.ts";
import type { CallableValue } from "./values.ts";

const KINDS = new Set([
  "int",
  "float",
  "bool",
  "map",
  "instruction",
  "layer",
  "model",
  "initializer",
]);

/** All problems of a project's main file, and those of syntax in the files it imports. Sorted by place. */
export function checkProject(
  project: Project,
  environment: Environment | null = null,
): Diagnostic[] {
  const found: Diagnostic[] = [...project.diagnostics];
  for (const decl of project.main.own.values())
    found.push(...checkDeclaration(project, decl, environment));
  const seen = new Set<string>();
  const unique = found.filter((d) => {
    const key = `${d.code} ${d.place.file} ${d.place.range?.start} ${d.place.range?.end} ${d.message}`;
    return !seen.has(key) && seen.add(key);
  });
  const main = project.main.file;
  return unique.sort(
    (a, b) =>
      Number(a.place.file !== main) - Number(b.place.file !== main) ||
      (a.place.range?.start ?? 0) - (b.place.range?.start ?? 0),
  );
}

function checkDeclaration(
  project: Project,
  decl: Declaration,
  environment: Environment | null,
): readonly Diagnostic[] {
  const { main } = project;
  const session = new Session(decl.name.text);
  switch (decl.kind) {
    case "map":
    case "instruction":
      checkParameters(session, main, decl);
      checkFunction(session, main, decl);
      return session.diagnostics;
    case "layer":
    case "model": {
      checkParameters(session, main, decl);
      const callee: CallableValue = {
        kind: "callable",
        decl,
        module: main,
        bound: new Map(),
        through: null,
      };
      const frame = openStep(session, callee, [], true, main);
      if (!session.failed) reportHoles(session, frame);
      if (!session.failed) reportUnread(session, frame);
      return session.diagnostics;
    }
    case "experiment":
      return checkExperiment(project, decl, environment);
    case "ablation":
      return checkAblation(project, decl, environment);
    default:
      return unreachable(decl);
  }
}

function checkParameters(
  session: Session,
  module: Module,
  decl: Exclude<Declaration, { kind: "experiment" | "ablation" }>,
): void {
  const frame = new Frame(session, module, "constant", decl.name.text);
  const names = new Set<string>();
  const inputs =
    decl.kind === "layer" || decl.kind === "model" ? decl.body.filter((s) => s.kind === "in") : [];
  for (const p of [...decl.parameters, ...inputs]) {
    const { text: name, span } = p.name;
    if (names.has(name)) frame.report("fwp2003", span, { name });
    names.add(name);
  }
  for (const p of decl.parameters) {
    if (p.type?.kind === "kind-name" && !KINDS.has(p.type.text)) {
      frame.report("fwp2202", p.type.span, { kind: p.type.text });
    }
  }
}

/** A map or instruction without a caller: its signals have exactly the declared axes. */
function checkFunction(session: Session, module: Module, decl: MapDecl | InstructionDecl): void {
  const frame = new Frame(session, module, decl.kind, decl.name.text);
  frame.abstract = true;
  const callee: CallableValue = { kind: "callable", decl, module, bound: new Map(), through: null };
  for (const p of decl.parameters) {
    if (p.type?.kind !== "shape") bindSetting(frame, frame, callee, p, null, p.span);
  }
  const signals = decl.parameters.filter((p) => p.type?.kind === "shape");
  declareSizes(frame, signals);
  for (const size of frame.sizes.values()) if (!session.isDefined(size)) session.makeRigid(size);
  for (const p of signals) {
    if (p.type?.kind !== "shape") continue;
    const rest = p.type.dims.some((d) => d.kind === "rest");
    const shape = rest ? [] : shapeOf(frame, p.type);
    if (p.default !== null) evaluate(frame, p.default);
    if (shape === null) frame.set(p.name.text, { kind: "error" });
    else
      frame.set(p.name.text, {
        kind: "tensor",
        node: session.builder.input(p.name.text, shape),
        lead: 0,
      });
  }
  session.calls.push(decl.name.text);
  if (decl.kind === "map") runMapBody(frame, decl);
  else runInstruction(frame, decl);
}
