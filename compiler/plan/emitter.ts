/** Writes a kernel: opens and closes loops, and puts every computation into the outermost loop where its inputs are known. */
import { InternalError } from "../../diagnostics/diagnostic.ts";
import { constant, show, type Dim } from "../dims.ts";
import { add, binary, int, intVariable, mul, sub, variable } from "../loop/build.ts";
import { INT, type ElementType, type Expr, type Spread, type Statement } from "../loop/ir.ts";
import { asIdentifier, RESERVED_WORDS } from "./names.ts";
import { depthOf, keyOf, ofVariable, type Affine, type IndexVariable } from "./affine.ts";

/** An expression and the number of loops that must be open for it to mean anything. */
export interface Placed {
  readonly expr: Expr;
  readonly depth: number;
}

interface Scope {
  readonly statements: Statement[];
  /** The loop whose body this is, written down when it is closed: what is hoisted until then goes before it. */
  readonly loop: ((body: readonly Statement[]) => Statement) | null;
  /** What has been given a name in this scope, by what it is. */
  readonly known: Map<string, Placed>;
}

export const isTrivial = (e: Expr): boolean => e.op === "number" || e.op === "variable";

/** The buffers of a program, by name: a kernel's own variables must be named differently. */
export interface Reserved {
  has(name: string): boolean;
}

/** What a wish for a name is made of, if not of a word of its own: a name in the graph, a variable or a buffer of the kernel. */
export type Source = "graph" | "variable" | "buffer";

/** Something that got a name. Others that wish the same in the same order get theirs in the same way (repeat.ts). */
export type Naming =
  | { readonly kind: "size"; readonly name: string }
  | { readonly kind: "local"; readonly wish: string; readonly from: Source; readonly name: string }
  | {
      readonly kind: "scratch";
      readonly wish: string;
      readonly from: Source;
      readonly name: string;
      readonly type: ElementType;
      readonly length: Dim;
      readonly local: boolean;
    };

export class Emitter {
  /** All names that were given, in order. */
  readonly namings: Naming[] = [];
  /** Variables of loops whose iterations had better run side by side (rows.ts). */
  readonly sideBySide = new Set<string>();
  /** Whether random numbers are drawn. */
  draws = false;
  readonly #reserved: Reserved;
  readonly #scopes: Scope[] = [{ statements: [], loop: null, known: new Map() }];
  readonly #names = new Map<string, number>();
  readonly #sizes = new Set<string>();

  constructor(reserved: Reserved) {
    this.#reserved = reserved;
  }

  /** Depth of the innermost open loop. */
  get depth(): number {
    return this.#scopes.length - 1;
  }
  /** Run-time sizes that the kernel reads: its int parameters. */
  get sizes(): readonly string[] {
    return ["batch", "time", "past"].filter((s) => this.#sizes.has(s));
  }
  get statements(): readonly Statement[] {
    if (this.depth !== 0) throw new InternalError("a loop was left open");
    return this.#scopes[0]!.statements;
  }

  /** A name that nothing in the kernel has yet. */
  name(wish: string, from: Source = "graph"): string {
    const name = this.#free(wish);
    this.namings.push({ kind: "local", wish, from, name });
    return name;
  }
  #free(wish: string): string {
    const clean = asIdentifier(wish);
    const count = this.#names.get(clean) ?? 0;
    this.#names.set(clean, count + 1);
    const free = count === 0 && !this.#reserved.has(clean) && !RESERVED_WORDS.has(clean);
    return free ? clean : this.#free(`${clean}_${count + 1}`);
  }
  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** Notes that the kernel reads a run-time size. */
  reads(size: string): void {
    this.#sizes.add(size);
    this.#names.set(size, 1);
    this.namings.push({ kind: "size", name: size });
  }

  emit(statement: Statement, depth = this.depth): void {
    this.#scopes[depth]!.statements.push(statement);
  }
  comment(text: string): void {
    this.emit({ op: "comment", text });
  }

