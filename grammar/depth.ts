/**
 * A limit on nesting, applied to the tokens before the parser sees them: a recursive parser, checker or printer would exhaust
 * the stack on `((((…` long before it ran out of input.
 */
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { syntaxDiagnostic } from "./catalogue.ts";
import { isDeclarationBorder } from "./layout.ts";
import * as t from "./tokens.ts";
import type { Token } from "./tokens.ts";

/** Brackets, blocks, `if`, `for` and `learned` inside each other. */
export const NESTING_LIMIT = 100;
/** Operators in one expression: each may deepen the tree by one. */
export const OPERATOR_LIMIT = 1000;

const openers = new Set([t.LParen, t.LBracket, t.LBrace]);
const closers = new Set([t.RParen, t.RBracket, t.RBrace]);
const deepening = new Set([t.If, t.For, t.LearnedWord, t.Else]);
const resetting = new Set([t.Comma, t.Semicolon, t.Assign, t.LeftArrow, t.LBrace, t.RBrace]);

interface Level {
  operators: number;
  nested: number;
}

/** Removes each declaration that nests too deeply and reports it. Token positions are numbered anew. */
export function limitDepth(
  tokens: readonly Token[],
  file: string,
  problems: Diagnostic[],
): Token[] {
  const kept: Token[] = [];
  for (const part of declarations(tokens)) {
    const problem = tooDeep(part, file);
    if (problem === null) kept.push(...part);
    else problems.push(problem);
  }
  if (kept.length === tokens.length) return kept;
  return kept.map((token, index) => ({ ...token, index }));
}

/** The token list cut where declarations begin. */
function declarations(tokens: readonly Token[]): Token[][] {
  const parts: Token[][] = [[]];
  for (let i = 0; i < tokens.length; i++) {
    if (i > 0 && isDeclarationBorder((offset) => tokens[i + offset])) parts.push([]);
    parts.at(-1)!.push(tokens[i]!);
  }
  return parts;
}

function tooDeep(part: readonly Token[], file: string): Diagnostic | null {
  const levels: Level[] = [{ operators: 0, nested: 0 }];
  let operators = 0;
  let nested = 0;
  const place = (token: Token) => ({
    file,
    range: { start: token.startOffset, end: token.endOffset! + 1 },
  });
  for (const token of part) {
    const type = token.tokenType;
    const level = levels.at(-1)!;
    const statement = type === t.In && token.first;
    if (resetting.has(type) || statement) {
      operators -= level.operators;
      nested -= level.nested;
      level.operators = 0;
      level.nested = 0;
    }
    if (openers.has(type)) {
      levels.push({ operators: 0, nested: 0 });
      level.operators++;
      operators++;
    } else if (closers.has(type)) {
      if (levels.length > 1) levels.pop();
      operators -= level.operators;
      nested -= level.nested;
    } else if (deepening.has(type)) {
      level.nested++;
      nested++;
    } else if (type.CATEGORIES?.includes(t.BinaryOperatorToken) || isUnary(type)) {
      level.operators++;
      operators++;
    }
    if (levels.length - 1 + nested > NESTING_LIMIT) {
      const what = "brackets, blocks or conditions inside each other";
      return syntaxDiagnostic("fwp1006", place(token), { limit: NESTING_LIMIT, what });
    }
    if (operators > OPERATOR_LIMIT) {
      const what = "operators, calls and indices in one expression";
      return syntaxDiagnostic("fwp1006", place(token), { limit: OPERATOR_LIMIT, what });
    }
  }
  return null;
}

function isUnary(type: Token["tokenType"]): boolean {
  return type === t.Not || type === t.Dot || type === t.DotDot;
}
