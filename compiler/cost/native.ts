/** How fast the `native` target is. Written by `npm run fit -- --target native --write` (bench/fit.ts says how it measures). */
import type { Speed } from "./speed.ts";
export const nativeSpeed: Speed = {
  target: "native",
  nanoseconds: {
    products: 0.00622,
    loopProducts: 0.00991,
    sweeps: 0.121,
    solves: 0.0856,
    elementwise: 0.0525,
    functions: 0.508,
    matrices: 45.7,
    moved: 0,
    bytes: 0.0375,
    kernels: 16.9,
    iterations: 0,
  },
  lanes: 1,
};
