/** The declarations that generated modules consist of. */
import type { Layout } from "./layout.ts";

/** What is written with types or without them. */
export type Written<T> = (types: boolean) => T;

export interface Parameter {
  readonly name: string;
  readonly type: string;
  /** What it is by default. */
  readonly initial?: string;
}

export interface Function {
  readonly name: string;
  readonly doc: string;
  readonly parameters: readonly Parameter[];
  readonly result: string;
  /** Its lines, a step in. */
  readonly body: Written<readonly string[]>;
}

/** What a name is imported for: to be used, to type what is exported, or to type what is not. */
export type Role = "value" | "type" | "inner";

export interface Field {
  readonly name: string;
  readonly type: string;
  readonly doc?: string;
}

/** `constructor`s have no result. */
export interface Method extends Omit<Function, "result"> {
  readonly kind: "constructor" | "method" | "static" | "getter";
  readonly result: string | null;
}

export type Declaration =
  | {
      readonly kind: "names";
      readonly from: string;
      readonly names: Readonly<Record<string, Role>>;
    }
  | { readonly kind: "namespace"; readonly from: string; readonly name: string }
  | {
      readonly kind: "interface";
      readonly name: string;
      readonly doc: string;
      readonly fields: readonly Field[];
    }
  /** A name for one of several types. */
  | {
      readonly kind: "type";
      readonly name: string;
      readonly doc: string;
      readonly types: readonly string[];
    }
  | {
      readonly kind: "constant";
      readonly name: string;
      readonly doc: string | null;
      readonly type: string | null;
      readonly exported: boolean;
      readonly value: Written<Layout>;
    }
  | ({ readonly kind: "function"; readonly exported: boolean } & Function)
  | {
      readonly kind: "class";
      readonly name: string;
      readonly doc: string;
      /** Those of the class alone: their names begin with `#`. */
      readonly fields: readonly Field[];
      readonly methods: readonly Method[];
    };

export interface Module {
  /** What stands above it all. */
  readonly title: string;
  readonly declarations: readonly Declaration[];
}
