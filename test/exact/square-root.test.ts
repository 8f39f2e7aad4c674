import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareRootSums, integerSquareRoot, ROOT_ERROR, rootOfRatio } from "../../src/exact/square-root.js";

const natural = fc.bigInt({ min: 0n, max: 1n << 200n });

describe("integerSquareRoot", () => {
  it("is the largest integer whose square does not exceed the number", () => {
    fc.assert(
      fc.property(natural, (x) => {
        const root = integerSquareRoot(x);
        expect(root * root <= x && (root + 1n) ** 2n > x).toBe(true);
      }),
    );
    expect([0n, 1n, 2n, 3n, 4n, 8n, 9n].map(integerSquareRoot)).toEqual([0n, 1n, 1n, 1n, 2n, 2n, 3n]);
  });
});

describe("rootOfRatio", () => {
  it("is within its error of the true root: squares of its bounds enclose the ratio", () => {
    const scaled = (x: number) => BigInt(Math.round(x * 2 ** 50)); // exact here: 1 <= x < 4
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 1n << 90n }), fc.bigInt({ min: 1n, max: 1n << 90n }), (n, d) => {
        const root = rootOfRatio(n, d, 0);
        const exponent = Math.floor(Math.log2(root));
        const mantissa = scaled(root / 2 ** exponent) << 10n; // root = mantissa · 2^(exponent - 60)
        const slack = (mantissa >> 50n) + 1n; // generous by the 50 bits kept of 53
        const [low, high] = [(mantissa - slack) ** 2n * d, (mantissa + slack) ** 2n * d];
        const shift = BigInt(120 - 2 * exponent);
        const [left, right] = shift >= 0n ? [n << shift, 0n] : [n, -shift];
        expect(low << right <= left && left <= high << right).toBe(true);
      }),
    );
  });

  it("gives perfect squares as they are, and reaches beyond the doubles in between", () => {
    expect(rootOfRatio(49n, 4n, 0)).toBe(3.5);
    expect(rootOfRatio(0n, 7n, 5)).toBe(0);
    expect(rootOfRatio(1n << 4000n, 1n, -2000)).toBe(1);
    expect(rootOfRatio(9n, 1n << 3000n, 1500)).toBe(3);
    expect(Math.abs(rootOfRatio(2n, 1n, 0) - Math.SQRT2)).toBeLessThanOrEqual(Math.SQRT2 * ROOT_ERROR);
  });
});

describe("compareRootSums", () => {
  it("agrees with floats wherever these are clear, and is antisymmetric", () => {
    const small = fc.integer({ min: 0, max: 60 });
    fc.assert(
      fc.property(small, small, small, small, (a, b, c, d) => {
        const sign = compareRootSums(BigInt(a), BigInt(b), BigInt(c), BigInt(d));
        const difference = a + Math.sqrt(b) - c - Math.sqrt(d);
        // two different such sums of numbers up to 60 are never this close
        expect(sign).toBe(Math.abs(difference) < 1e-9 ? 0 : Math.sign(difference));
        expect(compareRootSums(BigInt(c), BigInt(d), BigInt(a), BigInt(b)) + sign).toBe(0);
      }),
      { numRuns: 2000 },
    );
  });

  it("tells apart what no double can", () => {
    const huge = 1n << 400n;
    expect(compareRootSums(0n, huge * huge + 1n, huge, 0n)).toBe(1);
    expect(compareRootSums(0n, huge * huge, huge, 0n)).toBe(0);
    expect(compareRootSums(0n, huge * huge - 1n, huge, 0n)).toBe(-1);
  });
});
