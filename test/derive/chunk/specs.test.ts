/** Every layer and model of specs/: what its states are, and by chunks what it is step by step. */
import { relative } from "node:path";
import { describe, expect, test } from "vitest";
import { analyse } from "../../../compiler/derive/analyse/index.ts";
import { chunk } from "../../../compiler/derive/chunk/index.ts";
import { stage } from "../../../compiler/derive/index.ts";
import { runProgram, unroll, verifyProgram, withGradients } from "../../../compiler/graph/index.ts";
import { specCases, type SpecCase } from "../../specs/cases.ts";
import { specs } from "../../support/specs.ts";
import { drawInputs } from "../../support/steps.ts";

const cases = specCases().filter((c) => c.usual);
/** The larger ones: where sizes are one, delta rules are decays by numbers. */
const large = new Map(cases.map((c) => [`${relative(specs, c.file)} ${c.name}`, c]));

function classes({ step }: SpecCase): Record<string, string> {
  const found: Record<string, string> = {};
  for (const node of stage(step).graph.nodes) {
    if (node.op !== "recurrence") continue;
    for (const set of analyse(node.recurrence)) {
      found[set.carries.map((c) => node.recurrence.carries[c]!.name).join(", ")] = set.class;
    }
  }
  return found;
}

test("the class of every state (systems.md, parts B and D)", () => {
  const table = Object.fromEntries([...large].map(([name, c]) => [name, classes(c)]));
  expect(table).toMatchInlineSnapshot(`
    {
      "associative.fwp FastWeightMemory": {
        "F": "nonlinear",
        "LSTM.prev.h, LSTM.c": "nonlinear",
      },
      "associative.fwp RecentPast": {
        "prev.h, A": "nonlinear",
      },
      "char_lm.fwp CharLM": {
        "layers.0.mixer.W": "delta",
        "layers.1.mixer.W": "delta",
        "layers.2.mixer.W": "delta",
      },
      "decay.fwp GLA": {
        "W": "diagonal",
      },
      "decay.fwp HGRN2": {
        "W": "diagonal",
      },
      "decay.fwp MLSTM": {
        "W": "scalar",
        "m": "nonlinear",
        "n": "scalar",
      },
      "decay.fwp Mamba2": {
        "W": "scalar",
      },
      "decay.fwp RWKV6": {
        "W": "diagonal",
      },
      "decay.fwp RetNet": {
        "W": "scalar",
        "time": "identity",
      },
      "decay.fwp ShortConv": {},
      "delta_net.fwp DeltaNet": {
        "W": "delta",
      },
      "flip_flop.fwp FlipFlop": {
        "net.W": "nonlinear",
      },
      "gated_2017.fwp GatedFastWeights": {
        "F1": "elementwise",
        "F2": "elementwise",
        "prev.h": "nonlinear",
        "prev.hs": "nonlinear",
      },
      "gated_delta.fwp Comba": {
        "W": "scalar-rank-one",
      },
      "gated_delta.fwp DeltaProduct": {
        "W": "low-rank",
      },
      "gated_delta.fwp GDN2": {
        "W": "diagonal-rank-one",
      },
      "gated_delta.fwp GatedDeltaNet": {
        "W": "scalar-delta",
      },
      "gated_delta.fwp GatedOja": {
        "W": "diagonal-delta",
      },
      "gated_delta.fwp KDA": {
        "W": "diagonal-delta",
      },
      "gated_delta.fwp RWKV7": {
        "W": "diagonal-rank-one",
      },
      "linear_transformer.fwp LinearTransformer": {
        "W": "identity",
        "z": "identity",
      },
      "online.fwp MesaMemory": {
        "G": "scalar",
        "H": "scalar",
      },
      "online.fwp TTTLinear": {
        "W": "delta",
      },
      "online.fwp TitansMemory": {
        "S, W": "matrix-rank-one",
      },
      "performer.fwp Performer": {
        "LinearTransformer.W": "identity",
        "LinearTransformer.z": "identity",
      },
      "programmers_1991.fwp DirectProgrammer": {
        "W": "nonlinear",
      },
      "programmers_1991.fwp FromToProgrammer": {
        "W": "nonlinear",
      },
      "recurrent.fwp DeltaMLP": {
        "W1": "delta",
        "W2": "delta",
      },
      "recurrent.fwp DeltaRNN": {
        "R": "delta",
        "W": "delta",
        "prev.y": "nonlinear",
      },
      "recurrent.fwp RDN": {
        "prev.y, W": "nonlinear",
      },
      "recurrent_variants.fwp DeltaDeltaNet": {
        "V": "delta",
        "W": "delta",
      },
      "recurrent_variants.fwp DeltaLSTM": {
        "R": "delta",
        "W": "delta",
        "c, prev.h": "nonlinear",
      },
      "recurrent_variants.fwp DeltaRNN1": {
        "R": "delta",
        "W": "delta",
        "prev.y": "nonlinear",
      },
      "retrieval.fwp AdditiveMemory": {
        "W": "identity",
        "z": "identity",
      },
      "retrieval.fwp Capacity": {
        "AdditiveMemory.W": "identity",
        "AdditiveMemory.z": "identity",
      },
      "retrieval.fwp Recall": {},
      "retrieval.fwp Updates": {
        "W": "delta",
      },
      "self_referential.fwp Introspective": {
        "W, val, prev.y": "nonlinear",
      },
      "self_referential.fwp SRWM": {
        "W": "nonlinear",
      },
      "self_referential.fwp SelfReferential": {
        "SRWM.W": "nonlinear",
      },
      "self_referential.fwp Spotlights1993": {
        "W, prev.y": "nonlinear",
      },
      "std/layers.fwp Attention": {},
      "std/layers.fwp LSTM": {
        "prev.h, c": "nonlinear",
      },
      "std/layers.fwp LSTM1997": {
        "prev.h, c": "nonlinear",
      },
      "std/layers.fwp highway": {},
      "std/layers.fwp mlp": {},
      "std/layers.fwp post_norm": {},
      "std/layers.fwp pre_norm": {},
      "std/layers.fwp residual": {},
      "tensor_product.fwp TensorProductMemory": {
        "F": "low-rank",
      },
    }
  `);
});

const size = (data: ArrayLike<number>): number => Math.hypot(...Array.from(data));

describe("outputs, last states and gradients", () => {
  const chunked = cases.flatMap((c) => {
    const { program, kept } = chunk(stage(c.step), { length: 3 });
    return kept.includes(null) ? [[c.label, c.step, program] as const] : [];
  });
  test("there are some", () => expect(chunked.length).toBeGreaterThan(15));

  test.each(chunked)("%s", (_, step, program) => {
    const [plain, found] = [withGradients(unroll(step)), withGradients(program)];
    verifyProgram(found);
    const sizes = { batch: 2, time: 7, past: 0 };
    const inputs = drawInputs(plain, sizes);
    const [wanted, got] = [runProgram(plain, inputs, sizes), runProgram(found, inputs, sizes)];
    // A gradient that is zero but for rounding has no relative error: the largest one beside it stands in.
    const gradients = [...wanted].filter(([name]) => name.startsWith("gradient"));
    const largest = Math.max(...gradients.map(([, x]) => size(x.data)));
    for (const [name, { data }] of wanted) {
      const other = got.get(name)!.data;
      const error = size(data.map((x, i) => x - other[i]!));
      const isGradient = name.startsWith("gradient");
      const scale = Math.max(size(data), isGradient ? 0.01 * largest : 0, 1e-30);
      expect(error / scale, name).toBeLessThanOrEqual(isGradient ? 1e-10 : 1e-12);
    }
  });
});
