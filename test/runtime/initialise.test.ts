import { expect, test } from "vitest";
import type { InitSpec, ParameterSpec } from "../../runtime/format/program.ts";
import { initialize, initializeParameter } from "../../runtime/parameters/initialise.ts";

const parameter = (name: string, shape: number[], init: InitSpec): ParameterSpec => ({
  name,
  shape,
  init,
  trained: true,
});

const mean = (x: ArrayLike<number>) => Array.from(x).reduce((a, b) => a + b, 0) / x.length;

test("the same seed and name give the same bits, another seed or name others", () => {
  const normal = { kind: "normal", mean: 0, deviation: 1 } as const;
  const draw = (name: string, seed: number) =>
    initializeParameter(parameter(name, [5], normal), seed);
  expect(draw("a", 1)).toEqual(draw("a", 1));
  expect(draw("a", 1)).not.toEqual(draw("a", 2));
  expect(draw("a", 1)).not.toEqual(draw("b", 1));
});

test("adding a parameter does not change the others", () => {
  const a = parameter("a", [3], { kind: "uniform", low: 0, high: 1 });
  const b = parameter("b", [3], { kind: "uniform", low: 0, high: 1 });
  const alone = initialize({ parameters: [a] }, 7);
  const both = initialize({ parameters: [b, a] }, 7);
  expect(both.get("a")).toEqual(alone.get("a"));
});

test("normal and uniform have their moments and bounds", () => {
  const normal = initializeParameter(
    parameter("n", [100, 200], { kind: "normal", mean: 3, deviation: 0.5 }),
    1,
  );
  expect(mean(normal)).toBeCloseTo(3, 2);
  expect(Math.sqrt(mean(normal.map((x) => (x - 3) ** 2)))).toBeCloseTo(0.5, 2);
  const uniform = initializeParameter(
    parameter("u", [20000], { kind: "uniform", low: -0.1, high: 0.1 }),
    1,
  );
  expect(Math.min(...uniform)).toBeGreaterThanOrEqual(Math.fround(-0.1));
  expect(Math.max(...uniform)).toBeLessThan(0.1);
  expect(Math.max(...uniform)).toBeGreaterThan(0.0999);
  expect(mean(uniform)).toBeCloseTo(0, 2);
});

test.each<[number[], string]>([
  [[4, 7], "rows"],
  [[7, 4], "columns"],
  [[3, 5, 5], "rows of every matrix"],
])("an orthogonal %j has orthogonal %s", (shape) => {
  const init = { kind: "orthogonal", scale: 2 } as const;
  const data = initializeParameter(parameter("o", shape, init), 1);
  const [rows, columns] = [shape.at(-2)!, shape.at(-1)!];
  for (let m = 0; m < data.length / (rows * columns); m++) {
    const x = (i: number, j: number) => data[(m * rows + i) * columns + j]!;
    const few = Math.min(rows, columns);
    for (let a = 0; a < few; a++) {
      for (let b = 0; b < few; b++) {
        let dot = 0;
        for (let i = 0; i < Math.max(rows, columns); i++) {
          dot += rows <= columns ? x(a, i) * x(b, i) : x(i, a) * x(i, b);
        }
        expect(dot).toBeCloseTo(a === b ? 4 : 0, 5);
      }
    }
  }
});

test("blocks lie beside each other along their axis", () => {
  const init: InitSpec = {
    kind: "blocks",
    axis: 1,
    pieces: [
      { size: 1, init: { kind: "constant", value: 1 } },
      { size: 2, init: { kind: "constant", value: 2 } },
    ],
  };
  const data = initializeParameter(parameter("b", [2, 3, 2], init), 1);
  expect([...data]).toEqual([1, 1, 2, 2, 2, 2, 1, 1, 2, 2, 2, 2]);
});
