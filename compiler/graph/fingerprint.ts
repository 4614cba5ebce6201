/** Graphs that differ in names and places only, as the layers of a deep model do. */
import type { Graph } from "./ir.ts";

/** Numbers that JSON does not tell apart from others. */
const isOdd = (value: unknown): value is number =>
  typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0));

/** The same text for graphs that differ in names and places only. */
export function fingerprint({ nodes, outputs }: Graph): string {
  return JSON.stringify([nodes, outputs], (key, value: unknown) => {
    if (key === "origin" || key === "name") return undefined;
    return isOdd(value) ? `${Object.is(value, -0) ? "-" : ""}${value}` : value;
  });
}
