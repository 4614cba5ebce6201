/** Picks a form for every loop over time of a program. Nothing here is measured: the same program gets the same forms. */
import { DiagnosticError, type Diagnostic, type Place } from "../../diagnostics/diagnostic.ts";
import type { Sizes } from "../../runtime/format/program.ts";
import { estimate, type Cost, type Speed } from "../cost/index.ts";
import { analyse, chunkedAs, obstacleToChunks } from "../derive/index.ts";
import { fingerprint } from "../graph/fingerprint.ts";
import type { ProgramState, Recurrence, Schedule } from "../graph/ir.ts";
import type { SequenceProgram } from "../graph/program.ts";
import { alone, costInForm } from "./alone.ts";
import { chooseDiagnostic } from "./catalogue.ts";
import {
  FORMS,
  sayForm,
  showForm,
  type Candidate,
  type Choice,
  type Form,
  type FormName,
  type Use,
  type Wish,
} from "./forms.ts";

/** Steps per chunk that are tried where the length is left open, from short to long. */
const LENGTHS = [8, 16, 32, 64, 128];

/** Another form must be estimated this much faster than the loop: estimates are rough, and the loop rounds least. */
const WORTH = 0.9;

/** What is long, and what a batch is, where nothing says it. */
export const USUAL: Readonly<Record<Use, Choice["sizes"]>> = {
  training: { batch: 8, time: 512 },
  prefill: { batch: 1, time: 2048 },
  streaming: { batch: 1, time: 1 },
};

export interface ChooseOptions {
  readonly use: Use;
  readonly sizes: Choice["sizes"];
  readonly wish: Wish;
  readonly speed: Speed;
}

/** What a recurrence can be run as. */
interface Possible {
  readonly other: Choice["alternative"];
  readonly obstacle: string | null;
}

function possible(recurrence: Recurrence): Possible {
  const sets = analyse(recurrence);
  const options = { elementwise: true };
  const obstacle = obstacleToChunks(recurrence, sets, options);
  return { other: chunkedAs(recurrence, sets, options), obstacle };
}

/** Why a form is none of those that the recurrence can be run as. */
function reasonAgainst(form: FormName, { other, obstacle }: Possible): string {
  if (obstacle !== null) return obstacle;
  return form === "scan" && other === "chunk"
    ? "terms sum over the state, so its elements do not go their own ways"
    : "every element goes its own way, which is a scan";
}

interface Asked extends Wish {
  readonly by: Choice["by"];
  readonly place: Place;
}

const schedulePlace = ({ origin: { file, start, end } }: Schedule): Place => ({
  file,
  range: { start, end },
});

const sameForm = (a: Schedule, b: Schedule): boolean => a.form === b.form && a.length === b.length;

const flagged = (flag: string): Place => ({ file: flag, range: null });

/** What is asked of a loop: by the command line before the spec. */
function askedOf(states: readonly ProgramState[], wish: Wish, problems: Diagnostic[]): Asked {
  if (wish.form !== "auto") return { ...wish, by: "flag", place: flagged("--form") };
  const scheduled = states.filter((s) => s.schedule !== undefined);
  const [first] = scheduled;
  if (first === undefined) {
    const by = wish.length === null ? "cost" : "flag";
    return { ...wish, by, place: flagged("--chunk") };
  }
  const schedule = first.schedule!;
  const other = scheduled.find((s) => !sameForm(s.schedule!, schedule));
  if (other !== undefined) {
    const facts = { first: first.name, second: other.name };
    problems.push(chooseDiagnostic("fwp4602", schedulePlace(other.schedule!), facts));
  }
  const { form, length } = schedule;
  return { form, length: wish.length ?? length, by: "schedule", place: schedulePlace(schedule) };
}

const round = (ms: number): string => {
  if (ms >= 1000) return `${Number((ms / 1000).toPrecision(2))} s`;
  return ms >= 0.1 ? `${Number(ms.toPrecision(2))} ms` : `${Number((1000 * ms).toPrecision(2))} µs`;
};

const fastest = (all: readonly Candidate[]): Candidate | undefined =>
  all.reduce<Candidate | undefined>(
    (best, c) => (best === undefined || c.milliseconds < best.milliseconds ? c : best),
    undefined,
  );

/**
 * Of the candidates that may be the fastest for all that estimates are worth, the one with the longest chunks: it keeps the
 * fewest states and has the fewest steps that wait for each other.
 */
function longest(all: readonly Candidate[], doubt: number): Candidate | undefined {
  const best = fastest(all);
  if (best === undefined) return undefined;
  const close = all.filter((c) => c.milliseconds <= doubt * best.milliseconds);
  return close.reduce((a, c) => ((c.length ?? 0) > (a.length ?? 0) ? c : a), best);
}

/**
 * Longer and longer chunks, up to the first that is beyond doubt slower than another: from there on each step has only more
 * to do.
 */
function upTo(doubt: number, count: (length: number) => Candidate): Candidate[] {
  const tried: Candidate[] = [];
  for (const length of LENGTHS) {
    const next = count(length);
    const best = fastest(tried);
    tried.push(next);
    if (best !== undefined && next.milliseconds > doubt * best.milliseconds) break;
  }
  return tried;
}

const SHARES = { flag: "the command line asks for it", schedule: "the spec schedules it" } as const;

/** What is known of a recurrence before anybody asks for a form. */
interface Known {
  readonly possible: Possible;
  /** As a program of its own, and as a text that is the same for those that are alike. */
  readonly program: SequenceProgram;
  readonly key: string;
}

