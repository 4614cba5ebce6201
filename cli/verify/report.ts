/** What `fwp verify` found, for people and for tools. */
import { plural, table } from "../output.ts";
import type { Finding, Worst } from "./verify.ts";

/** All candidates of one layer or model at one choice of sizes. */
export interface Verified {
  readonly file: string;
  readonly name: string;
  readonly sizes: readonly (readonly [name: string, value: number])[];
  readonly findings: readonly Finding[];
}

export interface Summary {
  readonly comparisons: number;
  readonly failed: number;
  readonly incomparable: number;
}

export function summarise(all: readonly Verified[]): Summary {
  const findings = all.flatMap((v) => v.findings);
  const count = (outcome: Finding["outcome"]) =>
    findings.filter((f) => f.outcome === outcome).length;
  return {
    comparisons: findings.length,
    failed: count("FAIL"),
    incomparable: count("not comparable"),
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
  return `${outcome} (not comparable: ${incomparable.join(", ")} steps)`;
};

const HEAD = ["layer", "sizes", "form", "device", "forward", "gradient", "worst at", "result"];

/** One file's table. */
export function reportText(all: readonly Verified[]): string {
  const rows = all.flatMap(({ name, sizes, findings }) =>
    findings.map((finding, i) => [
      // Once for each group of rows.
      i === 0 ? name : "",
      i === 0 ? sizes.map(([key, value]) => `${key}=${value}`).join(" ") : "",
      finding.form,
      `${finding.device} ${finding.precision}`,
      number(finding.forward),
      number(finding.gradient),
      where(finding),
      outcomeOf(finding),
    ]),
  );
  return table([HEAD, ...rows], { right: [4, 5] });
}

export function summaryText(all: readonly Verified[]): string {
  const { comparisons, failed, incomparable } = summarise(all);
  const layers = new Set(all.map((v) => `${v.file}\n${v.name}`)).size;
  const verdict = failed === 0 ? "no failures" : plural(failed, "failure");
  const left = incomparable === 0 ? "" : `, ${incomparable} not comparable`;
  return `${plural(layers, "layer or model", "layers and models")}, ${plural(
    comparisons,
    "comparison",
  )} with the oracle: ${verdict}${left}\n`;
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
  results: all.flatMap(({ file, name, sizes, findings }) =>
    findings.map((f) => ({
      file,
      layer: name,
      sizes: Object.fromEntries(sizes),
      form: f.form,
      device: f.device,
      precision: f.precision,
      forward: worstJson(f.forward),
      gradient: worstJson(f.gradient),
      incomparable: f.incomparable,
      fault: f.fault,
      outcome: f.outcome,
    })),
  ),
});
