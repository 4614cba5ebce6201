/** What `fwp verify` found, for people and for tools. */
import { plural, table } from "../output.ts";
import type { Finding, Findings, Worst } from "./verify.ts";

/** All candidates at one choice of sizes. */
export interface VerifiedRound extends Findings {
  readonly sizes: readonly (readonly [name: string, value: number])[];
  readonly lengths: readonly number[];
}

/** One layer or model. */
export interface Verified {
  readonly file: string;
  readonly name: string;
  readonly rounds: readonly VerifiedRound[];
  /** Sizes and lengths that should have been tried and were not: too much work, or refused by the spec. */
  readonly missing: readonly (readonly [name: string, values: readonly number[]])[];
}

export interface Summary {
  readonly comparisons: number;
  readonly failed: number;
  readonly incomparable: number;
  /** Single values: outputs, last states, gradients, each at one length. */
  readonly values: { readonly compared: number; readonly left: number };
  /** Sequences whose numbers were drawn again. */
  readonly redrawn: number;
}

export function summarise(all: readonly Verified[]): Summary {
  const findings = all.flatMap((v) => v.rounds.flatMap((r) => r.findings));
  const count = (outcome: Finding["outcome"]) =>
    findings.filter((f) => f.outcome === outcome).length;
  const total = (of: (f: Finding) => number) => findings.reduce((n, f) => n + of(f), 0);
  return {
    comparisons: findings.length,
    failed: count("FAIL"),
    incomparable: count("not comparable"),
    values: { compared: total((f) => f.compared), left: total((f) => f.left) },
    redrawn: all.flatMap((v) => v.rounds).reduce((n, r) => n + r.redrawn, 0),
  };
}

const number = (worst: Worst | null): string =>
  worst === null ? "-" : worst.error === Infinity ? "inf" : worst.error.toExponential(1);

/** Of a failure the value that fails, else the gradient that is furthest off. */
function where({ forward, gradient }: Finding): string {
  const shown = forward !== null && forward.ratio > 1 ? forward : (gradient ?? forward);
  return shown === null ? "-" : `${shown.name}, ${plural(shown.time, "step")}`;
}

const outcomeOf = ({ outcome, fault, incomparable }: Finding): string => {
  if (fault !== null) return `${outcome} (${fault})`;
  if (outcome === "not comparable" || incomparable.length === 0) return outcome;
  const parts = incomparable.map(({ time, values }) =>
    values === null
      ? `all at ${plural(time, "step")}`
      : `${plural(values.length, "value")} at ${plural(time, "step")}`,
  );
  return `${outcome} (not comparable: ${parts.join(", ")})`;
};

const HEAD = ["layer", "sizes", "form", "device", "forward", "gradient", "worst at", "result"];

const sizesText = ({ sizes, lengths }: VerifiedRound): string =>
  [...sizes.map(([key, value]) => `${key}=${value}`), `steps=${lengths.join(",")}`].join(" ");

/** One file's table. */
export function reportText(all: readonly Verified[]): string {
  const rows = all.flatMap(({ name, rounds }) =>
    rounds.flatMap((round) =>
      round.findings.map((finding, i) => [
        // Once for each group of rows.
        i === 0 ? name : "",
        i === 0 ? sizesText(round) : "",
        finding.form,
        `${finding.device} ${finding.precision}`,
        number(finding.forward),
        number(finding.gradient),
        where(finding),
        outcomeOf(finding),
      ]),
    ),
  );
  const untried = all
    .filter((v) => v.missing.length > 0)
    .map(({ name, missing }) => {
      const what = missing.map(([key, values]) => `${key} ${values.join(", ")}`);
      return `not tried with ${name}, too much work or refused by it: ${what.join("; ")}\n`;
    });
  return `${table([HEAD, ...rows], { right: [4, 5] })}${untried.join("")}`;
}

/** At least one digit of what is not nothing. */
function percent(part: number, whole: number): string {
  const share = (100 * part) / Math.max(1, whole);
  return `${share === 0 || share >= 0.1 ? share.toFixed(1) : share.toPrecision(1)} %`;
}

export function summaryText(all: readonly Verified[]): string {
  const { comparisons, failed, incomparable, values, redrawn } = summarise(all);
  const layers = new Set(all.map((v) => `${v.file}\n${v.name}`)).size;
  const verdict = failed === 0 ? "no failures" : plural(failed, "failure");
  const none = incomparable === 0 ? "" : `, ${incomparable} not comparable`;
  const whole = values.compared + values.left;
  const left =
    values.left === 0
      ? ""
      : `, ${values.left} not comparable (${percent(values.left, whole)}): they overflow, or the oracle itself, rounded, is as far off`;
  const again =
    redrawn === 0
      ? ""
      : `; numbers drawn again for ${plural(redrawn, "sequence")} that rounding alone left undetermined`;
  return `${plural(layers, "layer or model", "layers and models")}, ${plural(
    comparisons,
    "comparison",
  )} with the oracle: ${verdict}${none}\n${plural(values.compared, "value")} compared${left}${again}\n`;
}

const worstJson = (worst: Worst | null) =>
  worst === null
    ? null
    : {
        // Infinity is no JSON: it stands for values that are missing, misshapen or not finite.
        error: Number.isFinite(worst.error) ? worst.error : null,
        overAllowed: Number.isFinite(worst.ratio) ? worst.ratio : null,
        value: worst.name,
        steps: worst.time,
      };

export const reportJson = (all: readonly Verified[]) => ({
  ...summarise(all),
  missing: all
    .filter((v) => v.missing.length > 0)
    .map(({ file, name, missing }) => ({
      file,
      layer: name,
      sizes: Object.fromEntries(missing),
    })),
  results: all.flatMap(({ file, name, rounds }) =>
    rounds.flatMap(({ sizes, lengths, findings }) =>
      findings.map((f) => ({
        file,
        layer: name,
        sizes: Object.fromEntries(sizes),
        lengths,
        form: f.form,
        device: f.device,
        precision: f.precision,
        forward: worstJson(f.forward),
        gradient: worstJson(f.gradient),
        compared: f.compared,
        incomparable: f.incomparable,
        fault: f.fault,
        outcome: f.outcome,
      })),
    ),
  ),
});
