/** Every layer and model of specs/ on the targets: outputs, last states and all gradients as in the oracle. */
import { beforeAll, describe, expect, test } from "vitest";
import { compileStep } from "../../compiler/pipeline.ts";
import {
  runProgram,
  unroll,
  withGradients,
  type RunSizes,
  type Tensor,
} from "../../compiler/graph/index.ts";
import type { SequenceProgram } from "../../compiler/graph/program.ts";
import type { Instance, Program } from "../../runtime/device/program.ts";
import type { BufferRole } from "../../runtime/format/program.ts";
import { loadJavaScript } from "../../runtime/device/typescript.ts";
import { WASM } from "../../compiler/plan/machine.ts";
import { loadWasmEntries, VARIANTS } from "../support/wasm.ts";
import { drawUniform } from "../support/draw.ts";
import { hasCompiler, loadMany, nativeEntry } from "../support/native.ts";
import { drawInputs, portKey } from "../support/steps.ts";
import { specCases, type SpecCase } from "./cases.ts";

type Values = ReadonlyMap<string, Tensor>;

type Entry = "forward" | "gradient";
type Precision = "f32" | "f64";

interface Prepared {
  readonly instance: Instance;
  readonly ports: Pick<SequenceProgram, "inputs" | "outputs">;
}
/** Null where a target does not try an entry. */
type Target = (
  found: SpecCase,
  entry: Entry,
  sizes: RunSizes,
  precision: Precision,
) => Prepared | null;

const typescript: Target = (found, entry, sizes, precision) => {
  const options = { entries: [entry], precision } as const;
  const { javascript, manifest, programs } = compileStep(found.step, () => undefined, options);
  const instance = loadJavaScript(javascript, manifest).instantiate(entry, sizes, { poison: true });
  return { instance, ports: programs.get(entry)! };
};

/** Compiling takes most of the time: of the usual specs one in so many on native code and WebAssembly. */
const SHARE = 4;

/**
 * These specs in two libraries, one for each precision. A C compiler takes its time: by turns in the one or the other,
 * so that of the three sizes of each spec at least one is in each.
 */
function compileNative(all: readonly SpecCase[]): Target {
  const usual = all.filter((c, i) => c.usual && i % SHARE === 0);
  const ports = new Map<string, SequenceProgram>();
  const load = (precision: Precision): Program => {
    const entries = usual.flatMap((found, i) => {
      if ((precision === "f64") !== (i % 2 === 1)) return [];
      const name = `gradient_${all.indexOf(found)}`;
      const made = nativeEntry(found.step, "gradient", name, { precision });
      ports.set(`${precision} ${name}`, made.program);
      return [made.entry];
    });
    return loadMany(entries, precision);
  };
  const programs = { f32: load("f32"), f64: load("f64") };
  return (found, entry, sizes, precision) => {
    if (entry !== "gradient") return null;
    const name = `gradient_${all.indexOf(found)}`;
    const program = ports.get(`${precision} ${name}`);
    if (program === undefined) return null;
    const instance = programs[precision].instantiate(name, sizes, { poison: true });
    return { instance, ports: program };
  };
}

/** The usual specs, each compiled once: by turns in one precision or the other. */
function compileWasm(all: readonly SpecCase[]): Target {
  const made = new Map<string, { readonly program: Program; readonly ports: SequenceProgram }>();
  return (found, entry, sizes, precision) => {
    const number = all.indexOf(found);
    const turn = number % (2 * SHARE) === 0 ? "f32" : "f64";
    if (number % SHARE !== 0 || !found.usual || entry !== "gradient" || precision !== turn)
      return null;
    const key = found.label;
    let known = made.get(key);
    if (known === undefined) {
      const compiled = nativeEntry(found.step, entry, entry, { precision, machine: WASM });
      const relaxed = VARIANTS.at(-1)!;
      const program = loadWasmEntries([compiled.entry], precision, relaxed);
      made.set(key, (known = { program, ports: compiled.program }));
    }
    const instance = known.program.instantiate(entry, sizes, { poison: true });
    return { instance, ports: known.ports };
  };
}

/** Runs one entry on a target with scratch memory full of NaN. */
function run(
  { instance, ports: program }: Prepared,
  inputs: Values,
): Map<string, ArrayLike<number>> {
  for (const port of program.inputs) {
    instance.input(port.role as BufferRole, port.name).set(inputs.get(portKey(port))!.data);
  }
  instance.run();
  return new Map(
    program.outputs.map((p) => [portKey(p), instance.output(p.role as BufferRole, p.name)]),
  );
}

