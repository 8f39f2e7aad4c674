import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { placeInside } from "../../src/draw/chart/place.js";

/** Corners of a convex polygon on an ellipse, in one of the two directions. */
const polygons = fc
  .record({
    angles: fc.uniqueArray(fc.double({ min: 0, max: 6.28, noNaN: true }), { minLength: 3, maxLength: 8 }),
    width: fc.double({ min: 1, max: 100, noNaN: true }),
    height: fc.double({ min: 1, max: 100, noNaN: true }),
    turned: fc.boolean(),
  })
  .map(({ angles, width, height, turned }) => {
    const sorted = [...angles].sort((a, b) => (turned ? b - a : a - b));
    return sorted.flatMap((angle) => [width * Math.cos(angle), height * Math.sin(angle)]);
  });

/** How far inside a polygon the four corners of a rectangle are, relative to its sides; negative outside. */
function depth(polygon: readonly number[], [x, y]: readonly [number, number], width: number, height: number): number {
  const n = polygon.length / 2;
  let area = 0;
  let least = Number.POSITIVE_INFINITY;
  const sides = Array.from({ length: n }, (_, k) => {
    const [a, b] = [polygon[2 * k], polygon[2 * k + 1]];
    const [c, d] = [polygon[2 * ((k + 1) % n)], polygon[2 * ((k + 1) % n) + 1]];
    area += a * d - b * c;
    return [a, b, c, d];
  });
  for (const [a, b, c, d] of sides) {
    for (const u of [x - width / 2, x + width / 2]) {
      for (const v of [y - height / 2, y + height / 2]) {
        const cross = Math.sign(area) * ((c - a) * (v - b) - (d - b) * (u - a));
        least = Math.min(least, cross / Math.hypot(c - a, d - b));
      }
    }
  }
  return least;
}

const side = fc.double({ min: 0.5, max: 40, noNaN: true });

describe("the place of a rectangle in a convex polygon", () => {
  it("has all four corners inside", () => {
    fc.assert(
      fc.property(polygons, side, side, (polygon, width, height) => {
        const place = placeInside(polygon, width, height, [1000, 1000]);
        if (place !== null) expect(depth(polygon, place, width, height)).toBeGreaterThan(-1e-6);
      }),
    );
  });

  it("is found wherever there is one", () => {
    fc.assert(
      fc.property(polygons, side, side, (polygon, width, height) => {
        if (placeInside(polygon, width, height, [1000, 1000]) !== null) return;
        for (let x = -100; x <= 100; x += 5) {
          for (let y = -100; y <= 100; y += 5) expect(depth(polygon, [x, y], width, height)).toBeLessThan(1e-6);
        }
      }),
    );
  });

  it("is the wish, where that will do", () => {
    const square = [0, 0, 10, 0, 10, 10, 0, 10];
    expect(placeInside(square, 4, 4, [3, 7])).toEqual([3, 7]);
    expect(placeInside(square, 4, 4, [1, 7])).toEqual([5, 5]);
    expect(placeInside(square, 11, 4, [5, 5])).toBeNull();
  });

  it("is none in a polygon without corners or area", () => {
    expect(placeInside([], 1, 1, [0, 0])).toBeNull();
    expect(placeInside([0, 0, 5, 5, 10, 10], 1, 1, [5, 5])).toBeNull();
  });
});
