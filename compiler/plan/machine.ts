/** What the planner knows of the machine that kernels are printed for. */

/** Registers of several numbers; a compiler behind the printer makes vectors of plain loops by itself. */
export interface VectorMachine {
  readonly kind: "vector";
  /** Floats of 32 bits in a register: a power of two. */
  readonly lanes: number;
  /** Rows of the block of sums of a product; it is two registers wide. */
  readonly rows: number;
  /** Whether the sums of neighbouring rows are made side by side, in vectors that are added up together (rows.ts). */
  readonly together: boolean;
  /**
   * Whether sums go from registers to where they belong, row by row as far as there are rows. To V8 they are then needed
   * too long: it keeps some of them in memory, within the loop over terms too (products take 1.5 times as long).
   */
  readonly direct: boolean;
  /** Numbers that a core has at hand, in a cache of its own. */
  readonly atHand: number;
}

export type Machine =
  /** One number at a time, as JavaScript engines compute. */
  { readonly kind: "scalar" } | VectorMachine;

export const SCALAR: Machine = { kind: "scalar" };

/** Two million bytes: what newer cores have, and what they share is not far where they have less. */
const AT_HAND = 2 ** 19;

/**
 * A machine with registers of so many floats. With 16 lanes there are 32 registers, of which a block of 8 × 2 uses 16, two
 * columns and a row; with fewer there are 16, of which 6 × 2 leaves enough. Measured: bench/native.
 */
export const vectorMachine = (lanes: number): VectorMachine => ({
  kind: "vector",
  lanes,
  rows: lanes >= 16 ? 8 : 6,
  together: true,
  direct: true,
  atHand: AT_HAND,
});

/** For code whose machine is not known yet: runs well on those with registers of 8 floats, and on all others. */
export const PORTABLE: Machine = vectorMachine(8);

/** WebAssembly: registers of 4 floats, of which engines have 15 to give. Measured: bench/wasm. */
export const WASM: Machine = { kind: "vector", lanes: 4, rows: 5, together: false, direct: false, atHand: AT_HAND }; // prettier-ignore
