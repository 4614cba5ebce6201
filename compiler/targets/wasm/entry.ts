/** An entry: a function that runs its kernels, or says whether several threads are worth it. */
import { unreachable } from "../../../diagnostics/diagnostic.ts";
import { APART, LINE, type SizeExpr } from "../../../runtime/format/program.ts";
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

/** The function of an entry: see `wasmModule`. `worth`: how much work is worth several threads. */
export const entryFunction = (
  entry: CompiledEntry,
  calls: readonly Call[],
  library: Library,
  worth: number,
): WasmFunction => new EntryWriter(entry, library, worth).write(calls);

class EntryWriter {
  readonly #entry: CompiledEntry;
  readonly #library: Library;
  readonly #worth: number;
  readonly #body = new Body(PARAMETERS.map((name) => [name, "i32"] as const));
  readonly #places = new Map<string, number>();
  /** What was done before: see `turn`. */
  readonly #before = this.#body.lasting("i32", "before");
  /** By its code: the local that says whether a kernel is large enough for several threads. */
  readonly #large = new Map<string, number>();

  constructor(entry: CompiledEntry, library: Library, worth: number) {
    this.#entry = entry;
    this.#library = library;
    this.#worth = worth;
    entry.buffers.forEach((name, i) => {
      if (!this.#places.has(name)) this.#places.set(name, i);
    });
  }

  write(calls: readonly Call[]): WasmFunction {
    const larges = calls.map(({ kernel }) => this.#isLarge(kernel));
    const any = [...this.#large.values()].map((local): Code => [{ op: "local.get", local }]);
    const judged = any.reduce((a, b) => [...a, ...b, { op: "i32.or" }], [int(0)]);
    const asked: Code = [...judged, { op: "return" }];
    this.#body.emit(parameter("threads"), { op: "i32.eqz" });
    this.#body.emit({ op: "if", result: null, body: asked, otherwise: [] });
    /** Neighbours that are too small at all sizes: one thread runs them all. */
    let small: Instruction[] = [];
    const flush = (): void => {
      if (small.length > 0) this.#turn([int(0)], FIRST, small);
      small = [];
    };
    calls.forEach((call, i) => {
      const large = larges[i]!;
      if (large === null) {
        small.push(...this.#call(call, [int(0), int(1)]));
        return;
      }
      flush();
      const together: Instruction = { op: "local.get", local: large };
      const count: Code = [parameter("threads"), int(1), together, { op: "select" }];
      const mine: Code = [together, ...FIRST, { op: "i32.or" }];
      this.#turn([together], mine, this.#call(call, [parameter("thread"), ...count]));
    });
    flush();
    this.#body.emit(int(0));
    const { name } = this.#entry.spec;
    return this.#body.finish(`fwp_${name}`, `All kernels of the entry ${name}.`, "i32", true);
  }

  /** The local that says whether a kernel is large enough; null if it never is. */
  #isLarge({ spread }: PlannedKernel): number | null {
    const code = spread === null ? null : enough(spread.work, this.#worth, (s) => [sizeNamed(s)]);
    if (code === null) return null;
    const key = JSON.stringify(code);
    const known = this.#large.get(key);
    if (known !== undefined) return known;
    const local = this.#body.lasting("i32", "large");
    this.#body.emit(...code, { op: "local.set", local });
    this.#large.set(key, local);
    return local;
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
      ...(isSpread((kernel.like ?? kernel).body) ? team : []),
      { op: "call", callee },
    ];
  }
  /** From the first piece of private memory to the thread's own. */
  #own(buffer: string): Code {
    const { length, type } = this.#entry.spec.scratch.find((s) => s.name === buffer)!;
    const bytes: Code = [...sizeCode(length), int(BYTES[type]), { op: "i32.mul" }];
    const up: Code = [int(LINE - 1), { op: "i32.add" }, int(-LINE), { op: "i32.and" }, int(APART), { op: "i32.add" }]; // prettier-ignore
    return [...bytes, ...up, parameter("thread"), { op: "i32.mul" }, { op: "i32.add" }];
  }
}
