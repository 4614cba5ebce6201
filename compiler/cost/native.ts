/** How fast the `native` target is. Written by `npm run fit -- --target native --write` (bench/fit.ts says how it measures). */
import type { Speed } from "./speed.ts";
export const nativeSpeed: Speed = {
  target: "native",
  nanoseconds: {
    products: 0.00715,
    loopProducts: 0.011,
    sweeps: 0.121,
    solves: 0.238,
    elementwise: 0.0537,
    functions: 0.558,
    matrices: 40,
    bytes: 0.0336,
    kernels: 0,
    iterations: 0,
  },
  lanes: 1,
};
