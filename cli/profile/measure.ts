/** Runs the kernels of an entry one by one, in order and on the data that they leave each other, and times each. */
import { takeApart } from "../../compiler/plan/apart.ts";
import type { BufferKey, Data, Instance } from "../../runtime/device/program.ts";
import type { EntrySpec } from "../../runtime/format/program.ts";
import { fillInputs, firstStates } from "../../runtime/instances.ts";
import { initialize } from "../../runtime/parameters/initialise.ts";
import { planFacts, type KernelFacts, type PlanFacts } from "../plan/facts.ts";
import type { Subject } from "../plan/subject.ts";
import { loadAlone } from "../plan/target.ts";
import { measureCeilings, type Ceilings } from "./ceilings.ts";
import { once } from "./time.ts";

export interface KernelTime extends KernelFacts {
  /** Of the fastest call. */
  readonly milliseconds: number;
  /** Of all kernels together. */
  readonly share: number;
  /** The time that the machine's ceilings allow over that taken, and which of them is the lower. */
  readonly ceiling: number;
  readonly bound: "product" | "copy";
}

export interface Profile {
  readonly name: string;
  readonly plan: Omit<PlanFacts, "kernels">;
  readonly ceilings: Ceilings;
  readonly rounds: number;
  /** The whole entry in one call, and the sum of its kernels called alone. */
  readonly whole: number;
  readonly sum: number;
  /** In the order in which they run. */
  readonly kernels: readonly KernelTime[];
}

const SEED = 1;
const WARMUP = 3;
/** Rounds that are timed: as many as fit, at least and at most so many. */
const PATIENCE = 2000;
const [LEAST, MOST] = [5, 100];

/** Small numbers that depend on their place alone. */
function wave(data: Data, below: number | null): void {
  for (let i = 0; i < data.length; i++) {
    const x = Math.sin(12.9898 * (i + 1));
    data[i] = below === null ? 0.5 * x : Math.floor(((x + 1) / 2) * below);
  }
}

/** Something in every input: first weights, the task's first batch where there is one, a rate of zero. */
function fill(instance: Instance, spec: EntrySpec, subject: Subject): void {
  const { manifest } = subject.compiled;
  const parameters = initialize(manifest, SEED);
  const states = firstStates(manifest, parameters, subject.sizes.batch);
  for (const { role, name } of spec.inputs) {
    const data = instance.input(role, name);
    if (role === "parameter") data.set(parameters.get(name)!);
    else if (role === "state") data.set(states.get(name)!);
    else if (role === "scalar") data.fill(name === "step" ? 1 : 0);
    else if (role === "input" || role === "cotangent") {
      wave(data, manifest.inputs.find((i) => i.name === name)?.vocab ?? null);
    }
  }
  if (subject.batch !== null) fillInputs(instance, spec, subject.batch.fields);
}

/** @throws NativeUnavailable where native code fails after all. */
export function profileEntry(subject: Subject): Profile {
  const { device, entry, sizes } = subject;
  const { memory, kernels } = takeApart(entry);
  const program = loadAlone(device, subject.compiled.manifest.name, [entry, memory, ...kernels]);
  const shared = program.instantiate(memory.spec.name, sizes);
  fill(shared, entry.spec, subject);
  const bind = new Map<BufferKey, Data>(
    memory.spec.inputs.map(({ role, name }) => [`${role}:${name}`, shared.input(role, name)]),
  );
  const alone = kernels.map(({ spec }) => program.instantiate(spec.name, sizes, { bind }));
  const whole = program.instantiate(entry.spec.name, sizes);
  fill(whole, entry.spec, subject);

  const calls: number[] = [];
  const wholes: number[] = [];
  const times: number[][] = alone.map(() => []);
  let start = performance.now();
  for (let round = -WARMUP; round < MOST; round++) {
    if (round === 0) start = performance.now();
    if (round >= LEAST && performance.now() - start > PATIENCE) break;
    const taken = alone.map((instance) => once(() => instance.run()));
    const call = once(() => shared.run());
    const all = once(() => whole.run());
    if (round < 0) continue;
    taken.forEach((t, i) => times[i]!.push(t));
    calls.push(call);
    wholes.push(all);
  }
  // The fastest: what else the machine does only ever adds.
  const call = Math.min(...calls);
  const own = times.map((list) => Math.max(0, Math.min(...list) - call));
  const sum = own.reduce((a, b) => a + b, 0);
  const ceilings = measureCeilings(device);
  const { kernels: facts, ...plan } = planFacts(entry, device, sizes);
  return {
    name: subject.name,
    plan,
    ceilings,
    rounds: wholes.length,
    whole: Math.min(...wholes),
    sum,
    kernels: facts.map((kernel, i): KernelTime => {
      const milliseconds = own[i]!;
      const [compute, move] = [kernel.flops / ceilings.product, kernel.bytes / ceilings.copy];
      const least = 1000 * Math.max(compute, move);
      return {
        ...kernel,
        milliseconds,
        share: sum === 0 ? 0 : milliseconds / sum,
        ceiling: milliseconds === 0 ? 0 : least / milliseconds,
        bound: compute >= move ? "product" : "copy",
      };
    }),
  };
}
