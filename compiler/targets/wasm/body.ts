/** A function while it is written: its locals, and its instructions in the order in which they are given. */
import type { Instruction, ValueType, WasmFunction } from "./instructions.ts";

/** Instructions that leave one value on the stack, without other effects: may be repeated, moved and left out. */
export type Code = readonly Instruction[];

export class Body {
  readonly #parameters: readonly ValueType[];
  readonly #locals: ValueType[] = [];
  readonly #names: string[];
  /** Locals whose variable has gone out of sight. */
  readonly #free = new Map<ValueType, number[]>();
  #open: Instruction[] = [];

  constructor(parameters: readonly (readonly [name: string, type: ValueType])[]) {
    this.#parameters = parameters.map(([, type]) => type);
    this.#names = parameters.map(([name]) => name);
  }

  emit(...instructions: Code): void {
    for (let i = 0; i < instructions.length; i++) this.#open.push(instructions[i]!);
  }

  /** A local for a new variable. */
  local(type: ValueType, name: string): number {
    return this.#free.get(type)?.pop() ?? this.lasting(type, name);
  }
  /** A local that no other variable has had: what is in it from the beginning is still there. */
  lasting(type: ValueType, name: string): number {
    this.#locals.push(type);
    this.#names.push(name);
    return this.#names.length - 1;
  }
  release(type: ValueType, local: number): void {
    const list = this.#free.get(type);
    if (list === undefined) this.#free.set(type, [local]);
    else list.push(local);
  }

  /** Keeps a value in a new local; reads of it. */
  keep(type: ValueType, name: string, code: Code): Code {
    const local = this.local(type, name);
    this.emit(...code, { op: "local.set", local });
    return [{ op: "local.get", local }];
  }

  /** What `inside` emits, as a list of its own. */
  nested(inside: () => void): Instruction[] {
    const outer = this.#open;
    const inner: Instruction[] = [];
    this.#open = inner;
    inside();
    this.#open = outer;
    return inner;
  }

  finish(name: string, title: string, result: ValueType | null, exported: boolean): WasmFunction {
    return {
      name,
      title,
      parameters: this.#parameters,
      result,
      locals: this.#locals,
      names: this.#names,
      body: this.#open,
      exported,
    };
  }
}
