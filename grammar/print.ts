/**
 * The formatter: a syntax tree as text. The parser's inverse: reading the text again gives the same tree, and printing it
 * again the same text.
 */
import type { Diagnostic, Range } from "../diagnostics/diagnostic.ts";
import { unreachable } from "../diagnostics/diagnostic.ts";
import type * as ast from "./ast.ts";
import type { AblationClause, Declaration, Expr, Statement } from "./ast.ts";
import { Page } from "./page.ts";
import { parse } from "./parser.ts";
import { flat, layout, quote, shape, WIDTH } from "./print-expressions.ts";

export interface Formatted {
  /** The text unchanged when it has syntax errors. */
  readonly text: string;
  readonly diagnostics: readonly Diagnostic[];
}

/** Formats the text of a file, unless it has errors. */
export function format(text: string, file: string): Formatted {
  const { ast, diagnostics } = parse(text, file);
  return { text: diagnostics.length === 0 ? print(ast, text) : text, diagnostics };
}

/** Prints a tree. With the source that it was read from, comments and blank lines keep their places. */
export function print(file: ast.File, source: string | null = null): string {
  const page = new Page(file.comments, source);
  for (const line of file.imports) {
    page.before(line.span, line.span.end, null);
    page.line(`import ${importText(line)}`);
    page.after(line.span);
  }
  file.declarations.forEach((declaration, i) => {
    printDeclaration(page, declaration, i > 0 || file.imports.length > 0);
  });
  page.commentsUntil(Infinity);
  return page.text();
}

function importText({ path, file }: ast.Import): string {
  return file === null ? (path ?? []).map((name) => name.text).join(".") : quote(file.value);
}

// ------------------------------------------------------------------------------------------------ declarations

function printDeclaration(page: Page, node: Declaration, apart: boolean): void {
  page.before(node.span, node.name.span.end, node.doc, apart);
  switch (node.kind) {
    case "experiment":
      printClauses(
        page,
        `experiment ${node.name.text}`,
        node.name.span.end,
        node,
        experimentClause,
      );
      break;
    case "ablation": {
      const head = `ablation ${node.name.text} of ${node.of.text}`;
      printClauses(page, head, node.of.span.end, node, ablationClause);
      break;
    }
    case "map":
      printMap(page, node);
      break;
    case "instruction":
    case "layer":
    case "model": {
      const end = printHead(page, node, "");
      printBody(page, end, node.span.end, () => printStatements(page, node.body));
      break;
    }
    default:
      unreachable(node);
  }
  page.after(node.span);
}

/** Writes the head up to `{` and returns where it ends in the source. */
function printHead(
  page: Page,
  node: ast.MapDecl | ast.InstructionDecl | ast.LayerDecl | ast.ModelDecl,
  tail: string,
): number {
  const { kind, name, parameters } = node;
  const end = parameters.at(-1)?.span.end ?? name.span.end;
  const list = parameters.map(parameterText);
  // A map is called, so it always has its parentheses.
  const bare = list.length === 0 && kind !== "map";
  const line = `${kind} ${name.text}${bare ? "" : `(${list.join(", ")})`}`;
  if (fits(page, `${line}${tail} {`) && !page.hasComments(name.span.end, end)) {
    page.line(`${line}${tail} {`);
    return end;
  }
  page.line(`${kind} ${name.text}(`);
  const close = page.source?.indexOf(")", end) ?? end;
  page.within(name.span.end, Math.max(end, close), () => {
    for (const parameter of parameters) {
      page.before(parameter.span, parameter.span.end, null);
      page.line(`${parameterText(parameter)},`);
      page.after(parameter.span);
    }
  });
  page.line(`)${tail} {`);
  return end;
}

function parameterText({ name, type, default: value }: ast.Parameter): string {
  const kind = type === null ? "" : `: ${type.kind === "shape" ? shape(type) : type.text}`;
  return `${name.text}${kind}${value === null ? "" : ` = ${flat(value)}`}`;
}

