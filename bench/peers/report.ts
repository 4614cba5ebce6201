/** The comparison with the peers in lines for the terminal and for docs/benchmarks.md. */
import { short } from "../format.ts";
import type { Ceilings, PeerResult, PeerResults, PeerRow, Verdict } from "./results.ts";

const percent = (x: number): string => `${Math.round(100 * x)} %`;
const threadsOf = (n: number): string => (n === 1 ? "one thread" : `${n} threads`);

export function headLines({ processor, threads, target, libraries, notes }: PeerResults): string[] {
  const found = Object.entries(libraries).map(([name, version]) => `${name} ${version}`);
  return [
    `target ${target}, ${threadsOf(threads)} for every side, ${processor}`,
    found.length === 0 ? "none of the peers is installed: ours only" : found.join(", "),
    ...notes,
  ];
}

export const ceilingLine = ({ product, copy, copySmall }: Ceilings): string =>
  `our product of 1024³: ${short(product)} GFLOP/s; copies: ${short(copy)} GB/s, of 13 MB ${short(copySmall)} GB/s`;

function goalText({ against, least, aim, ratio, met }: Verdict): string {
  const asked = `at least ${least} × ${against.join(" or ")}${aim === null ? "" : `, aim ${aim}`}`;
  if (ratio === null) return `${asked}: not measured`;
  const verdict = met === null ? "not judged" : met ? "met" : "missed";
  return `${asked}: ${ratio.toFixed(2)}, ${verdict}`;
}

const peerText = (peer: PeerResult): string =>
  peer.state === "measured"
    ? `${short(peer.median)} ms, ratio ${peer.ratio.toFixed(2)}`
    : `${peer.state} (${peer.reason})`;

export function rowLines(row: PeerRow): string[] {
  const { what, ours, flops, bytes, gigaflops, gigabytes, ofProduct, ofCopy } = row;
  return [
    `  ${what}: ${short(ours.median)} ms`,
    `    ${short(flops / 1e6)} Mflop, ${short(gigaflops)} GFLOP/s, ${percent(ofProduct)} of our product; ` +
      `${short(bytes / 1e6)} MB, ${short(gigabytes)} GB/s, ${percent(ofCopy)} of a copy`,
    ...row.peers.map((peer) => `    ${peer.name}: ${peerText(peer)}`),
    ...row.goals.map((goal) => `    goal ${goalText(goal)}`),
    ...row.notes.map((note) => `    ${note}`),
  ];
}

/** How many goals were met. */
export function goalLines({ rows, seconds }: PeerResults): string[] {
  const goals = rows.flatMap((row) => row.goals);
  const judged = goals.filter((g) => g.met !== null);
  const met = judged.filter((g) => g.met === true).length;
  return [
    "",
    `${met} of ${judged.length} goals met; ${goals.length - judged.length} could not be measured; ${Math.round(seconds)} s in all`,
  ];
}

const cells = (list: readonly string[]): string => `| ${list.join(" | ")} |`;

function tableRows(row: PeerRow): string[] {
  const first = [
    row.what,
    short(row.ours.median),
    `${short(row.gigaflops)} (${percent(row.ofProduct)})`,
    `${short(row.bytes / 1e6)} MB, ${short(row.gigabytes)} (${percent(row.ofCopy)})`,
  ];
  if (row.peers.length === 0) return [cells([...first, "", "", "", ""])];
  return row.peers.map((peer, i) => {
    const goals = row.goals.filter((g) => g.against.includes(peer.family));
    const asked = goals.map((g) => `≥ ${g.least}`).join(", ");
    const [ms, ratio] =
      peer.state === "measured"
        ? [short(peer.median), `**${peer.ratio.toFixed(2)}**`]
        : ["", peer.state];
    return cells([...(i === 0 ? first : ["", "", "", ""]), peer.name, ms, ratio, asked]);
  });
}

/** A section of the page. */
export function peersSection(results: PeerResults): string[] {
  const { ceilings, libraries, threads, target, processor, notes, rows } = results;
  const found = Object.entries(libraries).map(([name, version]) => `${name} ${version}`);
  return [
    "## Beside the peers",
    "",
    `Written by \`npm run bench -- --only peers\`: target \`${target}\` and ${found.length === 0 ? "no peers" : found.join(", ")}, ` +
      `${threadsOf(threads)} for every side, ${processor}, float32. All sides of a row take turns in one run; times are medians in`,
    "milliseconds, the ratio is the peer's time by ours. Where a recurrence stands alone, results and gradients are compared first:",
    "they differ by at most 10⁻⁴. The peers are in `.peers` (`python3 -m venv .peers && .peers/bin/pip install torch jax`) or where",
    "`--python` or `$FWP_PEERS_PYTHON` says; bench/peers holds their code.",
    ...notes.flatMap((note) => ["", `Note: ${note}.`]),
    "",
    ...(ceilings === null
      ? []
      : [
          `Ceilings in the same run: our own product of 1024 × 1024 × 1024 reaches ${short(ceilings.product)} GFLOP/s; a copy moves ` +
            `${short(ceilings.copy)} GB/s, read and written, one of 13 MB ${short(ceilings.copySmall)} GB/s. Bytes count inputs, outputs,`,
          "parameters and states of a run once.",
          "",
        ]),
    cells(["work", "ms", "GFLOP/s", "GB/s", "peer", "ms", "ratio", "goal"]),
    cells(["---", "--:", "--:", "--:", "---", "--:", "--:", "---"]),
    ...rows.flatMap(tableRows),
    "",
  ];
}
