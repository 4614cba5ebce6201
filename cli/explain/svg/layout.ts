/** Where the boxes and arrows of a topology go: in layers from top to bottom, those of one layer of a model together. */
import { Graph, layout, type Point } from "@dagrejs/dagre";
import type { Arrow } from "../../../compiler/derive/describe/index.ts";
import type { Explanation } from "../facts.ts";

type Topology = Explanation["topology"];
type Box = Topology["boxes"][number];

export interface Rectangle {
  /** Of the upper left corner. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface PlacedBox extends Rectangle {
  readonly box: Box;
  readonly lines: readonly string[];
}
export interface PlacedGroup extends Rectangle {
  readonly title: string;
  /** How many groups it is inside of. */
  readonly depth: number;
}
export interface PlacedArrow {
  readonly arrow: Arrow;
  readonly points: readonly Point[];
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly PlacedBox[];
  readonly groups: readonly PlacedGroup[];
  readonly arrows: readonly PlacedArrow[];
}

/** Of a character of the monospaced font at the size that labels have. */
export const CHARACTER = 7.3;
export const LINE = 15;
const TITLE = 18;
const TITLE_ROOM = 12;

const BLOCKS: Readonly<Partial<Record<Box["role"], string>>> = {
  slow: "slow net",
  fast: "fast net",
  write: "program",
};

interface Group {
  readonly id: string;
  readonly title: string;
  readonly parent: string | null;
  readonly depth: number;
}

/** The groups that a box is in, the outermost first. */
function groupsOf({ path, role }: Box): Group[] {
  const parts = path === "" ? [] : path.split(".");
  const found: Group[] = [];
  // `layers.0` is one layer of the stack.
  for (let i = 0; i < parts.length; i++) {
    const next = parts[i + 1];
    const take = next !== undefined && /^\d+$/u.test(next) ? 2 : 1;
    const id = `g ${parts.slice(0, i + take).join(".")}`;
    found.push({ id, title: parts.slice(i, i + take).join(" "), parent: found.at(-1)?.id ?? null, depth: found.length }); // prettier-ignore
    i += take - 1;
  }
  const block = BLOCKS[role];
  if (block === undefined) return found;
  const parent = found.at(-1)?.id ?? null;
  return [...found, { id: `b ${path} ${block}`, title: block, parent, depth: found.length }];
}

/** Boxes after those that feed them within the step. */
function depths({ boxes, arrows }: Topology): Map<string, number> {
  const found = new Map(boxes.map((b) => [b.id, 0]));
  const solid = arrows.filter((a) => !a.delayed);
  for (let round = 0, changed = true; changed && round <= boxes.length; round++) {
    changed = false;
    for (const { from, to } of solid) {
      if (found.get(to)! > found.get(from)!) continue;
      found.set(to, found.get(from)! + 1);
      changed = true;
    }
  }
  return found;
}

/** Under the name of a signal its shape; a write has that of its state. */
const linesOf = ({ name, role, shape }: Box): string[] =>
  role === "write" || shape.length === 0 ? [name] : [name, `[${shape.join(", ")}]`];

export function layOut(topology: Topology): Layout {
  const graph = new Graph({ compound: true, multigraph: true });
  graph.setGraph({ rankdir: "TB", nodesep: 18, ranksep: 40, edgesep: 12, marginx: 16, marginy: 16 + TITLE_ROOM }); // prettier-ignore
  graph.setDefaultEdgeLabel(() => ({}));
  const groups = new Map<string, Group>();
  const lines = new Map<string, readonly string[]>();
  for (const box of topology.boxes) {
    const text = linesOf(box);
    lines.set(box.id, text);
    const width = Math.max(44, Math.max(...text.map((l) => l.length)) * CHARACTER + 18);
    graph.setNode(box.id, { width, height: text.length * LINE + 12 });
    for (const group of groupsOf(box)) groups.set(group.id, group);
  }
  for (const { id, title } of groups.values()) graph.setNode(id, { width: title.length * CHARACTER, height: TITLE }); // prettier-ignore
  for (const { id, parent } of groups.values()) if (parent !== null) graph.setParent(id, parent);
  for (const box of topology.boxes) {
    const group = groupsOf(box).at(-1);
    if (group !== undefined) graph.setParent(box.id, group.id);
  }
  const depth = depths(topology);
  // What comes from the step before must not decide about the order within the step.
  const turned = ({ from, to, delayed }: Arrow): boolean =>
    delayed && depth.get(from)! >= depth.get(to)!;
  topology.arrows.forEach((arrow, i) => {
    const [from, to] = turned(arrow) ? [arrow.to, arrow.from] : [arrow.from, arrow.to];
    if (from !== to) graph.setEdge(from, to, { weight: arrow.delayed ? 1 : 3 }, `e${i}`);
  });
  layout(graph);
  const rectangle = (id: string): Rectangle => {
    const { x, y, width, height } = graph.node(id) as unknown as Record<keyof Rectangle, number>;
    return { x: x - width / 2, y: y - height / 2, width, height };
  };
  const arrows = topology.arrows.map((arrow, i): PlacedArrow => {
    if (arrow.from === arrow.to) return { arrow, points: loopAt(rectangle(arrow.from)) };
    const [from, to] = turned(arrow) ? [arrow.to, arrow.from] : [arrow.from, arrow.to];
    const { points } = graph.edge(from, to, `e${i}`) as unknown as { points: Point[] };
    return { arrow, points: turned(arrow) ? points.toReversed() : points };
  });
  const { width, height } = graph.graph() as unknown as { width: number; height: number };
  return {
    width,
    height,
    boxes: topology.boxes.map((box) => ({ box, lines: lines.get(box.id)!, ...rectangle(box.id) })),
    groups: [...groups.values()]
      .map(({ id, title, depth: d }) => ({ title, depth: d, ...withTitle(rectangle(id)) }))
      .sort((a, b) => a.depth - b.depth),
    arrows,
  };
}

/** With room for a title over the boxes, which the layout does not leave. */
const withTitle = ({ x, y, width, height }: Rectangle): Rectangle => ({
  x,
  y: y - TITLE_ROOM,
  width,
  height: height + TITLE_ROOM,
});

/** A way from a box's right side back to it. */
function loopAt({ x, y, width, height }: Rectangle): Point[] {
  const right = x + width;
  const [a, b] = [y + height * 0.3, y + height * 0.7];
  return [
    { x: right, y: a },
    { x: right + 14, y: a },
    { x: right + 14, y: b },
    { x: right, y: b },
  ];
}
