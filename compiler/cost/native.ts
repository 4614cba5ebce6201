/** How fast the `native` target is. Written by `npm run fit -- --target native --write` (bench/fit.ts says how it measures). */
import type { Speed } from "./speed.ts";
export const nativeSpeed: Speed = {
  target: "native",
  nanoseconds: {
    products: 0.00644,
    loopProducts: 0.0168,
    sweeps: 0.108,
    solves: 0.121,
    elementwise: 0.0313,
    functions: 0.689,
    matrices: 43,
    sums: 0.11,
    bytes: 0.0411,
    kernels: 238,
    iterations: 0,
  },
  lanes: 1,
  doubt: 1.2,
};
