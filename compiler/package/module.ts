/** index.ts of a package: the typed class of a model, on top of the runtime. Built with ts-morph, laid out by prettier. */
import type { MethodDeclarationStructure, OptionalKind, SourceFile } from "ts-morph";
import {
  classNameOf,
  contentOf,
  keyOf,
  type PackageSource,
  sequenceShape,
  stateShape,
} from "./describe.ts";

const WIDTH = 100;

export interface EmittedModule {
  readonly source: string;
  readonly javascript: string;
  readonly declarations: string;
}

/** Where a package runs: with files of its own, or fetched by a page. */
export type Surroundings = "node" | "browser";

function addImports(file: SourceFile, source: PackageSource, where: Surroundings): void {
  const values =
    where === "node" ? ["loadPackage", "Model", "readJsonFile"] : ["fetchPackage", "Model"];
  const types = ["Data", "Program", "RunSizes", "Session", "Tensor", "WeightSource"];
  if (where === "node") types.push("ProgramManifest");
  if (source.alphabet !== null) {
    values.push("textCodec");
    types.push("TextCodec");
  }
  if (where === "node") {
    file.addImportDeclaration({ moduleSpecifier: "node:url", namedImports: ["fileURLToPath"] });
  }
  file.addImportDeclaration({
    moduleSpecifier: where === "node" ? "fwp/runtime" : "fwp/runtime/browser",
    namedImports: [...values, ...types.sort().map((name) => ({ name, isTypeOnly: true }))],
  });
  file.addImportDeclaration({ moduleSpecifier: "./kernels.js", namespaceImport: "kernels" });
}

function addTypes(file: SourceFile, { manifest }: PackageSource): void {
  file.addInterface({
    name: "Inputs",
    isExported: true,
    docs: ["What the model reads, row-major. The axes are those of `run`; `step` has no `time`."],
    properties: manifest.inputs.map((signal) => ({
      name: keyOf(signal.name),
      type: "ArrayLike<number>",
      isReadonly: true,
      docs: [`\`${sequenceShape(signal)}\`: ${contentOf(signal)}.`],
    })),
  });
  file.addInterface({
    name: "Outputs",
    isExported: true,
    docs: ["What the model answers, row-major. The axes are those of `run`; `step` has no `time`."],
    properties: manifest.outputs.map((signal) => ({
      name: keyOf(signal.name),
      type: "Float32Array",
      isReadonly: true,
      docs: [`\`${sequenceShape(signal)}\``],
    })),
  });
  const states = manifest.states.map((state) => `- \`${state.name}\` \`${stateShape(state)}\``);
  file.addTypeAlias({
    name: "StateName",
    isExported: true,
    docs: [
      states.length === 0
        ? "The model keeps nothing from step to step."
        : `What the model keeps from step to step.\n\n${states.join("\n")}`,
    ],
    type: manifest.states.map((state) => JSON.stringify(state.name)).join(" | ") || "never",
  });
  file.addTypeAlias({
    name: "States",
    isExported: true,
    docs: ["States by name, as `run` gives and takes them."],
    type: "ReadonlyMap<StateName, Tensor>",
  });
  file.addTypeAlias({
    name: "State",
    isExported: true,
    docs: [
      "Where a stream of steps stands: `serialize()` gives it as bytes, `state` by name, `reset()` goes back to the start.",
    ],
    type: "Session",
  });
}

const METHODS: readonly OptionalKind<MethodDeclarationStructure>[] = [
  {
    name: "run",
    docs: [
      "Runs whole sequences. `states`, which an earlier run gave, makes them go on from there.\n\n" +
        "@throws DiagnosticError for an input that is missing, unknown or of another length, and for bad tokens.",
    ],
    parameters: [
      { name: "inputs", type: "Inputs" },
      { name: "sizes", type: "RunSizes" },
      { name: "states", type: "States", initializer: "new Map()" },
    ],
    returnType: "{ readonly outputs: Outputs; readonly states: States }",
    statements: [
      "const result = this.#model.run({ ...inputs }, sizes, states);",
      "return { outputs: result.outputs as Outputs, states: result.states };",
    ],
  },
  {
    name: "start",
    docs: ["The state before the first step, of `batch` sequences side by side."],
    parameters: [{ name: "batch", initializer: "1" }],
    returnType: "State",
    statements: ["return this.#model.session(batch);"],
  },
  {
    name: "resume",
    docs: [
      "A state from the bytes that its `serialize` gave.\n\n@throws DiagnosticError for those of another model or batch.",
    ],
    parameters: [
      { name: "bytes", type: "Uint8Array" },
      { name: "batch", initializer: "1" },
    ],
    returnType: "State",
    statements: ["const state = this.start(batch);", "state.deserialize(bytes);", "return state;"],
  },
  {
    name: "step",
    docs: [
      "Takes one step and moves the state on. The arrays that come back are overwritten by the state's next step.\n\n" +
        "@throws DiagnosticError as `run`.",
    ],
    parameters: [
      { name: "inputs", type: "Inputs" },
      { name: "state", type: "State" },
    ],
    returnType: "Outputs",
    statements: ["return state.step({ ...inputs }) as Record<keyof Outputs, Data> as Outputs;"],
  },
];

