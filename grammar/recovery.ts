/**
 * The parser's base: how it goes on after an error.
 *
 * chevrotain skips to any token that could follow a rule. Statements here have no separators and begin with a name, so that
 * would stop at almost every token and report one mistake many times. Instead an error is caught by the innermost rule of a
 * few (value, statement, parameter, setting, clause, declaration) and skips to where, by the layout, the next one begins.
 */
import { EmbeddedActionsParser, EOF } from "./chevrotain.ts";
import type { IToken, TokenType } from "chevrotain";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Expr, Name, Span } from "./ast.ts";
import { syntaxDiagnostic } from "./catalogue.ts";
import { clauseWords, isDeclarationBorder, isName } from "./layout.ts";
import { isStatement, isStrongStatement } from "./layout.ts";
import type { Peek } from "./layout.ts";
import { messages, nameOfToken } from "./messages.ts";
import * as t from "./tokens.ts";
import type { Token } from "./tokens.ts";

/** Rules that let an error pass to the rule around them. */
export const strict = { resyncEnabled: false };
export const fragile = { resyncEnabled: true, recoveryValueFunc: (): null => null };

export class RecoveringParser extends EmbeddedActionsParser {
  protected file = "";
  protected text = "";
  /** Problems that are no mismatch of a token. */
  protected problems: Diagnostic[] = [];
  /** Doc comments that found their declaration or statement, by offset. */
  protected usedDocs = new Set<number>();
  /** Where each kind of resynchronising rule last began, by token index. */
  private readonly starts = new Map<string, number>();

  constructor(skipValidations: boolean) {
    super(t.vocabulary, {
      recoveryEnabled: true,
      maxLookahead: 1,
      errorMessageProvider: messages,
      skipValidations,
    });
  }

  protected readonly peek: Peek = (offset) => {
    const token = this.LA(1 + offset);
    return token.tokenType === EOF ? undefined : (token as Token);
  };

  /** True when the next token has this type exactly (a contextual word is not an `Identifier` here). */
  protected at(type: TokenType, offset = 0): boolean {
    return this.LA(1 + offset).tokenType === type;
  }

  protected atName(offset = 0): boolean {
    return isName(this.peek(offset));
  }

  protected atBodyEnd(): boolean {
    return this.peek(0) === undefined || this.at(t.RBrace) || isDeclarationBorder(this.peek);
  }

  /** From a token to the end of what was read last. */
  protected spanFrom(start: IToken): Span {
    const from = Number.isNaN(start.startOffset) ? this.text.length : start.startOffset;
    return { start: from, end: Math.max(from, this.offset()) };
  }

  /** The end of the last token read. */
  protected offset(): number {
    const last = this.LA(0);
    return Number.isNaN(last.startOffset) ? 0 : last.endOffset! + 1;
  }

  protected nameOf(token: IToken): Name {
    return { kind: "name", text: token.image, span: spanOf(token, this.offset()) };
  }

  protected errorExpr(): Expr {
    const at = this.offset();
    return { kind: "error", span: { start: at, end: at } };
  }

  /** The doc comment of the declaration or statement that begins with the next token. */
  protected takeDoc(): string | null {
    const docs = this.peek(0)?.docs ?? [];
    if (docs.length === 0) return null;
    for (const doc of docs) this.usedDocs.add(doc.start);
    return docs.map((doc) => doc.text.replace(/^\/\/\/ ?/u, "").trimEnd()).join("\n");
  }

  /** Reports a token that nothing can begin with, and skips to the next border. */
  protected stray(
    token: IToken,
    report: (place: { file: string; range: Span }, found: string) => Diagnostic,
    rule: string,
  ): void {
    const range = spanOf(token, this.text.length);
    this.problems.push(report({ file: this.file, range }, nameOfToken(token)));
    const opens = token.tokenType === t.LParen || token.tokenType === t.LBracket;
    this.skip(rule, opens ? 1 : 0, token.tokenType === t.LBrace ? 1 : 0);
  }

  protected report(code: "fwp1013" | "fwp1016" | "fwp1017", range: Span, name = ""): void {
    const place = { file: this.file, range };
    this.problems.push(
      code === "fwp1013"
        ? syntaxDiagnostic(code, place, { name })
        : syntaxDiagnostic(code, place, {}),
    );
  }

