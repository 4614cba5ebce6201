/**
 * The syntax tree of a `.fwp` file.
 *
 * Every node carries the half-open range of UTF-16 offsets it was read from. Names that a reader can point at
 * (declared names, argument names, references) are `Name` nodes of their own so that a diagnostic can underline
 * exactly them.
 */

/** A half-open range `[start, end)` of UTF-16 offsets in one source text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Name {
  readonly kind: "name";
  readonly text: string;
  readonly span: Span;
}

/** A comment outside doc comments, kept for the formatter. `text` includes its `//` or `/*` markers. */
export interface Comment {
  readonly text: string;
  readonly span: Span;
}

export interface File {
  readonly kind: "file";
  readonly imports: readonly Import[];
  readonly declarations: readonly Declaration[];
  /** All ordinary comments in source order (doc comments belong to their declaration or statement). */
  readonly comments: readonly Comment[];
  readonly span: Span;
}

/** `import std.maps` (a dotted path) or `import "./mine.fwp"` (a file, relative to this one). */
export interface Import {
  readonly kind: "import";
  readonly path: readonly Name[] | null;
  readonly file: StringLiteral | null;
  readonly span: Span;
}

export type Declaration =
  MapDecl | InstructionDecl | LayerDecl | ModelDecl | ExperimentDecl | AblationDecl;

interface DeclBase {
  readonly name: Name;
  /** The text of the `///` lines above it, without the slashes, joined by newlines; null if there are none. */
  readonly doc: string | null;
  readonly span: Span;
}

/** `map dpfp(x: [n], nu = 1) -> [2 * n * nu] { r = …  concat(…) }`: bindings, then the value. */
export interface MapDecl extends DeclBase {
  readonly kind: "map";
  readonly parameters: readonly Parameter[];
  readonly result: ShapeExpr | null;
  readonly body: readonly Statement[];
  readonly value: Expr;
}

/** `instruction delta(W: [m, n], key: [n], value: [m], rate: [..] = 1) { W <- … }` */
export interface InstructionDecl extends DeclBase {
  readonly kind: "instruction";
  readonly parameters: readonly Parameter[];
  readonly body: readonly Statement[];
}

export interface LayerDecl extends DeclBase {
  readonly kind: "layer";
  readonly parameters: readonly Parameter[];
  readonly body: readonly Statement[];
}

export interface ModelDecl extends DeclBase {
  readonly kind: "model";
  readonly parameters: readonly Parameter[];
  readonly body: readonly Statement[];
}

/**
 * `name: [dims] = default`, `name: map = default`, `name = default`, `name: int`.
 * A `shape` makes it a signal; otherwise it is a value fixed when the spec is compiled.
 */
export interface Parameter {
  readonly kind: "parameter";
  readonly name: Name;
  readonly type: ParameterType | null;
  readonly default: Expr | null;
  readonly span: Span;
}

export type ParameterType = ShapeExpr | KindName;

/** One of `int`, `float`, `bool`, `map`, `instruction`, `layer`, `initializer` (the checker reports others). */
export interface KindName {
  readonly kind: "kind-name";
  readonly text: string;
  readonly span: Span;
}

/** `[heads, 3 * n + 4, _]`, `[]`, `[..]`. */
export interface ShapeExpr {
  readonly kind: "shape";
  readonly dims: readonly DimExpr[];
  readonly span: Span;
}

/** An arithmetic expression over sizes, `_` (inferred), or `..` (any axes that broadcast). */
export type DimExpr = Expr | Hole | Rest;
export interface Hole {
  readonly kind: "hole";
  readonly span: Span;
}
export interface Rest {
  readonly kind: "rest";
  readonly span: Span;
}

// ------------------------------------------------------------------------------------------------ statements

export type Statement =
  | InStatement
  | OutStatement
  | BindStatement
  | WriteStatement
  | FunctionStatement
  | WeightStatement
  | ConstStatement
  | BlockStatement
  | RepeatStatement
  | OverStatement
  | ScheduleStatement;

interface StatementBase {
  readonly doc: string | null;
  readonly span: Span;
}

/** `in x: [width]` or `in tokens: token[vocab]` */
export interface InStatement extends StatementBase {
  readonly kind: "in";
  readonly name: Name;
  readonly type: ShapeExpr | TokenType;
}

/** `token[vocab]`: an integer in `0 … vocab − 1`. */
export interface TokenType {
  readonly kind: "token-type";
  readonly vocab: Expr;
  readonly span: Span;
}

/** `out y`, `out y: [dims]`, `out y: [dims] = expr`, `out y = expr` */
export interface OutStatement extends StatementBase {
  readonly kind: "out";
  readonly name: Name;
  readonly shape: ShapeExpr | null;
  readonly value: Expr | null;
}

