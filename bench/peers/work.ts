/** A work that we and the peers do: how ours is made ready, and which peers there are. */
import type { EntryName } from "../../compiler/pipeline.ts";
import { BYTES } from "../../runtime/device/arena.ts";
import type { Instance } from "../../runtime/device/program.ts";
import { flopsOf } from "../parts.ts";
import type { Target } from "../../cli/targets.ts";
import type { Ready } from "../specs.ts";
import type { Family, Way } from "./results.ts";

export interface OurWay {
  readonly what: string;
  readonly flops: number;
  readonly bytes: number;
  run(): void;
}

/** Ours, ready to run. */
export interface Opened {
  readonly ways: ReadonlyMap<Way, OurWay>;
  /** What the peers' files have to hold, by name without `peer_`, from the arrays that were written for them. */
  expected?(): ReadonlyMap<string, ArrayLike<number>>;
  readonly notes: readonly string[];
}

/** A peer as a worker: a script and a library that it needs, or a C file of this folder. */
export type PeerSpec = { readonly name: string; readonly family: Family } & (
  | {
      readonly kind: "script";
      readonly script: string;
      readonly peer: string;
      readonly needs: "torch" | "jax" | "numpy";
    }
  | { readonly kind: "c"; readonly file: string }
  | { readonly kind: "given" }
) & {
    /** The ways that it has; all of them by default. */
    readonly ways?: readonly Way[];
  };

export interface Work {
  readonly name: string;
  readonly title: string;
  readonly peers: readonly PeerSpec[];
  /** `folder`: where arrays for the peers go. */
  open(target: Target, folder: string): Promise<Opened> | Opened;
}

export const script =
  (file: string) =>
  (name: string, family: Family, peer: string, ways?: readonly Way[]): PeerSpec => ({
    kind: "script",
    name,
    family,
    script: file,
    peer,
    needs: family === "torch.compile" ? "torch" : (family as "torch" | "jax" | "numpy"),
    ...(ways === undefined ? {} : { ways }),
  });

/** Bytes of what an entry reads and writes, each buffer once. */
export function bytesOf(made: Ready, entry: EntryName, instance: Instance): number {
  const { inputs, outputs } = made.compiled.manifest.entries.find((e) => e.name === entry)!;
  return (
    inputs.reduce((sum, i) => sum + instance.input(i.role, i.name).length * BYTES[i.type], 0) +
    outputs.reduce((sum, o) => sum + instance.output(o.role, o.name).length * BYTES[o.type], 0)
  );
}

/** An entry as a way. */
export const entryWay = (
  what: string,
  made: Ready,
  entry: EntryName,
  instance: Instance,
): OurWay => ({
  what,
  flops: flopsOf(made, entry, instance),
  bytes: bytesOf(made, entry, instance),
  run: () => instance.run(),
});

export const parametersOf = ({ compiled }: Ready): number =>
  compiled.manifest.parameters
    .filter((p) => p.trained)
    .reduce((sum, p) => sum + p.shape.reduce((a, b) => a * b, 1), 0);
