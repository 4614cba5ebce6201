/** How fast the `typescript` target is. Written by `npm run fit -- --write` (bench/fit.ts says how it measures). */
import type { Speed } from "./speed.ts";
export const typescriptSpeed: Speed = {
  target: "typescript",
  nanoseconds: {
    products: 0.0655,
    loopProducts: 0.106,
    sweeps: 0.16,
    solves: 0.217,
    elementwise: 0.304,
    functions: 7.72,
    matrices: 12.9,
    bytes: 0.226,
    kernels: 0,
    iterations: 0,
  },
  lanes: 1,
};
