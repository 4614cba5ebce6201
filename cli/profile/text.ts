/** Profiles as people read them. */
import { plural, table } from "../output.ts";
import { bytes, memoryText, short, sizesText } from "../plan/text.ts";
import type { KernelTime, Profile } from "./measure.ts";

const WIDTH = 24;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A bar in eighths of a character. */
function bar(share: number): string {
  const eighths = Math.round(share * WIDTH * 8);
  return "█".repeat(eighths >> 3) + EIGHTHS[eighths & 7]!;
}

const percent = (x: number): string => `${(100 * x).toFixed(x < 0.0995 ? 1 : 0)} %`;
const milliseconds = (x: number): string => (x >= 10 ? x.toFixed(1) : x >= 1 ? x.toFixed(2) : x.toFixed(3)); // prettier-ignore

/** Kernels that take less than this part of the time are one line together. */
const SMALL = 0.005;

function row(kernel: KernelTime, widest: number): string[] {
  const { milliseconds: time, share, flops, bytes: moved, ceiling, bound, title } = kernel;
  const speed = time === 0 ? "" : `${short((1000 * flops) / time).trim()}`;
  const flow = time === 0 ? "" : bytes((1000 * moved) / time);
  return [milliseconds(time), percent(share), bar(share / widest), speed, flow, `${percent(ceiling)} ${bound}`, title]; // prettier-ignore
}

/** The slowest kernels first, with the share of the time as bars; `all` also those that take next to none. */
export function profileText(p: Profile, all: boolean): string {
  const { plan, ceilings, whole, sum } = p;
  const sorted = p.kernels.toSorted((a, b) => b.milliseconds - a.milliseconds);
  const shown = all ? sorted : sorted.filter((k) => k.share >= SMALL);
  const rest = sorted.slice(shown.length);
  const widest = Math.max(...sorted.map((k) => k.share), 1e-9);
  const rows = shown.map((k) => row(k, widest));
  if (rest.length > 0) {
    const time = rest.reduce((t, k) => t + k.milliseconds, 0);
    rows.push([milliseconds(time), percent(sum === 0 ? 0 : time / sum), "", "", "", "", `${plural(rest.length, "more kernel")}: --all shows them`]); // prettier-ignore
  }
  const head = ["ms", "share", "", "op/s", "B/s", "of ceiling", "computes"];
  const plain = { ...plan, kernels: [] };
  return [
    `${p.name}: ${plan.entry} on ${plan.device}, ${sizesText(plain)}; fastest of ${plural(p.rounds, "round")}\n`,
    `  ${milliseconds(whole)} ms in one call; ${plural(p.kernels.length, "kernel")}, called one by one ${milliseconds(sum)} ms\n`,
    `  ${short(plan.flops)}operations: ${short((1000 * plan.flops) / whole)}op/s, ${percent((1000 * plan.flops) / whole / ceilings.product)} of what a product of 512 x 512 x 512 reaches here (${short(ceilings.product)}op/s)\n`,
    `  ceiling for what is moved: ${bytes(ceilings.copy)}/s, read and written, of a map over large memory\n`,
    `  memory: ${memoryText(plain)}\n\n`,
    table([head, ...rows], { right: [0, 1, 3, 4, 5] }),
  ].join("");
}