  protected begin(rule: string): void {
    this.starts.set(rule, this.peek(0)?.index ?? 0);
  }

  // ------------------------------------------------------------------------- hooks of chevrotain's recovery

  protected override canTokenTypeBeDeletedInRecovery(): boolean {
    return false;
  }

  // The following set decides nothing here (see canRecoverWithSingleTokenInsertion), and costs a walk of the grammar.
  protected getFollowsForInRuleRecovery(): TokenType[] {
    return [];
  }

  protected shouldInRepetitionRecoveryBeTried(): boolean {
    return false;
  }

  /** A missing closer is assumed where a new statement or declaration begins; a missing expression before a closer. */
  protected canRecoverWithSingleTokenInsertion(expected: TokenType): boolean {
    const peek = this.peek;
    const next = peek(0);
    const atEnd = next === undefined || isDeclarationBorder(peek);
    if (expected === t.RBrace) return atEnd;
    const atBorder =
      atEnd || next.tokenType === t.RBrace || (next.first && isStrongStatement(peek));
    if (expected === t.RParen || expected === t.RBracket) return atBorder;
    if (expected !== t.MissingExpression) return false;
    const closes = [t.RParen, t.RBracket, t.Comma, t.Semicolon];
    return atBorder || closes.includes(next.tokenType) || isStrongStatement(peek);
  }

  protected findReSyncTokenType(): TokenType {
    return EOF;
  }

  protected isInCurrentRuleReSyncSet(): boolean {
    return true;
  }

  protected reSyncTo(): IToken[] {
    const rule = this.currentRule();
    const here = this.peek(0)?.index ?? this.input.length;
    const from = this.starts.get(rule) ?? here;
    let depth = 0;
    for (let i = from; i < here; i++) {
      const type = this.input[i]!.tokenType;
      if (type === t.LParen || type === t.LBracket) depth++;
      else if (type === t.RParen || type === t.RBracket) depth = Math.max(0, depth - 1);
    }
    this.skip(rule, depth, 0);
    return [];
  }

  private currentRule(): string {
    return (this as unknown as { getCurrRuleFullName(): string }).getCurrRuleFullName();
  }

  /** Skips to the border where a rule of this kind ends or the next one begins. */
  private skip(rule: string, depth: number, braces: number): void {
    for (let next = this.peek(0); next !== undefined; next = this.peek(0)) {
      if (isDeclarationBorder(this.peek)) return;
      if (braces === 0 && this.isBorder(rule, next, depth)) return;
      const type = next.tokenType;
      if (type === t.LBrace) braces++;
      else if (type === t.RBrace) braces = Math.max(0, braces - 1);
      else if (type === t.LParen || type === t.LBracket) depth++;
      else if (type === t.RParen || type === t.RBracket) depth = Math.max(0, depth - 1);
      this.SKIP_TOKEN();
      // SKIP_TOKEN does not step over the last token.
      if (this.peek(0) === next) this.leave();
    }
  }

  private leave(): void {
    (this as unknown as { consumeToken(): void }).consumeToken();
  }

  private isBorder(rule: string, next: Token, depth: number): boolean {
    const type = next.tokenType;
    if (rule === "declaration") return false;
    if (type === t.RBrace) return true;
    if (rule === "parameter") {
      return type === t.LBrace || (depth === 0 && (type === t.Comma || type === t.RParen));
    }
    if (rule === "setting") {
      const named = isName(next) && this.at(t.Colon, 1);
      return depth === 0 && (type === t.Comma || named);
    }
    if (rule === "clause") return next.first && clauseWords.has(type);
    if (depth > 0) return next.first && isStrongStatement(this.peek);
    if (type === t.Semicolon || isStrongStatement(this.peek)) return true;
    return isStatement(this.peek) && (next.first || this.LA(2).tokenType === t.Colon);
  }
}

export function spanOf(token: IToken, otherwise: number): Span {
  if (Number.isNaN(token.startOffset)) return { start: otherwise, end: otherwise };
  return { start: token.startOffset, end: token.endOffset! + 1 };
}
