/** index.ts of a package: the typed class of a model, on top of the runtime. */
import type { Declaration, Method, Module, Role } from "../targets/typescript/declarations.ts";
import { emit, type EmittedModule } from "../targets/typescript/emit.ts";
import { bracketed, call } from "../targets/typescript/layout.ts";
import {
  classNameOf,
  contentOf,
  keyOf,
  type PackageSource,
  quoted,
  sequenceShape,
  stateShape,
} from "./describe.ts";

/** Where a package runs: with files of its own, or fetched by a page. */
export type Surroundings = "node" | "browser";

function imports({ alphabet }: PackageSource, where: Surroundings): Declaration[] {
  const node = where === "node";
  const values = node ? ["loadPackage", "Model", "readJsonFile"] : ["fetchPackage", "Model"];
  const types = ["Data", "Program", "RunSizes", "Session", "Tensor", "WeightSource"];
  const inner = node ? ["ProgramManifest"] : [];
  if (alphabet !== null) {
    values.push("textCodec");
    types.push("TextCodec");
  }
  const roles: (readonly [string, Role])[] = [...types, ...inner]
    .sort()
    .map((name) => [name, inner.includes(name) ? "inner" : "type"]);
  const names = Object.fromEntries([...values.map((name) => [name, "value"] as const), ...roles]);
  const own: Declaration[] = node
    ? [{ kind: "names", from: "node:url", names: { fileURLToPath: "value" } }]
    : [];
  return [
    ...own,
    { kind: "names", from: node ? "fwp/runtime" : "fwp/runtime/browser", names },
    { kind: "namespace", from: "./kernels.js", name: "kernels" },
  ];
}

function types({ manifest }: PackageSource): Declaration[] {
  const states = manifest.states.map((state) => `- \`${state.name}\` \`${stateShape(state)}\``);
  return [
    {
      kind: "interface",
      name: "Inputs",
      doc: "What the model reads, row-major. The axes are those of `run`; `step` has no `time`.",
      fields: manifest.inputs.map((signal) => ({
        name: keyOf(signal.name),
        type: "ArrayLike<number>",
        doc: `\`${sequenceShape(signal)}\`: ${contentOf(signal)}.`,
      })),
    },
    {
      kind: "interface",
      name: "Outputs",
      doc: "What the model answers, row-major. The axes are those of `run`; `step` has no `time`.",
      fields: manifest.outputs.map((signal) => ({
        name: keyOf(signal.name),
        type: "Float32Array",
        doc: `\`${sequenceShape(signal)}\``,
      })),
    },
    {
      kind: "type",
      name: "StateName",
      doc:
        states.length === 0
          ? "The model keeps nothing from step to step."
          : `What the model keeps from step to step.\n\n${states.join("\n")}`,
      types: manifest.states.map((state) => quoted(state.name)),
    },
    {
      kind: "type",
      name: "States",
      doc: "States by name, as `run` gives and takes them.",
      types: ["ReadonlyMap<StateName, Tensor>"],
    },
    {
      kind: "type",
      name: "State",
      doc: "Where a stream of steps stands: `serialize()` gives it as bytes, `state` by name, `reset()` goes back to the start.",
      types: ["Session"],
    },
  ];
}

/** What only TypeScript says. */
const typed = (types: boolean, text: string): string => (types ? text : "");

function programs(where: Surroundings): Declaration[] {
  const program = {
    kind: "constant",
    name: "program",
    type: "Program",
    exported: true,
  } as const;
  if (where === "browser") {
    return [
      {
        kind: "constant",
        name: "fetched",
        doc: null,
        type: null,
        exported: false,
        value: () => "await fetchPackage({ ...kernels }, import.meta.url)",
      },
      {
        ...program,
        doc: "The compiled program: WebAssembly where the engine has it, else JavaScript.",
        value: () => "fetched.program",
      },
    ];
  }
  return [
    {
      kind: "constant",
      name: "here",
      doc: null,
      type: null,
      exported: false,
      value: (types) =>
        `(file${typed(types, ": string")})${typed(types, ": string")} => fileURLToPath(new URL(file, import.meta.url))`,
    },
    {
      ...program,
      doc: "The compiled program: native code where there is a C compiler, else WebAssembly, else JavaScript.",
      value: (types) =>
        call("loadPackage", [
          "{ ...kernels }",
          `readJsonFile(here("./program.json"))${typed(types, " as ProgramManifest")}`,
          "here",
        ]),
    },
  ];
}

function codec(alphabet: readonly string[]): Declaration[] {
  const constant = { kind: "constant", exported: true } as const;
  const characters = bracketed([`...${quoted(alphabet.join(""))}`]);
  return [
    {
      ...constant,
      name: "alphabet",
      doc: "Characters by token.",
      type: "readonly string[]",
      value: () => characters,
    },
    {
      ...constant,
      name: "text",
      doc: "Text as tokens and back.",
      type: "TextCodec",
      value: () => "textCodec(alphabet)",
    },
  ];
}

/** Statements that are the same with types and without. */
const plain =
  (...lines: readonly string[]) =>
  (): string[] =>
    lines.map((line) => `  ${line}`);

