/** Damages a text in the ways that people and programs do. The same text and seed always give the same result. */

const tokens = /\s+|[\p{L}\p{N}_]+|<-|->|\.\.|[^\s\p{L}\p{N}_]/gu;
const scraps: readonly string[] = [
  "( ) [ ] { } , : ; = . _ @ ^ * + - / < > ! \" ' # \\ .. <- -> == in out for if then else not repeat",
  "import layer map net program einsum( learned prev( // /* /// ⊗ ← β 😀 0 1e999 1..5 \u0000 \uFEFF \uD800",
].flatMap((line) => line.split(" "));

/** A small generator of its own (mulberry32), so that tests do not depend on a library's sequence. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}

/** One to four damages. `others` are texts to splice pieces from. */
export function mutate(text: string, seed: number, others: readonly string[] = [text]): string {
  const next = random(seed);
  const below = (n: number): number => Math.floor(next() * n);
  let parts: readonly string[] = text.match(tokens) ?? [];
  const damages = 1 + below(4);
  for (let i = 0; i < damages; i++) parts = damage(parts);
  return parts.join("");

  function damage(parts: readonly string[]): readonly string[] {
    const at = below(parts.length + 1);
    const length = 1 + below(3);
    switch (below(9)) {
      case 0:
      case 1:
        return parts.toSpliced(at, length);
      case 2:
        return parts.toSpliced(at, 0, ...parts.slice(at, at + length));
      case 3: {
        const other = below(parts.length + 1);
        const swapped = parts.slice();
        [swapped[at], swapped[other]] = [parts[other] ?? "", parts[at] ?? ""];
        return swapped;
      }
      case 4:
        return parts.toSpliced(at, below(2), scraps[below(scraps.length)]!);
      case 5:
        return parts.toSpliced(at, 0, bytes());
      case 6:
        return parts.slice(0, at);
      case 7: {
        const other = others[below(others.length)]!.match(tokens) ?? [];
        const from = below(other.length + 1);
        return parts.toSpliced(at, below(20), ...other.slice(from, from + below(40)));
      }
      default:
        return parts.toSpliced(at, 0, scraps[below(scraps.length)]!.repeat(1 + below(300)));
    }
  }

  function bytes(): string {
    const codes = Array.from({ length: 1 + below(8) }, () => below(0x10000));
    return String.fromCharCode(...codes);
  }
}
