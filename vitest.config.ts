import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    // Installing the package on a busy machine.
    hookTimeout: 60_000,
    pool: "forks",
    // Compiling C for every small program would take minutes; tests of native code ask for it.
    env: { FWP_DEVICE: "typescript" },
    maxWorkers: 2,
  },
});
