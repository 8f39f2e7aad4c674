import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  bitLength,
  commonExponent,
  lowestExponent,
  NO_EXPONENT,
  scaledToNumber,
  toInteger,
  toNumber,
} from "../../src/exact/dyadic.js";

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });

describe("a double as integer times a power of two", () => {
  it.each([
    [1, 0],
    [12, 2],
    [-0.375, -3],
    [2 ** 1000, 1000],
    [Number.MIN_VALUE, -1074],
    [3 * 2 ** -1070, -1070],
    [Number.MAX_VALUE, 971],
    [2 ** -1022, -1022],
    [1 + 2 ** -20, -20],
    [1 + 2 ** -21, -21],
    [1 + 2 ** -52, -52],
  ])("%d ends at bit %d", (x, exponent) => {
    expect(lowestExponent(x)).toBe(exponent);
  });

  it("has no lowest bit when it is 0", () => {
    expect(lowestExponent(0)).toBe(NO_EXPONENT);
    expect(lowestExponent(-0)).toBe(NO_EXPONENT);
    expect(commonExponent([0, 6, 1.5])).toBe(-1);
  });

  it("comes back unchanged from its integer, at any exponent that holds it", () => {
    fc.assert(
      fc.property(finite, fc.integer({ min: 0, max: 200 }), (x, below) => {
        const exponent = x === 0 ? -below : lowestExponent(x) - below;
        expect(scaledToNumber(toInteger(x, exponent), exponent) + 0).toBe(x + 0);
      }),
    );
  });

  it("is an odd integer at its lowest exponent", () => {
    fc.assert(
      fc.property(finite, (x) => {
        fc.pre(x !== 0);
        expect(toInteger(x, lowestExponent(x)) & 1n).toBe(1n);
      }),
    );
  });
});

describe("a quotient of integers as a double", () => {
  it("is right to one unit in the last place, also far beyond the range of doubles", () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1 }),
        fc.integer({ min: 0, max: 5000 }),
        (numerator, denominator, shift) => {
          const value = toNumber(BigInt(numerator) << BigInt(shift), BigInt(denominator) << BigInt(shift));
          expect(Math.abs(value - numerator / denominator)).toBeLessThanOrEqual(
            2 ** -52 * Math.abs(numerator / denominator),
          );
        },
      ),
    );
  });

  it("knows the bits of an integer", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 300n }), (x) => {
        expect(bitLength(x)).toBe(x.toString(2).length);
      }),
    );
  });
});