const METHODS: readonly Method[] = [
  {
    kind: "method",
    name: "run",
    doc:
      "Runs whole sequences. `states`, which an earlier run gave, makes them go on from there.\n\n" +
      "@throws DiagnosticError for an input that is missing, unknown or of another length, and for bad tokens.",
    parameters: [
      { name: "inputs", type: "Inputs" },
      { name: "sizes", type: "RunSizes" },
      { name: "states", type: "States", initial: "new Map()" },
    ],
    result: "{ readonly outputs: Outputs; readonly states: States }",
    body: (types) => [
      "  const result = this.#model.run({ ...inputs }, sizes, states);",
      `  return { outputs: result.outputs${typed(types, " as Outputs")}, states: result.states };`,
    ],
  },
  {
    kind: "method",
    name: "start",
    doc: "The state before the first step, of `batch` sequences side by side.",
    parameters: [{ name: "batch", type: "number", initial: "1" }],
    result: "State",
    body: plain("return this.#model.session(batch);"),
  },
  {
    kind: "method",
    name: "resume",
    doc: "A state from the bytes that its `serialize` gave.\n\n@throws DiagnosticError for those of another model or batch.",
    parameters: [
      { name: "bytes", type: "Uint8Array" },
      { name: "batch", type: "number", initial: "1" },
    ],
    result: "State",
    body: plain("const state = this.start(batch);", "state.deserialize(bytes);", "return state;"),
  },
  {
    kind: "method",
    name: "step",
    doc:
      "Takes one step and moves the state on. The arrays that come back are overwritten by the state's next step.\n\n" +
      "@throws DiagnosticError as `run`.",
    parameters: [
      { name: "inputs", type: "Inputs" },
      { name: "state", type: "State" },
    ],
    result: "Outputs",
    body: (types) => [
      `  return state.step({ ...inputs })${typed(types, " as Record<keyof Outputs, Data> as Outputs")};`,
    ],
  },
];

const WEIGHTS: Readonly<Record<Surroundings, readonly Method[]>> = {
  node: [
    {
      kind: "method",
      name: "loadWeights",
      doc: "Replaces all weights by those of a safetensors file, or none.\n\n@throws DiagnosticError when they do not fit.",
      parameters: [{ name: "path", type: "string" }],
      result: "void",
      body: plain("this.#model.loadWeights(path);"),
    },
    {
      kind: "method",
      name: "saveWeights",
      doc: "Writes the weights to a safetensors file, whole or not at all.",
      parameters: [{ name: "path", type: "string" }],
      result: "void",
      body: plain("this.#model.saveWeights(path);"),
    },
  ],
  browser: [
    {
      kind: "method",
      name: "setWeights",
      doc: "Replaces all weights by those of a safetensors file, or none.\n\n@throws DiagnosticError when they do not fit.",
      parameters: [{ name: "bytes", type: "Uint8Array" }],
      result: "void",
      body: plain("this.#model.setWeights(bytes);"),
    },
    {
      kind: "method",
      name: "weightsBytes",
      doc: "The weights as the bytes of a safetensors file.",
      parameters: [],
      result: "Uint8Array",
      body: plain("return this.#model.weightsBytes();"),
    },
  ],
};

function modelClass({ name, doc }: PackageSource, where: Surroundings): Declaration {
  const className = classNameOf(name);
  const weights = where === "node" ? 'here("./weights.safetensors")' : "fetched.weights";
  return {
    kind: "class",
    name: className,
    doc: doc === null || doc.trim() === "" ? `The model ${name}.` : doc.trim(),
    fields: [
      { name: "#model", type: "Model<keyof Inputs & string, keyof Outputs & string, StateName>" },
    ],
    methods: [
      {
        kind: "constructor",
        name: "constructor",
        doc: "See `create`.",
        parameters: [{ name: "source", type: "WeightSource" }],
        result: null,
        body: plain("this.#model = new Model(program, source);"),
      },
      {
        kind: "getter",
        name: "parameters",
        doc: "The weights by name. Changing the numbers changes the model, its states included.",
        parameters: [],
        result: "ReadonlyMap<string, Data>",
        body: plain("return this.#model.parameters;"),
      },
      {
        kind: "static",
        name: "create",
        doc:
          "A model with the weights of this package, with random first weights, or with those of a safetensors file.\n\n" +
          "@throws DiagnosticError when the weights do not fit.",
        parameters: [{ name: "source", type: "WeightSource", initial: `{ weights: ${weights} }` }],
        result: className,
        body: plain(`return new ${className}(source);`),
      },
      ...METHODS,
      ...WEIGHTS[where],
    ],
  };
}

function moduleOf(source: PackageSource, where: Surroundings): Module {
  const { name, version, spec, alphabet } = source;
  return {
    title: `${name}, compiled by fwp ${version} from ${spec[0]?.name ?? "a spec"}.`,
    declarations: [
      ...imports(source, where),
      ...types(source),
      ...programs(where),
      ...(alphabet === null ? [] : codec(alphabet)),
      modelClass(source, where),
    ],
  };
}

/** index.ts, or browser.ts, in all its faces. */
export const indexModule = (source: PackageSource, where: Surroundings = "node"): EmittedModule =>
  emit(moduleOf(source, where));
