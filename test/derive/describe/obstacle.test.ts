/** Where a spec is nonlinear: a way from an old state to a new one, with places, and one station that is at fault. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "../../../scripts/docs.ts";
import { explainedSpecs } from "../../../scripts/explained.ts";

const specs = await explainedSpecs(root);
const ways = specs.flatMap(({ file, layer }) =>
  layer.recurrences
    .filter((r) => r.dependence !== null)
    .map((r) => [`${file} ${layer.name} ${r.states.join(", ")}`, r] as const),
);

describe.each(ways)("%s", (_, { dependence, states, class: name }) => {
  test("starts at a state of the set and has one culprit", () => {
    expect(name).toBe("nonlinear");
    const first = dependence![0]!.name;
    const known = states.map((s) => s.split(".").slice(-2).join("."));
    expect(known.some((s) => s.endsWith(first) || `prev(${s.split(".").at(-1)!})` === first)).toBe(true); // prettier-ignore
    expect(dependence!.filter((s) => s.culprit)).toHaveLength(1);
  });

  test("has the place of every station, where the station is named", () => {
    for (const { at, name: station } of dependence!) {
      expect(at, station).not.toBeNull();
      const text = readFileSync(join(root, at!.file), "utf8");
      const lines = text.slice(0, at!.start).split("\n");
      expect([at!.line, at!.column]).toEqual([lines.length, lines.at(-1)!.length + 1]);
      const word = station
        .replace(/^prev\((?<of>.*)\)$/u, "$<of>")
        .split(".")
        .at(-1)!;
      expect(text.slice(at!.start, at!.end)).toMatch(new RegExp(`\\b(?:${word}|W)\\b`, "u"));
    }
  });
});

test("there are such states", () => {
  expect(ways.length).toBeGreaterThan(15);
});
