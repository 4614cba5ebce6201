/** Equality of syntax trees, wherever in a text they were read. */

/** Deep equality of two trees (or parts of trees) that leaves out every `span`. */
export function equalIgnoringSpans(a: unknown, b: unknown): boolean {
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, i) => equalIgnoringSpans(item, b[i]));
  }
  if (!isObject(a) || !isObject(b)) return Object.is(a, b);
  const own = keys(a);
  if (own.length !== keys(b).length) return false;
  return own.every((key) => key in b && equalIgnoringSpans(a[key], b[key]));
}

function keys(value: object): string[] {
  return Object.keys(value).filter((key) => key !== "span");
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
