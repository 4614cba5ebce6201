/** The algebra of a step with what the spec has names for left whole. */
import {
  algebra,
  GraphBuilder,
  rebuild,
  simplify,
  type Graph,
  type Node,
  type NodeId,
  type ProgramState,
  type StepProgram,
} from "../../graph/index.ts";
import { Inexpressible } from "../analyse/terms.ts";
import type { Formula } from "./expression.ts";
import { Notation, type NotationOptions } from "./notation.ts";
import {
  contributionOf,
  transitionOf,
  type Addend,
  type Question,
  type Sides,
} from "./transition.ts";

/** The new value of a state: Σ G ⊙ (A W B) over states W of its set, plus C. */
export interface Row {
  readonly state: ProgramState;
  readonly from: readonly { readonly state: ProgramState; readonly addends: readonly Addend[] }[];
  readonly C: Formula | null;
  readonly sides: Sides;
}

export class Bare {
  readonly #body: Graph;
  readonly #builder: GraphBuilder;
  readonly #notation: Notation;
  readonly #options: NotationOptions;
  readonly #names: Notation;
  readonly #states: readonly ProgramState[];
  readonly #to: (id: NodeId) => NodeId;

  /** `own`: nodes that depend on a state of the set. `names` has the step's own nodes. */
  constructor(
    step: StepProgram,
    states: readonly ProgramState[],
    names: Notation,
    own: ReadonlySet<NodeId>,
    options: NotationOptions,
  ) {
    this.#states = states;
    this.#options = options;
    this.#names = names;
    const bare = new GraphBuilder(step.name);
    const wholes = new Map<NodeId, NodeId>();
    const isWhole = ({ id, op }: Node): boolean =>
      !own.has(id) && op !== "input" && op !== "constant" && op !== "size" && names.hasName(id);
    const replaced = (node: Node): NodeId | null => {
      if (!isWhole(node)) return null;
      const made = bare.input(`whole:${node.id}`, node.shape, node.dtype);
      wholes.set(made, node.id);
      return made;
    };
    this.#to = rebuild(step.body, bare, replaced, states.flatMap((s) => [s.node, s.next])); // prettier-ignore
    this.#body = bare.finish();
    this.#builder = GraphBuilder.extend(this.#body);
    const named = states.map((s) => [this.#to(s.node), options.fixed!.get(s.node)!] as const);
    this.#notation = this.#notationOf(this.#builder.nodes, new Map(named), (id) => wholes.get(id));
  }

  #notationOf(
    nodes: readonly Node[],
    fixed: ReadonlyMap<NodeId, string>,
    whole: (id: NodeId) => NodeId | undefined,
  ): Notation {
    return new Notation(
      { name: this.#body.name, nodes, outputs: [] },
      {
        ...this.#options,
        fixed,
        isSlow: () => false,
        outside: (id) => {
          const original = whole(id);
          return original === undefined ? null : this.#names.of(original);
        },
      },
    );
  }

  #question(state: ProgramState, next: ProgramState, usual: Sides): Question {
    return {
      body: this.#body,
      state: this.#to(state.node),
      next: this.#to(next.next),
      usual,
      builder: this.#builder,
      notation: this.#notation,
    };
  }

  /** What every state of the set contributes to the new value of one; null where that is no sum of products. */
  row(state: ProgramState, usual: Sides): Row | null {
    try {
      if (this.#states.length === 1) {
        const { addends, C, sides } = transitionOf(this.#question(state, state, usual));
        return { state, from: [{ state, addends }], C, sides };
      }
      const from = this.#states.map((x) => ({
        state: x,
        addends: contributionOf(this.#question(x, state, usual)),
      }));
      return { state, from, C: this.#constant(state), sides: usual };
    } catch (problem) {
      if (!(problem instanceof Inexpressible)) throw problem;
      return null;
    }
  }

  /** The new state where all old ones of the set are zero. */
  #constant(state: ProgramState): Formula {
    const zero = new GraphBuilder(this.#body.name);
    const inputs = new Set(this.#states.map((s) => this.#to(s.node)));
    const to = rebuild(this.#body, zero, (node) =>
      inputs.has(node.id) ? algebra.filled(zero, 0, node.shape) : null,
    );
    zero.output("constant", to(this.#to(state.next)));
    const graph = simplify(zero.finish());
    const notation = this.#notationOf(graph.nodes, new Map(), (id) => {
      const node = graph.nodes[id]!;
      const name = node.op === "input" ? /^whole:(\d+)$/u.exec(node.name)?.[1] : undefined;
      return name === undefined ? undefined : (Number(name) as NodeId);
    });
    return notation.of(graph.outputs[0]!.node);
  }
}
