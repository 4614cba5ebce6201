/** What is being collected while one declaration is expanded: its graph, sizes, weights, states and problems. */
import { InternalError, type Diagnostic, type Related } from "../../diagnostics/diagnostic.ts";
import type { FactsOf } from "../../diagnostics/catalogue.ts";
import type { Span } from "../../grammar/ast.ts";
import {
  constant,
  dim,
  equal,
  evaluateDim,
  named,
  scale,
  substitute,
  subtract,
  apply,
  atomsOf,
  type Dim,
  type NamedAtom,
  type Shape,
} from "../dims.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type {
  NodeId,
  Origin,
  ProgramInput,
  ProgramParameter,
  ProgramState,
  Schedule,
} from "../graph/ir.ts";
import { checkDiagnostic, type CheckCode, type checkCatalogue } from "./catalogue.ts";

/** A state while its step is being expanded. */
export interface OpenState extends Omit<ProgramState, "next" | "schedule"> {
  schedule?: Schedule;
  /** The current value in this step. */
  current: NodeId;
  written: boolean;
  /** For a growing state: rows valid before this step's append. */
  readonly valid: NodeId | null;
  currentValid: NodeId | null;
}

interface Mark {
  readonly inputs: number;
  readonly parameters: number;
  readonly states: number;
  readonly names: ReadonlySet<string>;
  readonly diagnostics: number;
}

export class Session {
  readonly builder: GraphBuilder;
  readonly diagnostics: Diagnostic[] = [];
  readonly inputs: ProgramInput[] = [];
  readonly parameters: ProgramParameter[] = [];
  readonly states: OpenState[] = [];
  /** What named sizes stand for: of a caller's sizes, or numbers. */
  readonly #definitions = new Map<string, Dim>();
  /** Holes that unification may fill. */
  readonly #holes = new Set<string>();
  readonly #rigid = new Set<string>();
  readonly #unrolled = new Map<string, number>();
  #names = new Set<string>();
  #counter = 0;
  #position: NodeId | null = null;
  /** Names of the declarations being expanded, outermost first. */
  readonly calls: string[] = [];
  /** Prefix of the names of weights and states: `layers.0.mixer`. */
  readonly path: string[] = [];
  /** The signal being bound, after which weights are named. */
  label: string | null = null;
  inProgram = false;
  /** Sizes are compared by value: between a model and the fields of a task, which have no names in common. */
  byValue = false;

  constructor(name: string) {
    this.builder = new GraphBuilder(name, (d) => this.resolve(d));
  }

  // ------------------------------------------------------------------------------------------- problems

  report<K extends CheckCode>(
    code: K,
    file: string,
    range: Span,
    facts: FactsOf<(typeof checkCatalogue)[K]>,
    related: readonly Related[] = [],
  ): void {
    const { start, end } = range;
    const made = checkDiagnostic(code, { file, range: { start, end } }, facts, related);
    const same = (d: Diagnostic) =>
      d.code === made.code &&
      d.place.file === file &&
      d.place.range?.start === start &&
      d.place.range.end === end &&
      d.message === made.message;
    // A map expanded at five calls has its problem once.
    if (!this.diagnostics.some(same)) this.diagnostics.push(made);
  }
  get failed(): boolean {
    return this.diagnostics.some((d) => d.severity === "error");
  }

  // ------------------------------------------------------------------------------------- marks and names

