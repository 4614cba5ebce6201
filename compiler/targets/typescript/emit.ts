/** Modules as text: TypeScript to be read, the same without its types to run, and its types alone. */
import { unreachable } from "../../../diagnostics/diagnostic.ts";
import type { Declaration, Function, Method, Module, Parameter } from "./declarations.ts";
import { braced, choice, group, indent, lay, LINE, parenthesised, type Layout } from "./layout.ts";

export interface EmittedModule {
  /** TypeScript. */
  readonly source: string;
  readonly javascript: string;
  /** For the type checker of who imports it. */
  readonly declarations: string;
}

type Face = keyof EmittedModule;

type Of<K extends Declaration["kind"]> = Extract<Declaration, { kind: K }>;

/** A comment before a declaration. */
function documentation(doc: string, indentation: string): string[] {
  const lines = doc.replaceAll("*/", "*\\/").split("\n");
  if (lines.length === 1) return [`${indentation}/** ${lines[0]} */`];
  const inner = lines.map((line) => `${indentation} * ${line}`.trimEnd());
  return [`${indentation}/**`, ...inner, `${indentation} */`];
}

function parameter({ name, type, initial }: Parameter, face: Face): string {
  if (face === "declarations") return `${name}${initial === undefined ? "" : "?"}: ${type}`;
  // A number says its type itself.
  const inferred = face === "javascript" || (type === "number" && initial !== undefined);
  return `${name}${inferred ? "" : `: ${type}`}${initial === undefined ? "" : ` = ${initial}`}`;
}

/** A function or method from its name on. */
function callable(
  head: string,
  { parameters, result, body }: Omit<Function, "result"> & Pick<Method, "result">,
  face: Face,
  depth: number,
  out: string[],
): void {
  const list = parenthesised(parameters.map((p) => parameter(p, face)));
  const type = face === "javascript" || result === null ? "" : `: ${result}`;
  if (face === "declarations") return lay([head, list, `${type};`], depth, out);
  const lines = body(face === "source");
  lay([head, list, lines.length === 0 ? `${type} {}` : `${type} {`], depth, out);
  if (lines.length === 0) return;
  const [further, end] = ["  ".repeat(depth), `${"  ".repeat(depth)}}`];
  for (const line of lines) out.push(further + line);
  out.push(end);
}

const HEADS: Readonly<Record<Method["kind"], string>> = {
  constructor: "",
  method: "",
  static: "static ",
  getter: "get ",
};

function classLines({ name, doc, fields, methods }: Of<"class">, face: Face, out: string[]): void {
  out.push(...documentation(doc, ""));
  out.push(`export ${face === "declarations" ? "declare " : ""}class ${name} {`);
  if (face === "declarations" && fields.length > 0) out.push("  #private;");
  else {
    for (const field of fields) {
      out.push(face === "source" ? `  readonly ${field.name}: ${field.type};` : `  ${field.name};`);
    }
  }
  for (const method of methods) {
    out.push("", ...documentation(method.doc, "  "));
    callable(HEADS[method.kind] + method.name, method, face, 1, out);
  }
  out.push("}");
}

/** `import { … } from`; nothing where no name is needed. */
function importLines({ names, from }: Of<"names">, face: Face, out: string[]): void {
  const wanted = Object.entries(names).flatMap(([name, role]) => {
    if (role === "value") return face === "declarations" ? [] : [name];
    return face === "source" || (face === "declarations" && role === "type")
      ? [`type ${name}`]
      : [];
  });
  if (wanted.length === 0) return;
  lay(["import ", braced(wanted), ` from ${JSON.stringify(from)};`], 0, out);
}

function typeLines({ name, doc, types }: Of<"type">, out: string[]): void {
  out.push(...documentation(doc, ""));
  const head = `export type ${name} =`;
  if (types.length < 2) return void out.push(`${head} ${types[0] ?? "never"};`);
  const members = types.flatMap((type, i): Layout[] =>
    i === 0 ? [choice("| ", ""), type] : [LINE, "| ", type],
  );
  lay([head, group(indent([LINE, members])), ";"], 0, out);
}

function constantLines(
  { name, doc, type, exported, value }: Of<"constant">,
  face: Face,
  out: string[],
): void {
  if (face === "declarations" && !exported) return;
  if (doc !== null) out.push(...documentation(doc, ""));
  const typed = `${name}${type === null || face === "javascript" ? "" : `: ${type}`}`;
  if (face === "declarations") return void out.push(`export declare const ${typed};`);
  const head = `${exported ? "export " : ""}const ${typed} = `;
  lay([head, value(face === "source"), ";"], 0, out);
}

function declarationLines(declaration: Declaration, face: Face, out: string[]): void {
  switch (declaration.kind) {
    case "names":
      return importLines(declaration, face, out);
    case "namespace":
      if (face === "declarations") return;
      return void out.push(
        `import * as ${declaration.name} from ${JSON.stringify(declaration.from)};`,
      );
    case "interface":
      if (face === "javascript") return;
      out.push(...documentation(declaration.doc, ""), `export interface ${declaration.name} {`);
      for (const { name, type, doc } of declaration.fields) {
        if (doc !== undefined) out.push(...documentation(doc, "  "));
        out.push(`  readonly ${name}: ${type};`);
      }
      return void out.push("}");
    case "type":
      return face === "javascript" ? undefined : typeLines(declaration, out);
    case "constant":
      return constantLines(declaration, face, out);
    case "function": {
      const { exported, name, doc } = declaration;
      if (face === "declarations" && !exported) return;
      out.push(...documentation(doc, ""));
      const declared = face === "declarations" ? "declare " : "";
      return callable(`${exported ? "export " : ""}${declared}function ${name}`, declaration, face, 0, out); // prettier-ignore
    }
    case "class":
      return classLines(declaration, face, out);
    default:
      return unreachable(declaration);
  }
}

const isImport = ({ kind }: Declaration): boolean => kind === "names" || kind === "namespace";

export function textOf({ title, declarations }: Module, face: Face): string {
  const out = documentation(title, "");
  let before: Declaration | null = null;
  for (const declaration of declarations) {
    const lines: string[] = [];
    declarationLines(declaration, face, lines);
    if (lines.length === 0) continue;
    // Imports stand together, below the title.
    if (!isImport(declaration) || (before !== null && !isImport(before))) out.push("");
    for (const line of lines) out.push(line);
    before = declaration;
  }
  return `${out.join("\n")}\n`;
}

/** All faces of a module. */
export const emit = (module: Module): EmittedModule => ({
  source: textOf(module, "source"),
  javascript: textOf(module, "javascript"),
  declarations: textOf(module, "declarations"),
});
