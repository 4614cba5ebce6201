/**
 * First values of parameters. Every parameter draws from a stream of its own, named after it, so adding, removing or
 * reordering parameters leaves the others as they were.
 */
import { InternalError, unreachable } from "../../diagnostics/diagnostic.ts";
import type { InitSpec, ParameterSpec, ProgramManifest } from "../format/program.ts";
import { fillNormal, fillUniform, streamOf } from "../format/random.ts";
import { orthogonalise } from "./orthogonal.ts";

/** Fills as `fillNormal` does. */
export type DrawNormal = (
  out: Float32Array,
  seed: number,
  stream: number,
  normal: { readonly mean: number; readonly deviation: number },
) => void;

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/** Fills `out`, a tensor of `shape`, from the stream `name` of `seed`. Drawn in float64, rounded once. */
function fill(
  out: Float32Array,
  shape: readonly number[],
  init: InitSpec,
  seed: number,
  name: string,
  draw: DrawNormal,
): void {
  const stream = streamOf(name);
  switch (init.kind) {
    case "constant":
      out.fill(init.value);
      return;
    case "normal":
      draw(out, seed, stream, init);
      return;
    case "uniform":
      fillUniform(out, seed, stream, init);
      return;
    case "orthogonal": {
      const drawn = new Float64Array(out.length);
      fillNormal(drawn, seed, stream);
      const columns = shape.at(-1) ?? 1;
      const rows = shape.at(-2) ?? 1;
      const matrix = rows * columns;
      for (let at = 0; at < out.length; at += matrix) {
        orthogonalise(drawn.subarray(at, at + matrix), rows, columns, init.scale);
      }
      out.set(drawn);
      return;
    }
    case "blocks":
      fillBlocks(out, shape, init, seed, name, draw);
      return;
    default:
      unreachable(init);
  }
}

/** Pieces that lie beside each other along one axis, each from a stream of its own. */
function fillBlocks(
  out: Float32Array,
  shape: readonly number[],
  init: Extract<InitSpec, { kind: "blocks" }>,
  seed: number,
  name: string,
  draw: DrawNormal,
): void {
  const length = shape[init.axis];
  const total = init.pieces.reduce((sum, piece) => sum + piece.size, 0);
  if (length !== total) {
    throw new InternalError(`blocks of ${total} along axis ${init.axis} of [${shape.join(", ")}]`);
  }
  const outer = product(shape.slice(0, init.axis));
  const inner = product(shape.slice(init.axis + 1));
  let from = 0;
  for (const [index, piece] of init.pieces.entries()) {
    const part = shape.map((size, axis) => (axis === init.axis ? piece.size : size));
    const values = new Float32Array(product(part));
    fill(values, part, piece.init, seed, `${name}#${index}`, draw);
    const run = piece.size * inner;
    for (let o = 0; o < outer; o++) {
      out.set(values.subarray(o * run, (o + 1) * run), (o * length + from) * inner);
    }
    from += piece.size;
  }
}

/** First value of one parameter: `shape` row-major, float32. The same `seed` and name give the same bits anywhere. */
export function initializeParameter(
  spec: ParameterSpec,
  seed: number,
  draw: DrawNormal = fillNormal,
): Float32Array {
  const values = new Float32Array(product(spec.shape));
  fill(values, spec.shape, spec.init, seed, spec.name, draw);
  return values;
}

/** First values of all parameters of a program, by name. `draw`: whoever is quicker with normal numbers. */
export function initialize(
  manifest: Pick<ProgramManifest, "parameters">,
  seed: number,
  draw?: DrawNormal,
): Map<string, Float32Array> {
  const { parameters } = manifest;
  return new Map(parameters.map((spec) => [spec.name, initializeParameter(spec, seed, draw)]));
}
