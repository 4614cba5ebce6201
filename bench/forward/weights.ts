/** The model's parameters as libraries like them best: matrices [inputs, outputs]. */
import type { Weight, Weights } from "./model.ts";

/** A weight's shape is its outputs' axes, then its inputs'. */
function turned(w: Weight, outputsOf: (w: Weight) => number): Weight {
  const outputs = outputsOf(w);
  const inputs = w.data.length / outputs;
  const data = new Float32Array(w.data.length);
  for (let i = 0; i < data.length; i++) {
    data[(i % inputs) * outputs + Math.floor(i / inputs)] = w.data[i]!;
  }
  return { shape: [inputs, outputs], data };
}

const flat = ({ data }: Weight): Weight => ({ shape: [data.length], data });
/** How many outputs there are: along the first axis, or along all but the last. */
const first = ({ shape }: Weight): number => shape[0]!;
const allButLast = ({ shape, data }: Weight): number => data.length / shape.at(-1)!;

export function arrange(parameters: Weights, depth: number, heads: number): Weights {
  const get = (name: string): Weight => parameters.get(name)!;
  const found = new Map<string, Weight>([
    ["table", get("x.table")],
    ["norm.gain", get("norm.gain")],
    ["norm.bias", get("norm.bias")],
    ["logits", turned(get("logits.weight"), first)],
    ["logits.bias", get("logits.bias")],
  ]);
  for (let i = 0; i < depth; i++) {
    const at = (name: string): Weight => get(`layers.${i}.${name}`);
    const mixer = (name: string): Weight => at(`DeltaMixer.${name}`);
    for (const name of ["norm.gain", "norm.bias", "norm_2.gain", "norm_2.bias"]) {
      found.set(`${i}.${name}`, at(name));
    }
    for (const name of ["q", "k", "v"]) found.set(`${i}.${name}`, turned(mixer(`${name}.weight`), allButLast)); // prettier-ignore
    found.set(
      `${i}.rate`,
      turned(mixer("rate.weight"), () => heads),
    );
    found.set(`${i}.rate.bias`, flat(mixer("rate.bias")));
    found.set(`${i}.y`, turned(mixer("y.weight"), first));
    found.set(`${i}.up`, turned(at("mlp.h.weight"), first));
    found.set(`${i}.up.bias`, at("mlp.h.bias"));
    found.set(`${i}.down`, turned(at("mlp.y.weight"), first));
    found.set(`${i}.down.bias`, at("mlp.y.bias"));
  }
  return found;
}
