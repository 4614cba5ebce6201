/** All builtins. The language reference is generated from this table. */
import type { Span } from "../../../grammar/ast.ts";
import type { Shape } from "../../dims.ts";
import { bindNames, type LazyArgument } from "../calls.ts";
import type { Frame } from "../frame.ts";
import { ERROR, type Value } from "../values.ts";
import { elementwiseBuiltins } from "./elementwise.ts";
import { initialiserBuiltins } from "./initialisers.ts";
import { lossBuiltins } from "./losses.ts";
import { productBuiltins } from "./products.ts";
import { reductionBuiltins } from "./reductions.ts";
import { shapeBuiltins } from "./shape.ts";
import { stateBuiltins } from "./states.ts";
import { Stop, type Builtin, type BuiltinTable } from "./types.ts";
import { weightBuiltins } from "./weights.ts";

let table: ReadonlyMap<string, Builtin> | null = null;

/** Every builtin by name. Made on first use: the modules of this folder and the evaluator import each other. */
export function builtins(): ReadonlyMap<string, Builtin> {
  if (table === null) {
    const groups: readonly BuiltinTable[] = [
      elementwiseBuiltins,
      reductionBuiltins,
      productBuiltins,
      shapeBuiltins,
      weightBuiltins,
      stateBuiltins,
      initialiserBuiltins,
      lossBuiltins,
    ];
    table = new Map(groups.flatMap((g) => Object.entries(g)));
  }
  return table;
}

export const isBuiltin = Object.assign((name: string): boolean => builtins().has(name), {
  names: (): Iterable<string> => builtins().keys(),
  /** What the bare name means: mostly the builtin itself, to be called. */
  value: (name: string): Value => builtins().get(name)?.value ?? { kind: "builtin", name },
});

export interface RawCall {
  readonly args: readonly LazyArgument[];
  readonly span: Span;
  readonly expected: Shape | null;
}

export function callBuiltin(frame: Frame, name: string, call: RawCall): Value {
  const builtin = builtins().get(name)!;
  const named = call.args.filter((a) => a.name !== null);
  const unnamed = call.args.filter((a) => a.name === null);
  const fixed = builtin.variadic ? unnamed.slice(0, 0) : unnamed;
  const rest = builtin.variadic ? unnamed : [];
  const args = bindNames(frame, name, builtin.parameters, [...fixed, ...named], call.span, false);
  if (args === null) return ERROR;
  try {
    return builtin.run({ frame, name, span: call.span, expected: call.expected, args, rest });
  } catch (stop) {
    if (stop instanceof Stop) return stop.value;
    throw stop;
  }
}
