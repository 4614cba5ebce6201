/** Grammar rules of expressions, shapes and argument lists. */
import type { IToken, ParserMethod } from "chevrotain";
import type * as ast from "./ast.ts";
import type { DimExpr, Expr, Name, Span } from "./ast.ts";
import { syntaxDiagnostic } from "./catalogue.ts";
import { isStrongStatement } from "./layout.ts";
import type { Peek } from "./layout.ts";
import { buildTree } from "./pratt.ts";
import type { InfixOperator, Item } from "./pratt.ts";
import { RecoveringParser, spanOf, strict } from "./recovery.ts";
import * as t from "./tokens.ts";
import type { Token } from "./tokens.ts";

type Rule<T> = ParserMethod<[], T>;
type Postfix =
  | { kind: "member"; member: Name; end: number }
  | { kind: "call"; args: ast.Argument[]; end: number }
  | { kind: "index"; indices: Expr[]; end: number };

const otherSpellings: ReadonlyMap<string, InfixOperator> = new Map([
  ["⊙", "*"],
  ["·", "*"],
  ["×", "*"],
  ["−", "-"],
  ["≤", "<="],
  ["≥", ">="],
  ["≠", "!="],
]);

export class ExpressionParser extends RecoveringParser {
  /** Index expressions without an index: right only as an operand of einsum, where they are taken out again. */
  protected readonly emptyIndices = new Set<Expr>();

  readonly expression: Rule<Expr> = this.RULE(
    "expression",
    (): Expr => {
      const items: Item[] = [];
      this.prefixes(items);
      items.push({ kind: "operand", value: this.SUBRULE(this.operand) });
      this.MANY({
        GATE: () => !this.atInStatement(),
        DEF: () => {
          const sign = this.CONSUME(t.BinaryOperatorToken);
          const operator = otherSpellings.get(sign.image) ?? (sign.image as InfixOperator);
          items.push({ kind: "infix", operator, span: spanOf(sign, 0) });
          this.prefixes2(items);
          items.push({ kind: "operand", value: this.SUBRULE2(this.operand) });
        },
      });
      return this.ACTION(() => buildTree(items, (operator, span) => this.chain(operator, span)));
    },
    strict,
  );

  /**
   * One operand with what is attached behind it. To chevrotain it seems that it may begin with anything, so that every list
   * enters its item and it is the item that reports a missing expression.
   */
  private readonly operand: Rule<Expr> = this.RULE(
    "operand",
    (): Expr => {
      const value = this.OPTION({
        // `k =` before a line `v = …` lacks its value; `v` is not it.
        GATE: () => !(this.peek(0)?.first === true && isStrongStatement(this.peek)),
        DEF: () => this.SUBRULE(this.attached),
      });
      if (this.RECORDING_PHASE) this.CONSUME(t.Stray);
      else if (value !== undefined) return value;
      else this.CONSUME(t.MissingExpression);
      return this.errorExpr();
    },
    strict,
  );

  private readonly attached: Rule<Expr> = this.RULE(
    "attached",
    (): Expr => {
      const start = this.LA(1);
      const atom = this.SUBRULE(this.atom);
      const attachments: Postfix[] = [];
      this.MANY(() => {
        this.OR([
          { ALT: () => attachments.push(this.SUBRULE(this.member)) },
          { ALT: () => attachments.push(this.SUBRULE(this.call)) },
          { ALT: () => attachments.push(this.SUBRULE(this.index)) },
        ]);
      });
      return this.ACTION(() => this.attach(atom, attachments, start));
    },
    strict,
  );

  private readonly member: Rule<Postfix> = this.RULE(
    "member",
    (): Postfix => {
      this.CONSUME(t.Dot);
      const member = this.nameOf(this.CONSUME(t.Identifier));
      return { kind: "member", member, end: this.offset() };
    },
    strict,
  );

  private readonly call: Rule<Postfix> = this.RULE(
    "call",
    (): Postfix => {
      const args = this.SUBRULE(this.argumentList);
      return { kind: "call", args, end: this.offset() };
    },
    strict,
  );

