/** "Did you mean …": names within a small edit distance. */

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + change));
    }
    row = next;
  }
  return row[b.length]!;
}

/** At most three candidates near `name`, nearest first, joined for a sentence; empty when none is near. */
export function suggest(name: string, ...sets: readonly Iterable<string>[]): string {
  const limit = Math.max(1, Math.floor(name.length / 3));
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
