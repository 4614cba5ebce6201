/** What callers give a model, checked: lengths, tokens, and nothing that is not a number. */
import { problem } from "./catalogue.ts";
import type { SignalSpec } from "./format/program.ts";

/**
 * The numbers of one input, for `steps` steps (batch times time).
 * @throws DiagnosticError fwp6302 when it is missing, fwp6032 of another length, fwp6034 when a token is outside the
 * vocabulary.
 */
export function checkInput(
  signal: SignalSpec,
  given: Readonly<Record<string, ArrayLike<number>>>,
  steps: number,
): ArrayLike<number> {
  const { name, shape, vocab } = signal;
  const values = Object.hasOwn(given, name) ? given[name] : undefined;
  if (values === undefined) {
    const known = Object.keys(given).join(", ");
    throw problem("fwp6302", name, { name, known: known === "" ? "nothing" : known });
  }
  const expected = shape.reduce((a, b) => a * b, steps);
  if (values.length !== expected) {
    const facts = { name, expected: `${expected} numbers`, found: `${values.length}` };
    throw problem("fwp6032", name, facts);
  }
  if (vocab !== null) {
    for (let index = 0; index < values.length; index++) {
      const value = values[index]!;
      if (Number.isInteger(value) && value >= 0 && value < vocab) continue;
      throw problem("fwp6034", name, { name, value, vocab, index });
    }
  }
  return values;
}
