/** Every problem that reading a `.fwp` file can find: fwp1001 … fwp1999. */
import { diagnosticsOf, entry } from "../diagnostics/catalogue.ts";

type None = Readonly<Record<never, never>>;

export const syntaxCatalogue = {
  fwp1001: entry<{ written: string }>(
    "error",
    "Unknown character",
    ({ written }) => `\`${written}\` is not part of the language`,
    ({ written }) =>
      written.startsWith("'")
        ? 'strings are written with double quotes: "…"'
        : written.startsWith("#")
          ? "comments start with `//`"
          : written.startsWith("%")
            ? "there is no remainder operator"
            : null,
    "A character that no word, number or sign of the language contains. Names may use letters of any alphabet " +
      "(`β`, `φ`), digits and `_`. Strings take double quotes, comments start with `//`.",
  ),
  fwp1002: entry<None>(
    "error",
    "String without an end",
    () => 'this string has no closing `"` on its line',
    () => 'close it with `"`; a line break inside a string is written `\\n`',
    'A string starts and ends with `"` on one line. Write `\\n` for a line break, `\\"` for a quote.',
  ),
  fwp1003: entry<None>(
    "error",
    "Comment without an end",
    () => "this comment is never closed",
    () => "close it with `*/`, or use `//` for a comment to the end of the line",
    "A comment that starts with `/*` runs to the next `*/`. Without one, the rest of the file would be comment.",
  ),
  fwp1004: entry<{ written: string }>(
    "error",
    "Malformed number",
    ({ written }) => `\`${written}\` is not a number`,
    ({ written }) =>
      /^\d[\d_]*\.$/u.test(written)
        ? `write \`${written}0\``
        : /^\d+[\p{L}_]/u.test(written)
          ? "a name cannot start with a digit; a product needs `*`"
          : null,
    "Numbers are written `12`, `0.5`, `1e-3` or `1_000`, and must be finite in double precision. A name cannot start " +
      "with a digit, and a product is always written with `*`: `2 * n`, not `2n`.",
  ),
  fwp1005: entry<{ escape: string }>(
    "error",
    "Unknown escape in a string",
    ({ escape }) => `\`${escape}\` is not an escape of strings`,
    () => 'the escapes are `\\"`, `\\\\`, `\\n` and `\\t`',
    'Inside a string a backslash introduces `\\"`, `\\\\`, `\\n` or `\\t`. A backslash itself is written `\\\\`.',
  ),
  fwp1006: entry<{ limit: number; what: string }>(
    "error",
    "Nested too deeply",
    ({ limit, what }) => `nested too deeply: more than ${limit} ${what}`,
    () => "name a part of it with `name = …` and use the name",
    "Brackets, blocks and operators may nest only so far, so that no input can exhaust the compiler's stack. The " +
      "declaration is left out; the others are still checked. Naming intermediate signals always helps.",
  ),
  fwp1007: entry<{ expected: string; found: string }>(
    "error",
    "Unexpected word or sign",
    ({ expected, found }) => `expected ${expected}, found ${found}`,
    ({ expected, found }) =>
      found === "`=`" && expected.startsWith("`:`")
        ? "a name and its value are separated by `:` here"
        : expected.startsWith("a name") && reserved.test(found)
          ? `${found} is a reserved word; choose another name`
          : null,
    "The text follows the grammar up to this point, and then something else stands where one particular word or sign " +
      "must come. The message names what was expected and what for.",
  ),
  fwp1008: entry<{ expected: string; found: string }>(
    "error",
    "Bracket not closed",
    ({ expected, found }) => `expected ${expected}, found ${found}`,
    null,
    "Every `(`, `[` and `{` needs its `)`, `]` or `}`. Reading continues as if it stood here, so other errors of the " +
      "file are still reported.",
  ),
  fwp1009: entry<{ found: string }>(
    "error",
    "Expression expected",
    ({ found }) => `expected an expression, found ${found}`,
    ({ found }) =>
      found === "`_`" || found === "`..`"
        ? "`_` and `..` stand only in shapes, between `[` and `]`"
        : found === "`{`"
          ? "braces hold blocks; a list of values is written `[a, b]`"
          : null,
    "A value is missing: after an operator, after `=`, between two commas, or inside brackets. `_` and `..` are not " +
      "values: they stand only among the axes of a shape.",
  ),
  fwp1010: entry<{ found: string }>(
    "error",
    "Not a statement",
    ({ found }) => `expected a statement, found ${found}`,
    () =>
      "statements are `name = …`, `W <- …`, `in`, `out`, `repeat`, `const`, `weight` and blocks",
    "Inside `{ … }` of a layer, instruction, model or block, each statement binds a name (`k = linear(x)`), writes a " +
      "state (`W <- …`), declares (`in`, `out`, `weight`, `const`), repeats, or is a block (`slow net { … }`). A value " +
      "on its own does nothing; only the body of a `map` ends with one.",
  ),
  fwp1011: entry<{ found: string }>(
    "error",
    "Not a declaration",
    ({ found }) => `expected a declaration, found ${found}`,
    ({ found }) =>
      found === "`}`"
        ? "one `}` too many?"
        : "a file holds `import`, `map`, `instruction`, `layer`, `model`, `experiment` and `ablation`",
    "Outside all braces a file holds imports, then declarations: `map`, `instruction`, `layer`, `model`, " +
      "`experiment`, `ablation`. Often one `}` too many ended the declaration above early.",
  ),
  fwp1012: entry<{ found: string; where: string; clauses: string }>(
    "error",
    "Not a clause",
    ({ found, where }) => `expected a clause of the ${where}, found ${found}`,
    ({ where, clauses }) => `the clauses of an ${where} are ${clauses}`,
    "An experiment is made of `model`, `task`, `loss`, `train` and `eval`; an ablation of `grid`, `zip`, `where`, " +
      "`seeds`, `baseline` and `report`.",
  ),
  fwp1013: entry<{ name: string }>(
    "error",
    "Map without a value",
    ({ name }) => `the map \`${name}\` does not end with its value`,
    () =>
      "write the value as the last thing before `}`; after a statement, a value that starts with `-`, `(` or `[` needs a `;` before it",
    "The body of a map is any number of statements, then one expression: what the map returns. A line that starts with " +
      "`-`, `(` or `[` continues the expression above it; put `;` at the end of that line if it should not.",
  ),
  fwp1014: entry<{ operator: string }>(
    "error",
    "Comparisons in a chain",
    ({ operator }) => `\`${operator}\` cannot follow another comparison`,
    () => "join two comparisons with `and`, or add parentheses",
    "`a < b < c` is not read as two comparisons. Write `a < b and b < c`. The same holds for `..`: a range has two ends.",
  ),
  fwp1015: entry<None>(
    "error",
    "Import after a declaration",
    () => "imports stand before the first declaration",
    () => "move this line to the top of the file",
    "All `import` lines come first, so that what a file depends on is seen at once.",
  ),
  fwp1016: entry<None>(
    "error",
    "Operand of einsum without labels",
    () =>
      "`einsum` takes one operand or more, each with the labels of its axes behind it, as in `F[s, r, t]`",
    () => "put the labels in `[…]` after the operand; a product needs parentheses: `(b * v)[t]`",
    "`einsum(F[s, r, t], k[s] -> [r, t])` names every axis of every operand. Labels are plain names; an operand that " +
      "is more than a name or a call is parenthesised before its labels.",
  ),
  fwp1017: entry<None>(
    "error",
    "Index without a number",
    () => "expected an index between `[` and `]`",
    () => "an empty list of labels is only possible in `einsum`",
    "`e[i]` takes the part of `e` at index `i` of its first axis. Only an operand of `einsum` may have an empty list, " +
      "for a scalar.",
  ),
} as const;

const reserved = /^`(?:in|out|for|if|then|else|and|or|not|true|false|repeat|import)`$/u;

/** Makes a syntax diagnostic. */
export const syntaxDiagnostic = diagnosticsOf(syntaxCatalogue);
export type SyntaxCode = keyof typeof syntaxCatalogue;
