/** How fast the `typescript` target is. Written by `npm run fit -- --write` (bench/fit.ts says how it measures). */
import type { Speed } from "./speed.ts";
export const typescriptSpeed: Speed = {
  target: "typescript",
  nanoseconds: {
    products: 0.0518,
    loopProducts: 0.0881,
    sweeps: 0.144,
    solves: 0.192,
    elementwise: 0.28,
    functions: 7.97,
    matrices: 16.7,
    sums: 0,
    bytes: 0.207,
    kernels: 0,
    iterations: 0,
  },
  lanes: 1,
  doubt: 1,
};
