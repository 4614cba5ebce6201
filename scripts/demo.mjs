/**
 * From a spec to a model package: `npm run demo`. Trains a character model of Moby-Dick with specs/char_lm.fwp, measures it,
 * lets it write, builds its package, and generates once more from the package alone.
 */
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { main } from "../dist/cli/main.js";
import { processContext } from "../dist/cli/context.js";
import { drawToken } from "../dist/runtime/index.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);
const began = performance.now();
const spec = join("specs", "char_lm.fwp");
const run = join("runs", "demo");
const built = join("generated", "char-lm");
/** Bits per character that the model has to reach. */
const LIMIT = 2.4;

/** Runs a command as a user would; what it prints on standard output. */
async function fwp(...args) {
  console.log(`\n$ fwp ${args.map((a) => (/[^\w./=:-]/.test(a) ? `"${a}"` : a)).join(" ")}`);
  let text = "";
  const out = (piece) => {
    text += piece;
    process.stdout.write(piece);
  };
  const code = await main(args, { ...processContext(), out });
  if (code !== 0) process.exit(code);
  return text;
}

await fwp("check", spec);
await fwp("train", spec, "-o", run, "--overwrite", ...process.argv.slice(2));
const { metrics } = JSON.parse(await fwp("eval", run, "--json"));
await fwp("sample", run, "--prompt", "Call me Ishmael. ", "--length", "300");
await fwp("build", "--checkpoint", run, "-o", built);

console.log(`\n# ${built}/index.js, one step at a time`);
const { CharLM, text } = await import(pathToFileURL(join(root, built, "index.js")).href);
const model = CharLM.create();
const prompt = "The whale ";
const tokens = [...text.encode(prompt)];

// Running the prompt at once and step by step must agree.
const whole = model.run({ tokens }, { batch: 1, time: tokens.length }).outputs.logits;
const state = model.start();
let logits = new Float32Array();
for (const token of tokens) ({ logits } = model.step({ tokens: [token] }, state));
const last = whole.subarray(whole.length - logits.length);
const apart = Math.max(...last.map((value, i) => Math.abs(value - logits[i])));
console.log(`whole sequence and steps differ by ${apart.toExponential(1)}`);

// From here on the state lives in bytes: as it would between two requests to a server.
const stream = model.resume(state.serialize());
let written = prompt;
for (let i = 0; i < 200; i++) {
  const token = drawToken(logits, Math.random(), 0.7, null);
  written += text.decode([token]);
  ({ logits } = model.step({ tokens: [token] }, stream));
}
console.log(written);

const bits = metrics.bits_per_character;
const seconds = Math.round((performance.now() - began) / 1000);
console.log(`\nvalidation: ${bits.toFixed(3)} bits per character, ${seconds} s in all`);
if (!(bits <= LIMIT) || !(apart < 1e-3)) process.exitCode = 1;
