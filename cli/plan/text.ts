/** Plans as people read them. */
import { plural, table } from "../output.ts";
import type { PlanFacts } from "./facts.ts";

const SCALES = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
] as const;

/** `1234567` as `1.23 M`. */
export function short(value: number): string {
  for (const [scale, letter] of SCALES) {
    if (value >= scale) return `${(value / scale).toPrecision(3)} ${letter}`;
  }
  return `${Number(value.toPrecision(3))} `;
}

export const bytes = (n: number): string => `${short(n)}B`;

export function sizesText({ sizes }: PlanFacts): string {
  return `batch ${sizes.batch}, ${plural(sizes.time, "step")}`;
}

export function memoryText({ memory }: PlanFacts): string {
  const { inputs, parameters, outputs, scratch, unpacked, peak } = memory;
  return (
    `${bytes(peak)} at the peak: inputs ${bytes(inputs)} (parameters ${bytes(parameters)}), outputs ${bytes(outputs)}, ` +
    `between kernels ${bytes(scratch)} (${bytes(unpacked)} if nothing shared a place)`
  );
}

/** A line per kernel, in the order in which they run. */
export function planText(plan: PlanFacts): string {
  const rows = plan.kernels.map((k, i) => [
    String(i + 1),
    short(k.flops).trim(),
    bytes(k.bytes),
    k.bytes === 0 ? "" : (k.flops / k.bytes).toPrecision(2),
    k.title,
  ]);
  const head = ["", "operations", "moves", "per byte", "computes"];
  return [
    `  plan of ${plan.entry} on ${plan.device} (${sizesText(plan)}): ${plural(plan.kernels.length, "kernel")}\n`,
    `    ${short(plan.flops)}operations, ${bytes(plan.bytes)} moved between kernels and memory at least\n`,
    `    memory: ${memoryText(plan)}\n`,
    table([head, ...rows], { indent: "    ", right: [0, 1, 2, 3] }),
  ].join("");
}