  open(
    wish: string,
    extent: Dim,
    options: { step?: number; down?: boolean; spread?: Spread; from?: Expr; to?: Expr } = {},
  ): IndexVariable {
    const { step = 1, down = false, spread = "serial", from = int(0) } = options;
    const to = options.to ?? this.size(extent);
    const name = this.name(wish);
    const head = { op: "for", variable: name, from, to, step, down, spread } as const;
    this.#scopes.push({
      statements: [],
      loop: (body) => ({ ...head, body }),
      known: new Map(),
    });
    return { name, extent, depth: this.depth };
  }
  close(): void {
    const scope = this.depth === 0 ? undefined : this.#scopes.pop();
    if (scope?.loop == null) throw new InternalError("no loop is open");
    if (scope.statements.length > 0) this.emit(scope.loop(scope.statements));
  }
  /** Statements that `inside` emits at this depth run only when the condition holds, those of `otherwise` when not. */
  when(condition: Expr, inside: () => void, otherwise?: () => void): void {
    const body = this.#apart(inside);
    const rest = otherwise === undefined ? [] : this.#apart(otherwise);
    this.emit({ op: "if", condition, body, otherwise: rest });
  }
  /** What is emitted at this depth, by itself: what is named inside must not be used after it. */
  #apart(inside: () => void): Statement[] {
    const at = this.depth;
    const scope = this.#scopes[at]!;
    const statements: Statement[] = [];
    this.#scopes[at] = { statements, loop: null, known: new Map(scope.known) };
    inside();
    this.#scopes[at] = scope;
    return statements;
  }

  define(wish: string, value: Expr, mutable = false, depth = this.depth): Expr {
    const name = this.name(wish);
    this.emit({ op: "define", name, type: value.type, mutable, value }, depth);
    return variable(name, value.type);
  }
  assign(target: Expr, value: Expr): void {
    if (target.op !== "variable") throw new InternalError("assignment to what is no variable");
    this.emit({ op: "assign", name: target.name, value });
  }

  /** What `key` stands for in a scope that is still open. */
  recall(key: string): Placed | undefined {
    for (let d = this.depth; d >= 0; d--) {
      const found = this.#scopes[d]!.known.get(key);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  remember(key: string, placed: Placed): Placed {
    this.#scopes[placed.depth]!.known.set(key, placed);
    return placed;
  }

  /** Gives an expression a name in the outermost scope where it can be computed. */
  hoist(placed: Placed, wish: string): Placed {
    if (isTrivial(placed.expr)) return placed;
    return {
      expr: this.define(wish, placed.expr, false, placed.depth),
      depth: placed.depth,
    };
  }

  /** A size as an int expression: a number, or a variable defined at the top of the kernel. */
  size(value: Dim): Expr {
    const known = constant(value);
    if (known !== undefined) return int(known);
    const key = `size ${value.key}`;
    const found = this.recall(key);
    if (found !== undefined) return found.expr;
    const expr = this.#sizeExpr(value);
    const wish = show(value).replace(/ \* /g, "_").replace(/ \+ /g, "_plus_").replace(/\W+/g, "_");
    return this.remember(key, this.hoist({ expr, depth: 0 }, `n_${wish}`)).expr;
  }
  #sizeExpr(value: Dim): Expr {
    let total = int(0);
    for (const term of value.terms) {
      let factor = int(Math.abs(term.coefficient));
      for (const atom of term.atoms) {
        if (atom.kind === "named") {
          const name = atom.key.slice(1);
          if (!["$batch", "$time", "$past"].includes(atom.key)) {
            throw new InternalError(`the size ${atom.name} has no number`);
          }
          this.reads(name);
          factor = mul(factor, intVariable(name));
        } else {
          const [a = int(0), b = int(1)] = atom.args.map((x) => this.#sizeExpr(x));
          factor = mul(factor, sizeFunction(atom.fn, a, b));
        }
      }
      total = term.coefficient < 0 ? sub(total, factor) : add(total, factor);
    }
    return total;
  }

  /** An index as an int expression; the part that an outer loop fixes gets a name there. */
  index(a: Affine): Expr {
    // A plain number is added last, where it can become part of the address.
    const late = constant(a.constant);
    let expr = late === undefined ? this.size(a.constant) : int(0);
    let depth = 0;
    let key = late === undefined ? a.constant.key : "";
    const named = (): void => {
      if (isTrivial(expr) || depth >= this.depth) return;
      const cacheKey = `index ${key}`;
      const found = this.recall(cacheKey);
      expr = (found ?? this.remember(cacheKey, this.hoist({ expr, depth }, "at"))).expr;
    };
    for (const t of a.terms) {
      if (t.variable.depth > depth) {
        named();
        depth = t.variable.depth;
      }
      expr = add(expr, mul(intVariable(t.variable.name), this.size(t.coefficient)));
      key += `+${t.variable.name}*${t.coefficient.key}`;
    }
    if (depth < this.depth) named();
    if (late === undefined || late === 0) return expr;
    return late < 0 ? sub(expr, int(-late)) : add(expr, int(late));
  }

  /** Quotient and remainder of an index by a size, as new int variables where they are no plain sums. */
  divmod(a: Affine, by: Dim, extent: Dim): { quotient: Affine; remainder: Affine } {
    const key = `divmod ${keyOf(a)} / ${by.key}`;
    const depth = depthOf(a);
    const known = this.recall(`${key} q`);
    const known2 = this.recall(`${key} r`);
    let q = known?.expr;
    let r = known2?.expr;
    if (q === undefined || r === undefined) {
      const whole = this.hoist({ expr: this.index(a), depth }, "flat").expr;
      const size = this.size(by);
      q = this.define("quotient", binary("div", whole, size), false, depth);
      r = this.define("remainder", sub(whole, mul(q, size)), false, depth);
      this.remember(`${key} q`, { expr: q, depth });
      this.remember(`${key} r`, { expr: r, depth });
    }
    return {
      quotient: ofVariable(this.indexVariable(q, extent, depth)),
      remainder: ofVariable(this.indexVariable(r, by, depth)),
    };
  }
  indexVariable(e: Expr, extent: Dim, depth: number): IndexVariable {
    if (e.op !== "variable") throw new InternalError("an index that has no name");
    return { name: e.name, extent, depth };
  }

  /** An index computed at run time (a token, a wrapped-round position) as a variable. */
  opaqueIndex(value: Placed, extent: Dim, wish: string): Affine {
    const placed =
      value.expr.op === "variable" && value.expr.type === INT
        ? value
        : this.hoistAlways(value, wish);
    return ofVariable(this.indexVariable(placed.expr, extent, placed.depth));
  }
  hoistAlways(placed: Placed, wish: string): Placed {
    return { expr: this.define(wish, placed.expr, false, placed.depth), depth: placed.depth };
  }
}

function sizeFunction(fn: string, a: Expr, b: Expr): Expr {
  switch (fn) {
    case "div":
      return binary("div", a, b);
    case "ceildiv":
      return binary("div", sub(add(a, b), int(1)), b);
    case "mod":
      return binary("mod", a, b);
    case "max":
      return binary("max", a, b);
    case "min":
      return binary("min", a, b);
    default:
      throw new InternalError(`${fn} of a run-time size`);
  }
}
