/** Characters as tokens. */
import { problem } from "../catalogue.ts";
import type { TextCodec } from "./task.ts";

/** Text as tokens: position in `alphabet`. */
export function textCodec(alphabet: readonly string[]): TextCodec {
  const tokens = new Map(alphabet.map((character, token) => [character, token]));
  return {
    alphabet,
    encode: (text) =>
      Int32Array.from([...text], (character, index) => {
        const token = tokens.get(character);
        if (token !== undefined) return token;
        throw problem("fwp6106", "text", { character: JSON.stringify(character), index });
      }),
    decode: (list) => Array.from(list, (token) => alphabet[token] ?? "\u{fffd}").join(""),
  };
}
