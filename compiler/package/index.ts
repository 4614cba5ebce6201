/** A model package: everything but its weights, by file name. */
import type { CompiledEntry } from "../plan/entry.ts";
import { cOf } from "../targets/native/module.ts";
import type { EmittedModule } from "../targets/typescript/emit.ts";
import { compileTypeScript } from "../targets/typescript/index.ts";
import { packageNameOf, type PackageSource } from "./describe.ts";
import { indexModule } from "./module.ts";
import { readmeOf } from "./readme.ts";
import type { PackedWasm } from "./wasm.ts";

export { classNameOf, packageNameOf, type PackageSource } from "./describe.ts";

function packageJson({ name, version, doc }: PackageSource): string {
  const description = doc?.trim().split("\n")[0];
  const json = {
    name: packageNameOf(name),
    version: "0.1.0",
    ...(description === undefined ? {} : { description }),
    type: "module",
    main: "./index.js",
    types: "./index.d.ts",
    exports: {
      ".": {
        browser: { types: "./browser.d.ts", default: "./browser.js" },
        types: "./index.d.ts",
        default: "./index.js",
      },
      "./program.json": "./program.json",
      "./weights.safetensors": "./weights.safetensors",
      "./package.json": "./package.json",
    },
    dependencies: { fwp: `^${version}` },
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

/** The same entries compiled for each of the targets of a package. */
export interface PackageEntries {
  readonly typescript: readonly CompiledEntry[];
  readonly native: readonly CompiledEntry[];
  /** Asked for last: it may still be made. */
  readonly wasm: () => Promise<PackedWasm>;
}

const specs = (all: readonly CompiledEntry[]) => ({ entries: all.map((e) => e.spec) });

const faces = (name: string, module: EmittedModule) =>
  [
    [`${name}.ts`, module.source],
    [`${name}.js`, module.javascript],
    [`${name}.d.ts`, module.declarations],
  ] as const;

/** The files of a package: TypeScript, C and WebAssembly. `weights.safetensors` is the caller's to add. */
export async function packageFiles(
  source: PackageSource,
  { typescript, native, wasm }: PackageEntries,
): Promise<ReadonlyMap<string, string | Uint8Array>> {
  const index = indexModule(source);
  const browser = indexModule(source, "browser");
  const kernels = compileTypeScript(source.name, source.manifest, typescript);
  const c = cOf(source.name, native, { precision: "f32" });
  const { entries, plain, relaxed } = await wasm();
  const program = { ...kernels.manifest, native: specs(native), wasm: { entries } };
  return new Map<string, string | Uint8Array>([
    ["package.json", packageJson(source)],
    ...faces("index", index),
    ...faces("browser", browser),
    ...faces("kernels", kernels),
    ["kernels.c", c],
    ["kernels.wasm", plain],
    ["kernels.relaxed.wasm", relaxed],
    ["program.json", `${JSON.stringify(program, null, 2)}\n`],
    ["README.md", readmeOf(source)],
  ]);
}
