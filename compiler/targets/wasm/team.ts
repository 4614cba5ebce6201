/** What threads do together: parts of a loop, meetings. */
import { Body, type Code } from "./body.ts";
import type { Library } from "./functions/index.ts";
import type { Instruction, WasmFunction } from "./instructions.ts";

/** The locals that hold which of how many threads runs this. */
export interface Team {
  readonly thread: number;
  readonly threads: number;
}

const get = (local: number): Instruction => ({ op: "local.get", local });
const int = (value: number): Instruction => ({ op: "i32.const", value });

const isNumber = (code: Code, value: number): boolean =>
  code.length === 1 && code[0]!.op === "i32.const" && code[0]!.value === value;

/** Waits for the other threads, if there are any. */
export const meeting = (library: Library, { threads }: Team): Code => [
  get(threads),
  int(1),
  { op: "i32.gt_s" },
  { op: "if", result: null, body: [get(threads), library.meet()], otherwise: [] },
];

interface Range {
  readonly from: Code;
  readonly to: Code;
  readonly step: number;
}

/** Where a thread's own part of a loop begins and ends. */
export function partOf(library: Library, team: Team, range: Range): readonly [Code, Code] {
  const { from, to, step } = range;
  const { thread, threads } = team;
  // One round: the first thread's.
  if (isNumber(from, 0) && isNumber(to, 1)) return [[get(thread)], [int(1)]];
  const length: Code = isNumber(from, 0) ? to : [...to, ...from, { op: "i32.sub" }];
  const up: Code = [int(step - 1), { op: "i32.add" }, int(step), { op: "i32.div_s" }];
  const times: Code = step === 1 ? [] : [int(step), { op: "i32.mul" }];
  const start: Code = isNumber(from, 0) ? [] : [...from, { op: "i32.add" }];
  const end = (which: Code): Code => [
    ...length,
    ...(step === 1 ? [] : up),
    ...which,
    get(threads),
    library.own("share", share),
    ...times,
    ...start,
  ];
  return [end([get(thread)]), end([get(thread), int(1), { op: "i32.add" }])];
}

/** rounds · thread / threads, nearly: each gets as many as the others or one more, and no product is larger than `rounds`. */
function share(name: string): WasmFunction {
  const body = new Body([
    ["rounds", "i32"],
    ["thread", "i32"],
    ["threads", "i32"],
  ]);
  const [rounds, thread, threads] = [get(0), get(1), get(2)];
  const spare = body.local("i32", "spare");
  const all: Code = [rounds, thread, { op: "i32.mul" }];
  const part = body.nested(() => {
    body.emit(rounds, threads, { op: "i32.rem_s" }, { op: "local.set", local: spare });
    body.emit(rounds, threads, { op: "i32.div_s" }, thread, { op: "i32.mul" });
    body.emit(thread, get(spare), thread, get(spare), { op: "i32.lt_s" }, { op: "select" });
    body.emit({ op: "i32.add" });
  });
  const several = body.nested(() => {
    body.emit(threads, int(1), { op: "i32.eq" });
    body.emit({ op: "if", result: "i32", body: all, otherwise: part });
  });
  body.emit(rounds, int(0), { op: "i32.le_s" });
  body.emit({ op: "if", result: "i32", body: [int(0)], otherwise: several });
  return body.finish(name, "The first round of a thread, of so many rounds.", "i32", false);
}

/** Before a kernel: meets those who do not have what is done so far. Takes what was before, and gives what is then. */
export function turn(library: Library): Instruction {
  return library.own("turn", (name) => {
    const body = new Body([
      ["before", "i32"],
      ["together", "i32"],
      ["threads", "i32"],
    ]);
    // Before: 0 nothing, 1 what the first thread did alone, 2 what all did. Only alone after alone nobody waits.
    const open: Code = [get(0), get(1), { op: "i32.add" }, int(2), { op: "i32.lt_s" }];
    const wait = meeting(library, { thread: 1, threads: 2 });
    body.emit(...open, { op: "if", result: null, body: [], otherwise: wait });
    body.emit(get(1), int(1), { op: "i32.add" });
    return body.finish(name, "What a thread does before a kernel.", "i32", false);
  });
}