  private readonly index: Rule<Postfix> = this.RULE(
    "index",
    (): Postfix => {
      const indices = this.SUBRULE(this.indexList);
      return { kind: "index", indices, end: this.offset() };
    },
    strict,
  );

  private readonly argumentList: Rule<ast.Argument[]> = this.RULE(
    "argumentList",
    (): ast.Argument[] => {
      const args: ast.Argument[] = [];
      let more = true;
      this.CONSUME(t.LParen);
      this.MANY({
        GATE: () => more && !this.at(t.RParen),
        DEF: () => {
          args.push(this.SUBRULE(this.argument));
          more = this.OPTION(() => this.CONSUME(t.Comma)) !== undefined;
        },
      });
      this.CONSUME(t.RParen);
      return args;
    },
    strict,
  );

  private readonly argument: Rule<ast.Argument> = this.RULE(
    "argument",
    (): ast.Argument => {
      const start = this.LA(1);
      const name = this.OPTION({
        GATE: () => this.at(t.Colon, 1),
        DEF: () => {
          const name = this.nameOf(this.CONSUME(t.Identifier));
          this.CONSUME(t.Colon);
          return name;
        },
      });
      const value = this.SUBRULE(this.expression);
      return { name: name ?? null, value, span: this.spanFrom(start) };
    },
    strict,
  );

  private readonly indexList: Rule<Expr[]> = this.RULE(
    "indexList",
    (): Expr[] => {
      const indices: Expr[] = [];
      let more = true;
      this.CONSUME(t.LBracket);
      this.MANY({
        GATE: () => more && !this.at(t.RBracket),
        DEF: () => {
          indices.push(this.SUBRULE(this.expression));
          more = this.OPTION(() => this.CONSUME(t.Comma)) !== undefined;
        },
      });
      this.CONSUME(t.RBracket);
      return indices;
    },
    strict,
  );

  private readonly atom: Rule<Expr> = this.RULE(
    "atom",
    (): Expr =>
      this.OR<Expr>([
        { ALT: () => this.SUBRULE(this.conditional) },
        { ALT: () => this.SUBRULE(this.comprehension) },
        {
          GATE: () => this.at(t.EinsumWord) && this.at(t.LParen, 1),
          ALT: () => this.SUBRULE(this.einsum),
        },
        { GATE: () => this.atLearned(), ALT: () => this.SUBRULE(this.learned) },
        { ALT: () => this.SUBRULE(this.parenthesised) },
        { ALT: () => this.SUBRULE(this.list) },
        { ALT: () => this.SUBRULE(this.literal) },
      ]),
    strict,
  );

  private readonly literal: Rule<Expr> = this.RULE(
    "literal",
    (): Expr =>
      this.OR<Expr>([
        { ALT: () => numberLiteral(this.CONSUME(t.NumberToken)) },
        { ALT: () => this.SUBRULE(this.string) },
        { ALT: () => bool(this.CONSUME(t.True), true) },
        { ALT: () => bool(this.CONSUME(t.False), false) },
        { ALT: () => reference(this.CONSUME(t.Identifier)) },
      ]),
    strict,
  );

  protected readonly string: Rule<ast.StringLiteral> = this.RULE(
    "string",
    (): ast.StringLiteral => {
      const token = this.CONSUME(t.StringToken);
      return { kind: "string", value: (token as Token).string ?? "", span: spanOf(token, 0) };
    },
    strict,
  );

  private readonly conditional: Rule<Expr> = this.RULE(
    "conditional",
    (): Expr => {
      const start = this.CONSUME(t.If);
      const condition = this.SUBRULE(this.expression);
      this.CONSUME(t.Then);
      const then = this.SUBRULE2(this.expression);
      this.CONSUME(t.Else);
      const otherwise = this.SUBRULE3(this.expression);
      // oxlint-disable-next-line unicorn/no-thenable -- a syntax tree is never awaited
      return { kind: "if", condition, then, otherwise, span: this.spanFrom(start) };
    },
    strict,
  );

