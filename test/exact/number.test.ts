import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  EXACT_ZERO,
  exact,
  exactDifference,
  exactProduct,
  exactSign,
  exactSum,
  exactToNumber,
} from "../../src/exact/number.js";

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });

/** An exact number as a rational over 2^2200, which holds products of any two doubles. */
const over = ({ integer, exponent }: { integer: bigint; exponent: number }) => integer << BigInt(exponent + 2200);

describe("exact numbers", () => {
  test("a double goes in and comes out as it was, subnormal and largest ones too", () => {
    fc.assert(fc.property(finite, (x) => exactToNumber(exact(x)) === x + 0));
    for (const x of [0, 5e-324, -2.5e-310, Number.MAX_VALUE, 2 ** -1022, 0.1]) expect(exactToNumber(exact(x))).toBe(x);
  });

  test("sums, differences and products lose nothing", () => {
    fc.assert(
      fc.property(finite, finite, finite, (x, y, z) => {
        const [a, b, c] = [exact(x), exact(y), exact(z)];
        expect(over(exactSum(a, b))).toBe(over(a) + over(b));
        expect(over(exactDifference(exactSum(a, b), b))).toBe(over(a));
        expect(exactSign(exactDifference(a, b))).toBe(Math.sign(x - y) + 0);
        const distributed = exactDifference(
          exactProduct(a, exactSum(b, c)),
          exactSum(exactProduct(a, b), exactProduct(a, c)),
        );
        expect(exactSign(distributed)).toBe(0);
        expect(exactSign(exactProduct(a, b))).toBe(Math.sign(x) * Math.sign(y) + 0);
      }),
    );
  });

  test("zero absorbs and disappears, whatever its exponent", () => {
    const zero = exactDifference(exact(3e100), exact(3e100));
    expect(exactSign(zero)).toBe(0);
    expect(exactToNumber(zero)).toBe(0);
    expect(exactToNumber(exactSum(zero, exact(0.1)))).toBe(0.1);
    expect(exactSign(exactProduct(EXACT_ZERO, exact(7)))).toBe(0);
  });
});
