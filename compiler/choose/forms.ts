/** The forms that a loop over time can take, and a choice among them as data. */
import type { Cost } from "../cost/index.ts";

/** What a program is wanted for. */
export type Use =
  /** Forward and backward. */
  | "training"
  /** A long sequence, forward. */
  | "prefill"
  /** One step at a time, the state handed on. */
  | "streaming";

/**
 * `sequential`: a loop over time that holds what must be in it. `chunk`: a loop over chunks of time. `scan`: for states
 * whose elements go their own ways, stretches of time put together two by two.
 */
export const FORMS = ["sequential", "chunk", "scan"] as const;
export type FormName = (typeof FORMS)[number];

export interface Form {
  /** `step` where one step is all there is. */
  readonly form: FormName | "step";
  /** Steps per chunk, of `chunk` and `scan`. */
  readonly length: number | null;
}

/** What is asked for from outside: `auto` leaves the form to the compiler, null the length. */
export interface Wish {
  readonly form: "auto" | FormName;
  readonly length: number | null;
}

export interface Candidate extends Form {
  readonly cost: Cost;
  readonly milliseconds: number;
}

/** The form of one loop: of a set of states that depend on each other. */
export interface Choice extends Form {
  readonly use: Use;
  readonly states: readonly string[];
  /** Who chose. */
  readonly by: "cost" | "flag" | "schedule" | "use";
  readonly reason: string;
  /** What the estimates are for. */
  readonly sizes: { readonly batch: number; readonly time: number };
  /** The form asked for with all its lengths, or everything that there is to choose from. */
  readonly candidates: readonly Candidate[];
  /** The form that there is beside `sequential`. */
  readonly alternative: "chunk" | "scan" | null;
  /** Why there is none; null if there is one. */
  readonly obstacle: string | null;
}

/** As the spec writes it: `chunk(32)`. */
export const showForm = ({ form, length }: Form): string =>
  length === null ? form : `${form}(${length})`;

/** In words. */
export function sayForm({ form, length }: Form): string {
  if (form === "chunk") return `chunks of ${length}`;
  if (form === "scan") return `a scan, ${length} steps at a time`;
  return form;
}
