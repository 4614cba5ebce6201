/** A model package: everything but its weights, as texts by file name. */
import type { CompiledEntry } from "../plan/entry.ts";
import { cOf } from "../targets/native/module.ts";
import { compileTypeScript } from "../targets/typescript/index.ts";
import { packageNameOf, type PackageSource } from "./describe.ts";
import { declarationsOf, indexModule } from "./module.ts";
import { exampleOf, readmeOf } from "./readme.ts";

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
      ".": { types: "./index.d.ts", default: "./index.js" },
      "./program.json": "./program.json",
      "./weights.safetensors": "./weights.safetensors",
      "./package.json": "./package.json",
    },
    dependencies: { fwp: `^${version}` },
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

/**
 * The files of a package: TypeScript, and C from the same entries compiled for machines with vectors (`native`).
 * `weights.safetensors` is the caller's to add.
 */
export async function packageFiles(
  source: PackageSource,
  entries: readonly CompiledEntry[],
  native: readonly CompiledEntry[],
): Promise<ReadonlyMap<string, string>> {
  const prettier = await import("prettier");
  const { manifest } = source;
  const [index, kernels, example] = await Promise.all([
    indexModule(source),
    compileTypeScript(source.name, manifest, entries),
    prettier.format(exampleOf(source), { parser: "typescript", printWidth: 80 }),
  ]);
  const declarations = await declarationsOf(kernels.source, "kernels.ts");
  const readme = await prettier.format(readmeOf(source, example), {
    parser: "markdown",
    embeddedLanguageFormatting: "off",
  });
  const program = { ...kernels.manifest, native: { entries: native.map((e) => e.spec) } };
  return new Map([
    ["package.json", packageJson(source)],
    ["index.ts", index.source],
    ["index.js", index.javascript],
    ["index.d.ts", index.declarations],
    ["kernels.ts", kernels.source],
    ["kernels.js", kernels.javascript],
    ["kernels.d.ts", declarations],
    ["kernels.c", cOf(source.name, native, { precision: "f32" })],
    ["program.json", `${JSON.stringify(program, null, 2)}\n`],
    ["README.md", readme],
  ]);
}
