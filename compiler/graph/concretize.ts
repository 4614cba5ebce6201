/** Gives sizes their numbers: everything but the run-time ones, in bodies, states and initialisers too. */
import { constant, dim, substitute, type Dim, type NamedAtom, type Shape } from "../dims.ts";
import type { Graph, Init, Node, Recurrence, StepProgram } from "./ir.ts";
import type { SequenceProgram } from "./program.ts";

/** What a named size comes to: a number, or run-time sizes (of a growing state). */
export type SizeValues = (atom: NamedAtom) => number | Dim | undefined;

type Replace = (d: Dim) => Dim;

const RUN_TIME = new Set(["$batch", "$time", "$past"]);

function replacer(values: SizeValues): Replace {
  const known = new Map<string, Dim>();
  return (d) => {
    if (constant(d) !== undefined) return d;
    const found = known.get(d.key);
    if (found !== undefined) return found;
    const made = substitute(d, (atom) => {
      if (RUN_TIME.has(atom.key)) return undefined;
      const value = values(atom);
      return typeof value === "number" ? dim(value) : value;
    });
    known.set(d.key, made);
    return made;
  };
}

function recurrenceWith(r: Recurrence, replace: Replace): Recurrence {
  return {
    ...r,
    body: graphWith(r.body, replace),
    batch: replace(r.batch),
    time: replace(r.time),
    outputs: r.outputs.map((o) => (o.kind === "border" ? { ...o, every: replace(o.every) } : o)),
    replay: r.replay && {
      ...r.replay,
      body: graphWith(r.replay.body, replace),
      every: replace(r.replay.every),
    },
  };
}

function nodeWith(old: Node, replace: Replace): Node {
  const node: Node = { ...old, shape: old.shape.map(replace) };
  switch (node.op) {
    case "size":
      return { ...node, value: replace(node.value) };
    case "slice":
      return { ...node, start: replace(node.start) };
    case "pad":
      return { ...node, before: replace(node.before) };
    case "roll":
      return { ...node, shift: replace(node.shift) };
    case "recurrence":
      return { ...node, recurrence: recurrenceWith(node.recurrence, replace) };
    default:
      return node;
  }
}

function graphWith(graph: Graph, replace: Replace): Graph {
  return { ...graph, nodes: graph.nodes.map((n) => nodeWith(n, replace)) };
}

function initWith(init: Init, replace: Replace): Init {
  if (init.kind !== "blocks") return init;
  const pieces = init.pieces.map((p) => ({
    size: replace(p.size),
    init: initWith(p.init, replace),
  }));
  return { ...init, pieces };
}

function stepWith(step: StepProgram, replace: Replace): StepProgram {
  const shaped = <T extends { readonly shape: Shape }>(x: T): T => ({
    ...x,
    shape: x.shape.map(replace),
  });
  return {
    ...step,
    body: graphWith(step.body, replace),
    inputs: step.inputs.map((i) => ({ ...shaped(i), vocab: i.vocab && replace(i.vocab) })),
    parameters: step.parameters.map((p) => ({ ...shaped(p), init: initWith(p.init, replace) })),
    states: step.states.map(shaped),
  };
}

function programWith(program: SequenceProgram, replace: Replace): SequenceProgram {
  const shaped = <T extends { readonly shape: Shape }>(x: T): T => ({
    ...x,
    shape: x.shape.map(replace),
  });
  return {
    ...program,
    step: stepWith(program.step, replace),
    graph: graphWith(program.graph, replace),
    inputs: program.inputs.map(shaped),
    outputs: program.outputs.map(shaped),
  };
}

/**
 * The same graph or program with every named size that `values` knows replaced by its number. The run-time sizes stay,
 * and so do names without a value.
 */
export function concretize(graph: Graph, values: SizeValues): Graph;
export function concretize(step: StepProgram, values: SizeValues): StepProgram;
export function concretize(program: SequenceProgram, values: SizeValues): SequenceProgram;
export function concretize(
  what: Graph | StepProgram | SequenceProgram,
  values: SizeValues,
): Graph | StepProgram | SequenceProgram {
  const replace = replacer(values);
  if ("step" in what) return programWith(what, replace);
  if ("body" in what) return stepWith(what, replace);
  return graphWith(what, replace);
}
