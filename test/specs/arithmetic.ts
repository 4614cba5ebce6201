/** Vectors and matrices as plain arrays, for the reference recurrences: straight loops, nothing of the compiler. */

export type V = readonly number[];
export type M = readonly V[];

export const add = (a: V, b: V): number[] => a.map((x, i) => x + b[i]!);
export const sub = (a: V, b: V): number[] => a.map((x, i) => x - b[i]!);
export const mul = (a: V, b: V): number[] => a.map((x, i) => x * b[i]!);
export const scale = (s: number, a: V): number[] => a.map((x) => s * x);
export const total = (a: V): number => a.reduce((sum, x) => sum + x, 0);
export const dot = (a: V, b: V): number => total(mul(a, b));
export const mv = (W: M, x: V): number[] => W.map((row) => dot(row, x));
export const zeros = (n: number): number[] => Array.from({ length: n }, () => 0);
export const transpose = (W: M): number[][] => W[0]!.map((_, j) => W.map((row) => row[j]!));
export const each = (W: M, f: (x: number) => number): number[][] => W.map((row) => row.map(f));
/** W + s a bᵀ */
export const plusOuter = (W: M, a: V, b: V, s = 1): number[][] =>
  W.map((row, i) => row.map((w, j) => w + s * a[i]! * b[j]!));

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
export const relu = (x: number): number => Math.max(0, x);
export function softmax(a: V): number[] {
  const e = a.map((x) => Math.exp(x - Math.max(...a)));
  return scale(1 / total(e), e);
}
export const elu1 = (a: V): number[] => a.map((x) => (x > 0 ? x + 1 : Math.exp(x)));
export const sumNorm = (a: V): number[] => scale(1 / (total(a) + 1e-6), a);
/** Layer normalisation. */
export function standard(a: V): number[] {
  const mean = total(a) / a.length;
  const variance = total(a.map((x) => (x - mean) ** 2)) / a.length;
  return a.map((x) => (x - mean) / Math.sqrt(variance + 1e-5));
}
/** ν = 1…nu: r ⊙ (r shifted right by ν), r = [relu(x); relu(−x)]. */
export function dpfp(x: V, nu: number): number[] {
  const r = [...x.map(relu), ...x.map((v) => relu(-v))];
  const n = r.length;
  return Array.from({ length: nu }, (_, j) =>
    r.map((v, i) => v * r[(((i - j - 1) % n) + n) % n]!),
  ).flat();
}
/** The delta rule: W + β (v − W k) kᵀ. */
export const delta = (W: M, k: V, v: V, beta: number): number[][] =>
  plusOuter(W, sub(v, mv(W, k)), k, beta);
