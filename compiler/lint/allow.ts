/** Allowances: comments that silence a warning on the next line, with a reason. */
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import { positionAt } from "../../diagnostics/render.ts";
import type { Comment } from "../../grammar/ast.ts";
import { lintCatalogue, lintDiagnostic } from "./catalogue.ts";

/** A file that was read: its text and its ordinary comments. */
export interface Commented {
  readonly file: string;
  readonly text: string;
  readonly ast: { readonly comments: readonly Comment[] };
}

interface Allowance {
  readonly code: string;
  /** The line it speaks of, from 1. */
  readonly line: number;
  readonly comment: Comment;
  used: boolean;
}

const directive = /^\/\/\s*fwp:\s*(.*?)\s*$/u;
const allowance = /^allow (fwp\d{4}) because \S/u;

function read(source: Commented): { allowances: Allowance[]; problems: Diagnostic[] } {
  const allowances: Allowance[] = [];
  const problems: Diagnostic[] = [];
  for (const comment of source.ast.comments) {
    const said = directive.exec(comment.text)?.[1];
    if (said === undefined) continue;
    const code = allowance.exec(said)?.[1];
    if (code === undefined || !(code in lintCatalogue)) {
      const found = said === "" ? "nothing" : said;
      problems.push(
        lintDiagnostic("fwp4511", { file: source.file, range: comment.span }, { found }),
      );
      continue;
    }
    // The reason may go on over further lines of comment.
    let line = positionAt(source.text, comment.span.start).line + 1;
    const lines = source.text.split("\n");
    while (lines[line - 1]?.trimStart().startsWith("//") === true) line++;
    allowances.push({ code, line, comment, used: false });
  }
  return { allowances, problems };
}

/** What is left of `found`; what is wrong with the allowances of `main`; and those of its allowances that do nothing. */
export function applyAllowances(
  found: readonly Diagnostic[],
  sources: Iterable<Commented>,
  main: Commented,
): Diagnostic[] {
  const byFile = new Map([...sources].map((s) => [s.file, { source: s, ...read(s) }]));
  const left = found.filter(({ code, place }) => {
    const known = byFile.get(place.file);
    if (known === undefined || place.range === null) return true;
    const { line } = positionAt(known.source.text, place.range.start);
    const allowed = known.allowances.filter((a) => a.code === code && a.line === line);
    for (const a of allowed) a.used = true;
    return allowed.length === 0;
  });
  const own = byFile.get(main.file);
  const unused = (own?.allowances ?? [])
    .filter((a) => !a.used)
    .map(({ code, comment }) =>
      lintDiagnostic("fwp4510", { file: main.file, range: comment.span }, { code }),
    );
  return [...left, ...(own?.problems ?? []), ...unused];
}
