/** What a made-up rule is, and arithmetic for references written by hand. */
import type { ClassName } from "../../../compiler/derive/analyse/index.ts";
import { dot, scale, type M, type V } from "../../specs/arithmetic.ts";
import type { Given, Nested } from "../../support/given.ts";

/** One step by hand: outputs by name, and `next:STATE` for every state. */
export type Step = (x: Given, s: Given, p: Given) => Readonly<Record<string, Nested>>;

export interface MadeUp {
  readonly name: string;
  /** Whole declarations; the layer to run is called `Rule`. */
  readonly text: string;
  /** By state, or states joined by `+`, worked out by hand; left out where the analysis may come to know more than it does now. */
  readonly classes?: Readonly<Record<string, ClassName>>;
  /** Whether every recurrence has a form over chunks of time. */
  readonly chunks: boolean;
  readonly step: Step;
}

export const outer = (a: V, b: V): M => a.map((x) => scale(x, b));
export const plus = (...all: readonly M[]): M =>
  all[0]!.map((row, i) => row.map((_, j) => all.reduce((sum, A) => sum + A[i]![j]!, 0)));
export const times = (s: number, A: M): M => A.map((row) => scale(s, row));
export const map2 = (A: M, f: (x: number, i: number, j: number) => number): M =>
  A.map((row, i) => row.map((x, j) => f(x, i, j)));
/** One result per head. */
export const heads = <T>(like: readonly unknown[], f: (h: number) => T): T[] =>
  like.map((_, h) => f(h));
/** x / sqrt(‖x‖² + 1e-6) */
export const unit = (x: V): V => scale(1 / Math.sqrt(dot(x, x) + 1e-6), x);
export const softplus = (x: number): number => Math.log(1 + Math.exp(x));
export const silu = (x: number): number => x / (1 + Math.exp(-x));
