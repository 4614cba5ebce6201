/** The lines that the printer writes, and where comments and blank lines of the source go among them. */
import type { Comment, Span } from "./ast.ts";
import { INDENT } from "./print-expressions.ts";

export class Page {
  private readonly lines: string[] = [];
  private next = 0;
  /** The end in the source of what was written last. */
  private sourceEnd = 0;
  /** Something stands above in this block, so a blank line may come. */
  private begun = false;
  /** A comment to the end of the line closes the last line. */
  private closed = false;
  private depth = 0;
  readonly comments: readonly Comment[];
  readonly source: string | null;

  constructor(comments: readonly Comment[], source: string | null) {
    this.comments = comments;
    this.source = source;
  }

  get indent(): string {
    return INDENT.repeat(this.depth);
  }

  text(): string {
    return this.lines.length === 0 ? "" : `${this.lines.join("\n")}\n`;
  }

  /** Are there comments in this part of the source that are not yet written? */
  hasComments(start: number, end: number): boolean {
    return this.pending(end).some((comment) => comment.span.start >= start);
  }

  /**
   * Prepares for a node: writes the comments before it and, on lines of their own, those inside it up to `inside`; keeps
   * a blank line that the author left.
   */
  before(span: Span, inside: number, doc: string | null, apart = false): void {
    this.commentsUntil(span.start);
    this.blank(span.start, apart);
    for (const comment of this.pending(inside)) this.ownLine(comment);
    for (const line of doc?.split("\n") ?? []) this.line(line === "" ? "///" : `/// ${line}`);
  }

  line(text: string): void {
    this.lines.push(text === "" ? "" : this.indent + text);
    this.begun = true;
    this.closed = false;
  }

  /** The node that was last written ends here in the source. */
  after(span: Span): void {
    this.sourceEnd = Math.max(this.sourceEnd, span.end);
  }

  /** Writes lines deeper by one step, then the comments that remain before `end`. `start`: where the inside begins. */
  within(start: number, end: number, write: () => void): void {
    this.sourceEnd = Math.max(this.sourceEnd, start);
    for (const comment of this.pending(end).slice(0, 1)) {
      if (this.beforeOnLine(comment).endsWith("{")) this.trail(comment);
    }
    this.depth++;
    this.begun = false;
    write();
    this.commentsUntil(end);
    this.depth--;
    this.begun = true;
  }

  /** Writes the comments that start before an offset. */
  commentsUntil(end: number): void {
    for (const comment of this.pending(end)) {
      const trails = this.source !== null && this.beforeOnLine(comment) !== "";
      if (trails && this.lines.length > 0 && !this.closed && this.begun) this.trail(comment);
      else {
        this.blank(comment.span.start, false);
        this.ownLine(comment);
      }
    }
  }

  private pending(end: number): readonly Comment[] {
    const found: Comment[] = [];
    for (let i = this.next; i < this.comments.length; i++) {
      const comment = this.comments[i]!;
      if (comment.span.start >= end) break;
      found.push(comment);
    }
    return found;
  }

  private trail(comment: Comment): void {
    this.lines.push(`${this.lines.pop()!} ${plain(comment.text)}`);
    this.written(comment);
  }

  private ownLine(comment: Comment): void {
    this.line(plain(comment.text));
    this.written(comment);
  }

  private written(comment: Comment): void {
    this.next++;
    this.closed = comment.text.startsWith("//");
    this.sourceEnd = Math.max(this.sourceEnd, comment.span.end);
  }

  /** What stands before a comment on its line. */
  private beforeOnLine(comment: Comment): string {
    if (this.source === null) return "";
    const lineStart = this.source.lastIndexOf("\n", comment.span.start - 1) + 1;
    return this.source.slice(lineStart, comment.span.start).trim();
  }

  private blank(start: number, apart: boolean): void {
    if (!this.begun) return;
    const between = this.source?.slice(this.sourceEnd, start) ?? "";
    const left = /^[^\S\n]*[;,}\])]*[^\S\n]*\n[^\S\n]*\n/u.test(between);
    if (this.source === null ? apart : left) this.lines.push("");
  }
}

/** A doc comment that documents nothing becomes an ordinary one, lest it document what comes next. */
function plain(text: string): string {
  return text.replace(/^\/\/\/(?!\/)/u, "//");
}
