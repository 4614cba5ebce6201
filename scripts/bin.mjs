/**
 * The command line in few files, dist/bin: what `fwp` runs. Hundreds of small modules take a good part of a short command's
 * time to find and read. Runs after every build; `node scripts/bin.mjs DIST` does it for another folder. Packages stay outside.
 */
import { rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = resolve(process.argv[2] ?? join(root, "dist"));
const cli = join(dist, "cli");
const dir = join(dist, "bin");

// Scripts of threads and processes are found beside the file that starts them.
const input = {
  fwp: join(cli, "main.js"),
  draw: join(cli, "build", "draw.js"),
  worker: join(cli, "verify", "worker.js"),
};
const inside = /^(?:\.{0,2}\/|[A-Za-z]:)/u;
const build = await rolldown({ input, platform: "node", external: (id) => !inside.test(id) });
rmSync(dir, { recursive: true, force: true });
await build.write({ dir, format: "esm", chunkFileNames: "[name]-[hash].js" });
await build.close();
