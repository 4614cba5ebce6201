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

export const equationsText = (fact: Equations): string =>
  program(fact) + fact.transitions.map(transition).join("") + meanings(fact) + dependence(fact);
