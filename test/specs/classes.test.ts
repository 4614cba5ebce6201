/** `fwp explain --json` gives, for every spec, the class that the literature gives it. */
import { describe, expect, test } from "vitest";
import { root } from "../../scripts/docs.ts";
import { explainedSpecs } from "../../scripts/explained.ts";
import { CLASSES, MEANS } from "./classes.ts";

const specs = await explainedSpecs(root);

test("every layer and model has its classes written down, and no other", () => {
  const known = Object.entries(CLASSES).flatMap(([file, layers]) =>
    Object.keys(layers).map((name) => `${file} ${name}`),
  );
  const found = specs.map(({ file, layer }) => `${file} ${layer.name}`);
  expect(found.sort()).toEqual(known.sort());
});

describe.each(specs.map((s) => [`${s.file} ${s.layer.name}`, s] as const))(
  "%s",
  (_, { file, layer }) => {
    const expected = CLASSES[file]?.[layer.name]?.states ?? {};

    test("has these recurrences", () => {
      const found = layer.recurrences.map((r) => r.states.join(", "));
      expect(found.sort()).toEqual(Object.keys(expected).sort());
    });

    for (const { states, class: name, side } of layer.recurrences) {
      const set = states.join(", ");
      test(`${set} is ${expected[set]}`, () => {
        expect([name, side]).toEqual(MEANS[expected[set]!]);
      });
    }
  },
);