/** `a = e`, `a: [dims] = e`, `a, b: [n], c = e`. In a `fast net` block it declares a state and its first value. */
export interface BindStatement extends StatementBase {
  readonly kind: "bind";
  readonly targets: readonly BindTarget[];
  readonly value: Expr;
}
export interface BindTarget {
  readonly name: Name;
  readonly shape: ShapeExpr | null;
}

/** `W <- e` */
export interface WriteStatement extends StatementBase {
  readonly kind: "write";
  readonly target: Name;
  readonly value: Expr;
}

/** `read(q) = W2 @ f(W1 @ q)`: a local function, expanded where it is called. */
export interface FunctionStatement extends StatementBase {
  readonly kind: "function";
  readonly name: Name;
  readonly parameters: readonly Name[];
  readonly value: Expr;
}

/** `weight R: [m, n] = normal(0, 1)` */
export interface WeightStatement extends StatementBase {
  readonly kind: "weight";
  readonly name: Name;
  readonly shape: ShapeExpr;
  readonly init: Expr | null;
}

/** `const bits = ceil(log2(n))`, `const codes: [n, bits] = binary_codes(n)` */
export interface ConstStatement extends StatementBase {
  readonly kind: "const";
  readonly name: Name;
  readonly shape: ShapeExpr | null;
  readonly value: Expr;
}

/** `slow net { … }`, `fast net { … }`, `program { … }` */
export interface BlockStatement extends StatementBase {
  readonly kind: "block";
  readonly role: "slow" | "fast" | "program";
  readonly body: readonly Statement[];
}

/** `repeat n { … }` or `repeat i in 1..n { … }` */
export interface RepeatStatement extends StatementBase {
  readonly kind: "repeat";
  readonly variable: Name | null;
  /** A count when there is no variable, else a range or list. */
  readonly count: Expr;
  readonly body: readonly Statement[];
}

/** `over source { … }`: run the body along the sequence `source`. */
export interface OverStatement extends StatementBase {
  readonly kind: "over";
  readonly sequence: Name;
  readonly body: readonly Statement[];
}

/** `schedule { W: chunk(32) }`: how loops over time are run, by state. */
export interface ScheduleStatement extends StatementBase {
  readonly kind: "schedule";
  readonly settings: readonly Setting[];
}

// ----------------------------------------------------------------------------------------------- expressions

export type Expr =
  | NumberLiteral
  | StringLiteral
  | BoolLiteral
  | Reference
  | MemberExpr
  | CallExpr
  | IndexExpr
  | UnaryExpr
  | BinaryExpr
  | ConditionalExpr
  | ListExpr
  | TupleExpr
  | RangeExpr
  | ForExpr
  | EinsumExpr
  | LearnedExpr
  | ShapeLiteral
  | ErrorExpr;

interface ExprBase {
  readonly span: Span;
}

export interface NumberLiteral extends ExprBase {
  readonly kind: "number";
  readonly value: number;
  /** As written (`1e-3`), so that the printer keeps it. */
  readonly text: string;
}
export interface StringLiteral extends ExprBase {
  readonly kind: "string";
  readonly value: string;
}
export interface BoolLiteral extends ExprBase {
  readonly kind: "bool";
  readonly value: boolean;
}
export interface Reference extends ExprBase {
  readonly kind: "reference";
  readonly name: string;
}
/** `task.pairs`, `mixer.rule` */
export interface MemberExpr extends ExprBase {
  readonly kind: "member";
  readonly object: Expr;
  readonly member: Name;
}
/** `f(a, name: b)`; the callee is any expression, so `LSTM(units: 8)(x)` is a call of a call. */
export interface CallExpr extends ExprBase {
  readonly kind: "call";
  readonly callee: Expr;
  readonly args: readonly Argument[];
}
export interface Argument {
  readonly name: Name | null;
  readonly value: Expr;
  readonly span: Span;
}
/** `e[i]`, `e[i, j]`: integer indices from the first axis on. */
export interface IndexExpr extends ExprBase {
  readonly kind: "index";
  readonly object: Expr;
  readonly indices: readonly Expr[];
}
export type UnaryOperator = "-" | "not";
export interface UnaryExpr extends ExprBase {
  readonly kind: "unary";
  readonly operator: UnaryOperator;
  readonly operand: Expr;
}
/**
 * From loosest to tightest: `or`, `and`, `not`, comparisons and `in` (no chaining), `+ -`, `* / ⊙`, `@ ⊗`,
 * unary `-`, `^` (right-associative), postfix. `⊙` is read as `*`; `a ⊗ b` as the call `outer(a, b)`.
 */
export type BinaryOperator =
  "+" | "-" | "*" | "/" | "@" | "^" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "and" | "or" | "in";
