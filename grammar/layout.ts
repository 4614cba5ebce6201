/**
 * What the arrangement of tokens tells without parsing: where declarations and statements begin. Lookahead uses the exact
 * shapes; recovery from errors also uses line breaks, which have no meaning in correct text.
 */
import type { TokenType } from "chevrotain";
import * as t from "./tokens.ts";
import type { Token } from "./tokens.ts";

/** The token `offset` places from here; undefined outside the file. */
export type Peek = (offset: number) => Token | undefined;

export function isName(token: Token | undefined): boolean {
  const type = token?.tokenType;
  return type !== undefined && (type === t.Identifier || contextual.has(type));
}

const contextual = new Set<TokenType>(t.contextualWords.values());
const declarationWords = new Set<TokenType>([
  t.MapWord,
  t.InstructionWord,
  t.LayerWord,
  t.ModelWord,
  t.ExperimentWord,
  t.AblationWord,
]);
export const clauseWords = new Set<TokenType>([
  t.ModelWord,
  t.TaskWord,
  t.LossWord,
  t.TrainWord,
  t.EvalWord,
  t.GridWord,
  t.ZipWord,
  t.WhereWord,
  t.SeedsWord,
  t.BaselineWord,
  t.ReportWord,
]);

/** `layer Name (`, `model Name {`, `ablation name of`, `import` in the first column: a border whatever came before. */
export function isDeclarationBorder(peek: Peek): boolean {
  const token = peek(0);
  if (token === undefined || !token.flush) return false;
  if (token.tokenType === t.ImportWord) return true;
  if (!declarationWords.has(token.tokenType) || !isName(peek(1))) return false;
  const third = peek(2)?.tokenType;
  return third === t.LParen || third === t.LBrace || third === t.OfWord;
}

/** `slow net {`, `fast net {`, `program {`, `schedule {`. */
export function isBlockHead(peek: Peek): boolean {
  const type = peek(0)?.tokenType;
  if (type === t.ProgramWord || type === t.ScheduleWord) return peek(1)?.tokenType === t.LBrace;
  if (type !== t.SlowWord && type !== t.FastWord) return false;
  return peek(1)?.tokenType === t.NetWord && peek(2)?.tokenType === t.LBrace;
}

/** `f(a, b) =`: a local function rather than a call. */
export function isFunctionHead(peek: Peek): boolean {
  if (!isName(peek(0)) || peek(1)?.tokenType !== t.LParen) return false;
  let i = 2;
  while (isName(peek(i)) || peek(i)?.tokenType === t.Comma) i++;
  return peek(i)?.tokenType === t.RParen && peek(i + 1)?.tokenType === t.Assign;
}

/** `weight R:`, `const bits =`, `over source {`. */
function isWordHead(peek: Peek): boolean {
  const type = peek(0)?.tokenType;
  if (!isName(peek(1))) return false;
  const third = peek(2)?.tokenType;
  if (type === t.WeightWord) return third === t.Colon;
  if (type === t.ConstWord) return third === t.Colon || third === t.Assign;
  return type === t.OverWord && third === t.LBrace;
}

/** A statement starts here even in the middle of an unclosed bracket. */
export function isStrongStatement(peek: Peek): boolean {
  const type = peek(0)?.tokenType;
  const next = peek(1)?.tokenType;
  if (type === t.Out || type === t.Repeat) return true;
  if (type === t.In) return isName(peek(1)) && peek(2)?.tokenType === t.Colon;
  if (isBlockHead(peek) || isWordHead(peek)) return true;
  return isName(peek(0)) && (next === t.Assign || next === t.LeftArrow || isFunctionHead(peek));
}

/** A statement may start here, outside brackets: `a =`, `a <-`, `a:`, `a, b =`. */
export function isStatement(peek: Peek): boolean {
  if (isStrongStatement(peek)) return true;
  const next = peek(1)?.tokenType;
  return isName(peek(0)) && (next === t.Colon || next === t.Comma);
}
