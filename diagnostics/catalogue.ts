/**
 * A catalogue lists every problem a room can report. It is one constant object: code → entry; the type checker holds
 * callers to the codes that exist and to the facts each message needs, and docs/diagnostics.md is generated from it.
 */
import type { Diagnostic, Place, Related, Severity } from "./diagnostic.ts";

/** The facts that a message is made of. */
export type Facts = Readonly<Record<string, string | number>>;

export interface Entry<F extends Facts = Facts> {
  readonly severity: Severity;
  /** The problem in a few words: the heading in docs/diagnostics.md. */
  readonly title: string;
  readonly message: (facts: F) => string;
  /** The likely fix; null where there is none. */
  readonly hint: ((facts: F) => string | null) | null;
  /** A paragraph for the documentation: when it appears, why it matters, how to mend it. */
  readonly explanation: string;
}

// Entries of different facts live in one object, so the object's own type is only bounded by `never` facts.
export type Catalogue = Readonly<Record<string, Entry<never>>>;

/** Declares one entry, inferring the facts from its message. */
export function entry<F extends Facts>(
  severity: Severity,
  title: string,
  message: (facts: F) => string,
  hint: ((facts: F) => string | null) | null,
  explanation: string,
): Entry<F> {
  return { severity, title, message, hint, explanation };
}

export type FactsOf<E> = E extends Entry<infer F> ? F : never;

/** Makes the typed constructor of a catalogue's diagnostics. */
export function diagnosticsOf<C extends Catalogue>(catalogue: C) {
  return function make<K extends keyof C & string>(
    code: K,
    place: Place,
    facts: FactsOf<C[K]>,
    related: readonly Related[] = [],
  ): Diagnostic {
    const found = catalogue[code] as unknown as Entry<Facts>;
    return {
      code,
      severity: found.severity,
      message: found.message(facts),
      hint: found.hint?.(facts) ?? null,
      place,
      related,
    };
  };
}
