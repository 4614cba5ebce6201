/** "Did you mean": the known name nearest to a wrong one. */

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(replaced, last[j]! + 1, row[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, before[j - 2]! + 1);
      }
      row.push(best);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}

/** What the `suggestion` and `known` facts of a diagnostic want: the nearest name ("" when none is near) and the list. */
export function suggestion(
  name: string,
  known: Iterable<string>,
): { suggestion: string; known: string } {
  const names = [...known];
  const limit = Math.max(1, Math.floor(name.length / 3));
  let best = "";
  let distance = limit + 1;
  for (const candidate of names) {
    const d = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (d < distance) [best, distance] = [candidate, d];
  }
  return { suggestion: best, known: names.length === 0 ? "none" : names.join(", ") };
}
