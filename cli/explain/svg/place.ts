/** Which block of a layer or model a place in a spec is in. */
import type { Project } from "../../../compiler/check/project.ts";
import type { Place } from "../../../compiler/derive/describe/index.ts";
import type { BlockStatement } from "../../../grammar/ast.ts";
import { walk } from "../../../grammar/walk.ts";

interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly role: "slow" | "fast" | "program" | "layer";
}

export function placeIn(project: Project): Place {
  const stretches = new Map<string, Stretch[]>();
  for (const { file, ast } of project.modules.values()) {
    const found: Stretch[] = [];
    for (const decl of ast.declarations) {
      if (decl.kind !== "layer" && decl.kind !== "model") continue;
      found.push({ ...decl.span, role: "layer" });
      walk(decl, (node) => {
        if (node.kind === "block")
          found.push({ ...node.span, role: (node as BlockStatement).role });
      });
    }
    stretches.set(file, found);
  }
  return ({ file, start }) => {
    const around = (stretches.get(file) ?? []).filter((s) => s.start <= start && start < s.end);
    return around.at(-1)?.role ?? null;
  };
}