  private readonly comprehension: Rule<Expr> = this.RULE(
    "comprehension",
    (): Expr => {
      const start = this.CONSUME(t.For);
      const variable = this.nameOf(this.CONSUME(t.Identifier));
      this.CONSUME(t.In);
      const range = this.SUBRULE(this.expression);
      this.CONSUME(t.Colon);
      const body = this.SUBRULE2(this.expression);
      return { kind: "for", variable, range, body, span: this.spanFrom(start) };
    },
    strict,
  );

  private readonly learned: Rule<Expr> = this.RULE(
    "learned",
    (): Expr => {
      const start = this.CONSUME(t.LearnedWord);
      const init = this.SUBRULE(this.expression);
      return { kind: "learned", init, span: this.spanFrom(start) };
    },
    strict,
  );

  private readonly parenthesised: Rule<Expr> = this.RULE(
    "parenthesised",
    (): Expr => {
      const start = this.CONSUME(t.LParen);
      const items: Expr[] = [this.SUBRULE(this.expression)];
      let more = this.OPTION(() => this.CONSUME(t.Comma)) !== undefined;
      this.MANY({
        GATE: () => more && !this.at(t.RParen),
        DEF: () => {
          items.push(this.SUBRULE2(this.expression));
          more = this.OPTION2(() => this.CONSUME2(t.Comma)) !== undefined;
        },
      });
      this.CONSUME(t.RParen);
      return items.length === 1 ? items[0]! : { kind: "tuple", items, span: this.spanFrom(start) };
    },
    strict,
  );

  private readonly list: Rule<Expr> = this.RULE(
    "list",
    (): Expr => {
      const start = this.LA(1);
      const dims = this.SUBRULE(this.bracketList);
      const span = this.spanFrom(start);
      return this.ACTION((): Expr => {
        const shapely = dims.some((dim) => dim.kind === "hole" || dim.kind === "rest");
        if (shapely) return { kind: "shape-literal", dims, span };
        return { kind: "list", items: dims as Expr[], span };
      });
    },
    strict,
  );

  protected readonly shape: Rule<ast.ShapeExpr> = this.RULE(
    "shape",
    (): ast.ShapeExpr => {
      const start = this.LA(1);
      const dims = this.SUBRULE(this.bracketList);
      return { kind: "shape", dims, span: this.spanFrom(start) };
    },
    strict,
  );

