import { expect, test } from "vitest";
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import { format } from "../../grammar/print.ts";
import { mutate } from "./mutate.ts";
import { samplesIn } from "./samples.ts";

const CASES = 20_000;
const samples = [...samplesIn("test/fixtures/examples"), ...samplesIn("specs")];
const texts = samples.map((sample) => sample.text);

/** Each phase takes a text to its diagnostics and may never throw. Later phases of the compiler belong in this list too. */
const phases: readonly ((text: string) => readonly Diagnostic[])[] = [
  (text) => {
    const { text: once, diagnostics } = format(text, "fuzz.fwp");
    if (diagnostics.length === 0) expect(format(once, "fuzz.fwp").text).toBe(once);
    return diagnostics;
  },
];

test(`${CASES} damaged texts give diagnostics or success, never an exception`, () => {
  let wrong = 0;
  for (let seed = 0; seed < CASES; seed++) {
    const text = mutate(texts[seed % texts.length]!, seed, texts);
    try {
      const found = phases.flatMap((phase) => phase(text));
      if (found.length > 0) wrong++;
      for (const { place } of found) expect(place.range!.end).toBeLessThanOrEqual(text.length);
    } catch (cause) {
      throw new Error(`seed ${seed}: ${JSON.stringify(text)}`, { cause });
    }
  }
  // The damages are real: most of the texts are wrong after them, and some are still right.
  expect(wrong).toBeGreaterThan(CASES / 2);
  expect(wrong).toBeLessThan(CASES);
});
