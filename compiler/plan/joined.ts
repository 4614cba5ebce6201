/**
 * Summed axes that lie one after the other in all that is read, as one loop: what goes through both never turns around, and
 * there is one sum to finish instead of one for each round.
 */
import { constant, dim, equal, multiply, type Dim } from "../dims.ts";
import type { ContractNode, NodeId } from "../graph/ir.ts";
import { classify } from "../graph/products.ts";
import type { Region } from "./region.ts";
import type { StageLoop } from "./stages.ts";

/** What an axis of a value is run through by: the outer or the inner one of two loops, or something else. */
type Role = "outer" | "inner" | null;

/** The loops over what a product sums, neighbours joined where their lengths are numbers. */
export function joined(
  region: Region,
  node: ContractNode,
  loops: readonly StageLoop[],
): StageLoop[] {
  const found: StageLoop[] = [];
  for (const loop of loops) {
    const before = found.at(-1);
    if (before !== undefined && mayJoin(region, node, before, loop)) {
      found[found.length - 1] = { ...loop, extent: multiply(before.extent, loop.extent) };
    } else found.push(loop);
  }
  return found;
}

function mayJoin(region: Region, node: ContractNode, outer: StageLoop, inner: StageLoop): boolean {
  const whole = [outer, inner].every((l) => equal(l.step, dim(1)));
  const known = constant(outer.extent) !== undefined && constant(inner.extent) !== undefined;
  if (!whole || !known || outer.axis === inner.axis) return false;
  const role = (axis: number): Role =>
    axis === outer.axis ? "outer" : axis === inner.axis ? "inner" : null;
  const { summed } = classify(node);
  const of = (labels: readonly number[]) => labels.map((l) => role(summed.indexOf(l)));
  return (
    follows(region, node.a, of(node.aLabels), inner.extent) &&
    follows(region, node.b, of(node.bLabels), inner.extent)
  );
}

/** Whether a step of the outer loop leads on from where `extent` steps of the inner one end. */
function follows(region: Region, id: NodeId, roles: readonly Role[], extent: Dim): boolean {
  const at = region.locations.get(id);
  if (at?.kind === "buffer") {
    const stride = (role: Role) => at.strides.filter((_, i) => roles[i] === role);
    const [outer, inner] = [stride("outer"), stride("inner")];
    if (outer.length > 1 || inner.length > 1) return false;
    return equal(outer[0] ?? dim(0), multiply(inner[0] ?? dim(0), extent));
  }
  if (at?.kind === "outer") {
    const prefix = at.prefix.map((): Role => null);
    return follows(at.region, at.node, [...prefix, ...roles], extent);
  }
  if (roles.every((role) => role === null)) return true;
  if (at !== undefined) return false;
  const node = region.node(id);
  const into = (x: NodeId, inside = roles) => follows(region, x, inside, extent);
  switch (node.op) {
    case "unary":
    case "stop":
    case "slice":
      return into(node.x);
    case "binary":
      return into(node.a) && into(node.b);
    case "select":
      return into(node.cond) && into(node.a) && into(node.b);
    case "broadcast":
      return into(
        node.x,
        node.axes.map((a) => roles[a]!),
      );
    case "transpose":
      return into(
        node.x,
        node.perm.map((_, i) => roles[node.perm.indexOf(i)]!),
      );
    case "contract": {
      const of = (labels: readonly number[]) =>
        labels.map((l) => roles[node.outLabels.indexOf(l)] ?? null);
      return into(node.a, of(node.aLabels)) && into(node.b, of(node.bLabels));
    }
    default:
      return false;
  }
}
