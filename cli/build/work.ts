/** The pieces of `fwp build` that need nothing of each other: by a thread of its own where there is a processor for it. */
import type { SequenceProgram } from "../../compiler/graph/program.ts";
import {
  packC,
  packTypeScript,
  packWasm,
  type PackedC,
  type PackedTypeScript,
  type PackedWasm,
} from "../../compiler/package/packed.ts";
import { compileEntry, type CompiledEntry } from "../../compiler/plan/entry.ts";
import { PORTABLE, SCALAR, WASM, type Machine } from "../../compiler/plan/machine.ts";
import { unreachable } from "../../diagnostics/diagnostic.ts";
import type { ProgramManifest } from "../../runtime/format/program.ts";
import { initialize } from "../../runtime/parameters/initialise.ts";
import { drawNormal } from "./normals.ts";

/** First weights. */
interface Draw {
  readonly kind: "draw";
  readonly parameters: ProgramManifest["parameters"];
  readonly seed: number;
}
const MACHINES = { typescript: SCALAR, native: PORTABLE, wasm: WASM } as const satisfies Record<string, Machine>; // prettier-ignore
type Target = keyof typeof MACHINES;

/** Optimised programs by the names of their entries. */
type Programs = ReadonlyMap<string, SequenceProgram>;

/** The layer or model `name`, all of its entries, for a target. */
interface Pack {
  readonly kind: Target;
  readonly name: string;
  readonly programs: Programs;
}
export type Work = Draw | Pack;
export type Kind = Work["kind"];

export interface Results {
  readonly draw: ReadonlyMap<string, Float32Array>;
  readonly typescript: PackedTypeScript;
  readonly native: PackedC;
  readonly wasm: PackedWasm;
}

/** Work of a kind. */
export type WorkOf<K extends Kind> = Work & { readonly kind: K };
export type Result = Results[Kind];

/** Entries that a target will want, before the others are known. */
export interface Ahead {
  readonly kind: "ahead";
  readonly target: Target;
  readonly programs: Programs;
}

/** One build's work, the pieces of it that are done here. */
export class Workbench {
  readonly #ahead = new Map<string, CompiledEntry>();

  /** Compiles what will be asked for. */
  prepare({ target, programs }: Ahead): void {
    for (const [name, program] of programs) {
      this.#ahead.set(`${target} ${name}`, this.#compile(target, name, program));
    }
  }

  #compile(target: Target, name: string, program: SequenceProgram): CompiledEntry {
    return (
      this.#ahead.get(`${target} ${name}`) ??
      compileEntry(program, name, { machine: MACHINES[target] })
    );
  }

  do<K extends Kind>(work: WorkOf<K>): Results[K];
  do(work: Work): Result {
    if (work.kind === "draw") return initialize(work, work.seed, drawNormal);
    const { kind, name, programs } = work;
    const entries = [...programs].map(([entry, program]) => this.#compile(kind, entry, program));
    switch (kind) {
      case "typescript":
        return packTypeScript(name, entries);
      case "native":
        return packC(name, entries);
      case "wasm":
        return packWasm(entries);
      default:
        return unreachable(kind);
    }
  }
}
