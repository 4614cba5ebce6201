/**
 * The C of every spec under AddressSanitizer and UndefinedBehaviorSanitizer, then under ThreadSanitizer: a program that
 * gives each buffer memory of its own, of the exact length, what is only written full of NaN, and runs every gradient with
 * several threads.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { CompiledEntry } from "../../compiler/plan/entry.ts";
import { cOf } from "../../compiler/targets/native/module.ts";
import { evaluateSize, placeScratch } from "../../runtime/device/arena.ts";
import type { ElementType } from "../../runtime/format/program.ts";
import { specCases } from "../specs/cases.ts";
import { hasCompiler, nativeEntry } from "../support/native.ts";

const FLAGS = "-std=c11 -O0 -g1 -march=native -ffp-contract=fast -fopenmp-simd -pthread";
const MEMORY = "-fsanitize=address,undefined -fno-sanitize-recover=all";
const THREADS = "-fsanitize=thread";
const TEAM = 3;
const SIZES = { batch: 2, time: 5, past: 3 };
const BYTES: Readonly<Record<ElementType, number>> = { f32: 4, f64: 8, i32: 4 };

function compile(
  source: string,
  name: string,
  folder: string,
  sanitizer = MEMORY,
): { ok: boolean; program: string; errors: string } {
  // prettier-ignore
  const [file, program] = [join(folder, `${name}.c`), join(folder, name)];
  writeFileSync(file, source);
  const cc = process.env["CC"] ?? "cc";
  const made = spawnSync(cc, [...`${FLAGS} ${sanitizer}`.split(" "), "-o", program, file, "-lm"], { encoding: "utf8" }); // prettier-ignore
  return { ok: made.status === 0, program, errors: String(made.stderr) };
}

/** Calls an entry with fresh memory and frees it. */
function driver({ spec }: CompiledEntry): string {
  const all = [...spec.inputs, ...spec.outputs, ...spec.scratch];
  const sizes = { ...SIZES, past: 0 };
  const counts = all.map((b) => {
    if (!("length" in b)) return b.shape.reduce<number>((n, d) => n * evaluateSize(d, sizes), 1);
    const one = { ...b, first: 0, last: 0 };
    return b.private === true
      ? placeScratch([one], sizes, TEAM).total / BYTES[b.type]
      : evaluateSize(b.length, sizes);
  });
  const fills = all.map((b, i) => {
    const kind = b.type === "i32" ? "ints" : b.type === "f32" ? "floats" : "doubles";
    return `  b[${i}] = ${kind}(${counts[i]}, ${BYTES[b.type]}, ${i < spec.inputs.length ? 1 : 0});`;
  });
  return `static void call_${spec.name}(void) {
  void *b[${Math.max(1, all.length)}];
${fills.join("\n")}
  const int64_t sizes[] = {${sizes.batch}, ${sizes.time}, ${sizes.past}};
  fwp_${spec.name}(b, sizes);
  for (int i = 0; i < ${all.length}; i++) free(b[i]);
}`;
}

const SUPPORT = `#include <stdlib.h>
static void *floats(size_t n, size_t s, int given) {
  float *x = malloc(n * s);
  for (size_t i = 0; i < n; i++) x[i] = given ? (float)((i * 37 + 11) % 64) / 64 - 0.4f : NAN;
  return x;
}
static void *doubles(size_t n, size_t s, int given) {
  double *x = malloc(n * s);
  for (size_t i = 0; i < n; i++) x[i] = given ? (double)((i * 37 + 11) % 64) / 64 - 0.4 : NAN;
  return x;
}
static void *ints(size_t n, size_t s, int given) {
  int32_t *x = malloc(n * s);
  for (size_t i = 0; i < n; i++) x[i] = given ? (int32_t)(i % 2) : INT32_MIN;
  return x;
}`;

const programOf = (entries: readonly CompiledEntry[]): string =>
  [
    cOf("all specs", entries, { precision: "f32", worthSpreading: 1 }),
    SUPPORT,
    ...entries.map(driver),
    // Two callers at once: one of them has the threads, the other does without.
    `static void *calls(void *nothing) {\n${entries.map((e) => `  call_${e.spec.name}();`).join("\n")}\n  return nothing;\n}`,
    `int main(void) {
  fwp_threads(${TEAM});
  pthread_t other;
  pthread_create(&other, 0, calls, 0);
  calls(0);
  return pthread_join(other, 0);
}
`,
  ].join("\n");

test.runIf(hasCompiler)(
  "no spec's C touches memory that is not its own or does what C leaves undefined",
  ({ skip }) => {
    const folder = mkdtempSync(join(tmpdir(), "fwp-sanitize-"));
    try {
      const trivial = compile("int main(void) { return 0; }\n", "trivial", folder);
      if (!trivial.ok || spawnSync(trivial.program).status !== 0) skip("no sanitizers here");
      // Of each layer the case in the middle: sizes that differ from each other and from one.
      const cases = specCases().filter((c) => c.usual);
      const chosen = cases.filter((c, i) => cases[i - 1]?.name === c.name && cases[i - 1]?.file === c.file && cases[i - 2]?.name !== c.name); // prettier-ignore
      expect(chosen.length).toBeGreaterThan(40);
      const entries = chosen.map(
        (c, i) => nativeEntry(c.step, "gradient", `g${i}`, { precision: "f32" }).entry,
      );
      // The sanitizers are at work: a read of one element too many is found.
      const short = programOf(entries.slice(0, 1)).replace(/floats\((\d+), 4, 1\)/, (_, n: string) => `floats(${Number(n) - 1}, 4, 1)`); // prettier-ignore
      const caught = spawnSync(compile(short, "short", folder).program, { encoding: "utf8" });
      expect(caught.stderr).toContain("heap-buffer-overflow");
      const source = programOf(entries);
      const made = compile(source, "specs", folder);
      expect(made.ok, made.errors.slice(0, 2000)).toBe(true);
      const ran = spawnSync(made.program, { encoding: "utf8" });
      expect(`${ran.stderr}`.slice(0, 4000)).toBe("");
      expect(ran.status).toBe(0);
      raceFree(source, folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  600_000,
);

/** No two threads touch the same memory without a barrier between them, unless both only read. */
function raceFree(source: string, folder: string): void {
  // The sanitizer is at work: without barriers it finds races, or memory freed while a thread still works in it.
  const broken = compile(source.replace("if (team->threads == 1) return;\n", "return;\n"), "broken", folder, THREADS); // prettier-ignore
  if (!broken.ok) return;
  const options = { encoding: "utf8", env: { ...process.env, TSAN_OPTIONS: "halt_on_error=1" } } as const; // prettier-ignore
  expect(spawnSync(broken.program, options).stderr).toMatch(
    /ThreadSanitizer: (data race|heap-use-after-free)/,
  );
  const made = compile(source, "threads", folder, THREADS);
  expect(made.ok, made.errors.slice(0, 2000)).toBe(true);
  const ran = spawnSync(made.program, options);
  expect(`${ran.stderr}`.slice(0, 4000)).toBe("");
  expect(ran.status).toBe(0);
}
