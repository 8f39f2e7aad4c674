/**
 * Doubles as exact numbers. Every finite double is an integer times a power of two, so sums and products of doubles are
 * exact in BigInt once all share one exponent.
 */

const buffer = new DataView(new ArrayBuffer(8));

/** The exponent of a zero: any exponent holds it. */
export const NO_EXPONENT = Number.POSITIVE_INFINITY;

/**
 * The exponent e of the lowest set bit of a finite double: x = odd integer · 2^e. `NO_EXPONENT` for zero.
 * From the bits of the number (IEEE 754), so subnormal numbers are right too.
 */
export function lowestExponent(x: number): number {
  if (x === 0) return NO_EXPONENT;
  buffer.setFloat64(0, x);
  const high = buffer.getUint32(0);
  const low = buffer.getUint32(4);
  const biased = (high >>> 20) & 0x7ff;
  const exponent = Math.max(biased, 1) - 1075;
  if (low !== 0) return exponent + trailingZeros(low);
  const fraction = (high & 0xfffff) | (biased === 0 ? 0 : 0x100000);
  return exponent + 32 + trailingZeros(fraction);
}

/** The smallest `lowestExponent` of some doubles: all of them are integers times 2^this. */
export function commonExponent(values: ArrayLike<number>): number {
  let least = NO_EXPONENT;
  for (let i = 0; i < values.length; i++) least = Math.min(least, lowestExponent(values[i]));
  return least;
}

/** The integer x / 2^exponent of a finite double; exponent must be at most `lowestExponent(x)`. */
export function toInteger(x: number, exponent: number): bigint {
  if (x === 0) return 0n;
  const lowest = lowestExponent(x);
  // x / 2^lowest is an odd integer below 2^53; two steps, because 2^-lowest alone may overflow
  const half = Math.trunc(lowest / 2);
  const odd = x * 2 ** -half * 2 ** (half - lowest);
  return BigInt(odd) << BigInt(lowest - exponent);
}

/**
 * numerator / denominator to the nearest double, give or take one unit in the last place; the denominator is positive.
 * Works where both are far beyond the range of doubles.
 */
export function toNumber(numerator: bigint, denominator: bigint): number {
  if (numerator === 0n) return 0;
  const magnitude = numerator < 0n ? -numerator : numerator;
  // a quotient of 64 or 65 bits, with the lost remainder below its last bit
  const shift = 64 - (bitLength(magnitude) - bitLength(denominator));
  const quotient =
    shift >= 0 ? (magnitude << BigInt(shift)) / denominator : magnitude / (denominator << BigInt(-shift));
  const value = scale(Number(quotient), -shift);
  return numerator < 0n ? -value : value;
}

/** integer · 2^exponent to the nearest double. */
export function scaledToNumber(integer: bigint, exponent: number): number {
  return exponent >= 0 ? toNumber(integer << BigInt(exponent), 1n) : toNumber(integer, 1n << BigInt(-exponent));
}

/** -1, 0 or 1. */
export function signOf(x: bigint): number {
  return x > 0n ? 1 : x < 0n ? -1 : 0;
}

/** Bits of a positive integer: floor(log2) + 1. */
export function bitLength(x: bigint): number {
  const digits = x.toString(16);
  return 4 * digits.length - (Math.clz32(Number.parseInt(digits[0], 16)) - 28);
}

/** value · 2^exponent, in steps that neither overflow nor lose bits before the last one. */
function scale(value: number, exponent: number): number {
  while (exponent > 900) {
    value *= 2 ** 900;
    exponent -= 900;
  }
  while (exponent < -900) {
    value *= 2 ** -900;
    exponent += 900;
  }
  return value * 2 ** exponent;
}

function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}
