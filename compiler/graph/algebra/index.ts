/** Node builders that simplify as they go. Used by the adjoint and by the simplifier. */
export * from "./elementwise.ts";
export * from "./layout.ts";
export * from "./products.ts";
