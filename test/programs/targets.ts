/** What random programs are compared on. A new target is one more entry of `TARGETS`. */
import type { StepProgram } from "../../compiler/graph/ir.ts";
import {
  compileStep,
  describe,
  type EntryName,
  type Form,
  type PipelineOptions,
} from "../../compiler/pipeline.ts";
import { WASM } from "../../compiler/plan/machine.ts";
import type { Precision } from "../../compiler/plan/memory.ts";
import { wasmOf } from "../../compiler/targets/wasm/module.ts";
import type { Program } from "../../runtime/device/program.ts";
import { loadJavaScript } from "../../runtime/device/typescript.ts";
import { loadWasm, wasmFeatures, wasmMissing } from "../../runtime/device/wasm/index.ts";
import { hasCompiler, loadMany, nativeEntry, PLAIN_ENV } from "../support/native.ts";

/** The entries of request `i`: compiling takes most of the time, so `forward` is tried with some only. */
const entriesOf = (i: number): readonly EntryName[] =>
  i % 4 === 0 ? ["gradient", "forward"] : ["gradient"];

export interface Request {
  /** Numbers for all sizes. */
  readonly step: StepProgram;
  readonly form: Form;
  /** Steps per chunk, where the form has chunks. */
  readonly chunk: number;
}

export interface Target {
  readonly name: string;
  readonly works: boolean;
  /**
   * A program for each request, with the entry `gradient`, which gives outputs and last states too, and perhaps `forward`.
   * The caller asks for many at once.
   */
  readonly load: (requests: readonly Request[], precision: Precision) => readonly Program[];
}

const optionsOf = (
  { form, chunk }: Request,
  precision: Precision,
  entries: readonly EntryName[],
): PipelineOptions => ({
  entries,
  form,
  precision,
  ...(form === "derived" ? { chunk } : {}),
});

const typescript: Target = {
  name: "typescript",
  works: true,
  load: (requests, precision) =>
    requests.map((request, i) => {
      const options = optionsOf(request, precision, entriesOf(i));
      const { javascript, manifest } = compileStep(request.step, () => undefined, options);
      return loadJavaScript(javascript, manifest);
    }),
};

const native: Target = {
  name: "native",
  works: hasCompiler,
  // One call of the C compiler for all of them.
  load(requests, precision) {
    const made = requests.map((request, i) =>
      entriesOf(i).map((entry) => {
        const options = optionsOf(request, precision, [entry]);
        return nativeEntry(request.step, entry, `${entry}_${i}`, options).entry;
      }),
    );
    const loaded = loadMany(made.flat(), precision, PLAIN_ENV);
    return requests.map(({ step }, i) => ({
      manifest: {
        ...describe(step, "native"),
        entries: made[i]!.map(({ spec }, e) => ({ ...spec, name: entriesOf(i)[e]! })),
      },
      instantiate: (name, sizes, options) => loaded.instantiate(`${name}_${i}`, sizes, options),
    }));
  },
};

const wasm: Target = {
  name: "wasm",
  works: wasmMissing() === null,
  load: (requests, precision) =>
    requests.map((request, i) => {
      const options = { ...optionsOf(request, precision, entriesOf(i)), machine: WASM };
      const { entries, manifest } = compileStep(request.step, () => undefined, options);
      const { relaxed } = wasmFeatures();
      return loadWasm(wasmOf(entries, { precision, relaxed }), manifest);
    }),
};

export const TARGETS: readonly Target[] = [typescript, native, wasm];
