/** Whether the next run is one of all threads: the same decisions on `native` and `wasm`, from the times of runs. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { TEAM } from "../../compiler/targets/native/team.ts";
import { Pace } from "../../runtime/device/wasm/pace.ts";
import { nativeSupport } from "../../runtime/device/native/index.ts";
import { QUICK_ENV } from "../support/native.ts";

/** What run number `run` takes, alone and together. */
interface Runs {
  readonly what: string;
  readonly count: number;
  alone(run: number): number;
  together(run: number): number;
  /** By run, 1 if it was one of all threads. */
  check(chosen: readonly number[]): void;
}

const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);

const CASES: readonly Runs[] = [
  {
    what: "a first run that touches memory says nothing against threads",
    count: 100,
    alone: () => 2,
    together: (run) => (run === 0 ? 20 : 1),
    check: (chosen) => {
      expect(chosen.slice(0, 5)).toEqual([1, 1, 0, 1, 1]);
      // And the other way is tried now and then.
      expect(sum(chosen)).toBeGreaterThan(95);
      expect(sum(chosen.slice(3))).toBeLessThan(97);
    },
  },
  {
    what: "a run that was held up changes nothing",
    count: 24,
    alone: () => 2,
    together: (run) => (run === 10 ? 50 : 1),
    check: (chosen) => expect(chosen.slice(3)).toEqual(chosen.slice(3).map(() => 1)),
  },
  {
    what: "threads that are always slower are left alone, and tried ever more rarely",
    count: 400,
    alone: () => 2,
    together: () => 3,
    check: (chosen) => {
      const tried = chosen.flatMap((c, run) => (c === 1 ? [run] : []));
      expect(tried).toEqual([0, 1, 7, 16, 33, 66, 131, 260]);
    },
  },
  {
    what: "threads that have become slower are given up, and come back when they are faster again",
    count: 200,
    alone: () => 2,
    together: (run) => (run >= 50 && run < 100 ? 9 : 1),
    check: (chosen) => {
      expect(sum(chosen.slice(60, 100))).toBeLessThan(10);
      expect(sum(chosen.slice(140))).toBeGreaterThan(55);
    },
  },
];

function inScript({ count, alone, together }: Runs): number[] {
  const pace = new Pace();
  return Array.from({ length: count }, (_, run) => {
    const chosen = pace.choose();
    pace.learn(chosen, chosen ? together(run) : alone(run));
    return Number(chosen);
  });
}

const MAIN = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
${TEAM}
int main(void) {
  static fwp_pace pace;
  const int64_t sizes[3] = {1, 1, 0};
  double alone, together;
  while (scanf("%lf %lf", &alone, &together) == 2) {
    const int chosen = fwp_chosen(&pace, sizes);
    fwp_learn(&pace, chosen, chosen ? together : alone);
    printf("%d\\n", chosen);
  }
  return 0;
}
`;

function inC({ count, alone, together }: Runs, [compiler = "", ...flags]: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), "fwp-pace-"));
  try {
    const [source, program] = [join(folder, "pace.c"), join(folder, "pace")];
    writeFileSync(source, MAIN);
    execFileSync(compiler, [...flags, "-std=gnu11", source, "-o", program, "-lpthread", "-ldl"]);
    const input = Array.from({ length: count }, (_, run) => `${alone(run)} ${together(run)}\n`);
    const output = execFileSync(program, { input: input.join(""), encoding: "utf8" });
    return output.trim().split("\n").map(Number);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const support = nativeSupport(QUICK_ENV);

describe.each(CASES.map((c) => [c.what, c] as const))("%s", (_, runs) => {
  test("wasm", () => runs.check(inScript(runs)));

  test.runIf(support.works)("native: the same choices", () => {
    const command = support.works ? support.compiler.command : [];
    expect(inC(runs, command)).toEqual(inScript(runs));
  });
});
