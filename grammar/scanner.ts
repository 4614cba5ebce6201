/**
 * Text to tokens. Written by hand because identifiers are Unicode (`\p{L}`), which chevrotain's own lexer cannot
 * optimise, and because every odd character, open string and open comment gets a diagnostic of its own.
 */
import type { TokenType } from "chevrotain";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Comment } from "./ast.ts";
import { syntaxDiagnostic } from "./catalogue.ts";
import { contextualWords, Identifier, NumberToken, reservedWords } from "./tokens.ts";
import { signs, StringToken, Underscore } from "./tokens.ts";
import type { RawComment, Token } from "./tokens.ts";

export interface Scanned {
  readonly tokens: Token[];
  /** Ordinary comments in source order. Doc comments are on the tokens that they precede. */
  readonly comments: Comment[];
  /** Doc comments that precede no token. */
  readonly loose: readonly RawComment[];
  readonly diagnostics: Diagnostic[];
}

const space = /[\s\uFEFF]+/uy;
const name = /[\p{L}_][\p{L}\p{M}\p{N}_]*/uy;
const number = /\d[\d_]*(?:\.(?!\.)\d[\d_]*)?(?:[eE][+-]?\d[\d_]*)?/uy;
/** What a mistyped number runs on with: `12abc`, `1.`, `2e`. */
const numberTail = /(?:[\p{L}\p{M}\p{N}_]|\.(?![.\p{L}_]))+/uy;
const lineComment = /\/\/[^\n\r]*/uy;

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", '"': '"', "\\": "\\" };

export function scan(text: string, file: string): Scanned {
  const tokens: Token[] = [];
  const comments: Comment[] = [];
  const diagnostics: Diagnostic[] = [];
  let docs: RawComment[] = [];
  let at = 0;
  let first = true;
  let lineStart = 0;

  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0] ?? null;
  };
  const place = (start: number, end: number) => ({ file, range: { start, end } });
  const push = (tokenType: TokenType, end: number, string: string | null = null): void => {
    tokens.push({
      image: text.slice(at, end),
      startOffset: at,
      endOffset: end - 1,
      tokenType,
      tokenTypeIdx: tokenType.tokenTypeIdx!,
      index: tokens.length,
      first,
      flush: at === lineStart,
      docs,
      string,
    });
    docs = [];
    first = false;
    at = end;
  };
  const newlines = (passed: string): void => {
    const last = passed.lastIndexOf("\n");
    if (last < 0) return;
    first = true;
    lineStart = at + last + 1;
  };

  while (at < text.length) {
    const blank = match(space);
    if (blank !== null) {
      newlines(blank);
      at += blank.length;
      continue;
    }
    const line = match(lineComment);
    if (line !== null) {
      const raw = { text: line.trimEnd(), start: at, end: at + line.trimEnd().length };
      const isDoc = first && /^\/\/\/(?!\/)/u.test(line);
      if (isDoc) docs.push(raw);
      else comments.push({ text: raw.text, span: { start: raw.start, end: raw.end } });
      at += line.length;
      continue;
    }
    if (text.startsWith("/*", at)) {
      const close = text.indexOf("*/", at + 2);
      if (close < 0) {
        diagnostics.push(syntaxDiagnostic("fwp1003", place(at, at + 2), {}));
        at = text.length;
        continue;
      }
      const comment = text.slice(at, close + 2);
      comments.push({ text: comment, span: { start: at, end: close + 2 } });
      newlines(comment);
      at = close + 2;
      continue;
    }
    const digits = match(number);
    if (digits !== null) {
      at = scanNumber(digits);
      continue;
    }
    const letters = match(name);
    if (letters !== null) {
      const known = letters === "_" ? Underscore : reservedWords.get(letters);
      push(known ?? contextualWords.get(letters) ?? Identifier, at + letters.length);
      continue;
    }
    if (text[at] === '"') {
      scanString();
      continue;
    }
    const two = at + 1 < text.length ? signs.get(text.slice(at, at + 2)) : undefined;
    const one = signs.get(text[at]!);
    if (two !== undefined) push(two, at + 2);
    else if (one !== undefined) push(one, at + 1);
    else scanUnknown();
  }
  return { tokens, comments, loose: docs, diagnostics };

  function scanNumber(digits: string): number {
    const start = at;
    at += digits.length;
    const tail = match(numberTail);
    at = start;
    const end = start + digits.length + (tail?.length ?? 0);
    const value = Number(digits.replaceAll("_", ""));
    if (tail !== null || !Number.isFinite(value)) {
      const written = text.slice(start, end);
      diagnostics.push(syntaxDiagnostic("fwp1004", place(start, end), { written }));
    }
    push(NumberToken, end);
    return end;
  }

  function scanString(): void {
    let end = at + 1;
    let value = "";
    for (;;) {
      const c = text[end];
      if (c === undefined || c === "\n" || c === "\r") {
        diagnostics.push(syntaxDiagnostic("fwp1002", place(at, end), {}));
        break;
      }
      if (c === '"') {
        end++;
        break;
      }
      if (c !== "\\") {
        value += c;
        end++;
        continue;
      }
      const next = text[end + 1] ?? "";
      const known = escapes[next];
      if (known === undefined && next !== "\n" && next !== "\r" && next !== "") {
        const escape = `\\${String.fromCodePoint(text.codePointAt(end + 1)!)}`;
        const range = place(end, end + escape.length);
        diagnostics.push(syntaxDiagnostic("fwp1005", range, { escape }));
        end += escape.length;
      } else {
        end += known === undefined ? 1 : 2;
      }
      value += known ?? "";
    }
    push(StringToken, end, value);
  }

  /** One diagnostic for a run of characters that mean nothing here, so that a binary file is not 10,000 errors. */
  function scanUnknown(): void {
    const start = at;
    const run = /[^\s\p{L}\p{N}_()[\]{},:;.=<>!+\-*/@^"⊗⊙·×−←→≤≥≠]+|!/uy;
    const found = match(run) ?? String.fromCodePoint(text.codePointAt(at)!);
    at += found.length;
    const shown = found.length > 20 ? `${found.slice(0, 20)}…` : found;
    const written = Array.from(shown, (c) => (/[\p{C}]/u.test(c) ? codePoint(c) : c)).join("");
    diagnostics.push(syntaxDiagnostic("fwp1001", place(start, at), { written }));
    first = false;
  }
}

function codePoint(c: string): string {
  return `U+${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;
}
