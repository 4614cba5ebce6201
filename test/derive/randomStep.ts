/** Step programs at random: states of several shapes, whatever operations fit, next states picked from all values. */
import { dim } from "../../compiler/dims.ts";
import type { NodeId, StepProgram } from "../../compiler/graph/ir.ts";
import { StepBuilder } from "../support/steps.ts";

const [two, three] = [dim(2), dim(3)];
const SHAPES = { s: [], a: [three], b: [two], m: [two, three] } as const;
type Kind = keyof typeof SHAPES;
const KINDS = Object.keys(SHAPES) as Kind[];

/** `draws` decides everything: as long as it lasts, another operation is added. */
export function randomStep(draws: readonly number[]): StepProgram {
  const step = new StepBuilder("random");
  const g = step.body;
  const pool: Record<Kind, NodeId[]> = { s: [], a: [], b: [], m: [] };
  let at = 0;
  const draw = (n: number): number => (draws[at++ % draws.length]! >>> 0) % n;
  const pick = (kind: Kind): NodeId => pool[kind][draw(pool[kind].length)]!;

  for (const kind of KINDS) {
    pool[kind].push(step.input(`x.${kind}`, SHAPES[kind]));
    pool[kind].push(step.parameter(`p.${kind}`, SHAPES[kind]));
  }
  const token = step.tokens("token", 2);
  step.position = g.input("position", [], "int");
  pool.s.push(g.unary("sin", g.unary("to_float", step.position)));
  const table = step.parameter("table", [three, three]);
  // A matrix per step.
  const turn = g.unary("tanh", g.contract(pick("a"), [0], pick("a"), [1], [0, 1]));
  // Half of the time all of one shape, so that they may be laid out as one.
  const common = draw(2) === 0 ? KINDS[draw(KINDS.length)]! : null;
  const states = Array.from({ length: 1 + draw(4) }, (_, i) => {
    const kind = common ?? KINDS[draw(KINDS.length)]!;
    const node = step.state(`state${i}`, SHAPES[kind]);
    pool[kind].push(node);
    return { name: `state${i}`, kind, node };
  });

  const lower = (x: NodeId): NodeId => g.add(g.contract(x, [0], x, [1], [0, 1]), g.fill(1, [three, three])); // prettier-ignore
  const rules: (() => [Kind, NodeId])[] = [
    ...KINDS.map((k) => (): [Kind, NodeId] => [k, g.unary("tanh", pick(k))]),
    ...KINDS.map((k) => (): [Kind, NodeId] => [k, g.add(pick(k), pick(k))]),
    ...KINDS.map((k) => (): [Kind, NodeId] => [k, g.mul(pick(k), pick(k))]),
    () => ["m", g.contract(pick("b"), [0], pick("a"), [1], [0, 1])],
    () => ["b", g.contract(pick("m"), [0, 1], pick("a"), [1], [0])],
    () => ["a", g.contract(pick("m"), [0, 1], pick("b"), [0], [1])],
    () => ["a", g.contract(table, [0, 1], pick("a"), [1], [0])],
    () => ["m", g.contract(pick("m"), [0, 1], table, [1, 2], [0, 2])],
    () => ["m", g.contract(pick("m"), [0, 1], turn, [1, 2], [0, 2])],
    () => ["b", g.sum(pick("m"), [1])],
    () => ["s", g.reduce("max", pick("a"), [0])],
    () => ["a", g.broadcast(pick("s"), [], SHAPES.a)],
    () => ["m", g.broadcast(pick("b"), [0], SHAPES.m)],
    () => ["m", g.transpose(g.reshape(pick("m"), [three, two]), [1, 0])],
    () => [
      "m",
      g.concat(
        [pick("a"), pick("a")].map((x) => g.reshape(x, [dim(1), three])),
        0,
      ),
    ],
    () => ["a", g.reshape(g.slice(pick("m"), 0, dim(1), dim(1)), [three])],
    () => ["a", g.pad(pick("b"), 0, dim(1), dim(0))],
    () => ["a", g.roll(g.reverse(pick("a"), 0), 0, dim(1))],
    () => ["m", g.cumsum(pick("m"), 1, { exclusive: true })],
    () => ["a", g.gather(g.contract(pick("a"), [0], pick("a"), [1], [0, 1]), token)],
    () => ["a", g.gather(table, token)],
    () => ["s", g.pick(pick("a"), token)],
    () => ["a", g.place(token, pick("s"), three)],
    () => ["m", g.append(pick("m"), pick("a"), token)],
    () => ["m", g.scatter(g.reshape(token, [dim(1)]), g.reshape(pick("a"), [dim(1), three]), two)],
    () => ["b", g.select(pick("b"), pick("b"), g.stop(pick("b")))],
    () => {
      const right = g.transpose(g.reshape(pick("a"), [dim(1), three]), [1, 0]);
      const solved = g.solve(lower(pick("a")), right, { lower: true, unit: true });
      return ["a", g.reshape(solved, [three])];
    },
  ];
  while (at < draws.length) {
    const [kind, node] = rules[draw(rules.length)]!();
    pool[kind].push(node);
  }
  if (draw(3) === 0) {
    // Each state takes up some of another, and of what the operations have made of it.
    states.forEach(({ node, kind }, i) => {
      const other = states[(i + 1) % states.length]!;
      const own = g.scaleBy(node, 0.5);
      const given = other.kind === kind ? g.scaleBy(other.node, 0.25) : pick(kind);
      pool[kind].push(g.add(own, given), g.add(own, g.mul(given, pool[kind][0]!)));
    });
  }
  for (const { name, kind } of states) {
    // A bounded function of something late, or something as it is, which may be a state.
    const late = pool[kind].slice(-4);
    const next = late[draw(late.length)]!;
    step.update(name, draw(3) === 0 ? next : g.unary("tanh", next));
  }
  for (const kind of KINDS) step.outputs.push({ name: kind, node: pick(kind) });
  return step.finish();
}
