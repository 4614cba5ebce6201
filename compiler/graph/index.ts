/** The tensor graph: nodes, builder, checks, text, meaning, adjoints, simplification. */
export * from "./ir.ts";
export * from "./program.ts";
export * from "./objective.ts";
export * from "./builder.ts";
export * from "./shapes.ts";
export * from "./names.ts";
export * from "./rebuild.ts";
export * from "./infer.ts";
export * from "./verify.ts";
export * from "./text.ts";
export * from "./concretize.ts";
export * from "./tensor.ts";
export * from "./interpret.ts";
export * from "./unroll.ts";
export * from "./adjoint/index.ts";
export * from "./simplify.ts";
/** Builders that simplify as they go; under a name of their own because theirs are short. */
export * as algebra from "./algebra/index.ts";
