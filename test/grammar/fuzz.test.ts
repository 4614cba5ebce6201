import { expect, test } from "vitest";
import { environment } from "../../cli/environment.ts";
import { checkProject } from "../../compiler/check/check.ts";
import { loadProject, type Host, type Module } from "../../compiler/check/project.ts";
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import { format } from "../../grammar/print.ts";
import { mutate } from "./mutate.ts";
import { samplesIn } from "./samples.ts";

const CASES = 20_000;
const samples = [...samplesIn("test/fixtures/examples"), ...samplesIn("specs")];
const texts = samples.map((sample) => sample.text);

const known = new Map(samplesIn("specs").map(({ file, text }) => [file, text] as const));
const library: Host = {
  resolve: (_, target) =>
    "library" in target
      ? `${target.library.replaceAll(".", "/")}.fwp`
      : target.relative.replace(/^\.\//u, ""),
  read: (file) => {
    const text = known.get(file);
    return text === undefined ? { error: "there is no such file" } : { text };
  },
};
const settings = environment("/");
const cache = new Map<string, Module>();

/** The phases of the compiler, in turn: each takes a text to diagnostics and may never throw. */
function everyPhase(text: string): readonly Diagnostic[] {
  const { text: once, diagnostics } = format(text, "fuzz.fwp");
  if (diagnostics.length === 0) expect(format(once, "fuzz.fwp").text).toBe(once);
  // A tree with gaps where something could not be read is checked too.
  return checkProject(loadProject("fuzz.fwp", text, library, cache), settings);
}

test(`${CASES} damaged texts give diagnostics or success, never an exception`, () => {
  let wrong = 0;
  for (let seed = 0; seed < CASES; seed++) {
    const text = mutate(texts[seed % texts.length]!, seed, texts);
    try {
      const found = everyPhase(text);
      if (found.length > 0) wrong++;
      for (const { place } of found) {
        const length = place.file === "fuzz.fwp" ? text.length : known.get(place.file)!.length;
        expect(place.range!.end).toBeLessThanOrEqual(length);
      }
    } catch (cause) {
      throw new Error(`seed ${seed}: ${JSON.stringify(text)}`, { cause });
    }
  }
  // The damages are real: most of the texts are wrong after them, and some are still right.
  expect(wrong).toBeGreaterThan(CASES / 2);
  expect(wrong).toBeLessThan(CASES);
}, 600_000);
