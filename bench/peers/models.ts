/** Whole models: a training step and a token of the language model, and a training step of the retrieval experiment. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../cli/install.ts";
import { Session } from "../../runtime/session.ts";
import type { Target } from "../../cli/targets.ts";
import { experiment, trainingInstance, type Experiment } from "../specs.ts";
import type { Way } from "./results.ts";
import { bytesOf, entryWay, parametersOf, script, type Opened, type Work } from "./work.ts";
import { flopsOf } from "../parts.ts";

const languageModel = (entry: "train" | "step", target: Target): Promise<Experiment> => {
  const text = readFileSync(join(packageRoot(), "bench", "peers", "language_model.fwp"), "utf8");
  return experiment({ text }, "language_model", [], [entry], target);
};

const million = (count: number): string => `${(count / 1e6).toFixed(3)} million parameters`;

async function trainingStep(made: Experiment, what: string): Promise<Opened> {
  const batch = made.task.batch("train", 0, made.train.batch);
  const instance = trainingInstance(made, batch);
  instance.run();
  const loss = instance.output("metric", "loss")[0]!;
  if (!Number.isFinite(loss)) throw new Error(`the loss of ${what} is ${loss}`);
  const title = `${what}, batch ${batch.batch}, ${batch.time} steps`;
  return {
    ways: new Map<Way, ReturnType<typeof entryWay>>([
      ["both", entryWay(title, made, "train", instance)],
    ]),
    notes: [million(parametersOf(made))],
  };
}

const model = script("language_model.py");

export const modelWork: Work = {
  name: "model",
  title: "a training step of the language model",
  peers: [
    model("PyTorch eager", "torch", "step-eager"),
    model("torch.compile", "torch.compile", "step-compile"),
  ],
  open: async (target) =>
    trainingStep(await languageModel("train", target), "training step of the language model"),
};

export const tokenWork: Work = {
  name: "token",
  title: "the language model, token by token",
  peers: [model("PyTorch eager", "torch", "token-eager")],
  open: async (target) => {
    const made = await languageModel("step", target);
    const { manifest } = made.compiled;
    const session = new Session(made.program, made.instances, 1);
    const fields = manifest.inputs.map((i) => [i.name, new Int32Array(1)] as const);
    const tokens = Object.fromEntries(fields);
    const vocab = Math.min(...manifest.inputs.map((i) => i.vocab!));
    const instance = made.instances.make("step", { batch: 1, time: 1, past: 0 });
    let token = 0;
    const way = {
      what: "one token of the language model, batch 1",
      flops: flopsOf(made, "step", instance),
      bytes: bytesOf(made, "step", instance),
      run: () => {
        for (const [, field] of fields) field[0] = token;
        session.step(tokens);
        token = (token + 7) % vocab;
      },
    };
    return { ways: new Map([["token", way]]), notes: [million(parametersOf(made))] };
  },
};

const retrieval = script("retrieval.py");
const PAIRS = "task.pairs=40";

export const capacityWork: Work = {
  name: "capacity",
  title: "retrieval, setting 1: as many pairs as keys",
  peers: [retrieval("PyTorch eager, all pairs at once", "torch", "capacity-parallel")],
  open: async (target) => {
    const spec = { file: "retrieval.fwp" };
    const made = await experiment(spec, "capacity", [PAIRS], ["train"], target);
    return trainingStep(made, "retrieval, 40 keys, setting 1, training step");
  },
};

export const updatesWork: Work = {
  name: "updates",
  title: "retrieval, setting 2: keys come again",
  peers: [
    retrieval("PyTorch eager, step by step", "torch", "updates-steps"),
    retrieval("PyTorch eager, one triangular system", "torch", "updates-solve"),
  ],
  open: async (target) => {
    const spec = { file: "retrieval.fwp" };
    const made = await experiment(spec, "updates", [PAIRS], ["train"], target);
    return trainingStep(made, "retrieval, 40 keys, setting 2, training step");
  },
};
