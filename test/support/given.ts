/** Tensors of a program as nested arrays by name, for references written by hand. */
import type { Tensor } from "../../compiler/graph/tensor.ts";

export type Nested = number | readonly Nested[];

/** Values of one role: weights, or inputs and states of one sequence. */
export interface Given {
  number(name: string): number;
  vector(name: string): readonly number[];
  matrix(name: string): readonly (readonly number[])[];
  cube(name: string): readonly (readonly (readonly number[])[])[];
  any(name: string): Nested;
}

export function nested({ shape, data }: Tensor, at = 0): Nested {
  const [n, ...rest] = shape;
  if (n === undefined) return data[at]!;
  const size = rest.reduce((a, b) => a * b, 1);
  return Array.from({ length: n }, (_, i) => nested({ shape: rest, data }, at + i * size));
}

export const flat = (value: Nested): number[] =>
  typeof value === "number" ? [value] : value.flatMap(flat);

/** `find` gives what is there under a name. */
export function givenBy(find: (name: string) => Nested): Given {
  return {
    any: find,
    number: (n) => find(n) as number,
    vector: (n) => find(n) as readonly number[],
    matrix: (n) => find(n) as ReturnType<Given["matrix"]>,
    cube: (n) => find(n) as ReturnType<Given["cube"]>,
  };
}

/** Tensors of one role by name, at the first indices `at`: one sequence of the batch, one step of it. */
export function lookup(
  values: ReadonlyMap<string, Tensor>,
  role: string,
  at: readonly number[] = [],
): Given {
  const known = new Map<string, Nested>();
  return givenBy((name) => {
    let found = known.get(name);
    if (found === undefined) {
      const whole = values.get(`${role}:${name}`);
      if (whole === undefined) throw new Error(`there is no ${role}:${name}`);
      found = at.reduce<Nested>((x, i) => (x as readonly Nested[])[i]!, nested(whole));
      known.set(name, found);
    }
    return found;
  });
}
