/** Estimates of work, in doubles: as ints those of large kernels would overflow. */
import { InternalError } from "../../../diagnostics/diagnostic.ts";
import type { BinaryOp, Expr } from "../../loop/ir.ts";
import type { Code } from "./body.ts";
import type { Instruction, PlainOp } from "./instructions.ts";

/** An int takes fewer bytes. */
const double = (value: number): Code =>
  (value | 0) === value
    ? [{ op: "i32.const", value }, { op: "f64.convert_i32_s" }]
    : [{ op: "f64.const", value }];

const OPS: Readonly<Partial<Record<BinaryOp, readonly PlainOp[]>>> = {
  add: ["f64.add"],
  sub: ["f64.sub"],
  mul: ["f64.mul"],
  div: ["f64.div", "f64.trunc"],
  max: ["f64.max"],
  min: ["f64.min"],
  lt: ["f64.lt"],
  le: ["f64.le"],
  eq: ["f64.eq"],
  ne: ["f64.ne"],
  and: ["i32.and"],
  or: ["i32.or"],
};
/** Of bounds of loops, which fit an int. */
const BITS: Readonly<Partial<Record<BinaryOp, PlainOp>>> = {
  bit_and: "i32.and",
  bit_or: "i32.or",
  shift_left: "i32.shl",
  shift_right: "i32.shr_u",
};
const NARROW: Instruction = { op: "i32.trunc_sat_f64_s" };

/** `size`: the int that a size is. */
export type SizeCode = (name: string) => Code;

function estimate(e: Expr, size: SizeCode): Code {
  switch (e.op) {
    case "number":
      return double(e.value);
    case "variable":
      return [...size(e.name), { op: "f64.convert_i32_s" }];
    case "select": {
      const [a, b] = [estimate(e.a, size), estimate(e.b, size)];
      return a.concat(b, estimate(e.condition, size), { op: "select" });
    }
    case "binary": {
      const [a, b] = [estimate(e.a, size), estimate(e.b, size)];
      if (e.fn === "mod") {
        const whole = a.concat(b, { op: "f64.div" }, { op: "f64.trunc" }, b);
        return a.concat(whole, { op: "f64.mul" }, { op: "f64.sub" });
      }
      const ops = OPS[e.fn];
      const bits = BITS[e.fn];
      if (bits !== undefined) {
        return a.concat(NARROW, b, NARROW, { op: bits }, { op: "f64.convert_i32_s" });
      }
      if (ops !== undefined) return a.concat(b, ops.map((op): Instruction => ({ op }))); // prettier-ignore
      break;
    }
    case "load":
    case "unary":
    case "splat":
    case "ramp":
    case "across":
    case "sums":
    case "shuffle":
  }
  throw new InternalError(`${"fn" in e ? e.fn : e.op} in an estimate of work`);
}

/** Whether there is so much work at least; null if there never is. */
export function enough(work: Expr, worth: number, size: SizeCode): Code | null {
  if (work.op !== "number") {
    return [...double(worth), ...estimate(work, size), { op: "f64.le" }];
  }
  return work.value < worth ? null : [{ op: "i32.const", value: 1 }];
}
