/** What `fwp explain` says of a recurrence beside its class: the update, the transition, what the names in them are. */
import type { StateSet } from "../../compiler/derive/index.ts";
import {
  derivedForm,
  describeSet,
  stationsOf,
  type DerivedForm,
  type StateTransition,
} from "../../compiler/derive/describe/index.ts";
import type { Graph, Recurrence, StepProgram } from "../../compiler/graph/ir.ts";
import { positionAt } from "../../diagnostics/render.ts";
import { sources } from "../output.ts";

/** A place in a spec: lines and columns from 1, and the range in UTF-16 units. */
export interface Spot {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly start: number;
  readonly end: number;
}

export interface Equations {
  /** What the program does, one write after the other: `W <- W + rate * outer(v - W @ key, key)`. */
  readonly update: readonly { readonly state: string; readonly line: string }[];
  /** Of states that are affine in the old ones: W_t = G ⊙ A W_{t−1} B + C. */
  readonly transitions: readonly StateTransition[];
  /** The names in the formulas. */
  readonly names: readonly {
    readonly symbol: string;
    /** As a formula; null for a signal that depends on no state of the set. */
    readonly is: string | null;
    /** As the spec says it. */
    readonly source: string | null;
    readonly at: Spot | null;
  }[];
  /** The forms over chunks of time and for one step; null where there are none. */
  readonly derived: DerivedForm | null;
  /** Of a nonlinear set: the shortest way from an old state to a new one over what makes it so. */
  readonly dependence:
    | readonly {
        readonly name: string;
        readonly what: string;
        /** Whether the value is not affine although what it is made of is. */
        readonly culprit: boolean;
        readonly at: Spot | null;
      }[]
    | null;
}

type Place = { readonly file: string; readonly start: number; readonly end: number };

function spot(place: Place | null): Spot | null {
  const text = place === null ? undefined : sources(place.file);
  if (place === null || text === undefined) return null;
  return { ...positionAt(text, place.start), ...place };
}

/** The text of a place on one line; of a binding what stands behind its sign. */
function excerpt(place: Place | null): string | null {
  const text = place === null ? undefined : sources(place.file);
  if (place === null || text === undefined) return null;
  const whole = text.slice(place.start, place.end).replaceAll(/\s+/gu, " ");
  const bound = /^[\p{L}_][^=]*?(?:=|<-) (?<value>.*)$/u.exec(whole);
  return bound?.groups?.["value"] ?? whole;
}

/** `outer`: the staged graph in which the recurrence stands. */
export function equationsOf(
  step: StepProgram,
  outer: Graph,
  recurrence: Recurrence,
  sets: readonly StateSet[],
  set: StateSet,
): Equations {
  const { update, transitions, names } = describeSet(step, recurrence, set);
  const stations = stationsOf(recurrence, set);
  return {
    update,
    transitions,
    names: names.map(({ symbol, is, place }) => ({
      symbol,
      is,
      source: excerpt(place),
      at: spot(place),
    })),
    derived: derivedForm(recurrence, sets, set, outer),
    dependence:
      stations?.map(({ name, what, culprit, place }) => ({
        name,
        what,
        culprit,
        at: spot(place),
      })) ?? null,
  };
}
