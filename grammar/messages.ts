/** What the parser says when a token does not fit: which code, what was expected and what for. */
import type { IParserErrorMessageProvider, IToken, TokenType } from "chevrotain";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { syntaxDiagnostic } from "./catalogue.ts";
import { LBrace, LBracket, LParen, MissingExpression } from "./tokens.ts";
import { Identifier, RBrace, RBracket, RParen } from "./tokens.ts";

/** What a token of a rule is for, as the end of "expected `)` …". Keyed by rule, then by token. */
const purposes: ReadonlyMap<string, ReadonlyMap<TokenType, string>> = new Map([
  ["argumentList", new Map([[RParen, "to close the argument list"]])],
  [
    "parameterList",
    purpose([LParen, "before the parameters"], [RParen, "to close the parameters"]),
  ],
  ["indexList", new Map([[RBracket, "to close the index"]])],
  ["bracketList", purpose([LBracket, "to open the shape"], [RBracket, "to close the list"])],
  ["parenthesised", new Map([[RParen, "to close the parenthesis"]])],
  ["einsum", new Map([[RParen, "to close `einsum`"]])],
  ["tokenType", new Map([[RBracket, "to close the vocabulary"]])],
  ["block", purpose([LBrace, "to open the block"], [RBrace, "to close the block"])],
  ["mapBody", purpose([LBrace, "to open the map"], [RBrace, "to close the map"])],
  ["settings", purpose([LBrace, "to open the settings"], [RBrace, "to close the settings"])],
  ["zipClause", purpose([LParen, "before the axes"], [RParen, "to close the axes"])],
  [
    "experimentBody",
    purpose([LBrace, "to open the experiment"], [RBrace, "to close the experiment"]),
  ],
  ["ablationBody", purpose([LBrace, "to open the ablation"], [RBrace, "to close the ablation"])],
  ["parameter", new Map([[Identifier, "for a parameter"]])],
]);

function purpose(...pairs: [TokenType, string][]): ReadonlyMap<TokenType, string> {
  return new Map(pairs);
}

const closers: readonly TokenType[] = [RParen, RBracket, RBrace];

/** A token as a message names it. */
export function nameOfToken(token: IToken): string {
  if (token.image === "") return "the end of the file";
  const shown = token.image.length > 40 ? `${token.image.slice(0, 40)}…` : token.image;
  return token.image.startsWith('"') ? `the string ${shown}` : `\`${shown}\``;
}

// A chevrotain error carries nothing of ours but its message, so the code travels as the message's first word.
function encode(code: "fwp1007" | "fwp1008" | "fwp1009", expected: string): string {
  return `${code} ${expected}`;
}

function expectation(expected: TokenType, rule: string): string {
  if (expected === MissingExpression) return encode("fwp1009", "an expression");
  const what = expected.LABEL ?? expected.name;
  const why = purposes.get(rule)?.get(expected);
  const sentence = why === undefined ? what : `${what} ${why}`;
  return encode(closers.includes(expected) ? "fwp1008" : "fwp1007", sentence);
}

function alternatives(paths: readonly TokenType[][]): string {
  const labels = [...new Set(paths.map((path) => path[0]!.LABEL ?? path[0]!.name))];
  const last = labels.pop()!;
  return labels.length === 0 ? last : `${labels.join(", ")} or ${last}`;
}

export const messages: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected, ruleName }) => expectation(expected, ruleName),
  buildNoViableAltMessage: ({ expectedPathsPerAlt }) =>
    encode("fwp1007", alternatives(expectedPathsPerAlt.flat())),
  buildEarlyExitMessage: ({ expectedIterationPaths }) =>
    encode("fwp1007", alternatives(expectedIterationPaths)),
  buildNotAllInputParsedMessage: () => encode("fwp1007", "the end of the file"),
};

/** The diagnostic of an error that chevrotain recorded with one of the messages above. */
export function diagnosticOf(
  message: string,
  token: IToken,
  end: number,
  file: string,
): Diagnostic {
  const found = nameOfToken(token);
  const atEnd = token.image === "";
  const start = atEnd ? end : token.startOffset;
  const place = { file, range: { start, end: atEnd ? end : token.endOffset! + 1 } };
  const expected = message.slice(8);
  if (message.startsWith("fwp1009")) return syntaxDiagnostic("fwp1009", place, { found });
  if (message.startsWith("fwp1008")) return syntaxDiagnostic("fwp1008", place, { expected, found });
  return syntaxDiagnostic("fwp1007", place, { expected, found });
}
