import fc from "fast-check";
import { expect, test } from "vitest";
import { erf } from "../../src/base/math.js";

// Computed with 40 digits (mpmath), rounded to double; both sides of the change of method at 2.5 and of the end at 6.
const VALUES: readonly (readonly [x: number, erf: number])[] = [
  [1e-300, 1.1283791670955126e-300],
  [1e-10, 1.1283791670955126e-10],
  [0.1, 0.1124629160182849],
  [0.5, 0.5204998778130465],
  [1, 0.8427007929497149],
  [1.5, 0.9661051464753108],
  [2, 0.9953222650189527],
  [2.4999999, 0.9995930477647266],
  [2.5, 0.999593047982555],
  [2.5000001, 0.9995930482003834],
  [3, 0.9999779095030014],
  [3.5, 0.9999992569016276],
  [4, 0.9999999845827421],
  [4.5, 0.9999999998033839],
  [5, 0.9999999999984626],
  [5.5, 0.9999999999999927],
  [5.9, 0.9999999999999999],
  [6, 1.0],
  [-0.3, -0.3286267594591274],
  [-2.7, -0.9998656672600594],
  [-5, -0.9999999999984626],
];

test.each(VALUES)("erf(%d) is %d to eight units in the last place", (x, expected) => {
  expect(Math.abs(erf(x) - expected)).toBeLessThanOrEqual(8 * 2 ** -53 * Math.abs(expected));
});

test("erf keeps signed zeros, reaches ±1, and passes NaN on", () => {
  expect(erf(0)).toBe(0);
  expect(erf(-0)).toBe(-0);
  expect(erf(Number.POSITIVE_INFINITY)).toBe(1);
  expect(erf(Number.NEGATIVE_INFINITY)).toBe(-1);
  expect(erf(Number.NaN)).toBeNaN();
});

test("erf is odd, rises, and stays within ±1", () => {
  const x = fc.double({ min: -8, max: 8, noNaN: true });
  fc.assert(
    fc.property(x, x, (a, b) => {
      expect(erf(-a)).toBe(-erf(a));
      expect(Math.abs(erf(a))).toBeLessThanOrEqual(1);
      if (a < b - 1e-12) expect(erf(a)).toBeLessThanOrEqual(erf(b) + 1e-15);
    }),
  );
});

test("erf is the integral of its density, by Simpson's rule", () => {
  for (const x of [0.2, 1, 2.4, 2.6, 4]) {
    const steps = 2000;
    const density = (t: number) => (2 / Math.sqrt(Math.PI)) * Math.exp(-t * t);
    let sum = density(0) + density(x);
    for (let i = 1; i < steps; i++) sum += (i % 2 === 1 ? 4 : 2) * density((i * x) / steps);
    expect(erf(x)).toBeCloseTo((sum * x) / steps / 3, 11);
  }
});