export interface BinaryExpr extends ExprBase {
  readonly kind: "binary";
  readonly operator: BinaryOperator;
  readonly left: Expr;
  readonly right: Expr;
}
/** `if c then a else b` */
export interface ConditionalExpr extends ExprBase {
  readonly kind: "if";
  readonly condition: Expr;
  readonly then: Expr;
  readonly otherwise: Expr;
}
/** `[a, b]` in expression position. */
export interface ListExpr extends ExprBase {
  readonly kind: "list";
  readonly items: readonly Expr[];
}
/** `(a, b)` with at least two items. */
export interface TupleExpr extends ExprBase {
  readonly kind: "tuple";
  readonly items: readonly Expr[];
}
/** `1..nu`: both ends included. */
export interface RangeExpr extends ExprBase {
  readonly kind: "range";
  readonly from: Expr;
  readonly to: Expr;
}
/** `for i in 1..nu: body`, an argument that stands for several. */
export interface ForExpr extends ExprBase {
  readonly kind: "for";
  readonly variable: Name;
  readonly range: Expr;
  readonly body: Expr;
}
/** `einsum(F[s, r, t], (b * v)[t] -> [s, r])` */
export interface EinsumExpr extends ExprBase {
  readonly kind: "einsum";
  readonly operands: readonly EinsumOperand[];
  readonly result: readonly Name[];
}
export interface EinsumOperand {
  readonly value: Expr;
  readonly labels: readonly Name[];
  readonly span: Span;
}
/** `learned normal(0, 1)`: the first value of a state is a trained parameter. */
export interface LearnedExpr extends ExprBase {
  readonly kind: "learned";
  readonly init: Expr;
}
/** A list with `_` or `..` in it, where a shape is expected: `reshape(x, [units, _])`. */
export interface ShapeLiteral extends ExprBase {
  readonly kind: "shape-literal";
  readonly dims: readonly DimExpr[];
}
/** Stands where an expression could not be read; a diagnostic has been given. */
export interface ErrorExpr extends ExprBase {
  readonly kind: "error";
}

// -------------------------------------------------------------------------------------- experiments, ablations

/** `name: value` inside `train { … }`, `eval { … }` and `schedule { … }`. */
export interface Setting {
  readonly name: Name;
  readonly value: Expr;
  readonly span: Span;
}

/**
 * ```fwp
 * experiment char_lm {
 *   model CharLM(width: 128)
 *   task  text(corpus: "moby-dick", length: 256)      // or: task "./mine.ts"(pairs: 40)
 *   loss  cross_entropy(logits, next(tokens)) where counted
 *   train { optimizer: adamw(rate: 1e-3), batch: 16 }
 *   eval  { every: 200, metrics: [loss, bits_per_character] }
 * }
 * ```
 */
export interface ExperimentDecl extends DeclBase {
  readonly kind: "experiment";
  readonly clauses: readonly ExperimentClause[];
}
export type ExperimentClause =
  | { readonly kind: "model-clause"; readonly value: Expr; readonly span: Span }
  | { readonly kind: "task-clause"; readonly value: Expr; readonly span: Span }
  | {
      readonly kind: "loss-clause";
      readonly value: Expr;
      /** Steps where this is zero do not count. */
      readonly where: Expr | null;
      readonly span: Span;
    }
  | { readonly kind: "train-clause"; readonly settings: readonly Setting[]; readonly span: Span }
  | { readonly kind: "eval-clause"; readonly settings: readonly Setting[]; readonly span: Span };

/**
 * ```fwp
 * ablation rules of retrieval {
 *   grid  mixer.rule in [additive, delta]
 *   zip   (model.width, model.depth) in [(64, 8), (128, 4)]
 *   where not (mixer.rule == delta and mixer.phi == favor(64))
 *   seeds 1..5
 *   baseline mixer.rule = additive
 *   report curve(x: task.pairs, y: eval.loss, by: mixer.phi)
 * }
 * ```
 */
export interface AblationDecl extends DeclBase {
  readonly kind: "ablation";
  readonly of: Name;
  readonly clauses: readonly AblationClause[];
}
export type AblationClause =
  | {
      readonly kind: "grid-clause";
      readonly axis: Expr;
      readonly values: Expr;
      readonly span: Span;
    }
  | {
      readonly kind: "zip-clause";
      readonly axes: readonly Expr[];
      readonly values: Expr;
      readonly span: Span;
    }
  | { readonly kind: "where-clause"; readonly condition: Expr; readonly span: Span }
  | { readonly kind: "seeds-clause"; readonly value: Expr; readonly span: Span }
  | {
      readonly kind: "baseline-clause";
      readonly assignments: readonly { readonly axis: Expr; readonly value: Expr }[];
      readonly span: Span;
    }
  | { readonly kind: "report-clause"; readonly value: Expr; readonly span: Span };
