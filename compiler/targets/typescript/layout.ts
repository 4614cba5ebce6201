/**
 * Text in lines of a width. A group is written in one line where it fits; otherwise each of its own breaks starts a line,
 * and the groups inside it are asked again.
 */
import { unreachable } from "../../../diagnostics/diagnostic.ts";

export type Layout =
  | string
  | readonly Layout[]
  | { readonly kind: "group"; readonly content: Layout }
  | { readonly kind: "indent"; readonly content: Layout }
  /** A place for a line to end; `flat` is what stands there otherwise. */
  | { readonly kind: "break"; readonly flat: "" | " " }
  /** Follows in the same line, or a step in on the next one if its first piece does not fit. */
  | { readonly kind: "follow"; readonly content: Layout }
  /** Depends on whether the group around it is broken. */
  | { readonly kind: "choice"; readonly broken: string; readonly flat: string };

/** Of the lines of a generated module. */
export const WIDTH = 100;

/** A break that is a space in one line. */
export const LINE: Layout = { kind: "break", flat: " " };
/** A break that is nothing in one line. */
export const EDGE: Layout = { kind: "break", flat: "" };
export const group = (content: Layout): Layout => ({ kind: "group", content });
export const indent = (content: Layout): Layout => ({ kind: "indent", content });
export const follow = (content: Layout): Layout => ({ kind: "follow", content });
export const choice = (broken: string, flat: string): Layout => ({ kind: "choice", broken, flat });

const isList = (layout: Layout): layout is readonly Layout[] => Array.isArray(layout);

/** Something with an edge at both ends, its lines further in. */
export const block = (content: Layout): Layout => [indent([EDGE, content]), EDGE];

const separated = (items: readonly Layout[]): Layout =>
  items.flatMap((item, i) => (i === 0 ? [item] : [",", LINE, item]));

/** Items with commas between them, and one after the last where each has a line. */
const listed = (items: readonly Layout[]): Layout =>
  items.length === 0 ? "" : block([separated(items), choice(",", "")]);

/** `(a, b)` */
export const parenthesised = (items: readonly Layout[]): Layout => group(["(", listed(items), ")"]);
/** `[a, b]` */
export const bracketed = (items: readonly Layout[]): Layout => group(["[", listed(items), "]"]);
/** `{ a, b }` */
export const braced = (items: readonly Layout[]): Layout =>
  group(["{", indent([LINE, separated(items), choice(",", "")]), LINE, "}"]);
/** `name(a, b)` */
export const call = (name: string, items: readonly Layout[]): Layout => [
  name,
  parenthesised(items),
];

interface Piece {
  readonly layout: Layout;
  readonly depth: number;
  readonly broken: boolean;
}

const STEP = "  ";

/** Whether what comes up to the next possible end of a line fits in `room` characters, a first piece without breaks. */
function fits(first: Piece, after: readonly Piece[], room: number): boolean {
  // Of one piece at a time: all of it is broken, or none.
  const stack: Layout[] = [first.layout];
  let { broken } = first;
  let next = after.length;
  let left = room;
  for (;;) {
    let layout = stack.pop();
    if (layout === undefined) {
      const piece = after[--next];
      if (piece === undefined) return true;
      ({ layout, broken } = piece);
    }
    if (typeof layout === "string") left -= layout.length;
    else if (isList(layout)) for (let i = layout.length; i > 0; i--) stack.push(layout[i - 1]!);
    else if (layout.kind === "break") {
      if (broken) return true;
      left -= layout.flat.length;
    } else if (layout.kind === "follow") {
      stack.push(layout.content, LINE);
    } else if (layout.kind === "choice") {
      left -= (broken ? layout.broken : layout.flat).length;
    } else {
      // A group after the one in question may break, if it must: up to its first break it is in this line.
      stack.push(layout.content);
    }
    if (left < 0) return false;
  }
}

/** Lines of text, `depth` steps in. */
export function lay(layout: Layout, depth: number, out: string[], width = WIDTH): void {
  let line = STEP.repeat(depth);
  const stack: Piece[] = [{ layout, depth, broken: true }];
  for (let piece = stack.pop(); piece !== undefined; piece = stack.pop()) {
    const { layout: now, depth: at, broken } = piece;
    if (typeof now === "string") line += now;
    else if (isList(now)) {
      for (let i = now.length; i > 0; i--) stack.push({ layout: now[i - 1]!, depth: at, broken });
    } else {
      switch (now.kind) {
        case "group": {
          const flat = { layout: now.content, depth: at, broken: false };
          const whole = fits(flat, stack, width - line.length);
          stack.push(whole ? flat : { ...flat, broken: true });
          break;
        }
        case "indent":
          stack.push({ layout: now.content, depth: at + 1, broken });
          break;
        case "follow": {
          const next = { layout: now.content, depth: at, broken: true };
          const same = fits({ ...next, layout: [" ", now.content] }, stack, width - line.length);
          if (same) line += " ";
          else {
            out.push(line);
            line = STEP.repeat(at + 1);
          }
          stack.push(same ? next : { ...next, depth: at + 1 });
          break;
        }
        case "choice":
          line += broken ? now.broken : now.flat;
          break;
        case "break":
          if (broken) {
            out.push(line);
            line = STEP.repeat(at);
          } else line += now.flat;
          break;
        default:
          unreachable(now);
      }
    }
  }
  out.push(line);
}
