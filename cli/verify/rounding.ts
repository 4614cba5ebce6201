/**
 * Rounding to float32 at random, as in discrete stochastic arithmetic (J. Vignes, "A stochastic arithmetic for reliable
 * scientific computation", 1993): how far results scatter is how well rounding leaves them determined. Rounding to the
 * nearest would err in the same way wherever the same number comes up, and such errors cancel as no other program's do.
 */

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** The float32 next to a finite one, above or below it. */
function neighbour(x: number, above: boolean): number {
  float[0] = x;
  if (x === 0) {
    bits[0] = 1;
    return above ? float[0]! : -float[0]!;
  }
  bits[0]! += x > 0 === above ? 1 : -1;
  return float[0]!;
}

/**
 * A function that takes a number to one of the two float32 numbers around it, each the likelier the nearer it is, and float32
 * numbers to themselves. The same seed gives the same sequence of choices.
 */
export function randomRounding(seed: number): (x: number) => number {
  let state = seed | 0 || 1;
  return (x) => {
    const near = Math.fround(x);
    if (near === x || !Number.isFinite(near)) return near;
    const other = neighbour(near, near < x);
    // Xorshift: as random as it has to be, many millions of times.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const chance = (x - near) / (other - near);
    return (state >>> 0) / 2 ** 32 < chance ? other : near;
  };
}
