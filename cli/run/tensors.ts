/** Tensors from files, held against what a step declares. Every mismatch is found, in the spec's own names. */
import { show, type Dim, type Shape } from "../../compiler/dims.ts";
import type { StepProgram } from "../../compiler/graph/ir.ts";
import { DiagnosticError, type Diagnostic } from "../../diagnostics/diagnostic.ts";
import { diagnostic } from "../../runtime/catalogue.ts";
import type { Tensor } from "../../runtime/files/safetensors.ts";
import type { ProgramManifest, Sizes } from "../../runtime/format/program.ts";
import { cliDiagnostic, inFile } from "../catalogue.ts";

/** One axis: its name (or arithmetic over names) and, once known, its length. */
interface Axis {
  readonly name: string;
  readonly length: number | "batch" | "time" | "past";
}

interface Wanted {
  readonly name: string;
  readonly axes: readonly Axis[];
  readonly required: boolean;
  readonly token: boolean;
  readonly vocab: number | null;
}

const BATCH: Axis = { name: "batch", length: "batch" };
const TIME: Axis = { name: "time", length: "time" };
const PAST: Axis = { name: "past", length: "past" };

const axes = (names: Shape, numbers: readonly number[]): Axis[] =>
  names.map((d: Dim, i) => ({ name: show(d), length: numbers[i]! }));

const bracket = (items: readonly (string | number)[]): string => `[${items.join(", ")}]`;
const namesOf = (wanted: Wanted): string => bracket(wanted.axes.map((a) => a.name));

/** What is expected with numbers, where they are known and say more than the names. */
function numbersOf(wanted: Wanted, sizes: Partial<Sizes>): string {
  const numbers = wanted.axes.map(({ length, name }) =>
    typeof length === "number" ? length : (sizes[length] ?? name),
  );
  return bracket(numbers) === namesOf(wanted) ? "" : ` = ${bracket(numbers)}`;
}

/** Finds all problems of the tensors of one file. */
class Examination {
  readonly problems: Diagnostic[] = [];
  readonly #path: string;
  readonly #tensors: ReadonlyMap<string, Tensor>;
  /** Which tensor said how long a run-time axis is. */
  readonly #said = new Map<"batch" | "time" | "past", { by: string; length: number }>();

  constructor(path: string, tensors: ReadonlyMap<string, Tensor>) {
    this.#path = path;
    this.#tensors = tensors;
  }

