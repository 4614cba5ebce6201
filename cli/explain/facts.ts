/** Everything that `fwp explain` says of one layer or model, as data. */
import { instantiate } from "../../compiler/check/instantiate.ts";
import type { Project } from "../../compiler/check/project.ts";
import type { Setting } from "../../compiler/check/settings.ts";
import { topologyOf, type Arrow, type Box } from "../../compiler/derive/describe/index.ts";
import {
  analyse,
  makePlan,
  obstacleToChunks,
  stage,
  totalOf,
} from "../../compiler/derive/index.ts";
import { show, showShape, type Dim, type Shape } from "../../compiler/dims.ts";
import type { StepProgram } from "../../compiler/graph/ir.ts";
import type { SequenceProgram } from "../../compiler/graph/program.ts";
import { Chooser, type Choice, type Use } from "../../compiler/choose/index.ts";
import { chooseForms, fixSizes } from "../../compiler/pipeline.ts";
import { DiagnosticError, type Diagnostic } from "../../diagnostics/diagnostic.ts";
import type { LayerDecl, ModelDecl, Name } from "../../grammar/ast.ts";
import { walk } from "../../grammar/walk.ts";
import type { FormWish } from "../forms.ts";
import { numberSetting } from "../settings.ts";
import { openWidths } from "../widths.ts";
import { equationsOf, type Equations } from "./equations.ts";
import { placeIn } from "./svg/place.ts";
import { elementsOf, operationsOf, sizeAt, stateTraffic, type Traffic } from "./cost.ts";

/** What a width without a value counts as. */
const NOMINAL = 64;

interface Signal {
  readonly name: string;
  /** In the spec's names: `[heads, key]`, `token[vocab]`. */
  readonly axes: string;
  readonly shape: readonly number[];
}

interface StateFact extends Signal {
  /** Numbers per sequence; of a growing state per step. */
  readonly numbers: number;
  readonly growing: boolean;
  readonly init: number | string;
}

interface Stage {
  /** `once`: for all time steps together. `loop`: step after step. */
  readonly kind: "once" | "loop";
  readonly states: readonly string[];
  readonly signals: readonly string[];
  readonly operations: number;
}

/** States that depend on each other through time, and what the analysis of the step proved of them. */
export interface RecurrenceFact extends Equations {
  readonly states: readonly string[];
  /** `identity`, `delta`, `scalar-delta`, …, `nonlinear`: see docs/derivation.md. */
  readonly class: string;
  readonly side: "key" | "value";
  readonly reason: string;
  /** Why time cannot be run in chunks; null if it can. */
  readonly obstacle: string | null;
  /** How the loop is run, and why. Of the loop: sets of states that share one have the same. */
  readonly forms: Readonly<Record<Exclude<Use, "training">, Choice>> & {
    /** Null where the training of an experiment needs no loop for these states. */
    readonly training: Choice | null;
  };
}

export interface Explanation {
  readonly kind: "layer" | "model";
  readonly name: string;
  readonly signature: string;
  readonly doc: string | null;
  /** Values that were assumed for widths without one. */
  readonly assumed: Readonly<Record<string, number>>;
  readonly inputs: readonly Signal[];
  readonly outputs: readonly Signal[];
  readonly parameters: readonly (Signal & {
    readonly numbers: number;
    readonly trained: boolean;
  })[];
  readonly parameterNumbers: number;
  readonly states: readonly StateFact[];
  readonly stateNumbers: number;
  readonly stages: readonly Stage[];
  readonly recurrences: readonly RecurrenceFact[];
  readonly dropped: readonly string[];
  /** What feeds what, within a step and from one step to the next. */
  readonly topology: {
    readonly boxes: readonly (Omit<Box, "node"> & { readonly shape: readonly number[] })[];
    readonly arrows: readonly Arrow[];
  };
  /** Per token: operations, and bytes of state in float32. */
  readonly operations: number;
  readonly traffic: Traffic;
}

/** A layer or model of which something has no value. */
export interface Unexplained {
  readonly name: string;
  readonly kind: "layer" | "model";
  readonly missing: string;
}

function signatureOf(project: Project, decl: LayerDecl | ModelDecl): string {
  const { text } = project.main;
  const parameters = decl.parameters.map((p) => text.slice(p.span.start, p.span.end));
  return parameters.length === 0 ? decl.name.text : `${decl.name.text}(${parameters.join(", ")})`;
}

