/** A model package: everything but its weights, by file name. */
import type { CompiledEntry } from "../plan/entry.ts";
import { cOf } from "../targets/native/module.ts";
import type { EmittedModule } from "../targets/typescript/emit.ts";
import { compileTypeScript, type CompiledModule } from "../targets/typescript/index.ts";
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

/** The entries of a package as text that is compiled or run as it is. */
export interface PackedText {
  readonly typescript: CompiledModule;
  readonly c: string;
  /** What the C has. */
  readonly native: readonly CompiledEntry[];
}

export const packText = (
  { name, manifest }: PackageSource,
  typescript: readonly CompiledEntry[],
  native: readonly CompiledEntry[],
): PackedText => ({
  typescript: compileTypeScript(name, manifest, typescript),
  c: cOf(name, native, { precision: "f32" }),
  native,
});

const specs = (all: readonly CompiledEntry[]) => ({ entries: all.map((e) => e.spec) });

const faces = (name: string, module: EmittedModule) =>
  [
    [`${name}.ts`, module.source],
    [`${name}.js`, module.javascript],
    [`${name}.d.ts`, module.declarations],
  ] as const;

/** The files of a package: TypeScript, C and WebAssembly. `weights.safetensors` is the caller's to add. */
export function packageFiles(
  source: PackageSource,
  { typescript, c, native }: PackedText,
  { entries, plain, relaxed }: PackedWasm,
): ReadonlyMap<string, string | Uint8Array> {
  const index = indexModule(source);
  const browser = indexModule(source, "browser");
  const program = { ...typescript.manifest, native: specs(native), wasm: { entries } };
  return new Map<string, string | Uint8Array>([
    ["package.json", packageJson(source)],
    ...faces("index", index),
    ...faces("browser", browser),
    ...faces("kernels", typescript),
    ["kernels.c", c],
    ["kernels.wasm", plain],
    ["kernels.relaxed.wasm", relaxed],
    ["program.json", `${JSON.stringify(program, null, 2)}\n`],
    ["README.md", readmeOf(source)],
  ]);
}
