/** Text to syntax tree: the entrance of this folder. */
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Comment, File } from "./ast.ts";
import { DeclarationParser } from "./declarations.ts";
import { limitDepth } from "./depth.ts";
import { diagnosticOf } from "./messages.ts";
import { scan } from "./scanner.ts";

export interface Parsed {
  /** What could be read. Where an expression is missing, an `error` node stands in its place. */
  readonly ast: File;
  /** In source order; empty exactly when the text is well-formed. */
  readonly diagnostics: readonly Diagnostic[];
}

class Parser extends DeclarationParser {
  constructor(skipValidations: boolean) {
    super(skipValidations);
    this.performSelfAnalysis();
  }

  read(text: string, file: string): Parsed {
    this.file = file;
    this.text = text;
    this.problems = [];
    this.usedDocs = new Set();
    this.emptyIndices.clear();
    const scanned = scan(text, file);
    const problems = scanned.diagnostics;
    const tokens = limitDepth(scanned.tokens, file, problems);
    this.input = tokens;
    const { imports, declarations } = this.fileRule() ?? { imports: [], declarations: [] };
    for (const empty of this.emptyIndices) this.report("fwp1017", empty.span);
    const mismatches = this.errors.map((e) => diagnosticOf(e.message, e.token, text.length, file));
    // Right behind something unreadable, what follows cannot fit.
    const consequences = (d: Diagnostic): boolean =>
      problems.some((cause) => {
        const end = cause.place.range!.end;
        return end <= start(d) && text.slice(end, start(d)).trim() === "";
      });
    const comments: Comment[] = [...scanned.comments];
    for (const doc of [...scanned.loose, ...scanned.tokens.flatMap((token) => token.docs)]) {
      if (this.usedDocs.has(doc.start)) continue;
      comments.push({ text: doc.text, span: { start: doc.start, end: doc.end } });
    }
    comments.sort((a, b) => a.span.start - b.span.start);
    const span = { start: 0, end: text.length };
    return {
      ast: { kind: "file", imports, declarations, comments, span },
      diagnostics: settle([
        ...problems,
        ...[...this.problems, ...mismatches].filter((d) => !consequences(d)),
      ]),
    };
  }
}

const start = (d: Diagnostic): number => d.place.range?.start ?? 0;

/** Source order; of several problems at one place the first is the cause. */
function settle(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<number>();
  const kept = diagnostics.filter((d) => !seen.has(start(d)) && seen.add(start(d)));
  return kept.sort((a, b) => start(a) - start(b));
}

let parser: Parser | null = null;

/** Reads one file. Never throws: whatever is wrong with the text is in the diagnostics. */
export function parse(text: string, file: string): Parsed {
  parser ??= new Parser(true);
  return parser.read(text, file);
}

/** Lets chevrotain check the grammar itself (ambiguities, left recursion); for the tests, it takes a while. */
export function validateGrammar(): void {
  void new Parser(false);
}
