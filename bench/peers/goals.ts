/** What is asked of each work: how many times faster than peers of which groups, at least. */
import type { Family, PeerResult, Timed, Verdict, Way } from "./results.ts";

interface Goal {
  readonly work: string;
  /** Absent: every way of the work. */
  readonly way?: Way;
  /** The fastest peer of these groups counts. */
  readonly against: readonly Family[];
  readonly least: number;
  readonly aim?: number;
}

const TORCH = ["torch", "torch.compile"] as const satisfies readonly Family[];

export const GOALS: readonly Goal[] = [
  { work: "delta", way: "forward", against: ["hand"], least: 0.9 },
  { work: "delta", way: "forward", against: ["hand-given"], least: 0.9 },
  { work: "delta", way: "both", against: TORCH, least: 4, aim: 5.5 },
  { work: "model", way: "both", against: ["torch.compile"], least: 1.35, aim: 1.6 },
  { work: "recurrent", way: "both", against: ["jax"], least: 6 },
  { work: "recurrent", way: "both", against: ["torch"], least: 20 },
  { work: "referential", way: "both", against: ["jax"], least: 6 },
  { work: "referential", way: "both", against: ["torch"], least: 20 },
  { work: "products", against: ["torch"], least: 0.9 },
  { work: "capacity", way: "both", against: ["torch"], least: 8 },
  { work: "updates", way: "both", against: ["torch"], least: 8 },
  { work: "token", way: "token", against: ["torch"], least: 5 },
];

/** A program that prints only its fastest run is compared with our fastest. */
const BY_FASTEST: ReadonlySet<Family> = new Set(["hand-given"]);

/** How many times faster than a peer we are. */
export const ratioOf = (family: Family, ours: Timed, theirs: Timed): number =>
  BY_FASTEST.has(family) ? theirs.fastest / ours.fastest : theirs.median / ours.median;

/** The goals of one row. `judged`: whether ours ran on the target that goals are for. */
export function verdicts(
  work: string,
  way: Way,
  peers: readonly PeerResult[],
  judged: boolean,
): Verdict[] {
  const goals = GOALS.filter((g) => g.work === work && (g.way ?? way) === way);
  return goals.flatMap(({ against, least, aim = null }): Verdict[] => {
    const those = peers.filter((p) => against.includes(p.family));
    if (those.length === 0) return [];
    const ratios = those.flatMap((p) => (p.state === "measured" ? [p.ratio] : []));
    const ratio = ratios.length === 0 ? null : Math.min(...ratios);
    const met = ratio === null || !judged ? null : ratio >= least;
    return [{ against, least, aim, ratio, met }];
  });
}
