/** A model package: everything but its weights, by file name. */
import type { EmittedModule } from "../targets/typescript/emit.ts";
import { packageNameOf, type PackageSource } from "./describe.ts";
import { indexModule } from "./module.ts";
import type { PackedC, PackedTypeScript, PackedWasm } from "./packed.ts";
import { readmeOf } from "./readme.ts";

export {
  packC,
  packTypeScript,
  packWasm,
  type PackedC,
  type PackedTypeScript,
  type PackedWasm,
} from "./packed.ts";
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

const faces = (name: string, module: EmittedModule) =>
  [
    [`${name}.ts`, module.source],
    [`${name}.js`, module.javascript],
    [`${name}.d.ts`, module.declarations],
  ] as const;

/** A package's entries for each of its targets. */
export interface PackedEntries {
  readonly typescript: PackedTypeScript;
  readonly native: PackedC;
  readonly wasm: PackedWasm;
}

/** The files of a package: TypeScript, C and WebAssembly. `weights.safetensors` is the caller's to add. */
export function packageFiles(
  source: PackageSource,
  { typescript, native, wasm }: PackedEntries,
): ReadonlyMap<string, string | Uint8Array> {
  const index = indexModule(source);
  const browser = indexModule(source, "browser");
  const program = {
    ...source.manifest,
    native: { entries: native.entries },
    wasm: { entries: wasm.entries },
  };
  return new Map<string, string | Uint8Array>([
    ["package.json", packageJson(source)],
    ...faces("index", index),
    ...faces("browser", browser),
    ...faces("kernels", typescript.module),
    ["kernels.c", native.c],
    ["kernels.wasm", wasm.plain],
    ["kernels.relaxed.wasm", wasm.relaxed],
    ["program.json", `${JSON.stringify(program, null, 2)}\n`],
    ["README.md", readmeOf(source)],
  ]);
}