  get sizes(): Partial<Sizes> {
    return Object.fromEntries([...this.#said].map(([axis, { length }]) => [axis, length]));
  }

  examine(wanted: Wanted): void {
    const { name } = wanted;
    const place = inFile(this.#path);
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) {
      if (!wanted.required) return;
      const facts = { name, expected: namesOf(wanted), path: this.#path };
      this.problems.push(cliDiagnostic("fwp8034", place, facts));
      return;
    }
    const { shape } = tensor;
    const before = this.sizes;
    const fits =
      shape.length === wanted.axes.length &&
      wanted.axes.every(({ length }, i) => typeof length !== "number" || length === shape[i]);
    if (!fits) {
      const facts = {
        name,
        expected: namesOf(wanted),
        numbers: numbersOf(wanted, before),
        found: bracket(shape),
      };
      this.problems.push(cliDiagnostic("fwp8030", place, facts));
      return;
    }
    if (wanted.axes.some(({ length }, i) => length !== "past" && shape[i] === 0)) {
      this.problems.push(cliDiagnostic("fwp8032", place, { name, found: bracket(shape) }));
      return;
    }
    for (const [i, { length }] of wanted.axes.entries()) {
      if (typeof length !== "number") this.#agree(length, name, shape[i]!);
    }
    this.#elements(wanted, tensor);
  }

  #agree(axis: "batch" | "time" | "past", name: string, length: number): void {
    const said = this.#said.get(axis);
    if (said === undefined) this.#said.set(axis, { by: name, length });
    else if (said.length !== length) {
      const two = { first: said.by, one: said.length, second: name, other: length };
      const place = inFile(this.#path);
      this.problems.push(
        axis === "past"
          ? cliDiagnostic("fwp8037", place, two)
          : cliDiagnostic("fwp8031", place, { size: axis, ...two }),
      );
    }
  }

  #elements({ name, token, vocab }: Wanted, { data }: Tensor): void {
    const place = inFile(this.#path);
    const whole = data instanceof Int32Array;
    if (token !== whole) {
      const [expected, found] = token
        ? ["integers (tokens)", "floating-point numbers"]
        : ["floating-point numbers", "integers"];
      this.problems.push(cliDiagnostic("fwp8036", place, { name, expected, found } as never));
    } else if (token) {
      const index = vocab === null ? -1 : data.findIndex((v) => v < 0 || v >= vocab);
      if (index < 0 || vocab === null) return;
      const facts = { name, value: data[index]!, vocab, index };
      this.problems.push(diagnostic("fwp6034", place, facts));
    } else {
      const index = data.findIndex((v) => !Number.isFinite(v));
      if (index < 0) return;
      const facts = { name, value: String(data[index]), index };
      this.problems.push(cliDiagnostic("fwp8035", place, facts));
    }
  }

  /** Tensors that nothing takes; `cotangents` would be taken with --grad. */
  rest(
    known: ReadonlySet<string>,
    ignore: (name: string) => boolean,
    cotangents: ReadonlySet<string> = new Set(),
  ): void {
    const place = inFile(this.#path);
    for (const name of this.#tensors.keys()) {
      if (known.has(name) || ignore(name)) continue;
      const candidates = [...known].join(", ");
      this.problems.push(
        cotangents.has(name)
          ? cliDiagnostic("fwp8038", place, { name })
          : cliDiagnostic("fwp8033", place, { name, candidates }),
      );
    }
  }
}

const float = { token: false, vocab: null };

/** `symbolic` has the shapes by name, `manifest` the same in numbers. */
export interface Declared {
  readonly symbolic: StepProgram;
  readonly manifest: Omit<ProgramManifest, "entries">;
}

function wantedInputs({ symbolic, manifest }: Declared, grad: boolean): Wanted[] {
  const shapes = new Map(symbolic.inputs.map((i) => [i.name, i.shape]));
  const states = new Map(symbolic.states.map((s) => [s.name, s.shape]));
  const inputs = manifest.inputs.map((s): Wanted => ({
    name: s.name,
    axes: [BATCH, TIME, ...axes(shapes.get(s.name)!, s.shape)],
    required: true,
    token: s.type === "token",
    vocab: s.vocab,
  }));
  const first = manifest.states.map(({ name, shape, growing }): Wanted => {
    const own = axes(states.get(name)!, shape);
    const rows = growing ? [BATCH, PAST, ...own.slice(1)] : [BATCH, ...own];
    return { name: `state.${name}`, axes: rows, required: false, ...float };
  });
  if (!grad) return [...inputs, ...first];
  const cotangents = manifest.outputs.map(({ name, shape }): Wanted => {
    const node = symbolic.outputs.find((o) => o.name === name)!.node;
    const own = axes(symbolic.body.nodes[node]!.shape, shape);
    return { name: `d.${name}`, axes: [BATCH, TIME, ...own], required: false, ...float };
  });
  const last = manifest.states.map(({ name, shape, growing }): Wanted => {
    const own = axes(states.get(name)!, shape);
    // Of a growing state the rows at the end: as many as there were and one per step.
    const rows: Axis = { name: "past + time", length: "past" };
    return {
      name: `d.state.${name}`,
      axes: growing ? [BATCH, { ...rows, length: "time" }, ...own.slice(1)] : [BATCH, ...own],
      required: false,
      ...float,
    };
  });
  return [...inputs, ...first, ...cotangents, ...last];
}

/**
 * Checks the inputs, first states and (with `grad`) cotangents of a run.
 * @returns batch, time and the rows that growing states hold.
 * @throws DiagnosticError with every problem found.
 */
export function checkInputs(
  declared: Declared,
  tensors: ReadonlyMap<string, Tensor>,
  path: string,
  grad: boolean,
): Sizes {
  const examination = new Examination(path, tensors);
  const wanted = wantedInputs(declared, grad);
  const growing = new Set(
    declared.manifest.states.filter((s) => s.growing).map((s) => `d.state.${s.name}`),
  );
  for (const one of wanted) if (!growing.has(one.name)) examination.examine(one);
  const { batch = 1, time = 1, past = 0 } = examination.sizes;
  for (const one of wanted) {
    if (!growing.has(one.name)) continue;
    const rows = { name: "past + time", length: past + time };
    const own = one.axes.map((axis) => (axis.length === "time" ? rows : axis));
    examination.examine({ ...one, axes: own });
  }
  const names = wanted.map((w) => w.name);
  const all = wantedInputs(declared, true).map((w) => w.name);
  examination.rest(new Set(names), () => false, new Set(all));
  const cotangents = names.filter((n) => n.startsWith("d."));
  if (grad && cotangents.length > 0 && !cotangents.some((n) => tensors.has(n))) {
    const first = wanted.find((w) => w.name === cotangents[0])!;
    const facts = { name: first.name, expected: namesOf(first), path };
    examination.problems.push(cliDiagnostic("fwp8034", inFile(path), facts));
  }
  if (examination.problems.length > 0) throw new DiagnosticError(examination.problems);
  return { batch, time, past };
}

/** Moments and states that a checkpoint holds beside the parameters. */
const inCheckpoint = (name: string): boolean => name.includes(":");

/** The parameters in a file: all of them, nothing else, finite. @throws DiagnosticError with every problem found. */
export function checkParameters(
  { symbolic, manifest }: Declared,
  tensors: ReadonlyMap<string, Tensor>,
  path: string,
): Map<string, Float32Array | Float64Array> {
  const shapes = new Map(symbolic.parameters.map((p) => [p.name, p.shape]));
  const examination = new Examination(path, tensors);
  for (const { name, shape } of manifest.parameters) {
    const own = axes(shapes.get(name)!, shape);
    examination.examine({ name, axes: own, required: true, ...float });
  }
  examination.rest(new Set(manifest.parameters.map((p) => p.name)), inCheckpoint);
  if (examination.problems.length > 0) throw new DiagnosticError(examination.problems);
  const found = new Map<string, Float32Array | Float64Array>();
  for (const { name } of manifest.parameters) {
    const { data } = tensors.get(name)!;
    if (!(data instanceof Int32Array)) found.set(name, data);
  }
  return found;
}
