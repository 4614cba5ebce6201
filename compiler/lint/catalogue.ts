/** What makes these models fail in practice, and what can be wrong with an allowance. */
import { diagnosticsOf, entry } from "../../diagnostics/catalogue.ts";

export const lintCatalogue = {
  fwp4501: entry(
    "warning",
    "keys of any length under a rule that erases",
    (f: { state: string; key: string }) =>
      `${f.state} erases what it holds at ${f.key}, and nothing bounds the length of ${f.key}`,
    (f) => `normalise ${f.key} before it is used: sum_norm, l2_norm or softmax`,
    "A rule that reads the memory at a key k and takes a part β of the answer away at the same key multiplies the memory by I − β k kᵀ, whose eigenvalue along k is 1 − β ‖k‖². Where ‖k‖ has no bound that eigenvalue can be far below −1, and the memory grows exponentially. Keys that softmax, `sum_norm` or `l2_norm` has made are no longer than 1. What is proved is a bound on ‖k‖ by intervals and by these normalisations; keys that are kept short in another way need an allowance: `// fwp: allow fwp4501 because …` on the line above.",
  ),
  fwp4502: entry(
    "warning",
    "a write strength that can make the memory expand",
    (f: { state: string; key: string; bound: string }) =>
      `what ${f.state} takes away at ${f.key}, rate · ‖${f.key}‖², can be ${f.bound}; outside of 0 … 2 the memory grows`,
    (f) => `keep the rate between 0 and 2 / ‖${f.key}‖²: sigmoid(…) for a key of length 1 or less`,
    "I − β k kᵀ has the eigenvalue 1 − β ‖k‖² along k. It stays between −1 and 1 as long as β ‖k‖² is between 0 and 2; outside of that every write at this key multiplies what is stored there by more than 1. A rate of `sigmoid(…)` with a key of length 1 or less only erases, `2 * sigmoid(…)` can also reflect. The message tells the bounds that could be proved, for widths that have no value as if they were 64.",
  ),
  fwp4503: entry(
    "warning",
    "division by a sum that can be zero",
    (f: { what: string }) => `${f.what} is divided by a sum that is zero when all its terms are`,
    () => "add a small number to the sum, as sum_norm does: x / (sum(x) + 1e-6)",
    "Features made by rectifiers, products of them above all (DPFP), can all be zero at once; divided by their sum they become 0 / 0, and NaN spreads through the memory and the gradients. The warning is given where the denominator is proved to be a sum of numbers that are not negative and not proved to be above zero.",
  ),
  fwp4504: entry(
    "warning",
    "a decay that is not proved to lie between 0 and 1",
    (f: { state: string; range: string }) =>
      `${f.state} is multiplied at every step by a number that can be ${f.range}`,
    () =>
      "make the decay by sigmoid(…), or by exp of something that is never positive: exp(-softplus(…))",
    "What a state is multiplied by at every step is raised to the power of the number of steps: above 1 the state grows exponentially, below 0 it changes sign at every step. Give gates through `sigmoid`, or decays in log space. A decay that is right for another reason needs an allowance on the line above the state: `// fwp: allow fwp4504 because …`.",
  ),
  fwp4505: entry(
    "warning",
    "a state that only grows while segments are carried on",
    (f: { state: string; experiment: string }) =>
      `${f.experiment} carries ${f.state} from segment to segment, and ${f.state} is only ever added to`,
    () =>
      "let the state decay, erase before writing (the delta rule), or train without carry: true",
    "With `carry: true` a segment starts with the fast weights that the one before has left. A state that is only added to, without decay, erasure or squashing, then has no bound over a whole training run: its reads become larger and larger, and normalisers such as a sum of keys blow up. The place is the state; the message names the experiment.",
  ),
  fwp4510: entry(
    "warning",
    "an allowance that allows nothing",
    (f: { code: string }) => `there is no ${f.code} for this allowance to allow on the next line`,
    () => "remove the comment, or put it right above the line that the warning names",
    "`// fwp: allow CODE because REASON` silences one warning of this section on the line that follows. One that silences nothing is left over from an earlier version of the spec, or stands in the wrong place.",
  ),
  fwp4511: entry(
    "warning",
    "an allowance that cannot be read",
    (f: { found: string }) => `expected fwp: allow CODE because REASON, found ${f.found}`,
    () => "say which warning is allowed and why: // fwp: allow fwp4504 because …",
    "A comment that starts with `fwp:` is an allowance: `// fwp: allow CODE because REASON`, where the code is that of a warning in this section. The reason is required; whoever reads the spec should not have to guess it.",
  ),
};

export type LintCode = keyof typeof lintCatalogue & string;
export const lintDiagnostic = diagnosticsOf(lintCatalogue);
