/** An entry: a function that runs its kernels, and one that says whether several threads are worth it. */
import { unreachable } from "../../../diagnostics/diagnostic.ts";
import type { SizeExpr } from "../../../runtime/format/program.ts";
import type { CompiledEntry, PlannedKernel } from "../../plan/entry.ts";
import { isSpread } from "../../loop/scan.ts";
import { Body, type Code } from "./body.ts";
import { enough } from "./estimate.ts";
import type { Library } from "./functions/index.ts";
import type { Instruction, WasmFunction } from "./instructions.ts";
import { turn } from "./team.ts";

/** A kernel of an entry and the function that it is. */
export interface Call {
  readonly kernel: PlannedKernel;
  readonly callee: string;
}

const SIZES = ["batch", "time", "past"] as const;
const PARAMETERS = ["table", ...SIZES, "thread", "threads"] as const;
const BYTES = { f32: 4, f64: 8, i32: 4 } as const;
/** A cache line: pieces of private memory begin at one (runtime/device/arena.ts). */
const LINE = 64;

const int = (value: number): Instruction => ({ op: "i32.const", value });
const parameter = (name: (typeof PARAMETERS)[number]): Instruction => ({
  op: "local.get",
  local: PARAMETERS.indexOf(name),
});

const sizeNamed = (name: string): Instruction => ({
  op: "local.get",
  local: PARAMETERS.findIndex((p) => p === name),
});
/** Whether this is the first thread. */
const FIRST: Code = [parameter("thread"), { op: "i32.eqz" }];

/** A size as an int. */
function sizeCode(size: SizeExpr): Code {
  if (typeof size === "number") return [int(size)];
  if (typeof size === "string") return [parameter(size)];
  const all = size.args.map(sizeCode);
  const joined = (op: Instruction): Code => all.reduce((a, b) => [...a, ...b, op]);
  const [a = [], b = []] = all;
  const lower = (op: "i32.lt_s" | "i32.gt_s"): Code =>
    all.reduce((x, y) => [...x, ...y, ...x, ...y, { op }, { op: "select" }]);
  switch (size.op) {
    case "add":
      return joined({ op: "i32.add" });
    case "mul":
      return joined({ op: "i32.mul" });
    case "div":
      return joined({ op: "i32.div_s" });
    case "mod":
      return joined({ op: "i32.rem_s" });
    case "ceildiv":
      return [...a, ...b, { op: "i32.add" }, int(1), { op: "i32.sub" }, ...b, { op: "i32.div_s" }];
    case "max":
      return lower("i32.gt_s");
    case "min":
      return lower("i32.lt_s");
    default:
      return unreachable(size.op);
  }
}

/** The functions of an entry: see `wasmModule`. `worth`: how much work is worth several threads. */
export function entryFunctions(
  entry: CompiledEntry,
  calls: readonly Call[],
  library: Library,
  worth: number,
): WasmFunction[] {
  const run = new EntryWriter(entry, library, worth).write(calls);
  const judge = worthFunction(entry, worth);
  return judge === null ? [run] : [run, judge];
}

/** Says whether a kernel of the entry is large enough; null if none ever is. */
function worthFunction({ spec, kernels }: CompiledEntry, worth: number): WasmFunction | null {
  const body = new Body(SIZES.map((size) => [size, "i32"] as const));
  const size = (name: string): Code => [{ op: "local.get", local: SIZES.findIndex((s) => s === name) }]; // prettier-ignore
  const known = new Map<string, Code>();
  for (const { spread } of kernels) {
    const code = spread === null ? null : enough(spread.work, worth, size);
    if (code !== null) known.set(JSON.stringify(code), code);
  }
  if (known.size === 0) return null;
  [...known.values()].forEach((code, i) => {
    body.emit(...code, ...(i === 0 ? [] : [{ op: "i32.or" } as const]));
  });
  return body.finish(`fwp_${spec.name}.worth`, "Whether threads are worth it.", "i32", true);
}

class EntryWriter {
  readonly #entry: CompiledEntry;
  readonly #library: Library;
  readonly #worth: number;
  readonly #body = new Body(PARAMETERS.map((name) => [name, "i32"] as const));
  readonly #places = new Map<string, number>();
  /** What was done before, and whether the next kernel is done together: see `turn`. */
  readonly #before = this.#body.lasting("i32", "before");
  readonly #together = this.#body.lasting("i32", "together");

  constructor(entry: CompiledEntry, library: Library, worth: number) {
    this.#entry = entry;
    this.#library = library;
    this.#worth = worth;
    entry.buffers.forEach((name, i) => {
      if (!this.#places.has(name)) this.#places.set(name, i);
    });
  }

  write(calls: readonly Call[]): WasmFunction {
    /** Neighbours that are too small at all sizes: one thread runs them all. */
    let small: Instruction[] = [];
    const flush = (): void => {
      if (small.length > 0) this.#turn([int(0)], FIRST, small);
      small = [];
    };
    const local = this.#together;
    for (const call of calls) {
      const { spread } = call.kernel;
      const large = spread === null ? null : enough(spread.work, this.#worth, (s) => [sizeNamed(s)]); // prettier-ignore
      if (large === null) {
        small.push(...this.#call(call, [int(0), int(1)]));
        continue;
      }
      flush();
      this.#body.emit(...large, { op: "local.set", local });
      const count: Code = [parameter("threads"), int(1), { op: "local.get", local }, { op: "select" }]; // prettier-ignore
      const mine: Code = [{ op: "local.get", local }, ...FIRST, { op: "i32.or" }];
      const team: Code = [parameter("thread"), ...count];
      this.#turn([{ op: "local.get", local }], mine, this.#call(call, team));
    }
    flush();
    const { name } = this.#entry.spec;
    return this.#body.finish(`fwp_${name}`, `All kernels of the entry ${name}.`, null, true);
  }

  /** Meets the others if need be, then runs what is this thread's. */
  #turn(together: Code, mine: Code, body: readonly Instruction[]): void {
    const [get, set] = [
      { op: "local.get", local: this.#before },
      { op: "local.set", local: this.#before },
    ] as const;
    this.#body.emit(get, ...together, parameter("threads"), turn(this.#library), set);
    this.#body.emit(...mine, { op: "if", result: null, body, otherwise: [] });
  }

  /** `team`: which of how many threads runs it. */
  #call({ kernel, callee }: Call, team: Code): Instruction[] {
    return [
      ...kernel.buffers.flatMap(({ name }): Code => {
        const place: Code = [
          parameter("table"),
          { op: "i32.load", offset: 4 * this.#places.get(name)! },
        ];
        return kernel.spread?.privates.has(name) === true ? [...place, ...this.#own(name)] : place;
      }),
      ...kernel.sizes.map(sizeNamed),
      ...(isSpread(kernel.body) ? team : []),
      { op: "call", callee },
    ];
  }
  /** From the first piece of private memory to the thread's own. */
  #own(buffer: string): Code {
    const { length, type } = this.#entry.spec.scratch.find((s) => s.name === buffer)!;
    return [
      ...[...sizeCode(length), int(BYTES[type]), { op: "i32.mul" } as const],
      ...[int(LINE - 1), { op: "i32.add" } as const, int(-LINE), { op: "i32.and" } as const],
      ...[parameter("thread"), { op: "i32.mul" } as const, { op: "i32.add" } as const],
    ];
  }
}
