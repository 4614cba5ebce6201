/** How fast the `native` target is. Written by `npm run fit -- --target native --write` (bench/fit.ts says how it measures). */
import type { Speed } from "./speed.ts";
export const nativeSpeed: Speed = {
  target: "native",
  nanoseconds: {
    products: 0.00802,
    loopProducts: 0.0142,
    sweeps: 0.109,
    solves: 0.0944,
    elementwise: 0.0275,
    functions: 0.518,
    matrices: 45.5,
    sums: 0,
    bytes: 0.0493,
    kernels: 0,
    iterations: 0,
  },
  lanes: 1,
};
