/** docs/retrieval.md's table, from the outcomes of the runs. */
import { CELLS, keyOf, SOLVED, type Cell, type Outcome, type Outcomes } from "./cells.ts";

const count = (n: number): string => n.toLocaleString("en-US");

/** With the four digits of the released figures. */
const loss = (value: number): string => value.toFixed(4);
const verdict = (value: number): string => (value <= SOLVED ? "solved" : "not solved");

function row(cell: Cell, found: Outcome | undefined): string {
  const { setting, system, pairs, released } = cell;
  const first = [setting, system, pairs, `${loss(released)}, ${verdict(released)}`];
  if (found === undefined) return `| ${[...first, "not run", "", "", ""].join(" | ")} |`;
  // A run that was cut may still have been on its way.
  const open = found.ended === null && found.loss > SOLVED;
  const ours = `${loss(found.loss)}, ${open ? "not yet solved" : verdict(found.loss)}`;
  const agrees = found.loss <= SOLVED === released <= SOLVED ? "yes" : open ? "open" : "**no**";
  const end = found.ended ?? "time given was over";
  const last = [ours, agrees, `${count(found.step)}: ${end}`, count(Math.round(found.seconds))]; // prettier-ignore
  return `| ${[...first, ...last].join(" | ")} |`;
}

/** How many of the runs agree with the released ones in what solves and what does not. */
export function retrievalTable(outcomes: Outcomes): string {
  const known = CELLS.flatMap((cell) => {
    const found = outcomes[keyOf(cell)];
    return found === undefined ? [] : [{ cell, found }];
  });
  const agree = known.filter(({ cell, found }) => found.loss <= SOLVED === cell.released <= SOLVED);
  const cut = known.filter(({ found }) => found.ended === null);
  return [
    "| setting | system | pairs | released: smallest loss | ours: smallest loss | agrees | steps: why it ended | seconds |",
    "| --: | --- | --: | --- | --- | --- | --- | --: |",
    ...CELLS.map((cell) => row(cell, outcomes[keyOf(cell)])),
    "",
    `${known.length} of ${CELLS.length} were run; ${agree.length} of them agree in what solves (a loss of at most ${SOLVED}). ` +
      `${cut.length} ended because the time given was over, before the published stop.`,
  ].join("\n");
}
