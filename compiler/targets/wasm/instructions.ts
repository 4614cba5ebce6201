/** Instructions of WebAssembly as data, and a module made of them: what is printed as bytes and as text. */

export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128";

/** Instructions that take nothing but what is on the stack; their codes as the specification has them. */
export const PLAIN = {
  unreachable: [0x00],
  return: [0x0f],
  drop: [0x1a],
  select: [0x1b],
  "i32.eqz": [0x45],
  "i32.eq": [0x46],
  "i32.ne": [0x47],
  "i32.lt_s": [0x48],
  "i32.lt_u": [0x49],
  "i32.gt_s": [0x4a],
  "i32.le_s": [0x4c],
  "i32.le_u": [0x4d],
  "i32.ge_s": [0x4e],
  "f32.eq": [0x5b],
  "f32.ne": [0x5c],
  "f32.lt": [0x5d],
  "f32.gt": [0x5e],
  "f32.le": [0x5f],
  "f64.eq": [0x61],
  "f64.ne": [0x62],
  "f64.lt": [0x63],
  "f64.gt": [0x64],
  "f64.le": [0x65],
  "i32.clz": [0x67],
  "i32.add": [0x6a],
  "i32.sub": [0x6b],
  "i32.mul": [0x6c],
  "i32.div_s": [0x6d],
  "i32.rem_s": [0x6f],
  "i32.and": [0x71],
  "i32.or": [0x72],
  "i32.xor": [0x73],
  "i32.shl": [0x74],
  "i32.shr_s": [0x75],
  "i32.shr_u": [0x76],
  "i64.mul": [0x7e],
  "i64.shr_u": [0x88],
  "f32.abs": [0x8b],
  "f32.neg": [0x8c],
  "f32.ceil": [0x8d],
  "f32.floor": [0x8e],
  "f32.nearest": [0x90],
  "f32.sqrt": [0x91],
  "f32.add": [0x92],
  "f32.sub": [0x93],
  "f32.mul": [0x94],
  "f32.div": [0x95],
  "f32.min": [0x96],
  "f32.max": [0x97],
  "f64.abs": [0x99],
  "f64.neg": [0x9a],
  "f64.ceil": [0x9b],
  "f64.floor": [0x9c],
  "f64.trunc": [0x9d],
  "f64.nearest": [0x9e],
  "f64.sqrt": [0x9f],
  "f64.add": [0xa0],
  "f64.sub": [0xa1],
  "f64.mul": [0xa2],
  "f64.div": [0xa3],
  "f64.min": [0xa4],
  "f64.max": [0xa5],
  "i32.wrap_i64": [0xa7],
  "i64.extend_i32_u": [0xad],
  "f32.convert_i32_s": [0xb2],
  "f32.convert_i32_u": [0xb3],
  "f32.demote_f64": [0xb6],
  "f64.convert_i32_s": [0xb7],
  "f64.convert_i32_u": [0xb8],
  "f64.promote_f32": [0xbb],
  "i32.reinterpret_f32": [0xbc],
  "f32.reinterpret_i32": [0xbe],
  "i32.trunc_sat_f32_s": [0xfc, 0x00],
  "i32.trunc_sat_f64_s": [0xfc, 0x02],
  "i32.trunc_sat_f64_u": [0xfc, 0x03],
  "i32x4.splat": [0xfd, 0x11],
  "f32x4.splat": [0xfd, 0x13],
  "f64x2.splat": [0xfd, 0x14],
  "i32x4.eq": [0xfd, 0x37],
  "i32x4.ne": [0xfd, 0x38],
  "i32x4.lt_s": [0xfd, 0x39],
  "i32x4.gt_s": [0xfd, 0x3b],
  "i32x4.le_s": [0xfd, 0x3d],
  "f32x4.eq": [0xfd, 0x41],
  "f32x4.ne": [0xfd, 0x42],
  "f32x4.lt": [0xfd, 0x43],
  "f32x4.gt": [0xfd, 0x44],
  "f32x4.le": [0xfd, 0x45],
  "f64x2.eq": [0xfd, 0x47],
  "f64x2.ne": [0xfd, 0x48],
  "f64x2.lt": [0xfd, 0x49],
  "f64x2.gt": [0xfd, 0x4a],
  "f64x2.le": [0xfd, 0x4b],
  "v128.not": [0xfd, 0x4d],
  "v128.and": [0xfd, 0x4e],
  "v128.or": [0xfd, 0x50],
  "v128.xor": [0xfd, 0x51],
  "v128.bitselect": [0xfd, 0x52],
  "v128.any_true": [0xfd, 0x53],
  "f32x4.demote_f64x2_zero": [0xfd, 0x5e],
  "f64x2.promote_low_f32x4": [0xfd, 0x5f],
  "f32x4.ceil": [0xfd, 0x67],
  "f32x4.floor": [0xfd, 0x68],
  "f32x4.nearest": [0xfd, 0x6a],
  "f64x2.ceil": [0xfd, 0x74],
  "f64x2.floor": [0xfd, 0x75],
  "f64x2.nearest": [0xfd, 0x94],
  "i32x4.neg": [0xfd, 0xa1],
  "i32x4.shl": [0xfd, 0xab],
  "i32x4.shr_s": [0xfd, 0xac],
  "i32x4.shr_u": [0xfd, 0xad],
  "i32x4.add": [0xfd, 0xae],
  "i32x4.sub": [0xfd, 0xb1],
  "i32x4.mul": [0xfd, 0xb5],
  "i32x4.min_s": [0xfd, 0xb6],
  "i32x4.max_s": [0xfd, 0xb8],
  "f32x4.abs": [0xfd, 0xe0],
  "f32x4.neg": [0xfd, 0xe1],
  "f32x4.sqrt": [0xfd, 0xe3],
  "f32x4.add": [0xfd, 0xe4],
  "f32x4.sub": [0xfd, 0xe5],
  "f32x4.mul": [0xfd, 0xe6],
  "f32x4.div": [0xfd, 0xe7],
  "f32x4.min": [0xfd, 0xe8],
  "f32x4.max": [0xfd, 0xe9],
  "f64x2.abs": [0xfd, 0xec],
  "f64x2.neg": [0xfd, 0xed],
  "f64x2.sqrt": [0xfd, 0xef],
  "f64x2.add": [0xfd, 0xf0],
  "f64x2.sub": [0xfd, 0xf1],
  "f64x2.mul": [0xfd, 0xf2],
  "f64x2.div": [0xfd, 0xf3],
  "f64x2.min": [0xfd, 0xf4],
  "f64x2.max": [0xfd, 0xf5],
  "i32x4.trunc_sat_f32x4_s": [0xfd, 0xf8],
  "f32x4.convert_i32x4_s": [0xfd, 0xfa],
  "f32x4.convert_i32x4_u": [0xfd, 0xfb],
  "f64x2.convert_low_i32x4_s": [0xfd, 0xfe],
  "f32x4.relaxed_madd": [0xfd, 0x105],
  "f64x2.relaxed_madd": [0xfd, 0x107],
} as const satisfies Readonly<Record<string, readonly number[]>>;
export type PlainOp = keyof typeof PLAIN;