const WEIGHTS: Readonly<Record<Surroundings, readonly OptionalKind<MethodDeclarationStructure>[]>> =
  {
    node: [
      {
        name: "loadWeights",
        docs: [
          "Replaces all weights by those of a safetensors file, or none.\n\n@throws DiagnosticError when they do not fit.",
        ],
        parameters: [{ name: "path", type: "string" }],
        returnType: "void",
        statements: ["this.#model.loadWeights(path);"],
      },
      {
        name: "saveWeights",
        docs: ["Writes the weights to a safetensors file, whole or not at all."],
        parameters: [{ name: "path", type: "string" }],
        returnType: "void",
        statements: ["this.#model.saveWeights(path);"],
      },
    ],
    browser: [
      {
        name: "setWeights",
        docs: [
          "Replaces all weights by those of a safetensors file, or none.\n\n@throws DiagnosticError when they do not fit.",
        ],
        parameters: [{ name: "bytes", type: "Uint8Array" }],
        returnType: "void",
        statements: ["this.#model.setWeights(bytes);"],
      },
      {
        name: "weightsBytes",
        docs: ["The weights as the bytes of a safetensors file."],
        returnType: "Uint8Array",
        statements: ["return this.#model.weightsBytes();"],
      },
    ],
  };

function addClass(file: SourceFile, { name, doc }: PackageSource, where: Surroundings): void {
  const className = classNameOf(name);
  const model = "Model<keyof Inputs & string, keyof Outputs & string, StateName>";
  file.addClass({
    name: className,
    isExported: true,
    docs: [doc === null || doc.trim() === "" ? `The model ${name}.` : doc.trim()],
    properties: [{ name: "#model", type: model, isReadonly: true }],
    ctors: [
      {
        docs: ["See `create`."],
        parameters: [{ name: "source", type: "WeightSource" }],
        statements: ["this.#model = new Model(program, source);"],
      },
    ],
    getAccessors: [
      {
        name: "parameters",
        docs: ["The weights by name. Changing the numbers changes the model, its states included."],
        returnType: "ReadonlyMap<string, Data>",
        statements: ["return this.#model.parameters;"],
      },
    ],
    methods: [
      {
        name: "create",
        isStatic: true,
        docs: [
          "A model with the weights of this package, with random first weights, or with those of a safetensors file.\n\n" +
            "@throws DiagnosticError when the weights do not fit.",
        ],
        parameters: [
          {
            name: "source",
            type: "WeightSource",
            initializer:
              where === "node"
                ? '{ weights: here("./weights.safetensors") }'
                : "{ weights: fetched.weights }",
          },
        ],
        returnType: className,
        statements: [`return new ${className}(source);`],
      },
      ...METHODS,
      ...WEIGHTS[where],
    ],
  });
}

/** Writes index.ts, or browser.ts. Loads ts-morph and prettier when first called. */
export async function indexModule(
  source: PackageSource,
  where: Surroundings = "node",
): Promise<EmittedModule> {
  const fileName = where === "node" ? "index.ts" : "browser.ts";
  const { Project, VariableDeclarationKind } = await import("ts-morph");
  const project = new Project({ useInMemoryFileSystem: true });
  const file = project.createSourceFile(
    fileName,
    `/** ${source.name}, compiled by fwp ${source.version} from ${source.spec[0]?.name ?? "a spec"}. */\n`,
  );
  addImports(file, source, where);
  const constant = (name: string, type: string | null, initializer: string, docs?: string) =>
    file.addVariableStatement({
      declarationKind: VariableDeclarationKind.Const,
      isExported: docs !== undefined,
      docs: docs === undefined ? [] : [docs],
      declarations: [{ name, initializer, ...(type === null ? {} : { type }) }],
    });
  addTypes(file, source);
  if (where === "node") {
    constant(
      "here",
      null,
      "(file: string): string => fileURLToPath(new URL(file, import.meta.url))",
    );
    constant(
      "program",
      "Program",
      'loadPackage({ ...kernels }, readJsonFile(here("./program.json")) as ProgramManifest, here)',
      "The compiled program: native code where there is a C compiler, else WebAssembly, else JavaScript.",
    );
  } else {
    constant("fetched", null, "await fetchPackage({ ...kernels }, import.meta.url)");
    constant(
      "program",
      "Program",
      "fetched.program",
      "The compiled program: WebAssembly where the engine has it, else JavaScript.",
    );
  }
  if (source.alphabet !== null) {
    constant(
      "alphabet",
      "readonly string[]",
      `[...${JSON.stringify(source.alphabet.join(""))}]`,
      "Characters by token.",
    );
    constant("text", "TextCodec", "textCodec(alphabet)", "Text as tokens and back.");
  }
  addClass(file, source, where);
  return emit(file.getFullText(), fileName);
}

/** A module laid out, and the JavaScript that it transpiles to. */
async function emit(text: string, fileName: string): Promise<EmittedModule> {
  const [{ ts }, prettier] = await Promise.all([import("ts-morph"), import("prettier")]);
  const source = await prettier.format(text, { parser: "typescript", printWidth: WIDTH });
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
  };
  const javascript = ts.transpileModule(source, { fileName, compilerOptions }).outputText;
  return {
    source,
    javascript: await prettier.format(javascript, { parser: "babel", printWidth: WIDTH }),
    declarations: await declarationsOf(source, fileName),
  };
}

/** The declarations of a module, from its text alone: what it exports says its types. */
export async function declarationsOf(source: string, fileName: string): Promise<string> {
  const [{ ts }, prettier] = await Promise.all([import("ts-morph"), import("prettier")]);
  const compilerOptions = { declaration: true, module: ts.ModuleKind.ESNext };
  const { outputText } = ts.transpileDeclaration(source, { fileName, compilerOptions });
  return prettier.format(outputText, { parser: "typescript", printWidth: WIDTH });
}
