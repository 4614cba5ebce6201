/** Why the states of a loop must share it. */
import type { NodeId, Recurrence } from "../../graph/index.ts";
import { reachable } from "../../graph/rebuild.ts";
import { operands } from "../../graph/shapes.ts";
import type { StateSet } from "../analyse/index.ts";

/** The body nodes that depend on one of the given. */
function dependents({ body }: Recurrence, roots: Iterable<NodeId>): ReadonlySet<NodeId> {
  const found = new Set(roots);
  for (const node of body.nodes) if (operands(node).some((x) => found.has(x))) found.add(node.id);
  return found;
}

/** For a loop with several states that could not be taken apart. `obstacleOf` is that of a loop with one of them alone. */
export function whyShared(
  recurrence: Recurrence,
  sets: readonly StateSet[],
  obstacleOf: (set: StateSet) => string | null,
): string {
  const { body, carries } = recurrence;
  const nameOf = (set: StateSet): string => set.carries.map((i) => carries[i]!.name).join(", ");
  const inputs = (set: StateSet): NodeId[] => set.carries.map((i) => carries[i]!.input);
  const stuck = sets.find((s) => s.form === null);
  if (stuck === undefined) {
    for (const set of sets.filter((s) => s.carries.length === 1)) {
      const obstacle = obstacleOf(set);
      if (obstacle !== null) return `${obstacle}: ${nameOf(set)}`;
    }
    return "its states ask with each other's answers";
  }
  if (stuck.class !== "nonlinear") return stuck.reason;
  const step = reachable(body, stuck.carries.map((i) => carries[i]!.next)); // prettier-ignore
  const live = new Set(step.map((n) => n.id));
  const asked = sets.filter((s) => s !== stuck && inputs(s).some((x) => live.has(x)));
  if (asked.length === 0) return `${nameOf(stuck)}: ${stuck.reason}`;
  const [own, memory] = [inputs(stuck), asked.flatMap(inputs)].map((x) =>
    dependents(recurrence, x),
  );
  const products = step.filter((n) => n.op === "contract" || (n.op === "binary" && n.fn === "mul"));
  const circle = products.some((n) => {
    const [a, b] = operands(n) as [NodeId, NodeId];
    return (memory!.has(a) && own!.has(b)) || (memory!.has(b) && own!.has(a));
  });
  const key = circle ? `, with a key that depends on ${nameOf(stuck)}` : "";
  const names = asked.map(nameOf).join(", ");
  return `${nameOf(stuck)} is not affine in itself and asks ${names} at every step${key}`;
}
