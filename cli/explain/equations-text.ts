/** Equations of a recurrence as people read them. */
import type { StateTransition } from "../../compiler/derive/describe/index.ts";
import { frame } from "../../diagnostics/render.ts";
import { sources, table } from "../output.ts";
import type { Equations, Spot } from "./equations.ts";

const INDENT = "      ";
const WIDTH = 94;

const placeText = (at: Spot | null): string =>
  at === null ? "" : `${at.file}:${at.line}:${at.column}`;

/** The equation, and what its letters are: on one line if they fit. */
function transition({ equation, A, B, C, G }: StateTransition): string {
  const letters = [
    ["G", G],
    ["A", A],
    ["B", B],
    ["C", C],
  ] as const;
  const parts = letters.flatMap(([letter, is]) => (is === null ? [] : [`${letter} = ${is}`]));
  const line = [equation, ...parts].join(",  ");
  if (line.length <= WIDTH) return `${INDENT}${line}\n`;
  return [equation, ...parts.map((p) => `  ${p}`)].map((l) => `${INDENT}${l}\n`).join("");
}

function program({ update }: Equations): string {
  return update.map(({ line }) => `${INDENT}${line}\n`).join("");
}

/** Only what is no signal under its own name. */
function meanings({ names }: Equations): string {
  const rows = names.flatMap(({ symbol, is, source }) => {
    const meaning = source ?? is;
    return is === null || meaning === null || meaning === symbol ? [] : [[symbol, `= ${meaning}`]];
  });
  return rows.length === 0 ? "" : `${INDENT}where\n${table(rows, { indent: `${INDENT}  ` })}`;
}

function dependence({ dependence: stations }: Equations): string {
  if (stations === null) return "";
  const rows = stations.map(({ name, what, culprit, at }) => [
    name,
    culprit ? what : "",
    placeText(at),
  ]);
  const culprit = stations.find((s) => s.culprit)?.at ?? null;
  const shown =
    culprit === null
      ? []
      : frame({ file: culprit.file, range: { start: culprit.start, end: culprit.end } }, sources);
  return [
    `${INDENT}from the old state to the new one\n`,
    table(rows, { indent: `${INDENT}  ` }),
    ...shown.slice(1).map((line) => `${INDENT} ${line}\n`),
  ].join("");
}

function block(title: string, lines: readonly string[], indent: string): string {
  if (lines.length === 0) return "";
  return `${indent}${title}\n${lines.map((l) => `${indent}  ${l}\n`).join("")}`;
}

/** The forms over chunks of time and for one step, written out. */
export function derivedText({ derived }: Equations): string {
  if (derived === null) return "";
  const { kind, note, step, once, carried, read, names } = derived;
  const inner = `${INDENT}  `;
  const rows = names.map(({ symbol, is }) => [symbol, `= ${is}`]);
  const head = `a ${kind === "scan" ? "scan over" : "form for"} chunks of C steps, t and s from 1 to C, S the state before them`; // prettier-ignore
  return [
    note === null ? "" : `${INDENT}${note}\n`,
    block("one step", step, INDENT),
    `${INDENT}${head}\n`,
    block("for all chunks at once, without the state", once, inner),
    block("from chunk to chunk", carried, inner),
    block("for all chunks at once", read, inner),
    rows.length === 0 ? "" : `${inner}where\n${table(rows, { indent: `${inner}  ` })}`,
  ].join("");
}

export const equationsText = (fact: Equations): string =>
  program(fact) + fact.transitions.map(transition).join("") + meanings(fact) + dependence(fact);
