import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coordinates, doubledArea, type ExactLine, meet, side } from "../../src/exact/homogeneous.js";

const coefficient = fc.bigInt({ min: -50n, max: 50n });
const line: fc.Arbitrary<ExactLine> = fc.tuple(coefficient, coefficient, coefficient);

describe("lines and points in homogeneous integers", () => {
  it("two lines meet where both are 0", () => {
    fc.assert(
      fc.property(line, line, (f, g) => {
        fc.pre(f[0] * g[1] !== f[1] * g[0]);
        const point = meet(f, g);
        expect([side(f, point), side(g, point)]).toEqual([0, 0]);
        expect(point[2] > 0n).toBe(true);
      }),
    );
  });

  it("a line's side agrees with its value at the rounded point where that is far from 0", () => {
    fc.assert(
      fc.property(line, line, line, (f, g, h) => {
        fc.pre(f[0] * g[1] !== f[1] * g[0]);
        const point = meet(f, g);
        const [x, y] = coordinates(point);
        const value = Number(h[0]) * x + Number(h[1]) * y + Number(h[2]);
        fc.pre(Math.abs(value) > 1e-6);
        expect(side(h, point)).toBe(Math.sign(value));
      }),
    );
  });

  it("three concurrent lines are seen as concurrent", () => {
    // through (1/3, 1/7), which no double is
    const point = meet([3n, 0n, -1n], [0n, 7n, -1n]);
    expect(side([3n, 7n, -2n], point)).toBe(0);
    expect(side([3n, 7n, -1n], point)).toBe(1);
  });

  it("areas are signed", () => {
    const square = [
      [0n, 0n, 1n],
      [4n, 0n, 2n],
      [2n, 2n, 1n],
      [0n, 6n, 3n],
    ] as const;
    expect(doubledArea(square).reduce((n, d) => n / d)).toBe(8n);
    expect(doubledArea([...square].reverse()).reduce((n, d) => n / d)).toBe(-8n);
  });
});
