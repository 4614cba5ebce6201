/**
 * The runs of the retrieval experiment that are repeated here, and what the authors' released logs say of each: smallest
 * evaluation loss of a run with seed 1 and keys of 64 (Schlag, Irie, Schmidhuber, ICML 2021, section 6.1).
 */
export interface Cell {
  readonly setting: 1 | 2;
  readonly system: string;
  readonly pairs: number;
  /** Smallest evaluation loss in the released logs. */
  readonly released: number;
  /** Of specs/retrieval.fwp. */
  readonly experiment: string;
  readonly settings: readonly string[];
}

interface System {
  readonly setting: 1 | 2;
  readonly name: string;
  readonly experiment: string;
  readonly settings: readonly string[];
  /** By number of pairs. */
  readonly released: Readonly<Record<number, number>>;
}

const SYSTEMS: readonly System[] = [
  {
    setting: 1,
    name: "softmax",
    experiment: "recall",
    settings: [],
    released: { 20: 0.0006, 40: 0.0003, 80: 0, 160: 0 },
  },
  {
    setting: 1,
    name: "elu + 1",
    experiment: "capacity",
    settings: ["phi=elu1"],
    released: { 20: 0.0009, 40: 0.0008, 80: 0.1084, 160: 0.3011 },
  },
  {
    setting: 1,
    name: "DPFP-1",
    experiment: "capacity",
    settings: ["phi=dpfp(nu: 1)"],
    released: { 20: 0.0008, 40: 0.0003, 80: 0.0002, 160: 0.102 },
  },
  {
    setting: 1,
    name: "DPFP-2",
    experiment: "capacity",
    settings: ["phi=dpfp(nu: 2)"],
    released: { 20: 0.0003, 40: 0.0006, 80: 0.0006, 160: 0.0004 },
  },
  {
    setting: 2,
    name: "additive, DPFP-1",
    experiment: "capacity",
    settings: ["phi=dpfp(nu: 1)", "task.setting=2"],
    released: { 20: 0.0973, 40: 0.1039 },
  },
  {
    setting: 2,
    name: "delta, DPFP-1",
    experiment: "updates",
    settings: [],
    released: { 20: 0.0008, 40: 0.001 },
  },
];

export const CELLS: readonly Cell[] = SYSTEMS.flatMap((system) =>
  Object.entries(system.released).map(([pairs, released]): Cell => ({
    setting: system.setting,
    system: system.name,
    pairs: Number(pairs),
    released,
    experiment: system.experiment,
    settings: [...system.settings, `task.pairs=${pairs}`],
  })),
);

/** Names a cell: in the file of results, for `--only`, and (made plain) as a folder. */
export const keyOf = ({ setting, system, pairs }: Cell): string =>
  `setting ${setting}, ${system}, ${pairs} pairs`;

/** A loss that counts as solved, with the digits of the released figures. */
export const SOLVED = 0.001;

/** What a run came to. */
export interface Outcome {
  /** Smallest loss of an evaluation, and the step it was found at. */
  readonly loss: number;
  readonly at: number;
  /** How far the run went. */
  readonly step: number;
  /** Null: the time that was given ended first. */
  readonly ended: string | null;
  /** Of training, on the clock. */
  readonly seconds: number;
}

export type Outcomes = Readonly<Record<string, Outcome>>;
