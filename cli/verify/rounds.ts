/** Which sizes are tried with which lengths: every size and every length with every layer, but not all with all. */
import type { Project } from "../../compiler/check/project.ts";
import type { Setting } from "../../compiler/check/settings.ts";
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import type { LayerDecl, ModelDecl } from "../../grammar/ast.ts";
import { random4 } from "../../runtime/format/random.ts";
import { chooseSizes, type Sized } from "./sizes.ts";
import { workOf } from "./work.ts";

/** Sizes that are handed out: one, odd, even, beside and at a power of two. */
const SIZES = [1, 3, 16, 60, 64] as const;
/** Where a count starts in `SIZES`, by its place: neighbours are neither both small nor both large. */
const OFFSETS = [0, 2, 4, 1, 3] as const;
/** All counts large at once, as far as the work allows. */
const LARGE = [64, 60] as const;
/** Rounds until every count has had every size, and one of large ones. */
export const ROUNDS = SIZES.length + 1;
const SHORT = [1, 2, 7] as const;
const MIDDLE = [63, 64, 65] as const;
const LONG = [100, 257] as const;
/** Lengths of sequences: beside one, and beside and between the lengths of chunks. */
const LENGTHS: readonly number[] = [...SHORT, ...MIDDLE, ...LONG];

/** The same for a quick look. */
const QUICK_SIZES = [[3, 2, 4], [1], [7, 5, 3]] as const;
const QUICK_LENGTHS = [1, 2, 7, 19] as const;
export const QUICK_ROUNDS = 2;

/** Numbers that the steps of one sequence may compute, without their gradients; all forms together take seconds for it. */
const MOST_WORK = 5e6;
/** The same for a length that no other round could take. */
const MOST_FOR_LENGTH = 8 * MOST_WORK;
/** Nodes that a step may have: what is repeated is written out. */
const MOST_NODES = 300;
/** The same for a number of repetitions that no other round could take. */
const MOST_FOR_SIZE = 4 * MOST_NODES;
/** The other sizes where one is too large for a round like the others. */
const BESIDE = 3;

/** Sizes with their lengths. */
export interface Round extends Sized {
  readonly lengths: readonly number[];
  /** Whether gates are held still as well. */
  readonly gates: boolean;
}

export interface Plan {
  /** As many as were asked for, and, if these are all there are, some for what they left out. */
  readonly rounds: readonly Round[];
  /** Of the sizes and lengths above those that no round has: too much work, or refused by the spec. */
  readonly missing: readonly (readonly [name: string, values: readonly number[]])[];
}

export interface PlanOptions {
  readonly settings: readonly Setting[];
  readonly seed: number;
  readonly rounds: number;
  readonly quick: boolean;
}

type Declared = LayerDecl | ModelDecl;
type Problems = readonly Diagnostic[];

/** Of all steps of one sequence. */
const workIn = ({ step }: Sized, time: number): number =>
  workOf(step, { batch: 1, time, past: 0 }) * time;

/** How far it is beyond what is allowed. */
const excess = (sized: Sized, time: number): number =>
  Math.max(workIn(sized, time) / MOST_WORK, sized.step.body.nodes.length / MOST_NODES);

/**
 * The sizes that are asked for, or smaller ones if sequences of `time` steps are too much work: the first that are declared
 * (of heads, layers, hidden units as a rule) give way first, as far as that helps.
 */
function sizesWithin(
  choose: Choose,
  wanted: (index: number) => number,
  time: number,
): Sized | Problems {
  const lowered = new Map<number, number>();
  const now = (i: number) => lowered.get(i) ?? wanted(i);
  const lower = (i: number) => Math.max(1, ...SIZES.filter((size) => size < now(i)));
  let found = choose(now);
  // One after the other: each gives way as far as it helps.
  for (let i = 0; "step" in found && i < found.sizes.length; i++) {
    while (excess(found, time) > 1 && now(i) > 1) {
      const smaller = choose((j) => (j === i ? lower(i) : now(j)));
      if (!("step" in smaller) || excess(smaller, time) > 0.95 * excess(found, time)) break;
      lowered.set(i, lower(i));
      found = smaller;
    }
  }
  return found;
}

type Choose = (sizeOf: (index: number) => number) => Sized | Problems;

