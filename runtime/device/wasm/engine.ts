/** The part of the engine's WebAssembly that is used. Types of its own: neither Node's nor the browser's are asked for. */

/** Code that an engine has compiled. */
export interface Module {
  readonly [Symbol.toStringTag]: string;
}
export interface Memory {
  readonly buffer: ArrayBufferLike;
}
export type Bytes = Uint8Array<ArrayBuffer>;

export interface Engine {
  validate(bytes: Bytes): boolean;
  compile(bytes: Bytes): Promise<Module>;
  readonly Module: new (bytes: Bytes) => Module;
  readonly Memory: new (size: {
    readonly initial: number;
    /** Needed where memory is shared. */
    readonly maximum?: number;
    readonly shared?: boolean;
  }) => Memory;
  readonly Instance: new (
    module: Module,
    imports: Readonly<Record<string, object>>,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
}

/** Undefined where there is no WebAssembly. */
export const engine = (globalThis as { readonly WebAssembly?: Engine }).WebAssembly;
