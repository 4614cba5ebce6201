/**
 * The command line as `fwp` runs it, in dist/bin: one file with the libraries that it always needs, and a small one that runs
 * it (cli/launch). Hundreds of small modules take a good part of a short command's time to find and read. Runs after every
 * build; `node scripts/bin.mjs DIST` does it for another folder.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = resolve(process.argv[2] ?? join(root, "dist"));
const cli = join(dist, "cli");
const dir = join(dist, "bin");
const parser = join(dirname(createRequire(import.meta.url).resolve("chevrotain")), "..", "chevrotain.min.mjs"); // prettier-ignore

/** Libraries that become part of the file; the others are loaded on demand. */
const INLINE = ["commander", "chevrotain"];
const inside = /^(?:\.{0,2}\/|[A-Za-z]:)/u;
const isOutside = (id) => !inside.test(id) && !INLINE.includes(id);

/** The parser library as it is, where the sources look for it when they are loaded. */
const withParser = {
  name: "parser",
  load: (id) =>
    /[\\/]grammar[\\/]chevrotain\.js$/u.test(id)
      ? `export { createToken, EmbeddedActionsParser, EOF } from ${JSON.stringify(parser)};`
      : null,
};

/**
 * One byte per character: of anything else engines make twice as long a text. It stands in strings, templates and patterns,
 * where an escape says the same.
 */
const ascii = (code) =>
  code.replace(/[^\0-\x7f]/gu, (c) =>
    Array.from(
      { length: c.length },
      (_, i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, "0")}`,
    ).join(""),
  );

async function bundle(input, output) {
  const build = await rolldown({ input, platform: "node", external: isOutside, plugins: [withParser] }); // prettier-ignore
  const written = await build.write({ ...output, comments: false });
  await build.close();
  for (const { fileName } of written.output) {
    const path = join(dir, fileName);
    writeFileSync(path, ascii(readFileSync(path, "utf8")));
  }
}

/** Modules of Node that most commands never use, and that take milliseconds to load. */
const LATER = ["node:child_process", "node:crypto"];
const needed = (name) => name.startsWith("node:") && !LATER.includes(name);

/** Modules that are loaded when something of them is wanted: those and the libraries outside of the file. */
const onDemand = (code) =>
  code.replace(/^(\s*(?:let|const) \w+) = require\("([^"]+)"\);$/gmu, (line, binding, name) =>
    needed(name) ? line : `${binding} = __later(() => require("${name}"));`,
  );
const HEAD = "const __later = (load) => new Proxy({}, { get: (_, key) => load()[key] });";
const WRAPPED = ["exports", "require", "module", "__filename", "__dirname", "__load"];

/** A function, which cli/launch/kept.ts calls; what is loaded while a command runs that module loads. */
async function wrapped(name, main) {
  const file = join(dir, name);
  await bundle({ main }, { file, format: "cjs", codeSplitting: false });
  const code = onDemand(readFileSync(file, "utf8").replace(/\b(await|return) import\(/gu, "$1 __load(")); // prettier-ignore
  const missed = code.split("\n").filter((line) => /(?<![#.\w])import\(/u.test(line)); // prettier-ignore
  if (missed.length > 0) throw new Error(`not loaded by the launcher: ${missed.join("\n")}`);
  writeFileSync(file, `(function (${WRAPPED.join(", ")}) {\n${HEAD}\n${code}\n})\n`);
}

rmSync(dir, { recursive: true, force: true });
// Scripts of threads and processes are found beside the file that starts them. As CommonJS: the loader of the other kind of
// module takes some milliseconds of its own.
const scripts = {
  "fwp.js": join(cli, "launch", "index.js"),
  "thread.js": join(cli, "launch", "thread.js"),
  "worker.js": join(cli, "verify", "worker.js"),
};
for (const [name, script] of Object.entries(scripts)) {
  await bundle({ main: script }, { file: join(dir, name), format: "cjs", codeSplitting: false });
}
writeFileSync(join(dir, "package.json"), `${JSON.stringify({ type: "commonjs" })}\n`);
await wrapped("main.cjs", join(cli, "main.js"));
await wrapped("companion.cjs", join(cli, "build", "thread.js"));

/** The libraries' own terms, which go wherever they go. */
const texts = INLINE.map((name) => {
  const folder = join(root, "node_modules", name);
  const terms = readdirSync(folder).find((file) => /^licen[cs]e/iu.test(file));
  if (terms === undefined) throw new Error(`${name}: no terms`);
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return `${name} ${version}\n\n${readFileSync(join(folder, terms), "utf8")}`;
});
writeFileSync(join(dir, "LICENSES.txt"), texts.join(`\n${"-".repeat(80)}\n\n`));
