/** Numbers as text. */

/** Three significant digits. */
export function short(x: number): string {
  if (x >= 100) return x.toFixed(0);
  return x >= 10 ? x.toFixed(1) : x.toFixed(x >= 0.1 ? 2 : 4);
}