/** By file, the names that layers and models of the project use: of all labels those that the reader knows. */
function knownNames(project: Project): Map<string, ReadonlySet<string>> {
  return new Map(
    [...project.modules.values()].map(({ file, ast }) => {
      const names = new Set<string>();
      for (const decl of ast.declarations) {
        if (decl.kind !== "layer" && decl.kind !== "model") continue;
        walk(decl, (node) => {
          if (node.kind === "name") names.add((node as Name).text);
        });
      }
      return [file, names];
    }),
  );
}

/** One entry per unit of the plan, neighbours without a loop joined. */
function stagesOf(project: Project, step: StepProgram): Stage[] {
  const known = knownNames(project);
  const ofStates = new Set(step.states.map((s) => s.name.split(".").at(-1)));
  const plan = makePlan(step);
  const { flow, units } = plan;
  const stages: { kind: Stage["kind"]; states: string[]; signals: string[]; operations: number }[] =
    [];
  const given = new Set([...step.inputs, ...step.parameters].map((x) => x.node));
  for (const unit of units) {
    const kind = unit.loop && totalOf(plan, unit) === null ? "loop" : "once";
    let stage = stages.at(-1);
    if (stage === undefined || stage.kind !== kind || kind === "loop") {
      stage = { kind, states: [], signals: [], operations: 0 };
      stages.push(stage);
    }
    for (const id of unit.nodes) {
      const node = flow.node(id);
      stage.operations += operationsOf(node, (i) => flow.node(i));
      const state = flow.stateAt.get(id);
      if (state !== undefined) stage.states.push(state.name);
      const { label = null, file = "" } = node.origin ?? {};
      if (label === null || given.has(id) || ofStates.has(label)) continue;
      if (known.get(file)?.has(label) !== true || stage.signals.includes(label)) continue;
      stage.signals.push(label);
    }
  }
  return stages.filter(
    (s) => s.kind === "loop" || s.signals.length > 0 || s.states.length > 0 || s.operations > 0,
  );
}

/** What forms are chosen for. */
interface Wanted {
  readonly wish: FormWish;
  /** Of the batches of a training, where there is one. */
  readonly sizes?: Choice["sizes"];
  /** What is trained, where that is more than the model. */
  readonly trained?: SequenceProgram;
}

/** The forms of a program's loops in a training, by the names of their states. */
function trainingForms(
  staged: SequenceProgram,
  { wish, sizes }: Wanted,
  chooser: Chooser,
): ReadonlyMap<string, Choice> {
  const choices = chooseForms(staged, "training", sizes === undefined ? wish : { ...wish, sizes }, chooser); // prettier-ignore
  return new Map(choices.flatMap((c) => c.states.map((name) => [name, c] as const)));
}

/** The class of every recurrence that is left when all else has been taken out of the loops. */
function recurrencesOf(step: StepProgram, wanted: Wanted): RecurrenceFact[] {
  const { wish } = wanted;
  const staged = stage(step);
  const { graph } = staged;
  const chooser = new Chooser();
  const training = trainingForms(wanted.trained ?? staged, wanted, chooser);
  const prefill = chooseForms(staged, "prefill", wish, chooser);
  const streaming = chooseForms(staged, "streaming", wish, chooser);
  let place = 0;
  return graph.nodes.flatMap((node) => {
    if (node.op !== "recurrence") return [];
    const { recurrence } = node;
    const forms = {
      training: recurrence.carries.flatMap((c) => training.get(c.name) ?? [])[0] ?? null,
      prefill: prefill[place]!,
      streaming: streaming[place]!,
    };
    place++;
    const sets = analyse(recurrence);
    const obstacle = obstacleToChunks(recurrence, sets, { elementwise: true });
    return sets.map((set): RecurrenceFact => ({
      states: set.carries.map((i) => recurrence.carries[i]!.name),
      class: set.class,
      side: set.side,
      reason: set.reason,
      obstacle,
      forms,
      ...equationsOf(step, graph, recurrence, sets, set),
    }));
  });
}

const tokenAxes = (vocab: Dim | null, shape: Shape): string =>
  vocab === null ? showShape(shape) : `token[${show(vocab)}]`;

