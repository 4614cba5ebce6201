/** Builtins that move elements around. */
import {
  add,
  apply,
  dim,
  equal,
  product,
  show,
  showShape,
  subtract,
  type Dim,
  type Shape,
} from "../../dims.ts";
import { asSize } from "../numbers.ts";
import { ERROR, type Value } from "../values.ts";
import {
  axesOver,
  lastAxis,
  listArgument,
  numberArgument,
  signal,
  sizeArgument,
  tensorOf,
} from "./arguments.ts";
import { Stop, type Builtin, type BuiltinCall, type BuiltinTable } from "./types.ts";

function sizesOf(call: BuiltinCall, name: string): Dim[] {
  const { items, arg } = listArgument(call, name);
  return items.map((item) => {
    const size = asSize(call.frame, item, "a size", arg.span);
    if (size === null) throw new Stop(ERROR);
    return size;
  });
}

/** Fills the one hole so that the pieces have the wanted total. */
function fillPieces(call: BuiltinCall, sizes: readonly Dim[], wanted: Dim): Dim[] {
  const { session } = call.frame;
  const total = sizes.reduce(add, dim(0));
  if (!session.unify(total, wanted)) {
    const pieces = `[${sizes.map((d) => show(session.resolve(d))).join(", ")}]`;
    call.frame.report("fwp3013", call.span, { axis: show(wanted), pieces });
    throw new Stop(ERROR);
  }
  return sizes.map((d) => session.resolve(d));
}

function split(call: BuiltinCall): Value {
  const x = signal(call, "x");
  const [axis] = axesOver(call, x);
  const sizes = fillPieces(call, sizesOf(call, "sizes"), call.frame.shapeOf(x)[axis!]!);
  let start = dim(0);
  const items = sizes.map((size): Value => {
    const node = call.frame.builder.slice(x.node, axis!, start, size);
    start = add(start, size);
    return { ...x, node };
  });
  return { kind: "tuple", items };
}

/** Each element of the last axis repeated: `spread(b, [m, n])` of `[2]` gives `[m + n]`. */
function spread(call: BuiltinCall): Value {
  const x = signal(call, "x");
  const { builder } = call.frame;
  const axis = lastAxis(call, x);
  const shape = call.frame.shapeOf(x);
  const sizes = sizesOf(call, "sizes");
  if (!call.frame.session.unify(shape[axis]!, dim(sizes.length))) {
    call.frame.report("fwp3018", call.span, {
      operation: "spread",
      expected: `a size for each of ${show(shape[axis]!)} elements`,
      found: `${sizes.length} sizes`,
    });
    return ERROR;
  }
  const lead = shape.slice(0, axis);
  const parts = sizes.map((size, i) => {
    const part = builder.reshape(builder.slice(x.node, axis, dim(i), dim(1)), lead);
    return builder.broadcast(
      part,
      lead.map((_, k) => k),
      [...lead, size],
    );
  });
  return { ...x, node: builder.concat(parts, axis) };
}

function concat(call: BuiltinCall): Value {
  const parts = call.rest.map((arg) => tensorOf(call, arg));
  const [first] = parts;
  if (first === undefined) {
    call.frame.report("fwp2302", call.span, { callee: "concat", name: "a signal" });
    return ERROR;
  }
  const { builder, session } = call.frame;
  // A number of shape [] joins as one element.
  const lifted = parts.map((x) => {
    const shape = call.frame.shapeOf(x);
    return shape.length === x.lead
      ? { ...x, node: builder.reshape(x.node, [...shape, dim(1)]) }
      : x;
  });
  const lead = Math.max(...lifted.map((x) => x.lead));
  const widest = lifted.reduce((a, b) =>
    call.frame.shapeOf(b).length > call.frame.shapeOf(a).length ? b : a,
  );
  const shape = call.frame.shapeOf(widest);
  const axis = call.args.has("over") ? axesOver(call, widest)[0]! : shape.length - 1;
  const nodes = lifted.map((x) => {
    const own = call.frame.shapeOf(x);
    // A part without the lead axes is repeated along them.
    const missing = shape.length - own.length;
    const full = [...shape.slice(0, missing), ...own];
    const fits = full.every((d, i) => i === axis || session.unify(d, shape[i]!));
    if (!fits || (missing > 0 && x.lead + missing > lead)) {
      const facts = { operator: "concat", left: showShape(shape), right: showShape(own) };
      call.frame.report("fwp3001", call.span, facts);
      throw new Stop(ERROR);
    }
    return builder.broadcast(
      x.node,
      own.map((_, i) => i + missing),
      full,
    );
  });
  return { kind: "tensor", node: builder.concat(nodes, axis), lead };
}

