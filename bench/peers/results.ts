/** What a comparison with the peers found, as it is kept in bench/peers/results.json. */
import type { Target } from "../../cli/targets.ts";

/** Groups of peers, as goals name them. */
export type Family = "torch" | "torch.compile" | "jax" | "numpy" | "hand" | "hand-given";

/** One way that is timed: `forward`, `both` (forward and backward, or a training step), `token`, a product. */
export type Way = string;

interface Named {
  readonly name: string;
  readonly family: Family;
}

export interface Timed {
  /** Milliseconds. */
  readonly median: number;
  readonly fastest: number;
  readonly runs: number;
}

export type PeerResult = Named &
  (
    | ({ readonly state: "measured"; readonly ratio: number } & Timed)
    | { readonly state: "not installed" | "failed" | "skipped"; readonly reason: string }
  );

export interface Verdict {
  readonly against: readonly Family[];
  readonly least: number;
  readonly aim: number | null;
  /** Null where none of these peers could be measured. */
  readonly ratio: number | null;
  readonly met: boolean | null;
}

export interface PeerRow {
  readonly work: string;
  readonly way: Way;
  readonly what: string;
  readonly ours: Timed;
  /** Float operations of one run. */
  readonly flops: number;
  /** Bytes that come in and go out at least: inputs, outputs, parameters and states of the entry, once. */
  readonly bytes: number;
  readonly gigaflops: number;
  readonly gigabytes: number;
  /** Of our own product's operations per second, and of the copy's bytes. */
  readonly ofProduct: number;
  readonly ofCopy: number;
  readonly peers: readonly PeerResult[];
  readonly goals: readonly Verdict[];
  readonly notes: readonly string[];
}

export interface Ceilings {
  /** Our own product of 1024 × 1024 × 1024, 10⁹ operations per second. */
  readonly product: number;
  /** Copying 256 MiB, and as much as the language model has: 10⁹ bytes read or written per second. */
  readonly copy: number;
  readonly copySmall: number;
}

export interface PeerResults {
  readonly node: string;
  readonly processor: string;
  readonly threads: number;
  readonly target: Target;
  /** Of the libraries that were found: their versions. */
  readonly libraries: Readonly<Record<string, string>>;
  readonly ceilings: Ceilings | null;
  readonly rows: readonly PeerRow[];
  readonly notes: readonly string[];
  readonly seconds: number;
}
