/**
 * Whole layers made up for the purpose, as a reader of docs/language.md would write them: their class worked out by hand, their
 * values beside a reference by hand in every form, their gradients beside differences of that reference.
 */
import { describe, expect, test } from "vitest";
import { instantiate } from "../../../compiler/check/instantiate.ts";
import { loadProject } from "../../../compiler/check/project.ts";
import { chunk } from "../../../compiler/derive/chunk/index.ts";
import { analyse, stage } from "../../../compiler/derive/index.ts";
import {
  runProgram,
  unroll,
  withGradients,
  type RunSizes,
  type SequenceProgram,
  type StepProgram,
  type Tensor,
} from "../../../compiler/graph/index.ts";
import { fixSizes } from "../../../compiler/pipeline.ts";
import { relativeRms } from "../../support/compare.ts";
import { drawNormal } from "../../support/draw.ts";
import { flat, givenBy, lookup, type Nested } from "../../support/given.ts";
import { diskHost } from "../../support/specs.ts";
import { drawInputs } from "../../support/steps.ts";
import { GATES } from "./gates.ts";
import { LOSSES } from "./losses.ts";
import type { MadeUp } from "./made_up.ts";
import { MEMORIES } from "./memories.ts";
import { SEVERAL } from "./several.ts";
import { UNSEEN } from "./unseen.ts";

const all = [...GATES, ...SEVERAL, ...LOSSES, ...MEMORIES, ...UNSEEN].map(
  (r) => [r.name, r] as const,
);

function compile({ text }: MadeUp): StepProgram {
  const source = ["maps", "instructions", "layers"].map((n) => `import std.${n}\n`).join("") + text;
  const project = loadProject("made_up.fwp", source, diskHost);
  const found = instantiate(project, "Rule", []);
  const problems = [...project.diagnostics, ...found.diagnostics];
  if (problems.length > 0 || !("step" in found)) {
    throw new Error(problems.map((d) => `${d.code} ${d.message}`).join("\n"));
  }
  return fixSizes(found.step, found.values);
}

type Values = ReadonlyMap<string, Tensor>;

/** Outputs over time and last states of all sequences, by the reference: `output:y` as `[batch][time]…`, `state:W` as `[batch]…`. */
function byHand(rule: MadeUp, step: StepProgram, values: Values, sizes: RunSizes) {
  const found = new Map<string, number[]>();
  const put = (name: string, value: Nested) =>
    found.set(name, [...(found.get(name) ?? []), ...flat(value)]);
  const weights = lookup(values, "parameter");
  for (let b = 0; b < sizes.batch; b++) {
    let states = lookup(values, "state", [b]);
    for (let t = 0; t < sizes.time; t++) {
      const made = rule.step(lookup(values, "input", [b, t]), states, weights);
      for (const { name } of step.outputs) put(`output:${name}`, made[name]!);
      states = givenBy((name) => made[`next:${name}`]!);
    }
    for (const { name } of step.states) put(`state:${name}`, states.any(name));
  }
  return found;
}

/** Σ cotangent · value over outputs and last states. */
function objective(rule: MadeUp, step: StepProgram, values: Values, sizes: RunSizes): number {
  let sum = 0;
  for (const [key, found] of byHand(rule, step, values, sizes)) {
    const [role, name] = key.split(":") as [string, string];
    const weights = values.get(role === "output" ? `cotangent:${name}` : `cotangent:state.${name}`);
    if (weights === undefined) throw new Error(`no cotangent of ${key}`);
    found.forEach((x, i) => (sum += weights.data[i]! * x));
  }
  return sum;
}

/** The change of the objective along a direction of one port: central differences, extrapolated to order four. */
function along(
  rule: MadeUp,
  step: StepProgram,
  values: Values,
  sizes: RunSizes,
  port: string,
  way: Tensor,
) {
  const at = (h: number): number => {
    const { shape, data } = values.get(port)!;
    const moved = { shape, data: data.map((x, i) => x + h * way.data[i]!) };
    return objective(rule, step, new Map([...values, [port, moved]]), sizes);
  };
  const slope = (h: number) => (at(h) - at(-h)) / (2 * h);
  return (4 * slope(1e-4) - slope(2e-4)) / 3;
}

/** The port that a gradient is of. */
function portOf(step: StepProgram, gradient: string): string {
  if (gradient.startsWith("state.")) return gradient.replace("state.", "state:");
  return `${step.inputs.some((i) => i.name === gradient) ? "input" : "parameter"}:${gradient}`;
}

function forms(rule: MadeUp, step: StepProgram): [name: string, program: SequenceProgram][] {
  const { program, kept } = chunk(stage(step), { length: 4, elementwise: true });
  if (rule.chunks) expect(kept).toEqual(kept.map(() => null));
  return [
    ["one loop", unroll(step)],
    ["staged", stage(step)],
    ["by chunks", program],
  ];
}

describe("classes", () => {
  test.each(all.filter(([, r]) => r.classes !== undefined))("%s", (_, rule) => {
    const found = stage(compile(rule)).graph.nodes.flatMap((n) =>
      n.op === "recurrence"
        ? analyse(n.recurrence).map((set) => {
            const names = set.carries.map((i) => n.recurrence.carries[i]!.name).sort();
            return [names.join("+"), set.class] as const;
          })
        : [],
    );
    expect(Object.fromEntries(found)).toEqual(rule.classes);
  });
});

describe("values and gradients in every form", () => {
  test.each(all)("%s", (_, rule) => {
    const step = compile(rule);
    const all = forms(rule, step).map(([name, p]) => [name, withGradients(p)] as const);
    for (const time of [1, 7]) {
      const sizes = { batch: 2, time, past: 0 };
      const values = drawInputs(all[0]![1], sizes);
      const expected = byHand(rule, step, values, sizes);
      const ports = all[0]![1].outputs.filter((o) => o.role === "gradient");
      const slopes = ports.flatMap(({ name }) => {
        const port = portOf(step, name);
        const { shape, data } = values.get(port)!;
        if (data.length === 0) return [];
        const way = drawNormal(shape, `way ${port}`);
        return [{ name, way, slope: along(rule, step, values, sizes, port, way) }];
      });
      for (const [form, program] of all) {
        const found = runProgram(program, values, sizes);
        for (const [key, wanted] of expected) {
          const error = relativeRms(found.get(key)!.data, Float64Array.from(wanted));
          expect(error, `${key}, ${form}, ${time} steps`).toBeLessThanOrEqual(1e-12);
        }
        for (const { name, way, slope } of slopes) {
          const { data } = found.get(`gradient:${name}`)!;
          const dot = data.reduce((sum, g, i) => sum + g * way.data[i]!, 0);
          const size = Math.sqrt(data.reduce((sum, g) => sum + g * g, 0));
          const error = Math.abs(dot - slope) / Math.max(size, Math.abs(slope), 1e-3);
          expect(error, `gradient of ${name}, ${form}, ${time} steps`).toBeLessThanOrEqual(1e-7);
        }
      }
    }
  });
});
