/** Grammar rules of a whole file: imports, declarations, the clauses of experiments and ablations. */
import type { ParserMethod } from "chevrotain";
import type * as ast from "./ast.ts";
import type { AblationClause, Declaration, ExperimentClause, Expr, Name } from "./ast.ts";
import { syntaxDiagnostic } from "./catalogue.ts";
import { fragile, spanOf, strict } from "./recovery.ts";
import { StatementParser } from "./statements.ts";
import type { Unplaced } from "./statements.ts";
import * as t from "./tokens.ts";

type Rule<T> = ParserMethod<[], T>;

const experimentClauses = "`model`, `task`, `loss`, `train` and `eval`";
const ablationClauses = "`grid`, `zip`, `where`, `seeds`, `baseline` and `report`";

export class DeclarationParser extends StatementParser {
  readonly fileRule: Rule<{ imports: ast.Import[]; declarations: Declaration[] }> = this.RULE(
    "file",
    (): { imports: ast.Import[]; declarations: Declaration[] } => {
      const imports: ast.Import[] = [];
      const declarations: Declaration[] = [];
      this.MANY(() => {
        this.OR([
          {
            ALT: () => {
              const read = this.SUBRULE(this.importLine);
              if (read === null) return;
              imports.push(read);
              this.ACTION(() => declarations.length > 0 && this.lateImport(read));
            },
          },
          {
            GATE: () => this.atName(1) || this.atDeclarationWord(),
            ALT: () => {
              const read = this.SUBRULE(this.declaration);
              if (read !== null) declarations.push(read);
            },
          },
          { ALT: () => this.CONSUME(t.Semicolon) },
          {
            IGNORE_AMBIGUITIES: true,
            ALT: () => {
              const token = this.CONSUME(t.Stray);
              this.ACTION(() =>
                this.stray(
                  token,
                  (place, found) => syntaxDiagnostic("fwp1011", place, { found }),
                  "declaration",
                ),
              );
            },
          },
        ]);
      });
      return { imports, declarations };
    },
    strict,
  );

  private atDeclarationWord(): boolean {
    const words = [t.MapWord, t.InstructionWord, t.LayerWord, t.ModelWord];
    const clausal = [t.ExperimentWord, t.AblationWord];
    return [...words, ...clausal].some((word) => this.at(word));
  }

  private lateImport(read: ast.Import): void {
    const place = { file: this.file, range: read.span };
    this.problems.push(syntaxDiagnostic("fwp1015", place, {}));
  }

  private readonly importLine: Rule<ast.Import | null> = this.RULE(
    "importLine",
    (): ast.Import | null => {
      const start = this.CONSUME(t.ImportWord);
      const path: Name[] = [];
      const file = this.OR<ast.StringLiteral | null>([
        { ALT: () => this.SUBRULE(this.string) },
        {
          ALT: () => {
            this.AT_LEAST_ONE_SEP({
              SEP: t.Dot,
              DEF: () => path.push(this.nameOf(this.CONSUME(t.Identifier))),
            });
            return null;
          },
        },
      ]);
      const span = this.spanFrom(start);
      return { kind: "import", path: file === null ? path : null, file, span };
    },
    fragile,
  );

  private readonly declaration: Rule<Declaration | null> = this.RULE(
    "declaration",
    (): Declaration | null => {
      this.ACTION(() => this.begin("declaration"));
      const doc = this.ACTION(() => this.takeDoc());
      const start = this.LA(1);
      const read = this.OR<Unplaced<Declaration>>([
        { ALT: () => this.SUBRULE(this.mapDeclaration) },
        { ALT: () => this.SUBRULE(this.stepDeclaration) },
        { ALT: () => this.SUBRULE(this.experiment) },
        { ALT: () => this.SUBRULE(this.ablation) },
      ]);
      return { ...read, doc, span: this.spanFrom(start) };
    },
    fragile,
  );

  private readonly mapDeclaration: Rule<Unplaced<ast.MapDecl>> = this.RULE(
    "mapDeclaration",
    (): Unplaced<ast.MapDecl> => {
      this.CONSUME(t.MapWord);
      const name = this.nameOf(this.CONSUME(t.Identifier));
      const parameters = this.SUBRULE(this.parameterList);
      const result = this.OPTION(() => {
        this.CONSUME(t.RightArrow);
        return this.SUBRULE(this.shape);
      });
      const { body, value } = this.SUBRULE(this.mapBody);
      if (value === null) this.ACTION(() => this.report("fwp1013", name.span, name.text));
      return {
        kind: "map",
        name,
        parameters,
        result: result ?? null,
        body,
        value: value ?? this.errorExpr(),
      };
    },
    strict,
  );

