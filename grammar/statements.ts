/** Grammar rules of statements, blocks and parameters. */
import type { IToken, ParserMethod } from "chevrotain";
import type * as ast from "./ast.ts";
import type { Expr, Name, Statement } from "./ast.ts";
import { syntaxDiagnostic } from "./catalogue.ts";
import { ExpressionParser } from "./expressions.ts";
import { isBlockHead, isFunctionHead, isStatement, isStrongStatement } from "./layout.ts";
import { fragile, strict } from "./recovery.ts";
import * as t from "./tokens.ts";

type Rule<T> = ParserMethod<[], T>;

export class StatementParser extends ExpressionParser {
  /** An expression that ends with its statement: where it cannot be read, the statement still stands. */
  protected readonly value: Rule<Expr> = this.RULE(
    "value",
    (): Expr => {
      this.ACTION(() => this.begin("value"));
      return this.SUBRULE(this.expression);
    },
    { resyncEnabled: true, recoveryValueFunc: () => this.errorExpr() },
  );

  /** `{ statements }`; null stands for a statement that could not be read. */
  protected readonly block: Rule<Statement[]> = this.RULE(
    "block",
    (): Statement[] => {
      this.CONSUME(t.LBrace);
      const body = this.SUBRULE(this.statements);
      this.CONSUME(t.RBrace);
      return body;
    },
    strict,
  );

  protected readonly statements: Rule<Statement[]> = this.RULE(
    "statements",
    (): Statement[] => {
      const body: Statement[] = [];
      this.MANY({
        GATE: () => !this.atBodyEnd(),
        DEF: () => {
          this.OR([
            { ALT: () => this.CONSUME(t.Semicolon) },
            {
              GATE: () => isStatement(this.peek) || this.atHeadless(),
              ALT: () => {
                const read = this.SUBRULE(this.statement);
                if (read !== null) body.push(read);
              },
            },
            {
              IGNORE_AMBIGUITIES: true,
              ALT: () => {
                const token = this.CONSUME(t.StrayInBlock);
                this.ACTION(() => this.strayStatement(token));
              },
            },
          ]);
        },
      });
      return body;
    },
    strict,
  );

  protected strayStatement(token: IToken): void {
    this.stray(token, (place, found) => syntaxDiagnostic("fwp1010", place, { found }), "statement");
  }

  /** A statement's first word without the rest that would make it certain: worth a message about the rest. */
  private atHeadless(): boolean {
    if (this.at(t.In)) return true;
    const wordy = this.at(t.WeightWord) || this.at(t.ConstWord) || this.at(t.OverWord);
    const net = (this.at(t.SlowWord) || this.at(t.FastWord)) && this.at(t.NetWord, 1);
    return (wordy && this.atName(1)) || net;
  }

  protected readonly statement: Rule<Statement | null> = this.RULE(
    "statement",
    (): Statement | null => {
      this.ACTION(() => this.begin("statement"));
      const doc = this.ACTION(() => this.takeDoc());
      const start = this.LA(1);
      const read = this.OR<Unplaced<Statement>>([
        { ALT: () => this.SUBRULE(this.inStatement) },
        { ALT: () => this.SUBRULE(this.outStatement) },
        { ALT: () => this.SUBRULE(this.repeatStatement) },
        {
          GATE: () => this.at(t.ScheduleWord) && isBlockHead(this.peek),
          ALT: () => this.SUBRULE(this.scheduleStatement),
        },
        {
          GATE: () => isBlockHead(this.peek) || (this.at(t.NetWord, 1) && !this.at(t.OverWord)),
          ALT: () => this.SUBRULE(this.netBlock),
        },
        { GATE: () => this.atWord(t.WeightWord), ALT: () => this.SUBRULE(this.weightStatement) },
        { GATE: () => this.atWord(t.ConstWord), ALT: () => this.SUBRULE(this.constStatement) },
        { GATE: () => this.atWord(t.OverWord), ALT: () => this.SUBRULE(this.overStatement) },
        { GATE: () => isFunctionHead(this.peek), ALT: () => this.SUBRULE(this.functionStatement) },
        { GATE: () => this.at(t.LeftArrow, 1), ALT: () => this.SUBRULE(this.writeStatement) },
        { ALT: () => this.SUBRULE(this.bindStatement) },
      ]);
      return { ...read, doc, span: this.spanFrom(start) };
    },
    fragile,
  );

