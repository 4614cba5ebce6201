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

rmSync(dir, { recursive: true, force: true });
// Scripts of threads and processes are found beside the file that starts them.
const scripts = {
  fwp: join(cli, "launch", "index.js"),
  thread: join(cli, "build", "thread.js"),
  worker: join(cli, "verify", "worker.js"),
};
await bundle(scripts, { dir, format: "esm", chunkFileNames: "[name]-[hash].js" });
const file = join(dir, "main.cjs");
await bundle({ main: join(cli, "main.js") }, { file, format: "cjs", codeSplitting: false });

/** A function, which the launcher calls; what is loaded while a command runs it loads: see cli/launch/index.ts. */
const code = readFileSync(file, "utf8").replace(/\b(await|return) import\(/gu, "$1 __load(");
const missed = code.split("\n").filter((line) => /(?<![#.\w])import\(/u.test(line)); // prettier-ignore
if (missed.length > 0) throw new Error(`not loaded by the launcher: ${missed.join("\n")}`);
const WRAPPED = ["exports", "require", "module", "__filename", "__dirname", "__load"];
writeFileSync(file, `(function (${WRAPPED.join(", ")}) {\n${code}\n})\n`);

/** The libraries' own terms, which go wherever they go. */
const texts = INLINE.map((name) => {
  const folder = join(root, "node_modules", name);
  const terms = readdirSync(folder).find((file) => /^licen[cs]e/iu.test(file));
  if (terms === undefined) throw new Error(`${name}: no terms`);
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return `${name} ${version}\n\n${readFileSync(join(folder, terms), "utf8")}`;
});
writeFileSync(join(dir, "LICENSES.txt"), texts.join(`\n${"-".repeat(80)}\n\n`));
