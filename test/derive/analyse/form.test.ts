import { expect, test } from "vitest";
import { analyse, type NormalForm } from "../../../compiler/derive/analyse/index.ts";
import { chunk } from "../../../compiler/derive/chunk/index.ts";
import { stage } from "../../../compiler/derive/index.ts";
import { printGraph } from "../../../compiler/graph/index.ts";
import { ruleStep } from "../../support/rules.ts";

const layer = (program: string): string =>
  `fast net { W: [heads, value, key] = 0 } program { ${program} } out y = W @ q`;

function setOf(text: string) {
  const { graph } = stage(ruleStep(text));
  const node = graph.nodes.find((n) => n.op === "recurrence");
  if (node?.op !== "recurrence") throw new Error("no loop");
  const [set] = analyse(node.recurrence);
  return { set: set!, recurrence: node.recurrence };
}

/** Events by count: reads, reads that feed writes, writes, and the kind of decay. */
function events(form: NormalForm) {
  const feeding = new Set(form.writes.flatMap((w) => w.from.map((f) => f.read)));
  const { reads, writes, decay } = form;
  return [reads.length, feeding.size, writes.length, decay.kind];
}

test("descent on the squared error and the delta rule have one normal form and one chunkwise form", () => {
  const delta = layer("W <- delta(W, key: k, value: v, rate: b)");
  const descend = layer("W <- descend(W, key: k, value: v, rate: b)");
  const [a, b] = [setOf(delta).set, setOf(descend).set];
  expect(a.class).toBe("delta");
  expect(b.class).toBe("delta");
  expect(events(a.form!)).toEqual([2, 1, 1, "none"]);
  expect(events(b.form!)).toEqual(events(a.form!));
  expect(b.form!.layout).toEqual(a.form!.layout);
  const printed = [delta, descend].map(
    (text) =>
      printGraph(chunk(stage(ruleStep(text)), { length: 4 }).program.graph).split("\n").length,
  );
  expect(Math.abs(printed[0]! - printed[1]!)).toBeLessThanOrEqual(2);
});

test("three writes in a row read at three keys, whatever is read in between", () => {
  const text = layer(`W <- sigmoid(g) * W
    W <- delta(W, key: k, value: v, rate: b)
    W <- delta(W, key: k2, value: v2, rate: b2)
    W <- delta(W, key: k3, value: v3, rate: b3)`);
  const { form } = setOf(text).set;
  expect(events(form!)).toEqual([4, 3, 3, "scalar"]);
  // What a read changes later in the step has been collected in the key at which it is written back.
  expect(form!.writes.map((w) => w.from.map((f) => f.read))).toEqual([[0], [1], [2]]);
});

test("a decay by one is no decay, a rate of zero no write back", () => {
  const one = layer("W <- gated_delta(W, key: k, value: v, rate: b, decay: 1)");
  expect(setOf(one).set.class).toBe("delta");
  const none = layer("W <- W - 0 * outer(W @ k, k) + outer(v, k)");
  expect(setOf(none).set.class).toBe("identity");
  const undone = layer("W <- W + b * outer(W @ k, k)\n s = 1 * W\n W <- s - b * outer(v, k)");
  expect(events(setOf(undone).set.form!)).toEqual([2, 1, 1, "none"]);
});

test("a nonlinear rule says what makes it so: from the state to the state, by the shortest way", () => {
  const { set, recurrence } = setOf(layer("s = v - W @ k\n W <- W + outer(tanh(s), k)"));
  expect(set.class).toBe("nonlinear");
  const path = set.obstacle!.map((id) => recurrence.body.nodes[id]!);
  expect(path[0]!.id).toBe(recurrence.carries[0]!.input);
  expect(path.at(-1)!.id).toBe(recurrence.carries[0]!.next);
  expect(path.some((n) => n.op === "unary" && n.fn === "tanh")).toBe(true);
  expect(set.reason).toContain("W");
});

test("states that only feed forward are sets of their own", () => {
  const text = `fast net { W: [heads, value, key] = 0
    R: [heads, key, value] = 0 }
    program { W <- W + outer(v, k)
      R <- delta(R, key: W @ q, value: p, rate: b) } out y = R @ v`;
  const { graph } = stage(ruleStep(text));
  const classes = graph.nodes.flatMap((n) =>
    n.op === "recurrence" ? analyse(n.recurrence).map((s) => s.class) : [],
  );
  expect(classes).toEqual(["identity", "delta"]);
});
