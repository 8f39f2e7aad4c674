/** Square roots of exact numbers: rounded to doubles with a proven error, and compared without rounding. */

import { bitLength, scaledToNumber, signOf } from "./dyadic.js";

/** Relative error of `rootOfRatio`: two units in the last place. */
export const ROOT_ERROR = 2 ** -51;

/** The largest integer whose square is at most x, for x >= 0, by Newton's iteration from above. */
export function integerSquareRoot(x: bigint): bigint {
  if (x < 2n) return x;
  let root = 1n << BigInt((bitLength(x) + 1) >> 1);
  for (;;) {
    const next = (root + x / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/**
 * √(numerator / denominator) · 2^exponent for numerator >= 0 and denominator > 0, off by at most `ROOT_ERROR` relative
 * (2^-1074 where the result is subnormal). Works where numerator and denominator are far beyond the range of doubles.
 */
export function rootOfRatio(numerator: bigint, denominator: bigint, exponent: number): number {
  if (numerator === 0n) return 0;
  // a quotient of at least 128 bits, so that its root has 64 and cutting off the rest is far below a double's rounding
  let shift = Math.max(0, 129 - bitLength(numerator) + bitLength(denominator));
  shift += shift & 1;
  const root = integerSquareRoot((numerator << BigInt(shift)) / denominator);
  return scaledToNumber(root, exponent - shift / 2);
}

/** The sign of (a + √b) - (c + √d) for integers with b, d >= 0. */
export function compareRootSums(a: bigint, b: bigint, c: bigint, d: bigint): number {
  const x = signOf(a - c);
  const y = signOf(b - d);
  if (x * y >= 0) return x === 0 ? y : x;
  // |a - c| against |√b - √d|, both squared: (a - c)² - (b + d) + 2·√(bd)
  const rest = b + d - (a - c) ** 2n;
  const larger = rest <= 0n ? (rest === 0n && b * d === 0n ? 0 : 1) : signOf(4n * b * d - rest * rest);
  return larger === 0 ? 0 : x * larger;
}