function printMap(page: Page, node: ast.MapDecl): void {
  const tail = node.result === null ? "" : ` -> ${shape(node.result)}`;
  const parameters = node.parameters.map(parameterText).join(", ");
  const line = `map ${node.name.text}(${parameters})${tail} { ${flat(node.value)} }`;
  const short = node.body.length === 0 && fits(page, line);
  if (short && !page.hasComments(node.span.start, node.span.end)) {
    page.line(line);
    return;
  }
  const end = printHead(page, node, tail);
  printBody(page, node.result?.span.end ?? end, node.span.end, () => {
    const value = layout(node.value, page.indent, page.indent.length);
    // After a statement these would continue its expression.
    const split = node.body.length > 0 && /^[-([]/u.test(value);
    printStatements(page, node.body, split ? ";" : "");
    page.before(node.value.span, node.value.span.end, null);
    page.line(value);
    page.after(node.value.span);
  });
}

/** Writes what stands between braces, and the closing one. */
function printBody(page: Page, start: number, end: number, write: () => void): void {
  page.within(start, end, write);
  page.line("}");
}

function fits(page: Page, line: string): boolean {
  return page.indent.length + line.length <= WIDTH;
}

// -------------------------------------------------------------------------------------------------- statements

function printStatements(page: Page, body: readonly Statement[], last = ""): void {
  body.forEach((statement, i) => {
    printStatement(page, statement, i === body.length - 1 ? last : "");
  });
}

function printStatement(page: Page, node: Statement, last: string): void {
  switch (node.kind) {
    case "block": {
      const head = node.role === "program" ? "program" : `${node.role} net`;
      printBlock(page, head, node, node.span.start + 1);
      break;
    }
    case "repeat": {
      const range = node.variable === null ? "" : `${node.variable.text} in `;
      printBlock(page, `repeat ${range}${flat(node.count)}`, node, node.count.span.end);
      break;
    }
    case "schedule":
      printSettings(page, "schedule", node, node.doc);
      break;
    case "over":
      printBlock(page, `over ${node.sequence.text}`, node, node.sequence.span.end);
      break;
    default:
      page.before(node.span, node.span.end, node.doc);
      page.line(simpleStatement(node, page.indent) + last);
  }
  page.after(node.span);
}

function printBlock(
  page: Page,
  head: string,
  node: ast.BlockStatement | ast.RepeatStatement | ast.OverStatement,
  headEnd: number,
): void {
  page.before(node.span, headEnd, node.doc);
  const short = shortBlock(page, head, node);
  if (short !== null) {
    page.line(short);
    return;
  }
  page.line(`${head} {`);
  printBody(page, headEnd, node.span.end, () => printStatements(page, node.body));
}

/** `fast net { W: [n] = 0 }` stays on one line when the author wrote it so. */
function shortBlock(
  page: Page,
  head: string,
  { body, span }: { body: readonly Statement[]; span: Range },
): string | null {
  const [only] = body;
  if (only === undefined || body.length > 1 || page.source === null || only.doc !== null)
    return null;
  if (
    "body" in only ||
    only.kind === "schedule" ||
    page.source.slice(span.start, span.end).includes("\n")
  )
    return null;
  if (page.hasComments(span.start, span.end)) return null;
  const line = `${head} { ${simpleStatement(only, page.indent)} }`;
  return fits(page, line) && !line.includes("\n") ? line : null;
}

function typed(name: ast.Name, type: ast.ShapeExpr | null): string {
  return type === null ? name.text : `${name.text}: ${shape(type)}`;
}

type Simple = Exclude<
  Statement,
  ast.BlockStatement | ast.RepeatStatement | ast.OverStatement | ast.ScheduleStatement
>;

function simpleStatement(node: Simple, indent: string): string {
  const valued = (head: string, value: Expr | null, sign = "="): string => {
    if (value === null) return head;
    const lead = `${head} ${sign} `;
    return lead + layout(value, indent, indent.length + lead.length);
  };
  switch (node.kind) {
    case "in": {
      const { type } = node;
      const text = type.kind === "shape" ? shape(type) : `token[${flat(type.vocab)}]`;
      return `in ${node.name.text}: ${text}`;
    }
    case "out":
      return valued(`out ${typed(node.name, node.shape)}`, node.value);
    case "bind":
      return valued(node.targets.map((t) => typed(t.name, t.shape)).join(", "), node.value);
    case "write":
      return valued(node.target.text, node.value, "<-");
    case "function": {
      const parameters = node.parameters.map((name) => name.text).join(", ");
      return valued(`${node.name.text}(${parameters})`, node.value);
    }
    case "weight":
      return valued(`weight ${typed(node.name, node.shape)}`, node.init);
    case "const":
      return valued(`const ${typed(node.name, node.shape)}`, node.value);
    default:
      return unreachable(node);
  }
}

// ----------------------------------------------------------------------------------- experiments and ablations

function printClauses<C extends { readonly span: ast.Span }>(
  page: Page,
  head: string,
  headEnd: number,
  { clauses, span }: { readonly clauses: readonly C[]; readonly span: ast.Span },
  write: (page: Page, clause: C) => void,
): void {
  page.line(`${head} {`);
  printBody(page, headEnd, span.end, () => {
    for (const clause of clauses) {
      write(page, clause);
      page.after(clause.span);
    }
  });
}

function printLine(page: Page, span: ast.Span, head: string, value: Expr, tail = ""): void {
  page.before(span, span.end, null);
  const lead = `${head} `;
  page.line(lead + layout(value, page.indent, page.indent.length + lead.length) + tail);
}

function experimentClause(page: Page, clause: ast.ExperimentClause): void {
  switch (clause.kind) {
    case "model-clause":
      return printLine(page, clause.span, "model", clause.value);
    case "task-clause":
      return printLine(page, clause.span, "task", clause.value);
    case "loss-clause": {
      const tail = clause.where === null ? "" : ` where ${flat(clause.where)}`;
      return printLine(page, clause.span, "loss", clause.value, tail);
    }
    case "train-clause":
      return printSettings(page, "train", clause);
    case "eval-clause":
      return printSettings(page, "eval", clause);
    default:
      return unreachable(clause);
  }
}

function printSettings(
  page: Page,
  head: string,
  { settings, span }: { readonly settings: readonly ast.Setting[]; readonly span: ast.Span },
  doc: string | null = null,
): void {
  page.before(span, span.start + 1, doc);
  const items = settings.map(({ name, value }) => `${name.text}: ${flat(value)}`);
  const line = items.length === 0 ? `${head} {}` : `${head} { ${items.join(", ")} }`;
  if (fits(page, line) && !page.hasComments(span.start, span.end)) {
    page.line(line);
    return;
  }
  page.line(`${head} {`);
  printBody(page, span.start + head.length, span.end, () => {
    for (const setting of settings) {
      page.before(setting.span, setting.span.end, null);
      const lead = `${setting.name.text}: `;
      page.line(
        `${lead}${layout(setting.value, page.indent, page.indent.length + lead.length + 1)},`,
      );
      page.after(setting.span);
    }
  });
}

function ablationClause(page: Page, clause: AblationClause): void {
  const { span } = clause;
  switch (clause.kind) {
    case "grid-clause":
      return printLine(page, span, `grid ${axisText(clause.axis)} in`, clause.values);
    case "zip-clause": {
      const axes = clause.axes.map((axis) => axisText(axis)).join(", ");
      return printLine(page, span, `zip (${axes}) in`, clause.values);
    }
    case "where-clause":
      return printLine(page, span, "where", clause.condition);
    case "seeds-clause":
      return printLine(page, span, "seeds", clause.value);
    case "baseline-clause": {
      page.before(span, span.end, null);
      const assign = clause.assignments.map((a) => `${axisText(a.axis)} = ${flat(a.value)}`);
      return page.line(`baseline ${assign.join(", ")}`);
    }
    case "report-clause":
      return printLine(page, span, "report", clause.value);
    default:
      return unreachable(clause);
  }
}

/** An axis is a path, where no word has a meaning of its own. */
function axisText(axis: Expr): string {
  if (axis.kind === "reference") return axis.name;
  return axis.kind === "member" ? `${axisText(axis.object)}.${axis.member.text}` : flat(axis);
}