  private atWord(word: typeof t.WeightWord): boolean {
    return this.at(word) && this.atName(1);
  }

  private readonly inStatement: Rule<Unplaced<ast.InStatement>> = this.RULE(
    "inStatement",
    (): Unplaced<ast.InStatement> => {
      this.CONSUME(t.In);
      const name = this.nameOf(this.CONSUME(t.Identifier));
      this.CONSUME(t.Colon);
      const type = this.OR<ast.ShapeExpr | ast.TokenType>([
        { ALT: () => this.SUBRULE(this.shape) },
        { ALT: () => this.SUBRULE(this.tokenType) },
      ]);
      return { kind: "in", name, type };
    },
    strict,
  );

  private readonly tokenType: Rule<ast.TokenType> = this.RULE(
    "tokenType",
    (): ast.TokenType => {
      const start = this.CONSUME(t.TokenWord);
      this.CONSUME(t.LBracket);
      const vocab = this.SUBRULE(this.expression);
      this.CONSUME(t.RBracket);
      return { kind: "token-type", vocab, span: this.spanFrom(start) };
    },
    strict,
  );

  /** `: [dims]`, if it is there. */
  private readonly annotation: Rule<ast.ShapeExpr | null> = this.RULE(
    "annotation",
    (): ast.ShapeExpr | null => {
      const shape = this.OPTION(() => {
        this.CONSUME(t.Colon);
        return this.SUBRULE(this.shape);
      });
      return shape ?? null;
    },
    strict,
  );

  private readonly outStatement: Rule<Unplaced<ast.OutStatement>> = this.RULE(
    "outStatement",
    (): Unplaced<ast.OutStatement> => {
      this.CONSUME(t.Out);
      const name = this.nameOf(this.CONSUME(t.Identifier));
      const shape = this.SUBRULE(this.annotation);
      const value = this.OPTION(() => this.SUBRULE(this.assigned));
      return { kind: "out", name, shape, value: value ?? null };
    },
    strict,
  );

  /** `= value` */
  private readonly assigned: Rule<Expr> = this.RULE(
    "assigned",
    (): Expr => {
      this.CONSUME(t.Assign);
      return this.SUBRULE(this.value);
    },
    strict,
  );

  private readonly bindStatement: Rule<Unplaced<ast.BindStatement>> = this.RULE(
    "bindStatement",
    (): Unplaced<ast.BindStatement> => {
      const targets: ast.BindTarget[] = [];
      this.AT_LEAST_ONE_SEP({
        SEP: t.Comma,
        DEF: () => {
          const name = this.nameOf(this.CONSUME(t.Identifier));
          targets.push({ name, shape: this.SUBRULE(this.annotation) });
        },
      });
      return { kind: "bind", targets, value: this.SUBRULE(this.assigned) };
    },
    strict,
  );

  private readonly writeStatement: Rule<Unplaced<ast.WriteStatement>> = this.RULE(
    "writeStatement",
    (): Unplaced<ast.WriteStatement> => {
      const target = this.nameOf(this.CONSUME(t.Identifier));
      this.CONSUME(t.LeftArrow);
      return { kind: "write", target, value: this.SUBRULE(this.value) };
    },
    strict,
  );

