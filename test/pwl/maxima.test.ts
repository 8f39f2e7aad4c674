import fc from "fast-check";
import { expect, test } from "vitest";
import { partition } from "../../src/geometry/partition/partition.js";
import type { Tensor } from "../../src/graph/tensor.js";
import { add, matmul, maxPool2d, reshape, tensor } from "../../src/ops/index.js";
import { lower } from "../../src/pwl/read.js";
import { stream, vector } from "./nets.js";

type Point = readonly [number, number];

/** The part of a convex polygon where a·x + b·y + c >= 0 (Sutherland and Hodgman, 1974). */
function clip(polygon: readonly Point[], a: number, b: number, c: number): Point[] {
  const side = ([x, y]: Point) => a * x + b * y + c;
  return polygon.flatMap((p, i): Point[] => {
    const q = polygon[(i + 1) % polygon.length];
    const [from, to] = [side(p), side(q)];
    const crossing: Point = [p[0] + ((q[0] - p[0]) * from) / (from - to), p[1] + ((q[1] - p[1]) * from) / (from - to)];
    if (from >= 0) return to >= 0 ? [p] : [p, crossing];
    return to > 0 ? [crossing] : [];
  });
}

const area = (polygon: readonly Point[]): number =>
  polygon.reduce((sum, [x, y], i) => {
    const [u, v] = polygon[(i + 1) % polygon.length];
    return sum + (x * v - u * y) / 2;
  }, 0);

test("the maximum over a 3 × 3 window of random affine functions has as many pieces as functions that win somewhere", () => {
  const counts: number[] = [];
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const next = stream(seed);
      const [w, b] = [vector(next, 18), vector(next, 9)];
      const weight = tensor(w, { shape: [9, 2], dtype: "float64" });
      const bias = tensor(b, { dtype: "float64" });
      const fn = (x: Tensor) =>
        reshape(maxPool2d(reshape(add(matmul(weight, x), bias), [1, 1, 3, 3]), { kernel: 3 }), [1]);
      const net = lower(fn, { shape: [2], dtype: "float64" });
      const box: Point[] = [
        [-2, -2],
        [2, -2],
        [2, 2],
        [-2, 2],
      ];
      // brute force: function i wins where it exceeds every other one
      const wins = Array.from({ length: 9 }, (_, i) => {
        let polygon: Point[] = box;
        for (let j = 0; j < 9; j++) {
          if (j !== i) polygon = clip(polygon, w[2 * i] - w[2 * j], w[2 * i + 1] - w[2 * j + 1], b[i] - b[j]);
        }
        return area(polygon) > 0;
      }).filter((one) => one).length;
      const cut = partition(net, {
        box: [
          [-2, 2],
          [-2, 2],
        ],
      });
      counts.push(wins);
      expect(cut.cells.length).toBe(wins);
      expect(cut.pieces.length).toBe(wins);
    }),
    { numRuns: 200 },
  );
  expect(Math.max(...counts)).toBeGreaterThan(Math.min(...counts));
});
