/** TensorFlow.js on WebAssembly, on one thread: its threads are for browsers only. */
import { loadTfjsWasm } from "../tfjs.ts";
import { fastestOf, type Candidate } from "./candidates.ts";
import { sideOf, type Entrant, type Work } from "./work.ts";

const CHUNKS = [1, 16] as const;

export async function tfjsSide(name: string, work: Work): Promise<Entrant> {
  const { sizes, tokens, weights } = work;
  const { tfjsModel } = await loadTfjsWasm();
  const forms: Candidate[] = [];
  for (const chunk of CHUNKS) {
    const model = await tfjsModel(weights, { ...sizes, chunk });
    work.check(name, model.run(tokens));
    forms.push({ chunk, run: () => model.run(tokens) });
  }
  const { chunk, run } = await fastestOf(forms);
  return { name, kind: "wasm", threads: 1, chunk, side: sideOf(() => void run()) };
}