  private readonly functionStatement: Rule<Unplaced<ast.FunctionStatement>> = this.RULE(
    "functionStatement",
    (): Unplaced<ast.FunctionStatement> => {
      const name = this.nameOf(this.CONSUME(t.Identifier));
      const parameters: Name[] = [];
      let more = true;
      this.CONSUME(t.LParen);
      this.MANY({
        GATE: () => more,
        DEF: () => {
          parameters.push(this.nameOf(this.CONSUME2(t.Identifier)));
          more = this.OPTION(() => this.CONSUME(t.Comma)) !== undefined;
        },
      });
      this.CONSUME(t.RParen);
      return { kind: "function", name, parameters, value: this.SUBRULE(this.assigned) };
    },
    strict,
  );

  private readonly weightStatement: Rule<Unplaced<ast.WeightStatement>> = this.RULE(
    "weightStatement",
    (): Unplaced<ast.WeightStatement> => {
      this.CONSUME(t.WeightWord);
      const name = this.nameOf(this.CONSUME(t.Identifier));
      this.CONSUME(t.Colon);
      const shape = this.SUBRULE(this.shape);
      const init = this.OPTION(() => this.SUBRULE(this.assigned));
      return { kind: "weight", name, shape, init: init ?? null };
    },
    strict,
  );

  private readonly constStatement: Rule<Unplaced<ast.ConstStatement>> = this.RULE(
    "constStatement",
    (): Unplaced<ast.ConstStatement> => {
      this.CONSUME(t.ConstWord);
      const name = this.nameOf(this.CONSUME(t.Identifier));
      const shape = this.SUBRULE(this.annotation);
      return { kind: "const", name, shape, value: this.SUBRULE(this.assigned) };
    },
    strict,
  );

  private readonly netBlock: Rule<Unplaced<ast.BlockStatement>> = this.RULE(
    "netBlock",
    (): Unplaced<ast.BlockStatement> => {
      const role = this.OR<ast.BlockStatement["role"]>([
        { ALT: () => this.net(this.CONSUME(t.SlowWord), "slow") },
        { ALT: () => this.net2(this.CONSUME(t.FastWord), "fast") },
        {
          ALT: () => {
            this.CONSUME(t.ProgramWord);
            return "program";
          },
        },
      ]);
      return { kind: "block", role, body: this.SUBRULE(this.block) };
    },
    strict,
  );

  private net(_word: IToken, role: "slow" | "fast"): "slow" | "fast" {
    this.CONSUME(t.NetWord);
    return role;
  }

  private net2(_word: IToken, role: "slow" | "fast"): "slow" | "fast" {
    this.CONSUME2(t.NetWord);
    return role;
  }

  private readonly repeatStatement: Rule<Unplaced<ast.RepeatStatement>> = this.RULE(
    "repeatStatement",
    (): Unplaced<ast.RepeatStatement> => {
      this.CONSUME(t.Repeat);
      const variable = this.OPTION({
        GATE: () => this.at(t.In, 1),
        DEF: () => {
          const name = this.nameOf(this.CONSUME(t.Identifier));
          this.CONSUME(t.In);
          return name;
        },
      });
      const count = this.SUBRULE(this.expression);
      const body = this.SUBRULE(this.block);
      return { kind: "repeat", variable: variable ?? null, count, body };
    },
    strict,
  );

  private readonly overStatement: Rule<Unplaced<ast.OverStatement>> = this.RULE(
    "overStatement",
    (): Unplaced<ast.OverStatement> => {
      this.CONSUME(t.OverWord);
      const sequence = this.nameOf(this.CONSUME(t.Identifier));
      return { kind: "over", sequence, body: this.SUBRULE(this.block) };
    },
    strict,
  );

  private readonly scheduleStatement: Rule<Unplaced<ast.ScheduleStatement>> = this.RULE(
    "scheduleStatement",
    (): Unplaced<ast.ScheduleStatement> => {
      this.CONSUME(t.ScheduleWord);
      return { kind: "schedule", settings: this.SUBRULE(this.settings) };
    },
    strict,
  );

