/** "Did you mean …": names within a small edit distance. */

/** Edits from one word to another: insert, delete, replace, exchange two neighbours. */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const [above, row] = [rows[i - 1]!, [i]];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      row.push(Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + change));
      const exchanged = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (exchanged) row[j] = Math.min(row[j]!, rows[i - 2]![j - 2]! + 1);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}

/** At most three candidates near `name`, nearest first, joined for a sentence; empty when none is near. */
export function suggest(name: string, ...sets: readonly Iterable<string>[]): string {
  // Of a single letter nothing is left to be near to.
  const limit = name.length === 1 ? 0 : Math.max(1, Math.floor(name.length / 3));
  const scored = new Map<string, number>();
  for (const set of sets) {
    for (const candidate of set) {
      if (Math.abs(candidate.length - name.length) > limit || candidate === name) continue;
      const d = distance(name.toLowerCase(), candidate.toLowerCase());
      if (d <= limit) scored.set(candidate, d);
    }
  }
  return [...scored]
    .sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1))
    .slice(0, 3)
    .map(([candidate]) => candidate)
    .join(" or ");
}