const numbersOf = (shape: Shape): number[] => shape.map(sizeAt);

const total = (all: readonly { readonly numbers: number }[]): number =>
  all.reduce((n, x) => n + x.numbers, 0);

export interface Described {
  /** With sizes by name, and with their numbers; of the second everything is shown, in the terms of the first. */
  readonly step: StepProgram;
  readonly fixed: StepProgram;
  /** Values that were assumed for widths without one. */
  readonly assumed: Readonly<Record<string, number>>;
  readonly warnings: readonly Diagnostic[];
}

function drawable(project: Project, fixed: StepProgram): Explanation["topology"] {
  const { boxes, arrows } = topologyOf(fixed, placeIn(project));
  return {
    boxes: boxes.map(({ node, ...box }) => ({
      ...box,
      shape: numbersOf(fixed.body.nodes[node]!.shape),
    })),
    arrows,
  };
}

const named = <T extends { readonly name: string }>(list: readonly T[], name: string): T =>
  list.find((x) => x.name === name)!;

export function describeStep(
  project: Project,
  decl: LayerDecl | ModelDecl,
  { step, fixed, assumed, warnings }: Described,
  wanted: Wanted,
): Explanation {
  const symbolic = {
    parameters: new Map(step.parameters.map((p) => [p.name, p.shape])),
    states: new Map(step.states.map((s) => [s.name, s.shape])),
  };
  const inputs = fixed.inputs.map((input) => ({
    name: input.name,
    axes: tokenAxes(named(step.inputs, input.name).vocab, named(step.inputs, input.name).shape),
    shape: input.vocab === null ? numbersOf(input.shape) : [sizeAt(input.vocab)],
  }));
  const outputs = fixed.outputs.map(({ name, node }) => ({
    name,
    axes: showShape(step.body.nodes[named(step.outputs, name).node]!.shape),
    shape: numbersOf(fixed.body.nodes[node]!.shape),
  }));
  const parameters = fixed.parameters.map(({ name, shape, trained }) => ({
    name,
    axes: showShape(symbolic.parameters.get(name) ?? shape),
    shape: numbersOf(shape),
    numbers: elementsOf(shape),
    trained,
  }));
  const states = fixed.states.map((s): StateFact => {
    const own = s.growing ? s.shape.slice(1) : s.shape;
    const axes = symbolic.states.get(s.name) ?? s.shape;
    return {
      name: s.name,
      axes: showShape(s.growing ? axes.slice(1) : axes),
      shape: numbersOf(own),
      numbers: elementsOf(own),
      growing: s.growing,
      init: s.init.kind === "constant" ? s.init.value : s.init.name,
    };
  });
  const stages = stagesOf(project, fixed);
  return {
    kind: decl.kind,
    name: decl.name.text,
    signature: signatureOf(project, decl),
    doc: decl.doc,
    assumed,
    inputs,
    outputs,
    parameters,
    parameterNumbers: total(parameters),
    states,
    stateNumbers: total(states.filter((s) => !s.growing)),
    stages,
    recurrences: recurrencesOf(fixed, wanted),
    topology: drawable(project, fixed),
    dropped: warnings.filter((w) => w.code === "fwp2309").map((w) => w.message),
    operations: stages.reduce((n, s) => n + s.operations, 0),
    traffic: stateTraffic(fixed),
  };
}

/** Explains one declaration; widths that have no value are taken as 64, and it is said which. */
export function explainStep(
  project: Project,
  decl: LayerDecl | ModelDecl,
  settings: readonly Setting[],
  wish: FormWish,
): Explanation | { readonly failed: { readonly diagnostics: readonly Diagnostic[] } } {
  const { names } = openWidths(project, decl, settings);
  const assumed = Object.fromEntries([...names.values()].map((name) => [name, NOMINAL]));
  const all = [...settings, ...Object.keys(assumed).map((name) => numberSetting(name, NOMINAL))];
  const made = instantiate(project, decl.name.text, all);
  if (!("step" in made)) return { failed: made };
  const { step, warnings } = made;
  const fixed = fixSizes(step, made.values);
  try {
    return describeStep(project, decl, { step, fixed, assumed, warnings }, { wish });
  } catch (problem) {
    if (problem instanceof DiagnosticError) return { failed: problem };
    throw problem;
  }
}