/** Sizes and lengths that no round could take, each beside small others. */
function moreRounds(rounds: readonly Round[], choose: Choose): Round[] {
  const more: Round[] = [];
  const [first] = rounds;
  for (const [name, values] of missingOf(rounds)) {
    if (name === STEPS) {
      const small = choose((i) => (i % 2 === 0 ? 1 : BESIDE));
      if (!("step" in small)) continue;
      const lengths = values.filter((time) => workIn(small, time) <= MOST_FOR_LENGTH);
      if (lengths.length > 0) more.push({ ...small, lengths, gates: false });
      continue;
    }
    const at = first!.sizes.findIndex(([own]) => own === name);
    for (const value of values) {
      const one = choose((i) => (i === at ? value : BESIDE));
      if (!("step" in one) || one.sizes[at]?.[1] !== value) continue;
      const lengths = SHORT.filter((time) => workIn(one, time) <= MOST_WORK);
      if (lengths.length === 0 || one.step.body.nodes.length > MOST_FOR_SIZE) continue;
      more.push({ ...one, lengths, gates: false });
    }
  }
  return more;
}

/** Lengths that were too much for the sizes they would have come with go to the sizes that are least work. */
function withAllLengths(rounds: readonly Round[]): Round[] {
  const used = new Set(rounds.flatMap((r) => r.lengths));
  const [lightest] = [...rounds].sort((a, b) => workIn(a, LONG[1]) - workIn(b, LONG[1]));
  const more = LENGTHS.filter(
    (time) => !used.has(time) && workIn(lightest!, time) <= 4 * MOST_WORK,
  );
  return rounds.map((r) =>
    r === lightest ? { ...r, lengths: [...r.lengths, ...more].sort((a, b) => a - b) } : r,
  );
}

/** What lengths are called among the sizes. */
const STEPS = "steps";

const without = (all: readonly number[], seen: readonly number[]) =>
  all.filter((value) => !seen.includes(value));

function missingOf(rounds: readonly Round[]): Plan["missing"] {
  const names = [...new Set(rounds.flatMap((r) => r.sizes.map(([name]) => name)))];
  const sizes = names.map((name) => {
    const seen = rounds.flatMap((r) => r.sizes.filter(([own]) => own === name).map(([, n]) => n));
    return [name, without(SIZES, seen)] as const;
  });
  const lengths = without(
    LENGTHS,
    rounds.flatMap((r) => r.lengths),
  );
  return [...sizes, [STEPS, lengths] as const].filter(([, values]) => values.length > 0);
}

function fullPlan(project: Project, decl: Declared, options: PlanOptions): Plan | Problems {
  const { settings, seed, rounds } = options;
  const made: Round[] = [];
  const choose: Choose = (sizeOf) => chooseSizes(project, decl, settings, sizeOf);
  for (let round = 0; round < rounds; round++) {
    const [cycle, r] = [Math.floor(round / ROUNDS), round % ROUNDS];
    const shift = cycle + (random4(seed, 0, 0)[0] % SIZES.length);
    const large = r === SIZES.length;
    const wanted = (i: number): number =>
      large
        ? LARGE[(i + shift) % LARGE.length]!
        : SIZES[(r + shift + OFFSETS[i % OFFSETS.length]!) % SIZES.length]!;
    const sized = sizesWithin(choose, wanted, large ? MIDDLE[0] : SHORT[0]);
    if (!("step" in sized)) return sized;
    const at = r + cycle;
    const own = [SHORT[at % 3]!, MIDDLE[at % 3]!, LONG[(at + 1) % 2]!];
    const lengths = own.filter((time) => workIn(sized, time) <= MOST_WORK);
    // Large ones at least for a few steps.
    const some = lengths.length === 0 ? [SHORT[1]] : lengths;
    // Twice is enough: with small sizes and with large ones.
    made.push({ ...sized, lengths: some, gates: r === 3 || large });
  }
  if (rounds < ROUNDS) return { rounds: made, missing: [] };
  const covered = withAllLengths(made);
  const all = [...covered, ...moreRounds(covered, choose)];
  return { rounds: all, missing: missingOf(all) };
}

function quickPlan(project: Project, decl: Declared, options: PlanOptions): Plan | Problems {
  const { settings, seed, rounds } = options;
  const made: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    const ramp = QUICK_SIZES[round % QUICK_SIZES.length]!;
    const [start] = random4(seed, round, 0);
    const sized = chooseSizes(project, decl, settings, (i) => ramp[(start + i) % ramp.length]!);
    if (!("step" in sized)) return sized;
    made.push({ ...sized, lengths: QUICK_LENGTHS, gates: true });
  }
  return { rounds: made, missing: [] };
}

/** @returns the problems of the spec if no sizes fit it. */
export const planRounds = (
  project: Project,
  decl: Declared,
  options: PlanOptions,
): Plan | Problems =>
  options.quick ? quickPlan(project, decl, options) : fullPlan(project, decl, options);
