/** What feeds what in a step: the named signals and the states, within the step and from one step to the next. */
import { unreachable } from "../../../diagnostics/diagnostic.ts";
import type { Node, NodeId, Origin, ProgramState, StepProgram } from "../../graph/ir.ts";
import { operands } from "../../graph/shapes.ts";
import { inputName } from "../../graph/names.ts";
import { writtenVersions } from "./update.ts";

/** `slow` and `fast`: what stands in these blocks; `write`: what the program does to a state; `signal`: all else. */
export type Role = "input" | "output" | "slow" | "fast" | "write" | "signal";

export interface Box {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** The layer of a model: `layers.0.mixer`; empty outside of any. */
  readonly path: string;
  /** The node that it is; of a write the new state. */
  readonly node: NodeId;
  /** Also leaves the step. */
  readonly leaves: boolean;
}

export interface Arrow {
  readonly from: string;
  readonly to: string;
  /** The value is that of the step before. */
  readonly delayed: boolean;
}

export interface Topology {
  readonly boxes: readonly Box[];
  readonly arrows: readonly Arrow[];
}

/** In which block of a layer or model a place is; null for places in maps and instructions. */
export type Place = (origin: Origin) => "slow" | "fast" | "program" | "layer" | null;

/** What a way back from a value ends at. */
type End =
  | { readonly kind: "box"; readonly id: string }
  | { readonly kind: "old"; readonly state: ProgramState }
  | { readonly kind: "new"; readonly state: ProgramState };

class Tracer {
  readonly #step: StepProgram;
  readonly #boxes = new Map<NodeId, Box>();
  readonly #states = new Map<ProgramState, string>();
  readonly #writes = new Map<ProgramState, string>();
  readonly #versions = new Map<NodeId, End>();
  readonly #arrows = new Map<string, Arrow>();

  constructor(step: StepProgram, place: Place) {
    this.#step = step;
    for (const state of step.states) this.#state(state);
    const outputs = new Map(step.outputs.map((o) => [o.node, o.name]));
    for (const input of step.inputs) this.#box(input.node, input.name, "input", "", outputs.has(input.node)); // prettier-ignore
    for (const node of step.body.nodes) {
      const role = this.#roleOf(node, place);
      if (role === null) continue;
      this.#box(node.id, node.origin!.label!, role, node.origin!.path ?? "", outputs.has(node.id));
    }
    for (const [node, name] of outputs) {
      if (!this.#boxes.has(node)) this.#box(node, name, "output", "", true);
    }
  }

  #box(node: NodeId, name: string, role: Role, path: string, leaves: boolean): void {
    const id = `n${node}`;
    this.#boxes.set(node, { id, name: inputName(name), role, path, node, leaves });
  }

  /** Whether `prev` made the state: then what it holds is a signal, one step later. */
  #isDelay(state: ProgramState): boolean {
    return /(?:^|\.)(?:prev|delay)\.[^.]+$/u.test(state.name);
  }

  #state(state: ProgramState): void {
    const path = state.name.includes(".") ? state.name.slice(0, state.name.lastIndexOf(".")) : "";
    const way = writtenVersions(this.#step.body, state);
    this.#versions.set(state.node, { kind: "old", state });
    if (this.#isDelay(state)) return;
    const name = state.name.split(".").at(-1)!;
    this.#states.set(state, `s${state.node}`);
    this.#boxes.set(state.node, { id: `s${state.node}`, name, role: "fast", path, node: state.node, leaves: false }); // prettier-ignore
    if (state.next === state.node) return;
    this.#writes.set(state, `w${state.node}`);
    for (const id of way.slice(1)) this.#versions.set(id, { kind: "new", state });
  }

  #isNumber(node: Node): boolean {
    if (node.op === "broadcast") return this.#isNumber(this.#step.body.nodes[node.x]!);
    return node.op === "constant";
  }

  #roleOf(node: Node, place: Place): Role | null {
    const { origin } = node;
    if (origin?.label == null || origin.part === true || node.op === "input") return null;
    if (this.#versions.has(node.id) || this.#isNumber(node)) return null;
    const found = place(origin);
    switch (found) {
      case null:
        return null;
      case "slow":
        return "slow";
      case "fast":
      case "program":
      case "layer":
        return "signal";
      default:
        return unreachable(found);
    }
  }

  /** The named values that a node is made of, at most one on each way back. `within`: versions of this state are passed. */
  #ends(roots: readonly NodeId[], within: ProgramState | null): End[] {
    const found = new Map<string, End>();
    const seen = new Set<NodeId>();
    const pending = [...roots];
    while (pending.length > 0) {
      const id = pending.pop()!;
      if (seen.has(id)) continue;
      seen.add(id);
      const version = this.#versions.get(id);
      const passed = version?.kind === "new" && version.state === within;
      const box = this.#boxes.get(id);
      if (version !== undefined && version.kind !== "box" && !passed) {
        found.set(`${version.kind} ${version.state.name}`, version);
      } else if (box !== undefined && version === undefined) {
        found.set(box.id, { kind: "box", id: box.id });
      } else pending.push(...operands(this.#step.body.nodes[id]!));
    }
    return [...found.values()];
  }

  #arrow(from: string, to: string, delayed: boolean): void {
    if (from !== to || delayed) this.#arrows.set(`${from} ${to} ${delayed}`, { from, to, delayed });
  }

  /** Where a delayed signal comes from: the box of what it was, or those that it is made of. */
  #delayed(state: ProgramState): string[] {
    return this.#ends([state.next], null).map((end) =>
      end.kind === "box" ? end.id : this.#states.get(end.state)!,
    );
  }

  #connect(to: string, ends: readonly End[]): void {
    for (const end of ends) {
      if (end.kind === "box") this.#arrow(end.id, to, false);
      else if (end.kind === "new") this.#arrow(this.#states.get(end.state)!, to, false);
      else if (this.#states.has(end.state)) {
        const changes = this.#writes.has(end.state);
        this.#arrow(this.#states.get(end.state)!, to, changes);
      } else for (const from of this.#delayed(end.state)) this.#arrow(from, to, true);
    }
  }

  run(): Topology {
    const writes = [...this.#writes].map(([state, id]): Box => {
      const { path, name } = this.#boxes.get(state.node)!;
      return { id, name: `${name} <- …`, role: "write", path, node: state.next, leaves: false };
    });
    for (const box of this.#boxes.values()) {
      if (box.role === "fast" || box.role === "input") continue;
      const node = this.#step.body.nodes[box.node]!;
      const version = this.#versions.has(box.node);
      this.#connect(box.id, this.#ends(version ? [box.node] : operands(node), null));
    }
    for (const [state, id] of this.#writes) {
      this.#connect(id, this.#ends([state.next], state));
      this.#arrow(id, this.#states.get(state)!, false);
    }
    const arrows = [...this.#arrows.values()];
    const used = new Set(arrows.flatMap((a) => [a.from, a.to]));
    const boxes = [...this.#boxes.values(), ...writes].filter((b) => used.has(b.id) || b.leaves);
    return { boxes, arrows };
  }
}

/** The topology of a step with numbers for its sizes. */
export const topologyOf = (step: StepProgram, place: Place): Topology =>
  new Tracer(step, place).run();
