/** Where an expression stands: the names it can see, the sizes it may use, and what it may do. */
import type { FactsOf } from "../../diagnostics/catalogue.ts";
import type { Related } from "../../diagnostics/diagnostic.ts";
import type { Span } from "../../grammar/ast.ts";
import type { Dim, Shape } from "../dims.ts";
import type { GraphBuilder } from "../graph/builder.ts";
import { isBuiltin } from "./builtins/index.ts";
import type { CheckCode, checkCatalogue } from "./catalogue.ts";
import { findDeclaration, type Module } from "./project.ts";
import type { Scheduled } from "./schedules.ts";
import type { OpenState, Session } from "./session.ts";
import { suggest } from "./suggest.ts";
import type { TensorValue, Value } from "./values.ts";

export type FrameKind = "map" | "instruction" | "layer" | "model" | "loss" | "constant";

/** A problem that counts only if nothing more can be learned about shapes. */
export interface Pending {
  readonly what: string;
  readonly span: Span;
}

export class Frame {
  readonly session: Session;
  readonly module: Module;
  readonly kind: FrameKind;
  /** How messages name the declaration. */
  readonly owner: string;
  readonly parent: Frame | null;
  readonly #values = new Map<string, Value>();
  /** Sizes of this declaration by name. */
  readonly sizes: Map<string, Dim>;
  /** Their keys. */
  readonly own: Set<string>;
  /** Axes in front of every signal that the declaration does not name. */
  lead = 0;
  /** Their sizes. */
  leadShape: Shape = [];
  /** Checked on its own: parameters without a default stay open. */
  abstract = false;
  /** The size of growing states' first axis, and its name in the spec. */
  growth: Dim | null = null;
  growthName: string | null = null;
  /** Of a layer or model (in its outermost frame): states, what `prev` holds, inputs as given, outputs, forms. */
  readonly states = new Map<string, OpenState>();
  readonly previous = new Map<string, OpenState>();
  readonly inputs = new Map<string, Value>();
  readonly outputs = new Map<string, Value>();
  readonly schedules = new Map<string, Scheduled>();
  /** Where weights are declared, each in its own frame. */
  readonly weights = new Map<string, Span>();
  delays = 0;
  /** Of an instruction that writes one parameter: the state that its caller writes, after which values are named. */
  writes: string | null = null;
  /** Of an experiment: numbers that its task provides (`task.vocab`); null values are not known yet. */
  task: ReadonlyMap<string, number | null> | null = null;
  /** Names of sizes in an output's shape that nothing declares are free sizes. */
  frees = false;
  /** Signals bound further down in the step, for `prev` and for messages. */
  readonly later = new Set<string>();
  /** Shapes learned in earlier passes over the body. */
  readonly shapes: Map<string, Shape>;
  /** What this pass could not infer. */
  readonly pending: Pending[];

  constructor(
    session: Session,
    module: Module,
    kind: FrameKind,
    owner: string,
    parent: Frame | null = null,
  ) {
    this.session = session;
    this.module = module;
    this.kind = kind;
    this.owner = owner;
    this.parent = parent;
    this.sizes = parent?.sizes ?? new Map();
    this.own = parent?.own ?? new Set();
    this.shapes = parent?.shapes ?? new Map();
    this.pending = parent?.pending ?? [];
    if (parent !== null) {
      this.lead = parent.lead;
      this.leadShape = parent.leadShape;
      this.abstract = parent.abstract;
      this.growth = parent.growth;
    }
  }

  get builder(): GraphBuilder {
    return this.session.builder;
  }

  report<K extends CheckCode>(
    code: K,
    range: Span,
    facts: FactsOf<(typeof checkCatalogue)[K]>,
    related: readonly Related[] = [],
  ): void {
    this.session.report(code, this.module.file, range, facts, related);
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }
  /** Binds where the name was bound before, else here: a `repeat` body rebinds the signals around it. */
  assign(name: string, value: Value): void {
    const owner = this.#chain().find((frame) => frame.#values.has(name)) ?? this.root;
    owner.#values.set(name, value);
  }
  /** This frame and those around it, inmost first. */
  #chain(): readonly Frame[] {
    return this.parent === null ? [this] : [this, ...this.parent.#chain()];
  }
  get root(): Frame {
    return this.parent === null ? this : this.parent.root;
  }
  local(name: string): Value | undefined {
    return this.#values.get(name) ?? this.parent?.local(name);
  }

  lookup(name: string): Value | undefined {
    const local = this.local(name);
    if (local !== undefined) return local;
    const size = this.sizes.get(name);
    if (size !== undefined) return { kind: "number", value: null, dim: size };
    const found = findDeclaration(this.module, name);
    if (found !== undefined) {
      const { decl, module } = found;
      if (decl.kind === "experiment" || decl.kind === "ablation") return undefined;
      return { kind: "callable", decl, module, bound: new Map(), through: null };
    }
    return isBuiltin(name) ? isBuiltin.value(name) : undefined;
  }

  /** What a name that means nothing here may have been meant to be, for a hint. */
  candidates(name: string): string {
    const library = this.module.declaring(name);
    if (library !== null) return `import ${library}`;
    const names = new Set<string>([
      ...this.sizes.keys(),
      ...this.module.own.keys(),
      ...this.module.imported.keys(),
    ]);
    for (const frame of this.#chain()) for (const known of frame.#values.keys()) names.add(known);
    return suggest(name, names, isBuiltin.names());
  }

  /** Forgets what the last pass over the body bound; settings, inputs and sizes stay. */
  beginPass(settings: ReadonlyMap<string, Value>): void {
    this.#values.clear();
    for (const [name, value] of settings) this.#values.set(name, value);
    this.states.clear();
    this.previous.clear();
    this.outputs.clear();
    this.schedules.clear();
    this.weights.clear();
    this.delays = 0;
    this.pending.length = 0;
  }
  values(): Map<string, Value> {
    return new Map(this.#values);
  }

  /** A frame inside this one: what it binds is forgotten after it. */
  child(): Frame {
    return new Frame(this.session, this.module, this.kind, this.owner, this);
  }

  /** A frame without names of its own in another file. */
  in(module: Module): Frame {
    return new Frame(this.session, module, "constant", this.owner);
  }

  tensor(
    node: TensorValue["node"],
    like: Partial<Omit<TensorValue, "kind" | "node">> = {},
  ): TensorValue {
    return { kind: "tensor", node, lead: this.lead, ...like };
  }
  shapeOf(value: TensorValue): Shape {
    return this.session.resolveShape(this.builder.shape(value.node));
  }
}