function roll(call: BuiltinCall): Value {
  const x = signal(call, "x");
  const [axis] = axesOver(call, x);
  return { ...x, node: call.frame.builder.roll(x.node, axis!, sizeArgument(call, "by")) };
}

function reverse(call: BuiltinCall): Value {
  const x = signal(call, "x");
  return { ...x, node: call.frame.builder.reverse(x.node, axesOver(call, x)[0]!) };
}

function cumsum(call: BuiltinCall): Value {
  const x = signal(call, "x");
  return { ...x, node: call.frame.builder.cumsum(x.node, axesOver(call, x)[0]!) };
}

function transpose(call: BuiltinCall): Value {
  const x = signal(call, "x");
  const n = call.frame.shapeOf(x).length;
  if (n - x.lead < 2) {
    const found = showShape(call.frame.shapeOf(x));
    call.frame.report("fwp3018", call.span, {
      operation: "transpose",
      expected: "at least two axes",
      found,
    });
    return ERROR;
  }
  const perm = Array.from({ length: n }, (_, i) => (i === n - 1 ? n - 2 : i === n - 2 ? n - 1 : i));
  return { ...x, node: call.frame.builder.transpose(x.node, perm) };
}

function flatten(call: BuiltinCall): Value {
  const x = signal(call, "x");
  const shape = call.frame.shapeOf(x);
  const flat = [...shape.slice(0, x.lead), product(shape.slice(x.lead))];
  return { ...x, node: call.frame.builder.reshape(x.node, flat) };
}

function reshape(call: BuiltinCall): Value {
  const { session, builder } = call.frame;
  const x = signal(call, "x");
  const from = call.frame.shapeOf(x);
  const sizes = sizesOf(call, "shape");
  const [have, lead] = [product(from.slice(x.lead)), from.slice(0, x.lead)];
  const holes = sizes.filter((d) => session.hasHole(d));
  if (holes.length === 1) {
    const known = product(sizes.filter((d) => d !== holes[0]));
    const rest = apply("div", have, known);
    const value = session.numeric(rest);
    if (value === null || Number.isInteger(value)) session.unify(holes[0]!, rest);
  }
  const to = sizes.map((d) => session.resolve(d));
  const want = product(to);
  const [a, b] = [session.numeric(have), session.numeric(want)];
  // Known numbers decide; `width` and `heads * size` may be written differently and still agree.
  const fits = equal(have, want) || (a === null || b === null ? true : a === b);
  if (!fits || to.some((d) => session.hasHole(d))) {
    call.frame.report("fwp3015", call.span, {
      from: showShape(from.slice(x.lead)),
      to: showShape(to),
    });
    return ERROR;
  }
  return { ...x, node: builder.reshape(x.node, [...lead, ...to]) };
}

/** `take(x, from, count)`: elements from … from + count − 1 of an axis, counted from 1. */
function take(call: BuiltinCall): Value {
  const x = signal(call, "x");
  const [axis] = axesOver(call, x);
  const [from, count] = [sizeArgument(call, "from"), sizeArgument(call, "count")];
  const { session } = call.frame;
  const length = call.frame.shapeOf(x)[axis!]!;
  const [f, c, n] = [session.numeric(from), session.numeric(count), session.numeric(length)];
  if (f !== null && c !== null && n !== null && (f < 1 || f + c - 1 > n)) {
    call.frame.report("fwp3016", call.span, {
      index: String(f < 1 ? f : f + c - 1),
      size: show(length),
    });
    return ERROR;
  }
  return { ...x, node: call.frame.builder.slice(x.node, axis!, subtract(from, dim(1)), count) };
}

