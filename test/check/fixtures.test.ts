/** Wrong specs and what the checker says of them. */
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { environment } from "../../cli/environment.ts";
import { checkCatalogue } from "../../compiler/check/catalogue.ts";
import { checkProject } from "../../compiler/check/check.ts";
import { instantiate } from "../../compiler/check/instantiate.ts";
import { loadProject, type Host } from "../../compiler/check/project.ts";
import { parseExpression, type Setting } from "../../compiler/check/settings.ts";
import { codesIn, testFixtures } from "../fixtures.ts";
import { diskHost } from "../support/specs.ts";

const root = fileURLToPath(new URL("../fixtures", import.meta.url));

/** Files that exist only for the fixtures that import them. */
const beside: Readonly<Record<string, string>> = {
  "left.fwp": "map shift(x: [n]) -> [n] { x + 1 }\n",
  "right.fwp": "map shift(x: [n]) -> [n] { x - 1 }\n",
  "ping.fwp": 'import "./pong.fwp"\n',
  "pong.fwp": 'import "./ping.fwp"\n',
};

const host: Host = {
  ...diskHost,
  read(file) {
    const text = beside[file.slice(resolve(root, "check").length + 1)];
    return text === undefined ? diskHost.read(file) : { text };
  },
};

const settings = environment(root);

testFixtures("check", (text, file) =>
  checkProject(loadProject(join(root, file), text, host), settings),
);

/** What no file can do alone: settings from the command line, or that it is run at all. */
interface FlagCase {
  readonly spec?: string;
  readonly set: Readonly<Record<string, string>>;
  readonly messages: readonly string[];
}
const byFlag: Readonly<Record<string, readonly FlagCase[]>> = {
  fwp2306: [
    { set: {}, messages: ["A needs a value for units", "A needs a value for width"] },
    { set: { units: "3" }, messages: ["A needs a value for width"] },
    { set: { units: "3", width: "2" }, messages: [] },
  ],
  fwp2307: [
    {
      set: { units: "3", width: "2", unit: "4" },
      messages: ["A has no parameter or free width unit"],
    },
    {
      set: { units: "3", width: "2", "phi.nu": "4" },
      messages: ["A has no parameter or free width phi.nu"],
    },
  ],
  fwp3019: [
    {
      spec: "layer A(v: int, n: int) { in t: token[v]  out y: [n] = onehot(t, n) }",
      set: { v: "30", n: "20" },
      messages: ["onehot has 20 places for a token that can be any of 30"],
    },
    {
      spec: "layer A(v: int, n: int) { in t: token[v]  out y: [n] = onehot(t, n) }",
      set: { v: "20", n: "20" },
      messages: [],
    },
    {
      spec: "layer A(v: int, n: int) { in t: token[v]  in x: [n]  out y: [] = cross_entropy(x, t) }",
      set: { v: "30", n: "20" },
      messages: ["cross_entropy has 20 places for a token that can be any of 30"],
    },
  ],
  fwp4018: [
    {
      spec: "layer A { in x: [3] fast net { K: [past, 3] = empty } program { K <- append(K, x) } out y = K @ x }",
      set: {},
      messages: ["the output y has one row more at every step, along past"],
    },
  ],
};

const usual =
  "layer A(units: int, phi: map = tanh) { in x: [width]  out y: [units] = phi(linear(x)) }";

describe.each(Object.entries(byFlag))("%s", (code, cases) => {
  test.each(cases)("--set $set", ({ spec = usual, set, messages }) => {
    const settings = Object.entries(set).map(([path, text]): Setting => {
      const { value } = parseExpression(text, "--set");
      return { path: path.split("."), value: value! };
    });
    const { diagnostics } = instantiate(loadProject("a.fwp", spec, host), "A", settings);
    expect(diagnostics.map((d) => d.message).sort()).toEqual(messages);
    for (const d of diagnostics) expect(d.code).toBe(code);
  });
});

test("every diagnostic of the checker is covered", () => {
  const covered = new Set([...codesIn("check"), ...Object.keys(byFlag)]);
  expect([...covered].sort()).toEqual(Object.keys(checkCatalogue).sort());
});
