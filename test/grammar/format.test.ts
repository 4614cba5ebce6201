import { expect, test } from "vitest";
import { format } from "../../grammar/print.ts";

const long = (name: string): string => `${name}_${"x".repeat(30)}`;

test("comments and single blank lines stay where the author put them", () => {
  const text = `// top
layer A( // params
  heads = 4, // number of heads
  // own line
  key: int = 2
  ) {
  // first


  k = f(a, // inner
    b) // trailing
  /// doc

  v   = (1+2) ;
  slow net { // why
  } // after


  // end
}
`;
  expect(format(text, "a.fwp").text).toBe(`// top
layer A(
  // params
  heads = 4, // number of heads
  // own line
  key: int = 2,
) {
  // first

  // inner
  k = f(a, b) // trailing
  /// doc
  v = 1 + 2
  slow net { // why
  } // after

  // end
}
`);
});

test("what does not fit in 100 columns is broken at its outermost brackets", () => {
  const text = `map f(x) { ${long("f")}(${long("a")}, of: ${long("b")}, ${long("c")}) }`;
  expect(format(text, "f.fwp").text).toBe(
    `map f(x) {
  ${long("f")}(
    ${long("a")},
    of: ${long("b")},
    ${long("c")},
  )
}
`,
  );
});

test("a text with errors is left alone", () => {
  const { text, diagnostics } = format("layer  A { k = }", "a.fwp");
  expect(text).toBe("layer  A { k = }");
  expect(diagnostics).toHaveLength(1);
});
