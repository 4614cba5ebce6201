/** What a device can do at most: our own product of matrices, and how fast memory is read and written. */
import { dim } from "../../compiler/dims.ts";
import { GraphBuilder } from "../../compiler/graph/builder.ts";
import type { NodeId } from "../../compiler/graph/ir.ts";
import { compileEntry, type CompiledEntry } from "../../compiler/plan/entry.ts";
import type { Instance } from "../../runtime/device/program.ts";
import { loadAlone } from "../plan/target.ts";
import { machineOf, type Target } from "../targets.ts";
import { fastest } from "./time.ts";

export interface Ceilings {
  /** Float operations per second of a large product. */
  readonly product: number;
  /** Bytes per second, read and written, of a map over memory that no cache holds. */
  readonly copy: number;
}

/** The product's three sides, and the numbers that are copied. */
const SIDE = 512;
const NUMBERS = 2 ** 23;

function entryOf(name: string, device: Target, make: (b: GraphBuilder) => NodeId): CompiledEntry {
  const b = new GraphBuilder(name);
  const result = make(b);
  const graph = b.finish();
  const port = (own: string, node: NodeId) => {
    const { shape, dtype } = graph.nodes[node]!;
    return { name: own, shape, dtype, node };
  };
  const inputs = graph.nodes.flatMap((n) =>
    n.op === "input" ? [{ role: "input" as const, ...port(n.name, n.id) }] : [],
  );
  const step = { name, kind: "layer", body: graph, inputs: [], parameters: [], states: [], outputs: [], position: null } as const; // prettier-ignore
  const outputs = [{ role: "output" as const, ...port("y", result) }];
  return compileEntry({ name, step, graph, inputs, outputs }, name, { machine: machineOf(device) });
}

export function measureCeilings(device: Target): Ceilings {
  const square = [dim(SIDE), dim(SIDE)];
  const entries = [
    entryOf("product", device, (b) =>
      b.contract(b.input("a", square), [0, 1], b.input("b", square), [2, 1], [0, 2]),
    ),
    entryOf("copy", device, (b) => b.neg(b.input("a", [dim(NUMBERS)]))),
  ];
  const program = loadAlone(device, "ceilings", entries);
  const seconds = (name: string): number => {
    const instance: Instance = program.instantiate(name, { batch: 1, time: 1, past: 0 });
    for (const { role, name: own } of program.manifest.entries.find((e) => e.name === name)!
      .inputs) {
      instance.input(role, own).forEach((_, i, data) => (data[i] = ((i * 7) % 13) / 13 - 0.5));
    }
    return fastest(() => instance.run()) / 1000;
  };
  return {
    product: (2 * SIDE ** 3) / seconds("product"),
    copy: (2 * 4 * NUMBERS) / seconds("copy"),
  };
}
