/** Reads a spec and everything it imports. */
import { parse } from "../../grammar/parser.ts";
import type { Declaration, File, Import } from "../../grammar/ast.ts";
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import { checkDiagnostic } from "./catalogue.ts";

export type ReadResult = { readonly text: string } | { readonly error: string };

/** How the checker reaches files: a disk, a browser's bundle, a test's object. */
export interface Host {
  /** The file that an import names, seen from the file that imports it. */
  resolve(
    from: string,
    target: { readonly library: string } | { readonly relative: string },
  ): string;
  read(file: string): ReadResult;
  /** The library file that declares a name (`std.maps`), for hints. */
  declaring?(name: string): string | null;
}

/** A file with its imports read. */
export interface Module {
  readonly file: string;
  readonly text: string;
  readonly ast: File;
  /** Declarations of this file. */
  readonly own: ReadonlyMap<string, Declaration>;
  /** The library file that declares a name, if one does. */
  readonly declaring: (name: string) => string | null;
  /** Declarations brought in by imports: where each comes from. */
  readonly imported: ReadonlyMap<string, { readonly module: Module; readonly decl: Declaration }>;
}

export interface Project {
  readonly main: Module;
  /** Every file read, by name. */
  readonly modules: ReadonlyMap<string, Module>;
  /** Problems of syntax and imports. */
  readonly diagnostics: readonly Diagnostic[];
}

/** A declaration that a name of a module means, and the module it stands in. */
export function findDeclaration(
  module: Module,
  name: string,
): { readonly module: Module; readonly decl: Declaration } | undefined {
  const own = module.own.get(name);
  return own ? { module, decl: own } : module.imported.get(name);
}

/** Paths without the folders that all of them start with. */
function shortened(files: readonly string[]): string[] {
  const parts = files.map((file) => file.split("/"));
  const [first] = parts;
  let common = 0;
  while (parts.every((p) => common < p.length - 1 && p[common] === first![common])) common++;
  return parts.map((p) => p.slice(common).join("/"));
}

class Loader {
  readonly #host: Host;
  readonly #cache: Map<string, Module>;
  readonly modules = new Map<string, Module>();
  readonly diagnostics: Diagnostic[] = [];
  readonly #loading: string[] = [];

  constructor(host: Host, cache: Map<string, Module>) {
    this.#host = host;
    this.#cache = cache;
  }

  load(file: string, text: string): Module {
    this.#loading.push(file);
    const { ast, diagnostics } = parse(text, file);
    this.diagnostics.push(...diagnostics);
    const own = new Map<string, Declaration>();
    for (const decl of ast.declarations) {
      const { text: name, span } = decl.name;
      if (name === "") continue;
      const first = own.get(name);
      if (first === undefined) own.set(name, decl);
      else {
        const related = [{ message: "declared here", place: { file, range: first.name.span } }];
        this.diagnostics.push(checkDiagnostic("fwp2003", { file, range: span }, { name }, related));
      }
    }
    const imported = new Map<string, { module: Module; decl: Declaration }>();
    for (const statement of ast.imports) {
      const module = this.#import(file, statement);
      if (module === undefined) continue;
      for (const [name, decl] of module.own) {
        const other = imported.get(name);
        if (other !== undefined && other.module !== module) {
          const [first, second] = shortened([other.module.file, module.file]);
          const facts = { name, first: first!, second: second! };
          this.diagnostics.push(checkDiagnostic("fwp2004", { file, range: statement.span }, facts));
        } else imported.set(name, { module, decl });
      }
    }
    const declaring = (name: string) => this.#host.declaring?.(name) ?? null;
    const module: Module = { file, text, ast, own, imported, declaring };
    this.modules.set(file, module);
    this.#loading.pop();
    return module;
  }

  #import(from: string, statement: Import): Module | undefined {
    const dotted = statement.path?.map((n) => n.text).join(".");
    const target =
      dotted !== undefined ? { library: dotted } : { relative: statement.file?.value ?? "" };
    const shown = dotted ?? JSON.stringify(statement.file?.value ?? "");
    const place = { file: from, range: statement.span };
    const file = this.#host.resolve(from, target);
    const known = this.modules.get(file);
    if (known !== undefined) return known;
    if (this.#loading.includes(file)) {
      const files = shortened([...this.#loading.slice(this.#loading.indexOf(file)), file]);
      const circle = files.join(" → ");
      this.diagnostics.push(checkDiagnostic("fwp2002", place, { circle }));
      return undefined;
    }
    const cached = this.#cache.get(file);
    if (cached !== undefined) return cached;
    const read = this.#host.read(file);
    if ("error" in read) {
      this.diagnostics.push(checkDiagnostic("fwp2001", place, { path: shown, reason: read.error }));
      return undefined;
    }
    const before = this.diagnostics.length;
    const module = this.load(file, read.text);
    if (this.diagnostics.length === before) this.#cache.set(file, module);
    return module;
  }
}

/**
 * Parses `text` as the file `file` and reads what it imports. Never throws for bad input. `cache` keeps imported files
 * without problems from one project to the next.
 */
export function loadProject(
  file: string,
  text: string,
  host: Host,
  cache = new Map<string, Module>(),
): Project {
  const loader = new Loader(host, cache);
  const main = loader.load(file, text);
  return { main, modules: loader.modules, diagnostics: loader.diagnostics };
}
