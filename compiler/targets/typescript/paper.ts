/**
 * What expressions are written on: as text in one line, or as a layout that can be broken into several. The forms are
 * those of the usual formatter of TypeScript, so that it leaves generated modules as they are.
 */
import { block, call, choice, group, indent, LINE, type Layout, WIDTH } from "./layout.ts";

export interface Paper<T> {
  atom(text: string): T;
  parenthesised(x: T): T;
  /** `wrapped` where the operand needs parentheses. */
  prefix(sign: string, x: T, wrapped: boolean): T;
  /** `chained` where the left side is a chain of the same kind, without parentheses. */
  infix(left: T, sign: string, right: T, chained: boolean): T;
  call(name: string, operands: readonly T[]): T;
  element(buffer: string, index: T): T;
  /** `nested` where `yes` is itself a choice. */
  conditional(test: T, yes: T, no: T, nested: boolean): T;
}

/** In one line. */
export const FLAT: Paper<string> = {
  atom: (text) => text,
  parenthesised: (x) => `(${x})`,
  prefix: (sign, x, wrapped) => (wrapped ? `${sign}(${x})` : `${sign}${x}`),
  infix: (left, sign, right) => `${left} ${sign} ${right}`,
  call: (name, operands) => `${name}(${operands.join(", ")})`,
  element: (buffer, index) => `${buffer}[${index}]`,
  conditional: (test, yes, no, nested) => `${test} ? ${nested ? `(${yes})` : yes} : ${no}`,
};

/** An expression that may take several lines. */
export interface Shape {
  /** Of a chain of operands: the first, then each with its sign before it. */
  readonly parts: readonly Layout[];
  readonly kind: "atom" | "chain" | "conditional";
  /** Whether it has operands with a sign between them, in parentheses or not. */
  readonly infix: "logic" | "numbers" | null;
  /** Whether its two operands are none of that kind. Then the second follows the last line of the first, if it can. */
  readonly pair: boolean;
  /** Whether it would rather begin on a line of its own than be broken where it stands, as what is assigned. */
  readonly hangs: boolean;
}

const single = (...parts: Layout[]): Shape => ({
  parts,
  kind: "atom",
  infix: null,
  pair: false,
  hangs: false,
});

const isNumber = ({ parts: [first] }: Shape): boolean =>
  typeof first === "string" && /^\d+$/.test(first);

/** The parts of an expression that is no operand of a chain. */
const alone = ({ parts, pair }: Shape): readonly Layout[] =>
  pair ? [parts[0]!, group(parts.slice(1))] : parts;

const further = ([first, ...rest]: readonly Layout[]): Layout => group([first!, indent(rest)]);

/** As part of something else: the further lines of a chain a step in. */
const inside = (shape: Shape): Layout =>
  shape.kind === "chain" ? further(alone(shape)) : whole(shape);

/** As an operand. */
const operand = (shape: Shape, infix: Shape["infix"]): Layout =>
  shape.kind === "chain" && shape.infix === infix ? further(shape.parts) : inside(shape);

/** As the condition of a statement, broken with its parentheses. */
export const condition = (shape: Shape): readonly Layout[] =>
  shape.infix === "logic" ? shape.parts : alone(shape);

/** Where a place of its own has set the indentation already. */
export const whole = (shape: Shape): Layout =>
  shape.kind === "atom" ? shape.parts : group(alone(shape));

/** A name that needs no line of its own between parentheses. */
const isShort = ({ parts: [only, ...more] }: Shape): boolean =>
  more.length === 0 && typeof only === "string" && only.length <= WIDTH / 4;

/** A choice as a branch of another: further lines of what it asks stand out from its branches. */
const choiceInside = ({ parts: [asked, ...rest] }: Shape, out: (x: Layout) => Layout): Layout => [
  out(asked!),
  ...rest,
];

export const LINES: Paper<Shape> = {
  atom: single,
  parenthesised: (x) => ({ ...single("(", operand(x, x.infix), ")"), infix: x.infix }),
  prefix: (sign, x, wrapped) => {
    if (!wrapped) return { ...single(sign, ...x.parts), hangs: x.hangs };
    return single(sign, "(", x.kind === "chain" ? group(block(alone(x))) : inside(x), ")");
  },
  infix: (left, sign, right, chained) => {
    const infix = sign === "&&" || sign === "||" ? "logic" : "numbers";
    const before = chained ? left.parts : [group(operand(left, infix))];
    const last = [` ${sign}`, LINE, operand(right, infix)];
    const pair = left.infix !== infix && right.infix !== infix;
    return { parts: [...before, last], kind: "chain", infix, pair, hangs: true };
  },
  call: (name, operands) => ({
    ...single(call(name, operands.map(inside))),
    hangs: operands.length === 1 && isShort(operands[0]!),
  }),
  element: (buffer, index) => {
    const at = isNumber(index) ? ["[", index.parts, "]"] : group(["[", block(inside(index)), "]"]);
    return { ...single(buffer, at), hangs: true };
  },
  conditional: (test, yes, no, nested) => {
    // Choices inside choices are broken with them.
    const first = nested ? choiceInside(yes, indent) : indent(whole(yes));
    const second =
      no.kind === "conditional" ? choiceInside(no, (x) => indent(indent(x))) : indent(whole(no));
    const branches = [
      [LINE, "? ", nested ? [choice("", "("), first, choice("", ")")] : first],
      [LINE, ": ", second],
    ];
    const hangs = test.kind === "chain";
    return { ...single(whole(test), indent(branches)), kind: "conditional", hangs };
  },
};
