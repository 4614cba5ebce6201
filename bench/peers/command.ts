/** `npm run bench -- --only peers` and its options. */
import { keepPeers, keepPlain, peersFile } from "../pages.ts";
import { comparePeers, missedGoals, WORKS } from "./index.ts";
import { UsageError } from "./python.ts";

/** As `parseArgs` takes them. */
export const PEER_OPTIONS = {
  /** The Python that the peers are installed in. */
  python: { type: "string" },
  /** Threads of every side. */
  threads: { type: "string" },
  /** Works by name, with commas. */
  work: { type: "string" },
  /** Seconds for each peer, and for all. */
  limit: { type: "string", default: "90" },
  budget: { type: "string", default: "330" },
  /** A file for the results, written after each row. */
  out: { type: "string" },
} as const;

export const PEER_HELP = `  --python PATH the Python that the peers are installed in
  --threads N   threads of every side
  --work A,B    works by name: ${WORKS.map((w) => w.name).join(", ")}
  --limit S     seconds for each peer (default 90), and --budget S for all (default 330)
  --out FILE    a file for the results, written after each row`;

export interface PeerValues {
  readonly python?: string | undefined;
  readonly threads?: string | undefined;
  readonly work?: string | undefined;
  readonly limit: string;
  readonly budget: string;
  readonly out?: string | undefined;
  readonly quick: boolean;
  readonly json: boolean;
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new UsageError(`--${option} takes a number above 0, not \`${text}\``);
}

function worksOf(text: string): string[] {
  const known = WORKS.map((w) => w.name);
  return text.split(",").map((name) => {
    if (known.includes(name)) return name;
    throw new UsageError(`there is no work \`${name}\`; there are: ${known.join(", ")}`);
  });
}

/** Compares with the peers, tells and keeps what it finds. The goals that were missed. */
export async function runPeers(
  values: PeerValues,
  say: (line: string) => void,
): Promise<readonly string[]> {
  const { python, work, quick, out } = values;
  const threads = values.threads === undefined ? undefined : positive("threads", values.threads);
  if (threads !== undefined && !Number.isInteger(threads)) {
    throw new UsageError(`--threads takes a whole number, not ${threads}`);
  }
  const results = await comparePeers({
    python,
    threads,
    works: work === undefined ? undefined : worksOf(work),
    limit: positive("limit", values.limit),
    budget: positive("budget", values.budget),
    quick,
    say,
    keep: (found) => {
      if (out !== undefined) keepPlain(out, found);
    },
  });
  if (values.json) console.log(JSON.stringify(results, null, 2));
  // What was measured elsewhere, with peers, is worth more than ours alone.
  const whole = !quick && work === undefined && Object.keys(results.libraries).length > 0;
  if (whole && out === undefined) {
    await keepPeers(results);
    say(`wrote ${peersFile()} and docs/benchmarks.md`);
  }
  return missedGoals(results);
}

/** The same as a part of `main`: exit code 2 for wrong options, 1 for missed goals. */
export async function peersCommand(
  values: PeerValues,
  say: (line: string) => void,
): Promise<readonly string[]> {
  try {
    return await runPeers(values, say);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(error.message);
    process.exit(2);
  }
}