  protected readonly settings: Rule<ast.Setting[]> = this.RULE(
    "settings",
    (): ast.Setting[] => {
      const settings: ast.Setting[] = [];
      this.CONSUME(t.LBrace);
      this.MANY({
        GATE: () => !this.atBodyEnd(),
        DEF: () => {
          const read = this.SUBRULE(this.setting);
          if (read !== null) settings.push(read);
          this.MANY2(() => this.CONSUME(t.Comma));
        },
      });
      this.CONSUME(t.RBrace);
      return settings;
    },
    strict,
  );

  private readonly setting: Rule<ast.Setting | null> = this.RULE(
    "setting",
    (): ast.Setting | null => {
      this.ACTION(() => this.begin("setting"));
      const start = this.LA(1);
      const name = this.nameOf(this.CONSUME(t.Identifier));
      this.CONSUME(t.Colon);
      const value = this.SUBRULE(this.expression);
      return { name, value, span: this.spanFrom(start) };
    },
    fragile,
  );

  // --------------------------------------------------------------------------------------------- parameters

  protected readonly parameterList: Rule<ast.Parameter[]> = this.RULE(
    "parameterList",
    (): ast.Parameter[] => {
      const parameters: ast.Parameter[] = [];
      let more = true;
      this.CONSUME(t.LParen);
      this.MANY({
        GATE: () => more && !this.at(t.RParen) && !this.at(t.LBrace) && !this.atBodyEnd(),
        DEF: () => {
          const read = this.SUBRULE(this.parameter);
          if (read !== null) parameters.push(read);
          const comma = this.OPTION(() => this.CONSUME(t.Comma)) !== undefined;
          more = comma || this.ACTION(() => this.lacksComma());
        },
      });
      this.CONSUME(t.RParen);
      return parameters;
    },
    strict,
  );

  /** Reports a comma that is missing before the next parameter. */
  private lacksComma(): boolean {
    const next = this.LA(2).tokenType;
    const follows = [t.Colon, t.Assign, t.Comma, t.RParen].includes(next);
    if (!this.atName() || !follows) return false;
    const found = this.nameOf(this.LA(1));
    const place = { file: this.file, range: found.span };
    const facts = { expected: "`,` between two parameters", found: `\`${found.text}\`` };
    this.problems.push(syntaxDiagnostic("fwp1007", place, facts));
    return true;
  }

  private readonly parameter: Rule<ast.Parameter | null> = this.RULE(
    "parameter",
    (): ast.Parameter | null => {
      this.ACTION(() => this.begin("parameter"));
      const start = this.LA(1);
      // The alternative that nothing begins with widens what the list takes for a parameter, and reports.
      const token = this.OR<IToken>([
        { GATE: () => this.atName(), ALT: () => this.CONSUME(t.Identifier) },
        { GATE: () => !this.atName(), ALT: () => this.notParameter() },
      ]);
      const name = this.nameOf(token);
      const type = this.OPTION(() => {
        this.CONSUME(t.Colon);
        return this.OR2<ast.ParameterType>([
          { ALT: () => this.SUBRULE(this.shape) },
          { ALT: () => this.kindName(this.CONSUME2(t.Identifier)) },
        ]);
      });
      const value = this.OPTION2(() => {
        this.CONSUME(t.Assign);
        return this.SUBRULE(this.expression);
      });
      const span = this.spanFrom(start);
      return { kind: "parameter", name, type: type ?? null, default: value ?? null, span };
    },
    fragile,
  );

  private notParameter(): IToken {
    this.OPTION3({ GATE: () => false, DEF: () => this.CONSUME(t.StrayInBlock) });
    return this.CONSUME3(t.Identifier);
  }

  private kindName(token: IToken): ast.KindName {
    const { text, span } = this.nameOf(token);
    return { kind: "kind-name", text, span };
  }

  protected atStatement(): boolean {
    return isStrongStatement(this.peek) || isStatement(this.peek) || this.atHeadless();
  }
}

/** A node before its doc comment and span are known. */
export type Unplaced<T> = T extends unknown ? Omit<T, "doc" | "span"> : never;
