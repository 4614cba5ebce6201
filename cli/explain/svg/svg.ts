/** A topology as a picture: SVG whose text can be read and searched, for light and dark backgrounds. */
import type { Role } from "../../../compiler/derive/describe/index.ts";
import { CHARACTER, LINE, type Layout, type PlacedArrow, type PlacedBox, type PlacedGroup } from "./layout.ts"; // prettier-ignore

interface Palette {
  readonly paper: string;
  readonly ink: string;
  readonly soft: string;
  readonly line: string;
  readonly group: string;
  readonly edge: string;
  readonly fill: Readonly<Record<Role, string>>;
}

const LIGHT: Palette = {
  paper: "#ffffff",
  ink: "#1b1f24",
  soft: "#57606a",
  line: "#57606a",
  group: "#f3f5f7",
  edge: "#d0d7de",
  fill: {
    input: "#e4e8ec",
    output: "#e4e8ec",
    slow: "#dbeafe",
    fast: "#fde7c7",
    write: "#ffd6d6",
    signal: "#ffffff",
  },
};
const DARK: Palette = {
  paper: "#14171b",
  ink: "#e8ebee",
  soft: "#a5afb9",
  line: "#97a1ac",
  group: "#1c2127",
  edge: "#343b44",
  fill: {
    input: "#343b44",
    output: "#343b44",
    slow: "#1d3a66",
    fast: "#5c4312",
    write: "#6a2626",
    signal: "#14171b",
  },
};

/** Plain colours: not every viewer of pictures knows custom properties. */
function rules({ paper, ink, soft, line, group, edge, fill }: Palette): string[] {
  return [
    `text { fill: ${ink} } text.shape, text.group, text.legend { fill: ${soft} }`,
    `text.group { stroke: ${group} } rect.paper { fill: ${paper} } rect.group { fill: ${group}; stroke: ${edge} }`,
    `rect.box { stroke: ${line} } path { stroke: ${line} } path.head { fill: ${line} }`,
    ...Object.entries(fill).map(([role, colour]) => `rect.${role} { fill: ${colour} }`),
  ];
}

const STYLE = [
  'text { font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; text-anchor: middle }',
  "text.shape, text.group, text.legend { font-size: 11px }",
  "text.group, text.legend { text-anchor: start }",
  "path { fill: none; stroke-width: 1.2 } path.delayed { stroke-dasharray: 5 4 }",
  // A rim in the colour of the ground: a line behind a title stops before its letters.
  "text.group { paint-order: stroke; stroke-width: 4; stroke-linejoin: round }",
  "rect.leaves { stroke-width: 2 }",
  ...rules(LIGHT),
  "@media (prefers-color-scheme: dark) {",
  ...rules(DARK).map((rule) => `  ${rule}`),
  "}",
].join("\n");

const ROLES: readonly Role[] = ["input", "output", "slow", "fast", "write", "signal"];

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;"); // prettier-ignore

const n = (value: number): string => String(Math.round(value * 10) / 10);

interface Corner {
  readonly x: number;
  readonly y: number;
}

/** Whether a point is on the way between its neighbours anyway. */
function straight(p: Corner, q: Corner, r: Corner): boolean {
  const cross = (q.x - p.x) * (r.y - q.y) - (q.y - p.y) * (r.x - q.x);
  return Math.abs(cross) < 1;
}

