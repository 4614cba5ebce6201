/** A model package: everything but its weights, by file name. */
import type { ProgramManifest } from "../../runtime/format/program.ts";
import type { EmittedModule } from "../targets/typescript/emit.ts";
import { packageNameOf, type PackageSource } from "./describe.ts";
import { indexModule } from "./module.ts";
import type { PackedC, PackedTypeScript, PackedWasm } from "./packed.ts";
import { readmeOf } from "./readme.ts";

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

type Files = readonly (readonly [name: string, content: string | Uint8Array])[];

/** The files of a package that say what it is: all but its entries and its weights, which are the caller's to add. */
export function packageFiles(source: PackageSource): Files {
  return [
    ["package.json", packageJson(source)],
    ...faces("index", indexModule(source)),
    ...faces("browser", indexModule(source, "browser")),
    ["README.md", readmeOf(source)],
  ];
}

/** Its entries: TypeScript, C and WebAssembly. */
export function entryFiles(
  manifest: ProgramManifest,
  { typescript, native, wasm }: PackedEntries,
): Files {
  const program = {
    ...manifest,
    native: { entries: native.entries },
    wasm: { entries: wasm.entries },
  };
  return [
    ...faces("kernels", typescript.module),
    ["kernels.c", native.c],
    ["kernels.wasm", wasm.plain],
    ["kernels.relaxed.wasm", wasm.relaxed],
    ["program.json", `${JSON.stringify(program, null, 2)}\n`],
  ];
}
