/**
 * Exact numbers for sums and products of doubles: an integer times a power of two, closed under +, - and ·.
 * Slow and simple: for the few decisions that a float filter leaves open.
 */

import { lowestExponent, scaledToNumber, signOf, toInteger } from "./dyadic.js";

/** integer · 2^exponent; a zero may have any exponent. */
export interface ExactNumber {
  readonly integer: bigint;
  readonly exponent: number;
}

export const EXACT_ZERO: ExactNumber = { integer: 0n, exponent: 0 };

/** A finite double, as it is. */
export function exact(x: number): ExactNumber {
  if (x === 0) return EXACT_ZERO;
  const exponent = lowestExponent(x);
  return { integer: toInteger(x, exponent), exponent };
}

export function exactSum(a: ExactNumber, b: ExactNumber): ExactNumber {
  if (a.integer === 0n) return b;
  if (b.integer === 0n) return a;
  if (a.exponent === b.exponent) return { integer: a.integer + b.integer, exponent: a.exponent };
  const [low, high] = a.exponent < b.exponent ? [a, b] : [b, a];
  return { integer: low.integer + (high.integer << BigInt(high.exponent - low.exponent)), exponent: low.exponent };
}

export function exactProduct(a: ExactNumber, b: ExactNumber): ExactNumber {
  if (a.integer === 0n || b.integer === 0n) return EXACT_ZERO;
  return { integer: a.integer * b.integer, exponent: a.exponent + b.exponent };
}

export function exactDifference(a: ExactNumber, b: ExactNumber): ExactNumber {
  return exactSum(a, { integer: -b.integer, exponent: b.exponent });
}

/** -1, 0 or 1. */
export function exactSign(a: ExactNumber): number {
  return signOf(a.integer);
}

/** The nearest double, give or take one unit in the last place; a double itself comes back as it was. */
export function exactToNumber(a: ExactNumber): number {
  return a.integer === 0n ? 0 : scaledToNumber(a.integer, a.exponent);
}
