/** A module as the bytes that engines load. */
import { InternalError } from "../../../diagnostics/diagnostic.ts";
import {
  CONSTANT,
  LANE,
  MEMORY,
  PLAIN,
  type Instruction,
  type ValueType,
  type WasmFunction,
  type WasmModule,
} from "./instructions.ts";

const TYPES: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
};
/**
 * The limits of a memory of any size: what it is given decides. The number zero takes as many bytes as it needs for
 * `runtime/device/wasm/shared.ts` to write the limits of a memory that threads share in their place.
 */
const LIMITS = [0x00, 0x80, 0x80, 0x80, 0x00];
const EMPTY_BLOCK = 0x40;
const END = 0x0b;

/** Bytes that are written one after the other. */
class Bytes {
  #data = new Uint8Array(1024);
  #length = 0;
  readonly #view = new DataView(new ArrayBuffer(8));

  #room(count: number): void {
    if (this.#length + count <= this.#data.length) return;
    const more = new Uint8Array(Math.max(2 * this.#data.length, this.#length + count));
    more.set(this.#data);
    this.#data = more;
  }
  byte(value: number): void {
    this.#room(1);
    this.#data[this.#length++] = value;
  }
  all(values: ArrayLike<number>): void {
    this.#room(values.length);
    this.#data.set(values, this.#length);
    this.#length += values.length;
  }
  unsigned(value: number): void {
    for (let rest = value; ; rest = Math.floor(rest / 128)) {
      if (rest < 128) return this.byte(rest);
      this.byte((rest % 128) + 128);
    }
  }
  /** Of at most 32 bits. */
  signed(value: number): void {
    for (let rest = value | 0; ; rest >>= 7) {
      if (rest >> 6 === 0 || rest >> 6 === -1) return this.byte(rest & 0x7f);
      this.byte((rest & 0x7f) + 128);
    }
  }
  float(value: number): void {
    this.#view.setFloat32(0, value, true);
    this.all(new Uint8Array(this.#view.buffer, 0, 4));
  }
  double(value: number): void {
    this.#view.setFloat64(0, value, true);
    this.all(new Uint8Array(this.#view.buffer, 0, 8));
  }
  text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.unsigned(bytes.length);
    this.all(bytes);
  }
  get made(): Uint8Array<ArrayBuffer> {
    return this.#data.slice(0, this.#length);
  }
}

/** A code with its prefix; numbers after a prefix are of variable length. */
function code(out: Bytes, bytes: readonly number[]): void {
  out.byte(bytes[0]!);
  if (bytes.length > 1) out.unsigned(bytes[1]!);
}

/** What instructions are printed for. */
interface Surroundings {
  readonly callees: ReadonlyMap<string, number>;
  /** The engine has fused products and sums. */
  readonly relaxed: boolean;
}

function instructions(out: Bytes, list: readonly Instruction[], around: Surroundings): void {
  for (let i = 0; i < list.length; i++) instruction(out, list[i]!, around);
}

function instruction(out: Bytes, i: Instruction, around: Surroundings): void {
  switch (i.op) {
    case "i32.const":
    case "i64.const":
      code(out, CONSTANT[i.op]);
      return out.signed(i.value);
    case "f32.const":
      code(out, CONSTANT[i.op]);
      return out.float(i.value);
    case "f64.const":
      code(out, CONSTANT[i.op]);
      return out.double(i.value);
    case "v128.const":
      code(out, [0xfd, 0x0c]);
      for (const value of i.values) {
        if (i.shape === "f64x2") out.double(value);
        else if (i.shape === "f32x4") out.float(value);
        else out.all(new Uint8Array(Int32Array.of(value).buffer));
      }
      return;
    case "i8x16.shuffle":
      code(out, [0xfd, 0x0d]);
      return out.all(i.bytes);
    case "local.get":
    case "local.set":
    case "local.tee":
      out.byte({ "local.get": 0x20, "local.set": 0x21, "local.tee": 0x22 }[i.op]);
      return out.unsigned(i.local);
    case "memory.size":
      return out.all([0x3f, 0]);
    case "call": {
      const callee = around.callees.get(i.callee);
      if (callee === undefined) throw new InternalError(`no function ${i.callee}`);
      out.byte(0x10);
      return out.unsigned(callee);
    }
    case "fused":
      instructions(out, i.product, around);
      if (!around.relaxed) code(out, PLAIN[`${i.kind}.mul`]);
      instructions(out, i.sum, around);
      return code(out, PLAIN[`${i.kind}.${around.relaxed ? "relaxed_madd" : "add"}`]);
    case "br":
    case "br_if":
      out.byte(i.op === "br" ? 0x0c : 0x0d);
      return out.unsigned(i.depth);
    case "block":
    case "loop":
      out.all([i.op === "block" ? 0x02 : 0x03, EMPTY_BLOCK]);
      instructions(out, i.body, around);
      return out.byte(END);
    case "if":
      out.all([0x04, i.result === null ? EMPTY_BLOCK : TYPES[i.result]]);
      instructions(out, i.body, around);
      if (i.otherwise.length > 0) out.byte(0x05);
      instructions(out, i.otherwise, around);
      return out.byte(END);
  }
  if ("offset" in i) {
    const { code: bytes, align } = MEMORY[i.op];
    code(out, bytes);
    out.unsigned(align);
    return out.unsigned(i.offset);
  }
  if ("lane" in i) {
    code(out, LANE[i.op]);
    return out.byte(i.lane);
  }
  code(out, PLAIN[i.op]);
}

function bodyOf(f: WasmFunction, around: Surroundings): Uint8Array {
  const out = new Bytes();
  const runs: [ValueType, number][] = [];
  for (const type of f.locals) {
    const last = runs.at(-1);
    if (last?.[0] === type) last[1]++;
    else runs.push([type, 1]);
  }
  out.unsigned(runs.length);
  for (const [type, count] of runs) {
    out.unsigned(count);
    out.byte(TYPES[type]);
  }
  instructions(out, f.body, around);
  out.byte(END);
  return out.made;
}

/** `relaxed`: for engines with fused products and sums. */
export function encode(module: WasmModule, relaxed = false): Uint8Array<ArrayBuffer> {
  const signatures = new Map<string, number>();
  const types = new Bytes();
  const typeOf = (parameters: readonly ValueType[], result: ValueType | null): number => {
    const key = `${parameters.join()}:${result}`;
    const known = signatures.get(key);
    if (known !== undefined) return known;
    types.byte(0x60);
    types.unsigned(parameters.length);
    types.all(parameters.map((p) => TYPES[p]));
    types.all(result === null ? [0] : [1, TYPES[result]]);
    signatures.set(key, signatures.size);
    return signatures.size - 1;
  };
  const callees = new Map<string, number>();
  for (const { module: from, name } of module.imports) callees.set(`${from}.${name}`, callees.size);
  for (const { name } of module.functions) {
    if (callees.has(name)) throw new InternalError(`two functions ${name}`);
    callees.set(name, callees.size);
  }

  const imports = new Bytes();
  imports.unsigned(module.imports.length + 1);
  imports.text("env");
  imports.text("memory");
  imports.byte(0x02);
  imports.all(LIMITS);
  for (const { module: from, name, parameters, result } of module.imports) {
    imports.text(from);
    imports.text(name);
    imports.byte(0x00);
    imports.unsigned(typeOf(parameters, result));
  }
  const functions = new Bytes();
  functions.unsigned(module.functions.length);
  for (const f of module.functions) functions.unsigned(typeOf(f.parameters, f.result));

  const exported = module.functions.filter((f) => f.exported);
  const exports = new Bytes();
  exports.unsigned(exported.length);
  for (const { name } of exported) {
    exports.text(name);
    exports.byte(0x00);
    exports.unsigned(callees.get(name)!);
  }
  const bodies = new Bytes();
  bodies.unsigned(module.functions.length);
  for (const f of module.functions) {
    const body = bodyOf(f, { callees, relaxed });
    bodies.unsigned(body.length);
    bodies.all(body);
  }
  const head = new Bytes();
  head.unsigned(signatures.size);
  head.all(types.made);

  const out = new Bytes();
  out.all([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  for (const [id, section] of [
    [1, head],
    [2, imports],
    [3, functions],
    [7, exports],
    [10, bodies],
  ] as const) {
    const content = section.made;
    out.byte(id);
    out.unsigned(content.length);
    out.all(content);
  }
  return out.made;
}