/** Straight pieces with round corners. */
function pathOf(given: readonly Corner[]): string {
  const points = given.filter((q, i) => {
    const [p, r] = [given[i - 1], given[i + 1]];
    return p === undefined || r === undefined || !straight(p, q, r);
  });
  const parts = [`M ${n(points[0]!.x)} ${n(points[0]!.y)}`];
  for (let i = 1; i < points.length - 1; i++) {
    const [p, q, r] = [points[i - 1]!, points[i]!, points[i + 1]!];
    const near = (to: Corner): Corner => {
      const far = Math.hypot(to.x - q.x, to.y - q.y) || 1;
      const part = Math.min(10, far / 2) / far;
      return { x: q.x + (to.x - q.x) * part, y: q.y + (to.y - q.y) * part };
    };
    const [a, b] = [near(p), near(r)];
    parts.push(`L ${n(a.x)} ${n(a.y)} Q ${n(q.x)} ${n(q.y)} ${n(b.x)} ${n(b.y)}`);
  }
  parts.push(`L ${n(points.at(-1)!.x)} ${n(points.at(-1)!.y)}`);
  return parts.join(" ");
}

const group = ({ x, y, width, height }: PlacedGroup): string =>
  `<rect class="group" x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" rx="8"/>`;

/** Above the arrows, which end before it. */
const groupTitle = ({ title, x, y }: PlacedGroup): string =>
  `<text class="group" x="${n(x + 7)}" y="${n(y + 13)}">${escape(title)}</text>`;

function arrow(
  { arrow: { from, to, delayed }, points }: PlacedArrow,
  nameOf: (id: string) => string,
): string {
  // prettier-ignore
  const title = `${nameOf(from)} → ${nameOf(to)}${delayed ? ", from the step before" : ""}`;
  return `<path${delayed ? ' class="delayed"' : ""} d="${pathOf(points)}" marker-end="url(#head)"><title>${escape(title)}</title></path>`; // prettier-ignore
}

function box(
  { box: { role, leaves }, lines, x, y, width, height }: PlacedBox,
  title: string,
): string {
  // prettier-ignore
  const [cx, first] = [x + width / 2, y + 6 + LINE - 4];
  const text = lines.map(
    (line, i) =>
    `<text${i === 0 ? "" : ' class="shape"'} x="${n(cx)}" y="${n(first + i * LINE)}">${escape(line)}</text>`, // prettier-ignore
  );
  const round = role === "fast" ? 2 : role === "write" ? 10 : 5;
  const rect = (inset: number): string =>
    `<rect x="${n(x + inset)}" y="${n(y + inset)}" width="${n(width - 2 * inset)}" height="${n(height - 2 * inset)}" rx="${round}" class="box ${role}${leaves ? " leaves" : ""}"/>`; // prettier-ignore
  return [
    `<g><title>${escape(title)}</title>`,
    rect(0),
    ...(role === "fast" ? [rect(3)] : []),
    ...text,
    "</g>",
  ].join("\n");
}

const LEGEND = "solid: within a step   dashed: from the step before   bold: output";

/** `titles`: what a box says when it is pointed at. */
export function svgOf(title: string, layout: Layout, titles: ReadonlyMap<string, string>): string {
  const { groups, arrows, boxes } = layout;
  const names = new Map(boxes.map(({ box: b }) => [b.id, b.name]));
  const width = Math.max(layout.width, LEGEND.length * CHARACTER * 0.92 + 32);
  const height = layout.height + 26;
  const present = ROLES.filter((r) => boxes.some(({ box: b }) => b.role === r));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${n(width)}" height="${n(height)}" viewBox="0 0 ${n(width)} ${n(height)}" role="img">
<title>${escape(title)}</title>
<desc>Boxes: ${present.join(", ")}. ${LEGEND.replaceAll("   ", "; ")}.</desc>
<style>
${STYLE}
</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path class="head" d="M 0 0.5 L 7.5 4 L 0 7.5 z"/></marker></defs>
<rect class="paper" width="100%" height="100%"/>
${groups.map(group).join("\n")}
${arrows.map((a) => arrow(a, (id) => names.get(id)!)).join("\n")}
${groups.map(groupTitle).join("\n")}
${boxes.map((b) => box(b, titles.get(b.box.id) ?? b.box.name)).join("\n")}
<text class="legend" x="16" y="${n(height - 12)}" xml:space="preserve">${LEGEND}</text>
</svg>
`;
}