  private readonly mapBody: Rule<{ body: ast.Statement[]; value: Expr | null }> = this.RULE(
    "mapBody",
    (): { body: ast.Statement[]; value: Expr | null } => {
      const body: ast.Statement[] = [];
      let value: Expr | null = null;
      this.CONSUME(t.LBrace);
      this.MANY({
        GATE: () => !this.atBodyEnd(),
        DEF: () => {
          this.OR([
            { ALT: () => this.CONSUME(t.Semicolon) },
            {
              GATE: () => this.atStatement(),
              ALT: () => {
                const read = this.SUBRULE(this.statement);
                if (read !== null) body.push(read);
              },
            },
            {
              GATE: () => value === null,
              ALT: () => {
                value = this.SUBRULE(this.mapValue);
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
      this.CONSUME(t.RBrace);
      return { body, value };
    },
    strict,
  );

  private readonly mapValue: Rule<Expr> = this.RULE(
    "mapValue",
    (): Expr => this.SUBRULE(this.value),
    strict,
  );

  private readonly stepDeclaration: Rule<
    Unplaced<ast.InstructionDecl | ast.LayerDecl | ast.ModelDecl>
  > = this.RULE(
    "stepDeclaration",
    (): Unplaced<ast.InstructionDecl | ast.LayerDecl | ast.ModelDecl> => {
      const kind = this.OR<"instruction" | "layer" | "model">([
        { ALT: () => (this.CONSUME(t.InstructionWord), "instruction") },
        { ALT: () => (this.CONSUME(t.LayerWord), "layer") },
        { ALT: () => (this.CONSUME(t.ModelWord), "model") },
      ]);
      const name = this.nameOf(this.CONSUME(t.Identifier));
      const parameters = this.OPTION(() => this.SUBRULE(this.parameterList));
      const body = this.SUBRULE(this.block);
      return { kind, name, parameters: parameters ?? [], body };
    },
    strict,
  );

  // ---------------------------------------------------------------------------------------------- experiments

  private readonly experiment: Rule<Unplaced<ast.ExperimentDecl>> = this.RULE(
    "experiment",
    (): Unplaced<ast.ExperimentDecl> => {
      this.CONSUME(t.ExperimentWord);
      const name = this.nameOf(this.CONSUME(t.Identifier));
      return { kind: "experiment", name, clauses: this.SUBRULE(this.experimentBody) };
    },
    strict,
  );

  private readonly experimentBody: Rule<ExperimentClause[]> = this.RULE(
    "experimentBody",
    (): ExperimentClause[] => {
      const clauses: ExperimentClause[] = [];
      this.CONSUME(t.LBrace);
      this.MANY({
        GATE: () => !this.atBodyEnd(),
        DEF: () => {
          this.OR([
            { ALT: () => this.CONSUME(t.Semicolon) },
            {
              ALT: () => {
                const read = this.SUBRULE(this.experimentClause);
                if (read !== null) clauses.push(read);
              },
            },
            {
              IGNORE_AMBIGUITIES: true,
              ALT: () => this.strayClause("experiment", experimentClauses),
            },
          ]);
        },
      });
      this.CONSUME(t.RBrace);
      return clauses;
    },
    strict,
  );

  private strayClause(where: string, clauses: string): void {
    const token = this.CONSUME(t.StrayInBlock);
    this.ACTION(() =>
      this.stray(
        token,
        (place, found) => syntaxDiagnostic("fwp1012", place, { found, where, clauses }),
        "clause",
      ),
    );
  }

  private readonly experimentClause: Rule<ExperimentClause | null> = this.RULE(
    "clause",
    (): ExperimentClause | null => {
      this.ACTION(() => this.begin("clause"));
      const start = this.LA(1);
      const read = this.OR<Unplaced<ExperimentClause>>([
        {
          ALT: () => {
            this.CONSUME(t.ModelWord);
            return { kind: "model-clause", value: this.SUBRULE1(this.expression) };
          },
        },
        {
          ALT: () => {
            this.CONSUME(t.TaskWord);
            return { kind: "task-clause", value: this.SUBRULE2(this.expression) };
          },
        },
        { ALT: () => this.SUBRULE(this.lossClause) },
        {
          ALT: () => {
            this.CONSUME(t.TrainWord);
            return { kind: "train-clause", settings: this.SUBRULE1(this.settings) };
          },
        },
        {
          ALT: () => {
            this.CONSUME(t.EvalWord);
            return { kind: "eval-clause", settings: this.SUBRULE2(this.settings) };
          },
        },
      ]);
      return { ...read, span: this.spanFrom(start) };
    },
    fragile,
  );

  private readonly lossClause: Rule<Unplaced<ExperimentClause>> = this.RULE(
    "lossClause",
    (): Unplaced<ExperimentClause> => {
      this.CONSUME(t.LossWord);
      const value = this.SUBRULE(this.expression);
      const where = this.OPTION(() => {
        this.CONSUME(t.WhereWord);
        return this.SUBRULE2(this.expression);
      });
      return { kind: "loss-clause", value, where: where ?? null };
    },
    strict,
  );

  // ------------------------------------------------------------------------------------------------ ablations

  private readonly ablation: Rule<Unplaced<ast.AblationDecl>> = this.RULE(
    "ablation",
    (): Unplaced<ast.AblationDecl> => {
      this.CONSUME(t.AblationWord);
      const name = this.nameOf(this.CONSUME(t.Identifier));
      this.CONSUME(t.OfWord);
      const of = this.nameOf(this.CONSUME2(t.Identifier));
      return { kind: "ablation", name, of, clauses: this.SUBRULE(this.ablationBody) };
    },
    strict,
  );

  private readonly ablationBody: Rule<AblationClause[]> = this.RULE(
    "ablationBody",
    (): AblationClause[] => {
      const clauses: AblationClause[] = [];
      this.CONSUME(t.LBrace);
      this.MANY({
        GATE: () => !this.atBodyEnd(),
        DEF: () => {
          this.OR([
            { ALT: () => this.CONSUME(t.Semicolon) },
            {
              ALT: () => {
                const read = this.SUBRULE(this.ablationClause);
                if (read !== null) clauses.push(read);
              },
            },
            { IGNORE_AMBIGUITIES: true, ALT: () => this.strayClause("ablation", ablationClauses) },
          ]);
        },
      });
      this.CONSUME(t.RBrace);
      return clauses;
    },
    strict,
  );

  private readonly ablationClause: Rule<AblationClause | null> = this.RULE(
    "ablationClause",
    (): AblationClause | null => {
      this.ACTION(() => this.begin("ablationClause"));
      const start = this.LA(1);
      const read = this.OR<Unplaced<AblationClause>>([
        { ALT: () => this.SUBRULE(this.gridClause) },
        { ALT: () => this.SUBRULE(this.zipClause) },
        {
          ALT: () => {
            this.CONSUME(t.WhereWord);
            return { kind: "where-clause", condition: this.SUBRULE1(this.expression) };
          },
        },
        {
          ALT: () => {
            this.CONSUME(t.SeedsWord);
            return { kind: "seeds-clause", value: this.SUBRULE2(this.expression) };
          },
        },
        { ALT: () => this.SUBRULE(this.baselineClause) },
        {
          ALT: () => {
            this.CONSUME(t.ReportWord);
            return { kind: "report-clause", value: this.SUBRULE3(this.expression) };
          },
        },
      ]);
      return { ...read, span: this.spanFrom(start) };
    },
    fragile,
  );

  /** `mixer.rule`: what an ablation varies. */
  private readonly axis: Rule<Expr> = this.RULE(
    "axis",
    (): Expr => {
      const start = this.CONSUME(t.Identifier);
      let value: Expr = { kind: "reference", name: start.image, span: spanOf(start, 0) };
      this.MANY(() => {
        this.CONSUME(t.Dot);
        const member = this.nameOf(this.CONSUME2(t.Identifier));
        value = { kind: "member", object: value, member, span: this.spanFrom(start) };
      });
      return value;
    },
    strict,
  );

  private readonly gridClause: Rule<Unplaced<AblationClause>> = this.RULE(
    "gridClause",
    (): Unplaced<AblationClause> => {
      this.CONSUME(t.GridWord);
      const axis = this.SUBRULE(this.axis);
      this.CONSUME(t.In);
      return { kind: "grid-clause", axis, values: this.SUBRULE(this.expression) };
    },
    strict,
  );

  private readonly zipClause: Rule<Unplaced<AblationClause>> = this.RULE(
    "zipClause",
    (): Unplaced<AblationClause> => {
      const axes: Expr[] = [];
      let more = true;
      this.CONSUME(t.ZipWord);
      this.CONSUME(t.LParen);
      this.MANY({
        GATE: () => more,
        DEF: () => {
          axes.push(this.SUBRULE(this.axis));
          more = this.OPTION(() => this.CONSUME(t.Comma)) !== undefined;
        },
      });
      this.CONSUME(t.RParen);
      this.CONSUME(t.In);
      return { kind: "zip-clause", axes, values: this.SUBRULE(this.expression) };
    },
    strict,
  );

  private readonly baselineClause: Rule<Unplaced<AblationClause>> = this.RULE(
    "baselineClause",
    (): Unplaced<AblationClause> => {
      const assignments: { axis: Expr; value: Expr }[] = [];
      this.CONSUME(t.BaselineWord);
      this.AT_LEAST_ONE_SEP({
        SEP: t.Comma,
        DEF: () => {
          const axis = this.SUBRULE(this.axis);
          this.CONSUME(t.Assign);
          assignments.push({ axis, value: this.SUBRULE(this.expression) });
        },
      });
      return { kind: "baseline-clause", assignments };
    },
    strict,
  );
}