const size = (x: ArrayLike<number>): number =>
  Math.sqrt(Array.from(x).reduce((sum, v) => sum + v * v, 0) / Math.max(1, x.length));

const difference = (x: Tensor, found: ArrayLike<number>): number =>
  size(Array.from(x.data, (v, i) => found[i]! - v));

/**
 * What each value's error is measured against. A gradient that is zero but for rounding (that of a query whose only
 * feature is normalised away) has no relative error: a hundredth of the largest gradient beside it stands in.
 */
function scales(want: Values): Map<string, number> {
  const largest = Math.max(...[...want].map(([key, x]) => (isGradient(key) ? size(x.data) : 0)));
  return new Map(
    [...want].map(([key, x]) => [
      key,
      Math.max(size(x.data), isGradient(key) ? 0.01 * largest : 0, 1e-30),
    ]),
  );
}

/** The inputs moved by half a unit in the last place of a float32, at random: how well do they determine the result? */
function rounded(inputs: Values): Values {
  return new Map(
    [...inputs].map(([key, x]) => {
      const signs = drawUniform(x.shape, `rounding ${key}`, -1, 1).data;
      const whole = x.data.every(Number.isInteger);
      return [
        key,
        whole ? x : { ...x, data: x.data.map((v, i) => v * (1 + signs[i]! * 2 ** -24)) },
      ];
    }),
  );
}

function compare(
  target: string,
  got: ReadonlyMap<string, ArrayLike<number>>,
  want: Values,
  tolerance: Tolerance,
): void {
  expect([...got.keys()].sort()).toEqual([...want.keys()].sort());
  const scale = scales(want);
  for (const [key, x] of want) {
    const error = difference(x, got.get(key)!) / scale.get(key)!;
    expect(error, `${key} on ${target}`).toBeLessThanOrEqual(tolerance(key));
  }
}

/**
 * Errors may be this many times what rounding the inputs alone changes. `typescript` rounds what it stores; native code and
 * WebAssembly in float32 round every intermediate value.
 */
const ROUNDING = { typescript: 20, native: 100, wasm: 100 } as const;

type Tolerance = (key: string) => number;

const exactly: Tolerance = (key) => (isGradient(key) ? 1e-9 : 1e-11);
const isGradient = (key: string): boolean => key.startsWith("gradient:");

const cases = specCases();
const targets: [keyof typeof ROUNDING, Target][] = [
  ["typescript", typescript],
  ["wasm", compileWasm(cases)],
];
beforeAll(() => {
  // Where there is no compiler, test/runtime/native.test.ts asks for the way back to `typescript`.
  if (hasCompiler) targets.push(["native", compileNative(cases)]);
}, 600_000);

describe.each(cases.map((c) => [c.label, c] as const))("%s", (_, found) => {
  const program = withGradients(unroll(found.step));
  const growing = found.step.states.some((s) => s.growing);
  test.each([1, 5, 19])(
    "%i steps",
    (time) => {
      const sizes = { batch: 2, time, past: growing ? 3 : 0 };
      const inputs = drawInputs(program, sizes);
      const want = runProgram(program, inputs, sizes);
      // Ill-posed combinations overflow in doubles as well: nothing to compare.
      if ([...want.values()].some((x) => !x.data.every((v) => Math.abs(v) < 1e60))) {
        expect(found.usual).toBe(false);
        return;
      }
      const moved = found.usual ? runProgram(program, rounded(inputs), sizes) : want;
      const scale = scales(want);
      const allowed = (times: number) => (key: string) => {
        const conditioning = difference(want.get(key)!, moved.get(key)!.data) / scale.get(key)!;
        return Math.max(isGradient(key) ? 1e-4 : 1e-5, times * conditioning);
      };
      const forward = new Map([...want].filter(([key]) => !isGradient(key)));
      for (const [name, target] of targets) {
        const check = (
          entry: Entry,
          precision: Precision,
          values: Values,
          tolerance: Tolerance,
        ) => {
          const prepared = target(found, entry, sizes, precision);
          if (prepared !== null) compare(name, run(prepared, inputs), values, tolerance);
        };
        check("gradient", "f64", want, exactly);
        if (!found.usual) continue;
        check("gradient", "f32", want, allowed(ROUNDING[name]));
        check("forward", "f32", forward, allowed(ROUNDING[name]));
      }
    },
    300_000,
  );
});