function filled(value: number) {
  return (call: BuiltinCall): Value =>
    call.frame.tensor(call.frame.builder.fill(value, sizesOf(call, "shape")), { lead: 0 });
}

function eye(call: BuiltinCall): Value {
  const n = sizeArgument(call, "n");
  const { builder } = call.frame;
  const shape: Shape = [n, n];
  const i = builder.broadcast(builder.iota(n), [0], shape);
  const j = builder.broadcast(builder.iota(n), [1], shape);
  return call.frame.tensor(builder.binary("eq", i, j), { lead: 0 });
}

function iota(call: BuiltinCall): Value {
  const { builder } = call.frame;
  const n = sizeArgument(call, "n");
  const start = numberArgument(call, "from", 1);
  return call.frame.tensor(builder.add(builder.iota(n), builder.fill(start, [n])), { lead: 0 });
}

/** Row i holds the binary digits of i, lowest first: the addresses of the introspective net (Schmidhuber 1993). */
function binaryCodes(call: BuiltinCall): Value {
  const n = sizeArgument(call, "n");
  const bits = apply("ceil_log2", n);
  const { builder } = call.frame;
  const shape: Shape = [n, bits];
  const row = builder.broadcast(builder.iota(n), [0], shape);
  const bit = builder.broadcast(builder.iota(bits), [1], shape);
  const power = builder.unary(
    "round",
    builder.unary("exp", builder.mul(bit, builder.fill(Math.LN2, shape))),
  );
  const digit = builder.unary("floor", builder.div(row, power));
  return call.frame.tensor(builder.binary("mod", digit, builder.fill(2, shape)), { lead: 0 });
}

const shape = (
  signature: string,
  doc: string,
  parameters: readonly string[],
  run: Builtin["run"],
): Builtin => ({
  group: "shape",
  signature,
  doc,
  parameters,
  run,
});

export const shapeBuiltins: BuiltinTable = {
  concat: {
    group: "shape",
    signature: "concat(a, b, …, over: axis)",
    doc: "Joins signals along the last axis (or the named one of the widest). `for i in 1..n: e` stands for several.",
    parameters: ["over"],
    variadic: true,
    run: concat,
  },
  split: shape(
    "split(x, [a, b, _], over: axis)",
    "Cuts the last axis into pieces; `_` is what is left.",
    ["x", "sizes", "over"],
    split,
  ),
  spread: shape(
    "spread(x, [a, b, …])",
    "Repeats each element of the last axis as often as its size says: one rate per block.",
    ["x", "sizes"],
    spread,
  ),
  roll: shape(
    "roll(x, by, over: axis)",
    "Element i of the result is element i − by of x, around the end.",
    ["x", "by", "over"],
    roll,
  ),
  reverse: shape("reverse(x, over: axis)", "The axis from its end.", ["x", "over"], reverse),
  cumsum: shape("cumsum(x, over: axis)", "The running sum along an axis.", ["x", "over"], cumsum),
  transpose: shape("transpose(x)", "Exchanges the last two axes.", ["x"], transpose),
  flatten: shape("flatten(x)", "All axes as one, row by row.", ["x"], flatten),
  reshape: shape(
    "reshape(x, [a, b, _])",
    "The same elements, row by row, under another shape; `_` is what is left.",
    ["x", "shape"],
    reshape,
  ),
  take: shape(
    "take(x, from, count, over: axis)",
    "`count` elements of an axis from `from` on, counted from 1.",
    ["x", "from", "count", "over"],
    take,
  ),
  zeros: shape("zeros([a, b])", "Zeros.", ["shape"], filled(0)),
  ones: shape("ones([a, b])", "Ones.", ["shape"], filled(1)),
  eye: shape("eye(n)", "The identity matrix `[n, n]`.", ["n"], eye),
  iota: shape("iota(n, from: 1)", "The numbers from, from + 1, …: `[n]`.", ["n", "from"], iota),
  binary_codes: shape(
    "binary_codes(n)",
    "Row i holds the binary digits of i, lowest first: `[n, ceil(log2(n))]`.",
    ["n"],
    binaryCodes,
  ),
};
