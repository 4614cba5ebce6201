/** A model in ONNX: nodes, numbers and shapes as messages. Field numbers are those of onnx.proto. */
import { bytes, float, integer, joined, message, text } from "./protobuf.ts";

export type Attribute = number | readonly number[] | { readonly float: number };
export type Numbers = Float32Array | BigInt64Array;

const IR_VERSION = 8;
/** The first with layer normalisation, and with axes of sums as inputs. */
export const OPSET = 18;
const ELEMENTS = { float: 1, int32: 6, int64: 7 } as const;
export type Element = keyof typeof ELEMENTS;

function attribute(name: string, value: Attribute): Uint8Array {
  const kind = { float: 1, int: 2, ints: 7 } as const;
  if (typeof value === "number") {
    return message(5, text(1, name), integer(3, value), integer(20, kind.int));
  }
  if ("float" in value) {
    return message(5, text(1, name), float(2, value.float), integer(20, kind.float));
  }
  return message(5, text(1, name), ...value.map((n) => integer(8, n)), integer(20, kind.ints));
}

function valueInfo(field: number, name: string, type: Element, shape: readonly number[]) {
  const dims = shape.map((n) => message(1, integer(1, n)));
  const tensor = message(1, integer(1, ELEMENTS[type]), message(2, ...dims));
  return message(field, text(1, name), message(2, tensor));
}

export interface Value {
  readonly name: string;
  readonly type: Element;
  readonly shape: readonly number[];
}

export class OnnxGraph {
  readonly #nodes: Uint8Array[] = [];
  readonly #constants: Uint8Array[] = [];
  #count = 0;

  #name(kind: string): string {
    return `${kind}_${this.#count++}`;
  }

  /** The names of the results. */
  node(
    type: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    results = 1,
  ): readonly string[] {
    const outputs = Array.from({ length: results }, () => this.#name(type));
    this.#nodes.push(
      message(
        1,
        ...inputs.map((name) => text(1, name)),
        ...outputs.map((name) => text(2, name)),
        text(3, this.#name("node")),
        text(4, type),
        ...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
      ),
    );
    return outputs;
  }

  constant(shape: readonly number[], data: Numbers): string {
    const name = this.#name("constant");
    const type = data instanceof Float32Array ? ELEMENTS.float : ELEMENTS.int64;
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const dims = shape.map((n) => integer(1, n));
    this.#constants.push(message(5, ...dims, integer(2, type), text(8, name), bytes(9, raw)));
    return name;
  }

  /** The whole file. */
  model(input: Value, output: Value): Uint8Array {
    const graph = message(
      7,
      ...this.#nodes,
      text(2, "model"),
      ...this.#constants,
      valueInfo(11, input.name, input.type, input.shape),
      valueInfo(12, output.name, output.type, output.shape),
    );
    const opset = message(8, text(1, ""), integer(2, OPSET));
    return joined([integer(1, IR_VERSION), text(2, "fwp bench"), graph, opset]);
  }
}