/** Instructions that read or write memory: code, and the power of two that an address should be a multiple of. */
export const MEMORY = {
  "i32.load": { code: [0x28], align: 2 },
  "f32.load": { code: [0x2a], align: 2 },
  "f64.load": { code: [0x2b], align: 3 },
  "i32.store": { code: [0x36], align: 2 },
  "f32.store": { code: [0x38], align: 2 },
  "f64.store": { code: [0x39], align: 3 },
  // Vectors start at any element.
  "v128.load": { code: [0xfd, 0x00], align: 2 },
  "v128.load32_splat": { code: [0xfd, 0x09], align: 2 },
  "v128.load64_splat": { code: [0xfd, 0x0a], align: 3 },
  "v128.store": { code: [0xfd, 0x0b], align: 2 },
} as const satisfies Readonly<Record<string, { code: readonly number[]; align: number }>>;
export type MemoryOp = keyof typeof MEMORY;

/** Instructions that name a lane of a vector. */
export const LANE = {
  "i32x4.extract_lane": [0xfd, 0x1b],
  "f32x4.extract_lane": [0xfd, 0x1f],
  "i32x4.replace_lane": [0xfd, 0x1c],
  "f32x4.replace_lane": [0xfd, 0x20],
  "f64x2.extract_lane": [0xfd, 0x21],
  "f64x2.replace_lane": [0xfd, 0x22],
} as const satisfies Readonly<Record<string, readonly number[]>>;
export type LaneOp = keyof typeof LANE;

export const CONSTANT = {
  "i32.const": [0x41],
  "i64.const": [0x42],
  "f32.const": [0x43],
  "f64.const": [0x44],
} as const satisfies Readonly<Record<string, readonly number[]>>;
export type ConstantOp = keyof typeof CONSTANT;

export type Instruction =
  | { readonly op: PlainOp }
  | { readonly op: ConstantOp; readonly value: number }
  /** A vector of ints, floats or doubles: four or two numbers. */
  | {
      readonly op: "v128.const";
      readonly shape: "i32x4" | "f32x4" | "f64x2";
      readonly values: readonly number[];
    }
  | { readonly op: MemoryOp; readonly offset: number }
  | { readonly op: LaneOp; readonly lane: number }
  /** Sixteen bytes out of the thirty-two of two vectors. */
  | { readonly op: "i8x16.shuffle"; readonly bytes: readonly number[] }
  | { readonly op: "local.get" | "local.set" | "local.tee"; readonly local: number }
  /** a · b + c of vectors, from the codes of a and b and that of c: one operation where engines have it, else two. */
  | {
      readonly op: "fused";
      readonly kind: "f32x4" | "f64x2";
      readonly product: readonly Instruction[];
      readonly sum: readonly Instruction[];
    }
  | { readonly op: "memory.size" }
  | { readonly op: "call"; readonly callee: string }
  | { readonly op: "br" | "br_if"; readonly depth: number }
  | { readonly op: "block" | "loop"; readonly body: readonly Instruction[] }
  | {
      readonly op: "if";
      /** What both branches leave on the stack. */
      readonly result: ValueType | null;
      readonly body: readonly Instruction[];
      readonly otherwise: readonly Instruction[];
    };

export interface WasmFunction {
  readonly name: string;
  /** What it does, one line. */
  readonly title: string;
  readonly parameters: readonly ValueType[];
  readonly result: ValueType | null;
  /** Besides the parameters. */
  readonly locals: readonly ValueType[];
  /** Of parameters and locals, in order; for the text. */
  readonly names: readonly string[];
  readonly body: readonly Instruction[];
  readonly exported: boolean;
}

/** A function of the host. */
export interface WasmImport {
  readonly module: string;
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly result: ValueType | null;
}

/** A module that imports its memory (`env.memory`). */
export interface WasmModule {
  /** Called `module.name`. */
  readonly imports: readonly WasmImport[];
  readonly functions: readonly WasmFunction[];
}
