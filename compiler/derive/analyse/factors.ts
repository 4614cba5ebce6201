/** What a key is a product of, whatever the order of the factors and the shapes on the way to it. */
import { constant, dim, equal, product, type Dim } from "../../dims.ts";
import { algebra, type GraphBuilder, type NodeId } from "../../graph/index.ts";

/** A part of the axes that a value is laid out along: which one it is, and how long. */
interface Piece {
  readonly place: number;
  readonly size: Dim;
}
/** Of each axis of a node, the pieces that it is made of, the outer one first. */
type Places = readonly (readonly Piece[])[];

/**
 * What a product is made of: for each factor which node it is and which places its axes lie at, so that `k1[i] k2[j]` and
 * `k2[i] k1[j]` are different products. `axes`: the sizes whose product is each axis of the node, since several axes of a
 * state are laid out as one; their places are counted through.
 */
export function productFactors(
  builder: GraphBuilder,
  id: NodeId,
  axes: readonly (readonly Dim[])[],
): string[] {
  let place = 0;
  const places = axes.map((sizes) => sizes.map((size): Piece => ({ place: place++, size })));
  return factors(builder, id, places);
}

function factors(builder: GraphBuilder, id: NodeId, places: Places): string[] {
  const node = builder.node(id);
  const inside = (x: NodeId, at: Places): string[] => factors(builder, x, at);
  switch (node.op) {
    case "binary":
      if (node.fn === "mul") return [...inside(node.a, places), ...inside(node.b, places)];
      break;
    case "broadcast":
      return inside(
        node.x,
        node.axes.map((axis) => places[axis]!),
      );
    case "transpose":
      return inside(
        node.x,
        node.perm.map((_, i) => places[node.perm.indexOf(i)]!),
      );
    case "reshape": {
      const regrouped = regroup(places.flat(), builder.shape(node.x));
      if (regrouped !== null) return inside(node.x, regrouped);
      break;
    }
    case "contract": {
      const at = new Map(node.outLabels.map((label, i) => [label, places[i]!]));
      const of = (labels: readonly number[]) => labels.map((label) => at.get(label));
      const [a, b] = [of(node.aLabels), of(node.bLabels)];
      const outer = [...a, ...b].every((p) => p !== undefined);
      if (outer) return [...inside(node.a, a as Places), ...inside(node.b, b as Places)];
      break;
    }
    default:
      break;
  }
  if (algebra.isFill(builder, id, 1)) return [];
  const along = places.map((axis) =>
    axis.flatMap((p) => (constant(p.size) === 1 ? [] : [p.place])),
  );
  return [`${id}[${along.join(";")}]`];
}

/** The same pieces as the axes of another shape; null if an axis of it would end inside a piece. */
function regroup(pieces: readonly Piece[], shape: readonly Dim[]): Places | null {
  const rest = pieces.filter((p) => constant(p.size) !== 1);
  const axes: Piece[][] = [];
  for (const size of shape) {
    const axis: Piece[] = [];
    let length = dim(1);
    while (!equal(length, size)) {
      const next = rest.shift();
      if (next === undefined) return null;
      axis.push(next);
      length = product([length, next.size]);
    }
    axes.push(axis);
  }
  return rest.length === 0 ? axes : null;
}