/** Chooses for programs; keeps what it has found out about their loops, and what it has counted. */
export class Chooser {
  readonly #known = new Map<Recurrence, Known>();
  readonly #counted = new Map<string, Cost>();

  #about(staged: SequenceProgram, recurrence: Recurrence): Known {
    const before = this.#known.get(recurrence);
    if (before !== undefined) return before;
    const program = alone(staged, recurrence);
    const key = fingerprint(program.graph);
    const known = { possible: possible(recurrence), program, key };
    this.#known.set(recurrence, known);
    return known;
  }

  #candidate({ program, key }: Known, form: Form, { use, sizes, speed }: ChooseOptions): Candidate {
    const { batch, time } = sizes;
    const full = [key, use, batch, time, showForm(form)].join(" ");
    let cost = this.#counted.get(full);
    if (cost === undefined) {
      cost = costInForm(program, form, use, { batch, time, past: 0 } satisfies Sizes);
      this.#counted.set(full, cost);
    }
    return { ...form, cost, milliseconds: estimate(cost, speed) };
  }

  /** The form of every recurrence of a staged program, in order. @throws DiagnosticError fwp4601, fwp4602. */
  choose(staged: SequenceProgram, options: ChooseOptions): Choice[] {
    const problems: Diagnostic[] = [];
    const looped = new Set<string>();
    const choices = staged.graph.nodes.flatMap((node) => {
      if (node.op !== "recurrence") return [];
      for (const c of node.recurrence.carries) looped.add(c.name);
      return [this.#chooseFor(staged, node.recurrence, options, problems)];
    });
    for (const { name, schedule } of staged.step.states) {
      if (schedule === undefined || schedule.form === "sequential" || looped.has(name)) continue;
      problems.push(refusal([name], schedule.form, "it needs no loop over time", [], schedulePlace(schedule))); // prettier-ignore
    }
    if (problems.length > 0) throw new DiagnosticError(problems);
    return choices;
  }

  #chooseFor(
    staged: SequenceProgram,
    recurrence: Recurrence,
    options: ChooseOptions,
    problems: Diagnostic[],
  ): Choice {
    const { use, sizes } = options;
    const states = recurrence.carries.map((c) => c.name);
    const known = this.#about(staged, recurrence);
    const here = known.possible;
    const base = { use, states, sizes, alternative: here.other, obstacle: here.obstacle };
    const count = (form: Form) => this.#candidate(known, form, options);
    if (use === "streaming") {
      const reason = "steps come one at a time";
      return {
        ...base,
        form: "step",
        length: null,
        by: "use",
        reason,
        // Nothing depends on what it costs: counted when somebody wants to know.
        get candidates() {
          return [count({ form: "step", length: null })];
        },
      };
    }
    const own = staged.step.states.filter((s) => states.includes(s.name));
    const asked = askedOf(own, options.wish, problems);
    const available = here.other === null ? ["sequential" as const] : (["sequential", here.other] as const); // prettier-ignore
    if (asked.form !== "auto" && !available.some((f) => f === asked.form)) {
      const reason = reasonAgainst(asked.form, here);
      problems.push(refusal(states, asked.form, reason, available, asked.place));
    }
    const candidates = FORMS.flatMap((form): Candidate[] => {
      if (!available.some((f) => f === form)) return [];
      if (asked.form !== "auto" && asked.form !== form) return [];
      if (form === "sequential") return [count({ form, length: null })];
      if (asked.length !== null) return [count({ form, length: asked.length })];
      return upTo(options.speed.doubt, (length) => count({ form, length }));
    });
    return { ...base, candidates, ...decide(candidates, asked, options.speed.doubt) };
  }
}

function refusal(
  states: readonly string[],
  form: FormName,
  reason: string,
  available: readonly FormName[],
  place: Place,
): Diagnostic {
  const facts = { states: states.join(", "), form, reason, available: available.join(" or ") };
  return chooseDiagnostic("fwp4601", place, facts);
}

type Decision = Pick<Choice, "form" | "length" | "by" | "reason">;

const as = ({ form, length }: Form, by: Choice["by"], reason: string): Decision => ({
  form,
  length,
  by,
  reason,
});

function decide(candidates: readonly Candidate[], asked: Asked, doubt: number): Decision {
  const loop = candidates.find((c) => c.form === "sequential");
  const other = longest(
    candidates.filter((c) => c.form !== "sequential"),
    doubt,
  );
  const at = ({ milliseconds }: Candidate): string => `an estimated ${round(milliseconds)}`;
  if (asked.form !== "auto" || loop === undefined) {
    const chosen = other ?? loop;
    // Refused: the caller throws.
    if (chosen === undefined) return { form: "sequential", length: null, by: "cost", reason: "" };
    const by = asked.by === "schedule" ? "schedule" : "flag";
    const open = chosen.form !== "sequential" && asked.length === null;
    const most = open ? `, and of its lengths this is the fastest, ${at(chosen)}` : "";
    return as(chosen, by, `${SHARES[by]}${most}`);
  }
  if (other === undefined) return as(loop, "cost", "it is the only form that there is");
  const faster = other.milliseconds < WORTH * loop.milliseconds;
  const [chosen, left] = faster ? [other, loop] : [loop, other];
  const little = !faster && other.milliseconds < loop.milliseconds;
  const against = `${at(chosen)} against ${round(left.milliseconds)} for ${sayForm(left)}`;
  return as(chosen, "cost", little ? `${against}, which is too little to gain` : against);
}
