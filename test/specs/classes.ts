/**
 * The class of every recurrence of specs/ as the literature gives it, written down by hand: codes of the dossier on the
 * systems, parts D and B, by layer and by the states that depend on each other. Held against what the compiler proves.
 */

/** Codes for what the old state is multiplied by, W being values × keys. */
export type Code =
  | "I"
  | "s"
  | "D_R"
  | "D_L"
  | "H1"
  | "αH1"
  | "αH1 asym"
  | "DH"
  | "DH on A"
  | "DPLR"
  | "Hn"
  | "s²"
  | "Hadamard"
  | "NL";

/** What the compiler calls each, and on which side of W it acts. */
export const MEANS: Readonly<Record<Code, readonly [className: string, side: "key" | "value"]>> = {
  I: ["identity", "key"],
  s: ["scalar", "key"],
  D_R: ["diagonal", "key"],
  D_L: ["diagonal", "value"],
  H1: ["delta", "key"],
  αH1: ["scalar-delta", "key"],
  "αH1 asym": ["scalar-rank-one", "key"],
  DH: ["diagonal-delta", "key"],
  "DH on A": ["diagonal-delta", "value"],
  DPLR: ["diagonal-rank-one", "key"],
  Hn: ["low-rank", "key"],
  // Two states: momentum is a number between them.
  "s²": ["matrix-rank-one", "key"],
  Hadamard: ["elementwise", "key"],
  NL: ["nonlinear", "key"],
};

export interface Known {
  /** Part of the dossier. */
  readonly part: string;
  /** By the names of the states of a set, joined by a comma. */
  readonly states: Readonly<Record<string, Code>>;
}

const none = (part: string): Known => ({ part, states: {} });
const one = (part: string, state: string, code: Code): Known => ({
  part,
  states: { [state]: code },
});

/** By file and layer or model. */
export const CLASSES: Readonly<Record<string, Readonly<Record<string, Known>>>> = {
  "associative.fwp": {
    RecentPast: one("B.8", "prev.h, A", "NL"),
    FastWeightMemory: { part: "B.10", states: { "LSTM.prev.h, LSTM.c": "NL", F: "NL" } },
  },
  "char_lm.fwp": {
    CharLM: { part: "D", states: { "layers.0.mixer.W": "H1", "layers.1.mixer.W": "H1" } },
  },
  "decay.fwp": {
    RetNet: { part: "D", states: { W: "s", time: "I" } },
    ShortConv: none("D"),
    Mamba2: one("D", "W", "s"),
    MLSTM: { part: "D", states: { W: "s", n: "s", m: "NL" } },
    GLA: one("D", "W", "D_R"),
    HGRN2: one("D", "W", "D_R"),
    RWKV6: one("D", "W", "D_R"),
  },
  "delta_net.fwp": { DeltaNet: one("D", "W", "H1") },
  "flip_flop.fwp": { FlipFlop: one("B.1", "net.W", "NL") },
  "gated_2017.fwp": {
    GatedFastWeights: {
      part: "B.6",
      states: { "prev.hs": "NL", F1: "Hadamard", F2: "Hadamard", "prev.h": "NL" },
    },
  },
  "gated_delta.fwp": {
    GatedDeltaNet: one("D", "W", "αH1"),
    KDA: one("D", "W", "DH"),
    DeltaProduct: one("D", "W", "Hn"),
    Comba: one("D", "W", "αH1 asym"),
    GDN2: one("D", "W", "DPLR"),
    RWKV7: one("D", "W", "DPLR"),
    GatedOja: one("D", "W", "DH on A"),
  },
  "linear_transformer.fwp": { LinearTransformer: { part: "D", states: { W: "I", z: "I" } } },
  "online.fwp": {
    TTTLinear: one("D", "W", "H1"),
    TitansMemory: one("D", "S, W", "s²"),
    MesaMemory: { part: "D", states: { H: "s", G: "s" } },
  },
  "performer.fwp": {
    Performer: { part: "D", states: { "LinearTransformer.W": "I", "LinearTransformer.z": "I" } },
  },
  "programmers_1991.fwp": {
    DirectProgrammer: one("B.1", "W", "NL"),
    FromToProgrammer: one("B.1", "W", "NL"),
  },
  "recurrent.fwp": {
    DeltaRNN: { part: "B.12", states: { W: "H1", R: "H1", "prev.y": "NL" } },
    RDN: one("B.12", "prev.y, W", "NL"),
    DeltaMLP: { part: "B.12", states: { W1: "H1", W2: "H1" } },
  },
  "recurrent_variants.fwp": {
    DeltaRNN1: { part: "B.12", states: { W: "H1", R: "H1", "prev.y": "NL" } },
    DeltaLSTM: { part: "B.12", states: { W: "H1", R: "H1", "c, prev.h": "NL" } },
    DeltaDeltaNet: { part: "B.12", states: { W: "H1", V: "H1" } },
  },
  "retrieval.fwp": {
    Capacity: { part: "B.11", states: { "AdditiveMemory.W": "I", "AdditiveMemory.z": "I" } },
    Updates: one("B.11", "W", "H1"),
    Recall: none("B.9"),
    AdditiveMemory: { part: "B.11", states: { W: "I", z: "I" } },
  },
  "self_referential.fwp": {
    SRWM: one("D", "W", "NL"),
    SelfReferential: one("D", "SRWM.W", "NL"),
    Spotlights1993: one("B.2", "W, prev.y", "NL"),
    Introspective: one("B.16", "W, val, prev.y", "NL"),
  },
  "std/layers.fwp": {
    mlp: none("B.4"),
    residual: none("B.4"),
    pre_norm: none("B.4"),
    post_norm: none("B.4"),
    highway: none("B.4"),
    LSTM1997: one("B.4", "prev.h, c", "NL"),
    LSTM: one("B.4", "prev.h, c", "NL"),
    Attention: none("B.9"),
  },
  "tensor_product.fwp": { TensorProductMemory: one("B.7", "F", "Hn") },
};
