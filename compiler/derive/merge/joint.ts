/** Memories with the same keys as one: their rows of values stand one below the other. */
import { InternalError, unreachable } from "../../../diagnostics/diagnostic.ts";
import { add, BATCH, constant, dim, equal, subtract, TIME, type Dim } from "../../dims.ts";
import { algebra, GraphBuilder, type NodeId } from "../../graph/index.ts";
import type { Binding, RecurrenceOutput } from "../../graph/ir.ts";
import type { Memory, SequenceRead, SequenceWrite } from "./memory.ts";

/** How what was read is written back: keys and factors. */
const backOf = ({ key, from }: SequenceWrite): string =>
  `${key}: ${[...from].map((pair) => pair.join()).sort().join(" ")}`; // prettier-ignore

/** What tells reads apart. */
const askOf = ({ key, late }: SequenceRead): string => `${key}${late ? " after" : ""}`;

const backs = ({ writes }: Memory): string => writes.map(backOf).sort().join("; ");

/** Whether no two reads and no two writes turn out to be one seen from outside. */
const isPlain = ({ form, writes, reads }: Memory): boolean =>
  new Set(writes.map((w) => w.key)).size === form.writes.length &&
  new Set([...reads.values()].map(askOf)).size === reads.size;

/**
 * Whether `rider` decays as `leader` does, is written at the same keys, with the same reads written back, and asks no
 * question that `leader` does not ask.
 */
export function ridesAlong(rider: Memory, leader: Memory): boolean {
  if (!isPlain(rider) || !isPlain(leader)) return false;
  const [a, b] = [rider.form.layout, leader.form.layout];
  if (!equal(a.heads, b.heads) || !equal(a.n, b.n)) return false;
  if (rider.form.decay.kind !== leader.form.decay.kind || rider.decay !== leader.decay)
    return false;
  if (backs(rider) !== backs(leader)) return false;
  const asked = new Set([...leader.reads.values()].map(askOf));
  return [...rider.reads.values()].every((read) => asked.has(askOf(read)));
}

interface Emitted {
  readonly recurrence: NodeId;
  /** The memories' last states, in order. */
  readonly finals: readonly NodeId[];
}

/** A state `[H, m, n]` after the decay of one step. */
function decayed(b: GraphBuilder, state: NodeId, factor: NodeId, { form }: Memory): NodeId {
  const shape = b.shape(state);
  const [heads, m, n] = shape as [Dim, Dim, Dim];
  switch (form.decay.kind) {
    case "none":
      return state;
    case "scalar":
    case "diagonal":
      return b.mul(
        b.broadcast(factor, form.decay.kind === "diagonal" ? [0, 2] : [0], shape),
        state,
      );
    case "matrix": {
      const own = b.shape(factor);
      const p = own.at(-1)!;
      const others = constant(n)! / constant(p)!;
      const split = b.reshape(state, [heads, m, p, dim(others)]);
      // Labels: head 0, value 1, mixed key before 2 and after 4, other key 3.
      const matrix = own.length === 4 ? [0, 3, 4, 2] : [0, 4, 2];
      return b.reshape(b.contract(split, [0, 1, 2, 3], factor, matrix, [0, 1, 4, 3]), shape);
    }
    default:
      return unreachable(form.decay);
  }
}

/** Appends one recurrence for all of the memories and gives each the values of its reads. */
export function emitJoint(builder: GraphBuilder, memories: readonly Memory[]): Emitted {
  const first = memories[0]!;
  const { heads, n } = first.form.layout;
  const sizes = memories.map((x) => x.form.layout.m);
  const starts: Dim[] = [];
  let m = dim(0);
  for (const size of sizes) {
    starts.push(m);
    m = add(m, size);
  }
  const zeros = (size: Dim): NodeId => algebra.filled(builder, 0, [BATCH, TIME, heads, size]);

  const body = new GraphBuilder(memories.map((x) => x.recurrence.body.name).join(", "));
  const bindings: Binding[] = [];
  const taken = new Map<NodeId, NodeId>();
  const take = (value: NodeId): NodeId => {
    let input = taken.get(value);
    if (input === undefined) {
      const node = builder.node(value);
      input = body.input(`sequence.${bindings.length}`, node.shape.slice(2), node.dtype);
      bindings.push({ kind: "sequence", input, value });
      taken.set(value, input);
    }
    return input;
  };
  const state = body.input("state", [heads, m, n]);
  const answers = new Map<string, NodeId>();
  const reads = memories.flatMap((x) => [...x.reads.values()]);
  const answer = (read: SequenceRead, from: NodeId): void => {
    if (answers.has(askOf(read))) return;
    answers.set(askOf(read), body.contract(from, [0, 1, 2], take(read.key), [0, 2], [0, 1]));
  };
  for (const read of reads) if (!read.late) answer(read, state);
  let next = first.decay === null ? state : decayed(body, state, take(first.decay), first);
  for (const write of first.writes) {
    const same = memories.map((x) => x.writes.find((w) => w.key === write.key)!.constant);
    let value: NodeId | null = null;
    if (same.some((c) => c !== null)) {
      const rows = same.map((c, i) => c ?? zeros(sizes[i]!));
      value = take(algebra.concat(builder, rows, 3));
    }
    for (const [key, factor] of write.from) {
      const back = body.mul(
        body.broadcast(take(factor), [0], [heads, m]),
        answers.get(askOf({ key, late: false }))!,
      );
      value = value === null ? back : body.add(value, back);
    }
    if (value === null) continue;
    next = body.add(next, body.contract(value, [0, 1], take(write.key), [0, 2], [0, 1, 2]));
  }

  for (const read of reads) if (read.late) answer(read, next);

  // Every read once, whichever memories ask it.
  const outputs: RecurrenceOutput[] = [{ kind: "final", carry: 0 }];
  const places = new Map<string, number>();
  for (const [ask, node] of answers) {
    places.set(ask, outputs.length);
    outputs.push({ kind: "stack", node });
  }
  const across = memories.flatMap((memory, i) =>
    [...memory.crossReads].map(([read, { key, late }]) => {
      const after = subtract(m, add(starts[i]!, sizes[i]!));
      const padded = algebra.pad(builder, key, 3, starts[i]!, after);
      const node = body.contract(late ? next : state, [0, 1, 2], take(padded), [0, 1], [0, 2]);
      return { memory, read, place: outputs.push({ kind: "stack", node }) - 1 };
    }),
  );
  const results = builder.recurrence({
    body: body.finish(),
    reverse: false,
    batch: BATCH,
    time: TIME,
    carries: [
      {
        name: memories.map((x) => x.recurrence.carries[0]!.name).join(", "),
        init: algebra.concat(builder, memories.map((x) => x.init()), 2), // prettier-ignore
        input: state,
        next,
      },
    ],
    bindings,
    outputs,
    replay: null,
  });
  for (const [i, memory] of memories.entries()) {
    for (const [read, asked] of memory.reads) {
      memory.give(read, algebra.slice(builder, results[places.get(askOf(asked))!]!, 3, starts[i]!, sizes[i]!)); // prettier-ignore
    }
  }
  for (const { memory, read, place } of across) memory.give(read, results[place]!);
  const finals = memories.map((x, i) => x.state(algebra.slice(builder, results[0]!, 2, starts[i]!, sizes[i]!))); // prettier-ignore
  const last = builder.node(results[0]!);
  if (last.op !== "result") throw new InternalError("a recurrence without results");
  return { recurrence: last.of, finals };
}
