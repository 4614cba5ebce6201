import { describe, expect, test } from "vitest";
import { equalIgnoringSpans } from "../../grammar/equal.ts";
import { parse, validateGrammar } from "../../grammar/parser.ts";
import { format } from "../../grammar/print.ts";
import { children, walk } from "../../grammar/walk.ts";
import type { Node } from "../../grammar/walk.ts";
import { examples, samplesIn } from "./samples.ts";

describe.each([...examples, ...samplesIn("specs")])("$file", ({ file, text }) => {
  const { ast, diagnostics } = parse(text, file);

  test("has no syntax error", () => expect(diagnostics).toEqual([]));

  test("means the same after formatting, and keeps every comment", () => {
    const once = format(text, file).text;
    const again = parse(once, file);
    expect(again.diagnostics).toEqual([]);
    const { comments: before, ...rest } = ast;
    const { comments: after, ...same } = again.ast;
    expect(equalIgnoringSpans(rest, same)).toBe(true);
    expect(after.map((comment) => comment.text).sort()).toEqual(
      before.map((comment) => comment.text).sort(),
    );
  });

  test("formats to a text that formatting leaves alone", () => {
    const once = format(text, file).text;
    expect(format(once, file).text).toBe(once);
    for (const line of once.split("\n")) expect(line).not.toMatch(/[ \t]$/u);
  });

  test("gives every node a place inside its parent's", () => {
    walk(ast, (node: Node) => {
      expect(node.span.start).toBeLessThanOrEqual(node.span.end);
      for (const child of children(node)) {
        expect(child.span.start).toBeGreaterThanOrEqual(node.span.start);
        expect(child.span.end).toBeLessThanOrEqual(node.span.end);
      }
    });
  });
});

test("the grammar has no ambiguity that chevrotain can see", () => {
  expect(() => validateGrammar()).not.toThrow();
});