  private readonly bracketList: Rule<DimExpr[]> = this.RULE(
    "bracketList",
    (): DimExpr[] => {
      const dims: DimExpr[] = [];
      let more = true;
      this.CONSUME(t.LBracket);
      this.MANY({
        GATE: () => more && !this.at(t.RBracket),
        DEF: () => {
          dims.push(
            this.OR<DimExpr>([
              { ALT: () => ({ kind: "hole", span: spanOf(this.CONSUME(t.Underscore), 0) }) },
              { ALT: () => ({ kind: "rest", span: spanOf(this.CONSUME(t.DotDot), 0) }) },
              { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.expression) },
            ]),
          );
          more = this.OPTION(() => this.CONSUME(t.Comma)) !== undefined;
        },
      });
      this.CONSUME(t.RBracket);
      return dims;
    },
    strict,
  );

  private readonly einsum: Rule<Expr> = this.RULE(
    "einsum",
    (): Expr => {
      const start = this.CONSUME(t.EinsumWord);
      const operands: ast.EinsumOperand[] = [];
      let more = true;
      this.CONSUME(t.LParen);
      this.MANY({
        GATE: () => more && !this.at(t.RightArrow),
        DEF: () => {
          const value = this.SUBRULE(this.expression);
          operands.push(this.ACTION(() => this.labelled(value)));
          more = this.OPTION(() => this.CONSUME(t.Comma)) !== undefined;
        },
      });
      const arrow = this.CONSUME(t.RightArrow);
      if (operands.length === 0) this.ACTION(() => this.report("fwp1016", spanOf(arrow, 0)));
      const result: Name[] = [];
      let another = true;
      this.CONSUME(t.LBracket);
      this.MANY2({
        GATE: () => another,
        DEF: () => {
          result.push(this.nameOf(this.CONSUME(t.Identifier)));
          another = this.OPTION2(() => this.CONSUME2(t.Comma)) !== undefined;
        },
      });
      this.CONSUME(t.RBracket);
      this.OPTION3(() => this.CONSUME3(t.Comma));
      this.CONSUME(t.RParen);
      return { kind: "einsum", operands, result, span: this.spanFrom(start) };
    },
    strict,
  );

  // ------------------------------------------------------------------------------------------------ helpers

  private prefixes(items: Item[]): void {
    this.MANY1(() => items.push(this.SUBRULE(this.prefix)));
  }

  private prefixes2(items: Item[]): void {
    this.MANY2(() => items.push(this.SUBRULE2(this.prefix)));
  }

  private readonly prefix: Rule<Item> = this.RULE(
    "prefix",
    (): Item =>
      this.OR<Item>([
        {
          ALT: () => ({ kind: "prefix", operator: "-", span: spanOf(this.CONSUME(t.Minus), 0) }),
        },
        { ALT: () => ({ kind: "prefix", operator: "not", span: spanOf(this.CONSUME(t.Not), 0) }) },
      ]),
    strict,
  );

  /** `in x: …` after an expression is the next statement. */
  private atInStatement(): boolean {
    return this.at(t.In) && this.atName(1) && this.at(t.Colon, 2);
  }

  /** `learned` is a prefix when something follows that it can apply to, else the name of a signal. */
  private atLearned(): boolean {
    if (!this.at(t.LearnedWord)) return false;
    const next = this.LA(2).tokenType;
    if (this.atName(1)) {
      const rest: Peek = (offset) => this.peek(offset + 1);
      return !isStrongStatement(rest) && !this.at(t.Colon, 2);
    }
    const starts = [t.NumberToken, t.StringToken, t.LParen, t.If, t.For, t.Not, t.True, t.False];
    return starts.includes(next);
  }

  private chain(operator: InfixOperator, span: Span): void {
    const place = { file: this.file, range: span };
    this.problems.push(syntaxDiagnostic("fwp1014", place, { operator }));
  }

  private attach(atom: Expr, attachments: readonly Postfix[], start: IToken): Expr {
    let value = atom;
    for (const attachment of attachments) {
      const span = { start: start.startOffset, end: attachment.end };
      switch (attachment.kind) {
        case "member":
          value = { kind: "member", object: value, member: attachment.member, span };
          break;
        case "call":
          value = { kind: "call", callee: value, args: attachment.args, span };
          break;
        case "index":
          value = { kind: "index", object: value, indices: attachment.indices, span };
          if (attachment.indices.length === 0) this.emptyIndices.add(value);
          break;
      }
    }
    return value;
  }

  /** Takes the labels off an operand of einsum. */
  private labelled(value: Expr): ast.EinsumOperand {
    const labels: Name[] = [];
    let found = value.kind === "index";
    if (value.kind === "index") {
      this.emptyIndices.delete(value);
      for (const label of value.indices) {
        if (label.kind === "reference") {
          labels.push({ kind: "name", text: label.name, span: label.span });
        } else found = false;
      }
    }
    if (!found && value.kind !== "error") this.report("fwp1016", value.span);
    return { value: value.kind === "index" ? value.object : value, labels, span: value.span };
  }
}

function numberLiteral(token: IToken): Expr {
  const value = Number.parseFloat(token.image.replaceAll("_", ""));
  return {
    kind: "number",
    value: Number.isFinite(value) ? value : 0,
    text: token.image,
    span: spanOf(token, 0),
  };
}

function bool(token: IToken, value: boolean): Expr {
  return { kind: "bool", value, span: spanOf(token, 0) };
}

function reference(token: IToken): Expr {
  return { kind: "reference", name: token.image, span: spanOf(token, 0) };
}