  mark(): Mark {
    return {
      inputs: this.inputs.length,
      parameters: this.parameters.length,
      states: this.states.length,
      names: new Set(this.#names),
      diagnostics: this.diagnostics.length,
    };
  }
  /** Forgets weights, states, names and problems since the mark: the pass before had too little to go by. */
  rollback(mark: Mark): void {
    this.inputs.length = mark.inputs;
    this.parameters.length = mark.parameters;
    this.states.length = mark.states;
    this.#names = new Set(mark.names);
    this.diagnostics.length = mark.diagnostics;
  }

  /** The full name for a weight or state, made unique by `candidates` in turn, then by a number. */
  uniqueName(...candidates: readonly string[]): string {
    return this.#unique("", candidates);
  }
  /** States have names of their own: the state W may start from the weight W. */
  uniqueStateName(candidate: string): string {
    return this.#unique("state:", [candidate]);
  }
  #unique(space: string, candidates: readonly string[]): string {
    const full = candidates.map((c) => [...this.path, c].join("."));
    const take = (name: string): boolean => {
      if (this.#names.has(space + name)) return false;
      this.#names.add(space + name);
      return true;
    };
    const free = full.find(take);
    if (free !== undefined) return free;
    for (let i = 2; ; i++) {
      const name = `${full.at(-1)!}_${i}`;
      if (take(name)) return name;
    }
  }

  /** Runs `work` with one more segment on the path of names. */
  within<T>(segment: string, work: () => T): T {
    const full = this.uniqueName(segment);
    this.path.push(full.slice(this.path.length === 0 ? 0 : this.path.join(".").length + 1));
    try {
      return work();
    } finally {
      this.path.pop();
    }
  }

  at(label: string | null, file: string, span: Span): Origin {
    const path = this.path.length === 0 ? {} : { path: this.path.join(".") };
    return { label, ...path, file, start: span.start, end: span.end };
  }

  get position(): NodeId {
    return (this.#position ??= this.builder.input("position", [], "int"));
  }
  get usedPosition(): NodeId | null {
    return this.#position;
  }

  // ----------------------------------------------------------------------------------------------- sizes

  /** A new size that stands for itself until it is defined. */
  freshSize(name: string): Dim {
    return named(name, `${name}#${this.#counter++}`);
  }
  /** A size to be inferred. */
  hole(): Dim {
    const made = this.freshSize("_");
    this.#holes.add(made.key);
    return made;
  }
  #bare(d: Dim): NamedAtom | undefined {
    const [term] = d.terms;
    if (d.terms.length !== 1 || term!.coefficient !== 1 || term!.atoms.length !== 1)
      return undefined;
    const [atom] = term!.atoms;
    return atom!.kind === "named" ? atom : undefined;
  }
  /** Says what a fresh size stands for. */
  define(size: Dim, meaning: Dim): void {
    const atom = this.#bare(size);
    if (atom === undefined) throw new InternalError("only a named size can be defined");
    this.#definitions.set(atom.key, meaning);
  }
  isDefined(size: Dim): boolean {
    const atom = this.#bare(size);
    return atom !== undefined && this.#definitions.has(atom.key);
  }
  /** Fills in holes; sizes of a declaration keep their names. */
  resolve(d: Dim): Dim {
    if (this.byValue) {
      const value = this.numeric(d);
      if (value !== null && Number.isInteger(value)) return dim(value);
    }
    if (this.#holes.size === 0 || !this.#mentionsHole(d)) return d;
    return substitute(d, (atom) => {
      const isHole = this.#holes.has(`1*${atom.key}`);
      const meaning = isHole ? this.#definitions.get(atom.key) : undefined;
      return meaning && this.resolve(meaning);
    });
  }
  #mentionsHole(d: Dim): boolean {
    for (const atom of atomsOf(d)) if (this.#holes.has(`1*${atom.key}`)) return true;
    return false;
  }
  resolveShape(shape: Shape): Shape {
    return shape.map((d) => this.resolve(d));
  }
  /** Replaces the sizes in `own` by what they stand for: how a shape is seen from outside a call. */
  expand(d: Dim, own: ReadonlySet<string>): Dim {
    return substitute(this.resolve(d), (atom) => {
      const meaning = own.has(atom.key) ? this.#definitions.get(atom.key) : undefined;
      return meaning && this.expand(meaning, own);
    });
  }
  /** What a size stands for when every name of a call is replaced. */
  outermost(d: Dim): Dim {
    return substitute(this.resolve(d), (atom) => {
      const meaning = this.#definitions.get(atom.key);
      return meaning && this.outermost(meaning);
    });
  }
  /** The value of a named size, if it has one. */
  atomValue(atom: NamedAtom): number | undefined {
    const meaning = this.#definitions.get(atom.key);
    if (meaning === undefined) return undefined;
    return this.numeric(meaning) ?? undefined;
  }
  atomDefined(atom: NamedAtom): boolean {
    return this.#definitions.has(atom.key) || this.#rigid.has(atom.key);
  }
  /** A free size of the declaration that is being checked on its own: it stands for itself. */
  makeRigid(size: Dim): void {
    const atom = this.#bare(size);
    if (atom !== undefined) this.#rigid.add(atom.key);
  }
  /** A named size as a number, or in run-time sizes; undefined if it has no value. */
  meaning(atom: NamedAtom): number | Dim | undefined {
    const value = this.atomValue(atom);
    if (value !== undefined) return value;
    const definition = this.#definitions.get(atom.key);
    return (
      definition &&
      substitute(definition, (inner) => {
        const found = this.meaning(inner);
        return typeof found === "number" ? dim(found) : found;
      })
    );
  }
  /** The number a size comes to, or null while some of its names have no value. */
  numeric(d: Dim): number | null {
    const fixed = constant(d);
    if (fixed !== undefined) return fixed;
    let unknown = false;
    const value = evaluateDim(d, (atom) => {
      const found = this.atomValue(atom);
      if (found === undefined) unknown = true;
      return found ?? 1;
    });
    return unknown ? null : value;
  }
  hasHole(d: Dim): boolean {
    return this.#mentionsHole(this.resolve(d));
  }

  /** Makes two sizes equal by filling holes. False if they are different. */
  unify(a: Dim, b: Dim): boolean {
    const [x, y] = [this.resolve(a), this.resolve(b)];
    if (equal(x, y)) return true;
    if (this.#solve(x, y) || this.#solve(y, x)) return true;
    return this.#unrolled.size > 0 && equal(this.#counted(x), this.#counted(y));
  }
  /** Equal as they stand, without filling holes. */
  unifyExactly(a: Dim, b: Dim): boolean {
    return equal(this.resolve(a), this.resolve(b));
  }
  unifyShapes(a: Shape, b: Shape): boolean {
    return a.length === b.length && a.every((d, i) => this.unify(d, b[i]!));
  }
  /**
   * A size that a loop counted to: what the loop made has its number of pieces, so from here on its value counts as
   * well as its name (`concat(for i in 1..nu: r)` is nu times as long as r).
   */
  unrolled(size: Dim, count: number): void {
    substitute(size, (atom) => {
      const value =
        this.atomValue(atom) ?? (equal(size, named(atom.name, atom.key)) ? count : undefined);
      if (value !== undefined) this.#unrolled.set(atom.key, value);
      return undefined;
    });
  }
  #counted(d: Dim): Dim {
    return substitute(d, (atom) => {
      const value = this.#unrolled.get(atom.key);
      return value === undefined ? undefined : dim(value);
    });
  }
  /** Fills the one hole of `a` that occurs once, alone in its term, so that `a` equals `b`. */
  #solve(a: Dim, b: Dim): boolean {
    for (const term of a.terms) {
      const [atom] = term.atoms;
      if (term.atoms.length !== 1 || atom!.kind !== "named" || !this.#holes.has(`1*${atom!.key}`))
        continue;
      const own = scale(named(atom!.name, atom!.key), term.coefficient);
      const rest = subtract(b, subtract(a, own));
      let occurs = false;
      substitute(rest, (x) => {
        if (x.key === atom!.key) occurs = true;
        return undefined;
      });
      const meaning = apply("div", rest, dim(term.coefficient));
      const exact =
        term.coefficient === 1 ||
        meaning.terms.every((t) => t.atoms.every((x) => x.kind === "named"));
      if (occurs || !exact) continue;
      this.#definitions.set(atom!.key, meaning);
      return true;
    }
    return false;
  }

  /**
   * Matches a size that a callee declares with one that its caller has: defines the callee's free sizes, compares the
   * others (by name, or by value where both have one). `own`: keys of the callee's sizes.
   */
  match(
    pattern: Dim,
    given: Dim,
    own: ReadonlySet<string>,
    defined: (atom: NamedAtom) => boolean,
  ): boolean {
    const free: NamedAtom[] = [];
    for (const term of pattern.terms) {
      for (const atom of term.atoms) {
        if (atom.kind === "named" && own.has(atom.key) && !defined(atom)) free.push(atom);
      }
    }
    if (free.length === 0) {
      const seen = this.expand(pattern, own);
      if (this.unify(seen, given)) return true;
      const [x, y] = [this.numeric(seen), this.numeric(given)];
      return x !== null && x === y;
    }
    const [atom] = free;
    const term = pattern.terms.find((t) => t.atoms.some((x) => x.key === atom!.key))!;
    if (free.length > 1 || term.atoms.length !== 1) return false;
    const own1 = scale(named(atom!.name, atom!.key), term.coefficient);
    const rest = this.expand(subtract(pattern, own1), own);
    const meaning = apply("div", subtract(given, rest), dim(term.coefficient));
    this.#definitions.set(atom!.key, meaning);
    return true;
  }
}
