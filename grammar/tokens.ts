/**
 * The words and signs of the language as chevrotain token types.
 *
 * Only a handful of words are reserved. All the others (`key`, `model`, `loss`, …) are token types of their own that also
 * count as identifiers, so a grammar rule can ask for the word while a signal may still be called by it.
 */
import { createToken } from "./chevrotain.ts";
import type { IToken, TokenType } from "chevrotain";

/** A token with what layout-aware recovery and the formatter need to know about its surroundings. */
export interface Token extends IToken {
  /** Position in the token list. */
  readonly index: number;
  /** The first token of its line. */
  readonly first: boolean;
  /** It stands in the very first column. */
  readonly flush: boolean;
  /** The doc comments directly above it, as written. */
  readonly docs: readonly RawComment[];
  /** The value of a string literal, escapes resolved. */
  readonly string: string | null;
}

export interface RawComment {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const type = (name: string, categories: TokenType[], label = name): TokenType =>
  createToken({ name, label, categories });

/** Any token at all: what is skipped, with a message, where nothing fits. */
export const Stray = type("Stray", []);
/** Any token but `}`: the same inside a block. */
export const StrayInBlock = type("StrayInBlock", [Stray]);
/** Never scanned: stands for a missing expression when one is expected. */
export const MissingExpression = type("MissingExpression", [], "an expression");

const plain = [StrayInBlock];
export const Identifier = type("Identifier", plain, "a name");
export const NumberToken = type("Number", plain, "a number");
export const StringToken = type("String", plain, "a string");

const sign = (name: string, text: string, categories = plain): TokenType =>
  type(name, categories, `\`${text}\``);

export const LParen = sign("LParen", "(");
export const RParen = sign("RParen", ")");
export const LBracket = sign("LBracket", "[");
export const RBracket = sign("RBracket", "]");
export const LBrace = sign("LBrace", "{");
export const RBrace = sign("RBrace", "}", [Stray]);
export const Comma = sign("Comma", ",");
export const Colon = sign("Colon", ":");
export const Semicolon = sign("Semicolon", ";");
export const Dot = sign("Dot", ".");

export const Underscore = sign("Underscore", "_");
export const Assign = sign("Assign", "=");
export const LeftArrow = sign("LeftArrow", "<-");
export const RightArrow = sign("RightArrow", "->");

/** Signs between two operands. `in`, `and`, `or` join below. */
export const BinaryOperatorToken = type("BinaryOperatorToken", plain, "an operator");
const operator = [BinaryOperatorToken];
export const DotDot = sign("DotDot", "..", operator);
export const EqualEqual = sign("EqualEqual", "==", operator);
export const NotEqual = sign("NotEqual", "!=", operator);
export const Less = sign("Less", "<", operator);
export const LessEqual = sign("LessEqual", "<=", operator);
export const Greater = sign("Greater", ">", operator);
export const GreaterEqual = sign("GreaterEqual", ">=", operator);
export const Plus = sign("Plus", "+", operator);
export const Minus = sign("Minus", "-", operator);
export const Star = sign("Star", "*", operator);
export const Slash = sign("Slash", "/", operator);
export const At = sign("At", "@", operator);
export const Outer = sign("Outer", "⊗", operator);
export const Caret = sign("Caret", "^", operator);

export const In = sign("In", "in", operator);
export const And = sign("And", "and", operator);
export const Or = sign("Or", "or", operator);
export const Out = sign("Out", "out");
export const For = sign("For", "for");
export const If = sign("If", "if");
export const Then = sign("Then", "then");
export const Else = sign("Else", "else");
export const Not = sign("Not", "not");
export const True = sign("True", "true");
export const False = sign("False", "false");
export const Repeat = sign("Repeat", "repeat");
export const ImportWord = sign("Import", "import");

const word = (name: string, text: string): TokenType => type(name, [Identifier], `\`${text}\``);
export const MapWord = word("MapWord", "map");
export const InstructionWord = word("InstructionWord", "instruction");
export const LayerWord = word("LayerWord", "layer");
export const ModelWord = word("ModelWord", "model");
export const ExperimentWord = word("ExperimentWord", "experiment");
export const AblationWord = word("AblationWord", "ablation");
export const OfWord = word("OfWord", "of");
export const SlowWord = word("SlowWord", "slow");
export const FastWord = word("FastWord", "fast");
export const NetWord = word("NetWord", "net");
export const ProgramWord = word("ProgramWord", "program");
export const WeightWord = word("WeightWord", "weight");
export const ConstWord = word("ConstWord", "const");
export const OverWord = word("OverWord", "over");
export const TokenWord = word("TokenWord", "token");
export const LearnedWord = word("LearnedWord", "learned");
export const EinsumWord = word("EinsumWord", "einsum");
export const ScheduleWord = word("ScheduleWord", "schedule");
export const TaskWord = word("TaskWord", "task");
export const LossWord = word("LossWord", "loss");
export const WhereWord = word("WhereWord", "where");
export const TrainWord = word("TrainWord", "train");
export const EvalWord = word("EvalWord", "eval");
export const GridWord = word("GridWord", "grid");
export const ZipWord = word("ZipWord", "zip");
export const SeedsWord = word("SeedsWord", "seeds");
export const BaselineWord = word("BaselineWord", "baseline");
export const ReportWord = word("ReportWord", "report");

/** Words that no signal can be called. */
export const reservedWords: ReadonlyMap<string, TokenType> = new Map([
  ["in", In],
  ["out", Out],
  ["for", For],
  ["if", If],
  ["then", Then],
  ["else", Else],
  ["and", And],
  ["or", Or],
  ["not", Not],
  ["true", True],
  ["false", False],
  ["repeat", Repeat],
  ["import", ImportWord],
]);

/** Words with a meaning in some places and free for names everywhere. */
export const contextualWords: ReadonlyMap<string, TokenType> = new Map([
  ["map", MapWord],
  ["instruction", InstructionWord],
  ["layer", LayerWord],
  ["model", ModelWord],
  ["experiment", ExperimentWord],
  ["ablation", AblationWord],
  ["of", OfWord],
  ["slow", SlowWord],
  ["fast", FastWord],
  ["net", NetWord],
  ["program", ProgramWord],
  ["weight", WeightWord],
  ["const", ConstWord],
  ["over", OverWord],
  ["token", TokenWord],
  ["learned", LearnedWord],
  ["einsum", EinsumWord],
  ["schedule", ScheduleWord],
  ["task", TaskWord],
  ["loss", LossWord],
  ["where", WhereWord],
  ["train", TrainWord],
  ["eval", EvalWord],
  ["grid", GridWord],
  ["zip", ZipWord],
  ["seeds", SeedsWord],
  ["baseline", BaselineWord],
  ["report", ReportWord],
]);

/** Signs by spelling, longest first within a first character. The second list are other ways to write the same. */
export const signs: ReadonlyMap<string, TokenType> = new Map([
  ["(", LParen],
  [")", RParen],
  ["[", LBracket],
  ["]", RBracket],
  ["{", LBrace],
  ["}", RBrace],
  [",", Comma],
  [":", Colon],
  [";", Semicolon],
  [".", Dot],
  ["..", DotDot],
  ["=", Assign],
  ["<-", LeftArrow],
  ["->", RightArrow],
  ["==", EqualEqual],
  ["!=", NotEqual],
  ["<", Less],
  ["<=", LessEqual],
  [">", Greater],
  [">=", GreaterEqual],
  ["+", Plus],
  ["-", Minus],
  ["*", Star],
  ["/", Slash],
  ["@", At],
  ["^", Caret],
  ["⊗", Outer],
  ["⊙", Star],
  ["·", Star],
  ["×", Star],
  ["−", Minus],
  ["←", LeftArrow],
  ["→", RightArrow],
  ["≤", LessEqual],
  ["≥", GreaterEqual],
  ["≠", NotEqual],
]);

export const vocabulary: TokenType[] = [
  Stray,
  StrayInBlock,
  MissingExpression,
  BinaryOperatorToken,
  Identifier,
  NumberToken,
  StringToken,
  Underscore,
  ...new Set([...signs.values(), ...reservedWords.values(), ...contextualWords.values()]),
];
