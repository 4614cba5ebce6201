/** What programs cost, and how long that takes on a target. */
export { costOf, type Cost } from "./count.ts";
export { elementsOf, operationOf, sizesOf, type SizeOf } from "./operations.ts";
export { estimate, PARTS, type Part, type Speed } from "./speed.ts";
export { nativeSpeed } from "./native.ts";
export { typescriptSpeed } from "./typescript.ts";
