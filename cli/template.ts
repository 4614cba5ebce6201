/** The files of a project made by `fwp new`. */

const SPEC = `import std.maps
import std.instructions

/// Recalls what came after a token the last time it was seen: a fast net that is programmed while the sequence runs.
model Recall(vocab = 16, width = 32, key = 32, rule: instruction = delta, phi: map = softmax) {
  in tokens: token[vocab]
  x = embed(tokens, width)

  // Trained by gradient descent: what to write, where, and how strongly.
  slow net {
    k: [key] = linear(prev(x), bias: false)
    q: [key] = linear(x, bias: false)
    v: [width] = linear(x, bias: false)
    rate: [] = sigmoid(linear(x))
  }

  // Written at every step, anew in every sequence.
  fast net { W: [width, key] = 0 }

  // How: an equation. Try \`--set rule=additive\` or write your own instruction.
  program { W <- rule(W, key: phi(k), value: v, rate: rate) }

  out logits: [vocab] = linear(norm(W @ phi(q)))
}

experiment recall {
  model Recall(vocab: task.vocab)
  task "./tasks/recall.ts"(length: 12, vocab: 16)
  loss cross_entropy(logits, target) where recalled
  train { optimizer: adamw(rate: 0.005), batch: 16, steps: 600, clip: 1.0 }
  eval { every: 100, batches: 4, metrics: [loss] }
}
`;

const TASK = `/**
 * A task of your own. The default export gets the options of the spec's task clause; \`batch\` must give the same batch for
 * the same arguments, whatever was asked before.
 *
 * Here: a random order of different tokens, twice. In the second half every token says which one comes next.
 */
interface Options {
  /** Tokens in one half. */
  readonly length?: number;
  readonly vocab?: number;
}

/** A small generator of numbers in [0, 1) (mulberry32). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x = (x + Math.imul(x ^ (x >>> 7), x | 61)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

export default function recall(options: Options, context: { readonly seed: number }) {
  const { length = 12, vocab = 16 } = options;
  if (length > vocab) throw new Error("length may not be larger than vocab");
  const time = 2 * length - 1;
  return {
    name: "recall",
    description: \`\${length} of \${vocab} tokens in random order, twice\`,
    provides: { vocab },
    fields: [
      { name: "tokens", shape: [], type: "token", vocab },
      { name: "target", shape: [], type: "token", vocab },
      { name: "recalled", shape: [], type: "float", vocab: null },
    ],
    batch(split: "train" | "validation", index: number, size: number) {
      const tokens = new Int32Array(size * time);
      const target = new Int32Array(size * time);
      const recalled = new Float32Array(size * time);
      const random = generator(context.seed * 7919 + index * 2 + (split === "train" ? 0 : 1));
      for (let row = 0; row < size; row++) {
        const order = Array.from({ length: vocab }, (_, token) => token);
        for (let i = 0; i < length; i++) {
          const j = i + Math.floor(random() * (vocab - i));
          [order[i], order[j]] = [order[j]!, order[i]!];
        }
        for (let t = 0; t < time; t++) {
          tokens[row * time + t] = order[t % length]!;
          target[row * time + t] = order[(t + 1) % length]!;
          recalled[row * time + t] = t >= length ? 1 : 0;
        }
      }
      return { batch: size, time, fields: { tokens, target, recalled } };
    },
  };
}
`;

const packageJson = (name: string, version: string): string =>
  `${JSON.stringify(
    {
      name,
      version: "0.0.0",
      private: true,
      type: "module",
      scripts: {
        check: "fwp check model.fwp",
        explain: "fwp explain model.fwp --of Recall",
        train: "fwp train model.fwp -o runs/recall",
        build: "fwp build model.fwp --of Recall --set vocab=16 --checkpoint runs/recall -o package",
      },
      dependencies: { fwp: `^${version}` },
    },
    null,
    2,
  )}\n`;

const readme = (name: string): string => `# ${name}

A fast weight programmer, written as a spec.

| file | holds |
|---|---|
| \`model.fwp\` | the model, its programming instruction, and how it is trained |
| \`tasks/recall.ts\` | the data it is trained on |

\`\`\`sh
npm install
npm run check      # problems of the spec, if any
npm run explain    # shapes, states, what runs in the loop over time
npm run train      # trains into runs/recall
npm run build      # a package with the trained model
\`\`\`

Change the programming instruction without touching the spec:

\`\`\`sh
npx fwp train model.fwp --set rule=additive -o runs/additive
\`\`\`
`;

/** A package may not be named just as any folder may. */
function packageName(folder: string): string {
  const name = folder
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^[._-]+|-+$/g, "");
  return name === "" ? "fwp-project" : name.slice(0, 200);
}

/** Path in the project and text of each file. */
export function projectFiles(folder: string, version: string): Map<string, string> {
  const name = packageName(folder);
  return new Map([
    ["package.json", packageJson(name, version)],
    ["README.md", readme(name)],
    ["model.fwp", SPEC],
    ["tasks/recall.ts", TASK],
    [".gitignore", "node_modules/\nruns/\npackage/\n"],
  ]);
}
