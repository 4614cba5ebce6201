/** Loops that run head by head mean what they meant, in every layer and model of specs/ and in rules with heads. */
import { relative } from "node:path";
import { describe, expect, test } from "vitest";
import { chunk } from "../../compiler/derive/chunk/index.ts";
import { stage } from "../../compiler/derive/index.ts";
import { simplifyProgram, verifyProgram, withGradients } from "../../compiler/graph/index.ts";
import { computeNearby } from "../../compiler/optimise/nearby.ts";
import { separateHeads } from "../../compiler/optimise/separate.ts";
import { expectSame } from "../derive/chunk/helpers.ts";
import { specCases } from "../specs/cases.ts";
import { specs } from "../support/specs.ts";
import { batches } from "./loops.ts";

const cases = specCases().filter((c) => c.usual);
const last = new Map(cases.map((c) => [`${relative(specs, c.file)} ${c.name}`, c]));

let apart = 0;

describe("head by head and chunk by chunk a model is what it is", () => {
  test.each([...last])("%s", (_, { step }) => {
    const staged = stage(step);
    const { program } = chunk(staged, { length: 4, elementwise: true });
    const plain = simplifyProgram(withGradients(program));
    for (const near of [plain, computeNearby(plain, () => true)]) {
      const separate = separateHeads(near, () => true);
      verifyProgram(separate);
      apart += batches(separate).filter((key, i) => key !== batches(near)[i]).length;
      expectSame({ plain, chunked: separate }, { batch: 2, time: 6, past: 0 }, { forward: 1e-9, gradient: 1e-7 }); // prettier-ignore
    }
  });

  test("most models have heads that know nothing of each other", () => {
    expect(apart).toBeGreaterThan(cases.length / 4);
  });
});
