/**
 * Random programs mean on every target what they mean to the oracle: outputs, last states and all gradients.
 *
 * `FWP_PROGRAMS=1000 npx vitest run test/programs` tries a thousand, `FWP_FIRST=17` starts with the program of that seed.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { instantiate } from "../../compiler/check/instantiate.ts";
import { loadProject } from "../../compiler/check/project.ts";
import { fixSizes, type Form } from "../../compiler/pipeline.ts";
import type { StepProgram } from "../../compiler/graph/ir.ts";
import type { Precision } from "../../compiler/plan/memory.ts";
import { runWhole } from "../../cli/run/execute.ts";
import type { Kind } from "../../cli/verify/measure.ts";
import { trials, type Trial } from "../../cli/verify/trials.ts";
import type { Program } from "../../runtime/device/program.ts";
import { asSetting } from "../specs/cases.ts";
import { diskHost } from "../support/specs.ts";
import { randomLayer, type RandomLayer } from "./layers.ts";
import { TARGETS, type Request } from "./targets.ts";

const COUNT = Number(process.env["FWP_PROGRAMS"] ?? 16);
const FIRST = Number(process.env["FWP_FIRST"] ?? 1);
/** Programs in one call of a target. */
const TOGETHER = 50;
/** Programs that once went wrong: always tried. */
const REMEMBERED = [897];

const FORMS: readonly Form[] = ["auto", "derived", "sequential", "plain"];
const SHORT = [1, 2, 3, 5];
const LONG = [7, 12, 19, 33];

interface Case {
  readonly seed: number;
  readonly layer: RandomLayer;
  readonly request: Request;
}

/** Every length of every form comes up with every kind of layer: numbers without common factors. */
const turn = <T>(list: readonly T[], n: number): T => list[n % list.length]!;

function stepOf({ text, settings }: RandomLayer): StepProgram {
  const project = loadProject("random.fwp", text, diskHost);
  const made = instantiate(project, "Random", settings.map(asSetting));
  if (!("step" in made)) {
    throw new Error(`${made.diagnostics.map((d) => `${d.code} ${d.message}`).join("\n")}\n${text}`);
  }
  return fixSizes(made.step, made.values);
}

function caseOf(seed: number): Case {
  const layer = randomLayer(seed);
  const request = { step: stepOf(layer), form: turn(FORMS, seed), chunk: 2 + (seed % 7) };
  return { seed, layer, request };
}

const shown = ({ layer, request }: Case): string =>
  `${layer.settings.map(([name, value]) => `${name}=${value}`).join(" ")} form=${request.form}\n${layer.text}`;

/** What a program computes otherwise than the oracle; how much of it could be compared. */
function check(program: Program, { given, expectation }: Trial, precision: Precision) {
  const poisoned: Program = {
    manifest: program.manifest,
    instantiate: (name, sizes, options) =>
      program.instantiate(name, sizes, { ...options, poison: true }),
  };
  const wrong: string[] = [];
  let compared = 0;
  for (const { name } of program.manifest.entries) {
    const grad = name === "gradient";
    const kinds: Kind[] = grad ? ["forward", "gradient"] : ["forward"];
    const found = runWhole({ ...given, program: poisoned, grad });
    const comparison = expectation.compare(found, kinds, precision);
    compared += comparison.compared;
    for (const [kind, { name: value, error, ratio }] of comparison.worst) {
      if (ratio > 1) wrong.push(`${kind} ${value} at ${given.sizes.time} steps: error ${error}`);
    }
  }
  return { wrong, compared };
}

const asked = Array.from({ length: COUNT }, (_, i) => FIRST + i);
const seeds = [...new Set([...(FIRST === 1 ? REMEMBERED : []), ...asked])];
const batches = Array.from({ length: Math.ceil(seeds.length / TOGETHER) }, (_, i) =>
  seeds.slice(i * TOGETHER, (i + 1) * TOGETHER),
).map((batch) => [`${batch[0]} to ${batch.at(-1)}`, batch] as const);

describe.each(batches)("programs %s", (_, batch) => {
  let all: readonly { readonly found: Case; readonly trials: readonly Trial[] }[] = [];
  beforeAll(() => {
    all = batch.map((seed) => {
      const found = caseOf(seed);
      const lengths = [turn(SHORT, found.seed), turn(LONG, Math.floor(found.seed / 4))];
      return { found, trials: trials(found.request.step, lengths, found.seed) };
    });
  }, 600_000);

  for (const target of TARGETS) {
    for (const precision of ["f32", "f64"] as const) {
      test.skipIf(!target.works)(`${target.name}, ${precision}`, { timeout: 900_000 }, () => {
        // Doubles are for what is wrong, not for what is rounded: some will do.
        const some = all.filter((_, i) => precision === "f32" || i % 4 === 0);
        const programs = target.load(
          some.map(({ found }) => found.request),
          precision,
        );
        let compared = 0;
        const wrong = some.flatMap(({ found, trials: own }, i) =>
          own
            .filter(({ expectation }) => expectation.fits(precision))
            .flatMap((trial) => {
              const result = check(programs[i]!, trial, precision);
              compared += result.compared;
              return result.wrong.map((text) => `program ${found.seed}: ${text}\n${shown(found)}`);
            }),
        );
        expect(wrong.slice(0, 3), `${wrong.length} differences`).toEqual([]);
        expect(compared).toBeGreaterThan(8 * some.length);
      });
    }
  }
});
