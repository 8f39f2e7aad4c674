import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  broadcastShapes,
  checkShape,
  normalizeAxes,
  normalizeAxis,
  reducedShape,
  sameShape,
  sizeOf,
  stridesOf,
} from "../../src/array/shape.js";
import { AxisError, ShapeError } from "../../src/base/errors.js";
import { anyShape, broadcastShape, indicesOf } from "./oracles.js";

describe("shapes", () => {
  test("have as many elements as index lists, numbered by their strides", () => {
    fc.assert(
      fc.property(anyShape, (shape) => {
        const indices = indicesOf(shape);
        expect(sizeOf(shape)).toBe(indices.length);
        const strides = stridesOf(shape);
        expect(indices.map((index) => index.reduce((place, i, axis) => place + i * strides[axis], 0))).toEqual(
          indices.map((_, place) => place),
        );
      }),
    );
  });

  test("broadcast as in NumPy, or are refused with both shapes named", () => {
    fc.assert(
      fc.property(anyShape, anyShape, (a, b) => {
        const expected = broadcastShape(a, b);
        if (expected !== null) {
          expect(broadcastShapes(a, b, "test")).toEqual(expected);
          expect(broadcastShapes(b, a, "test")).toEqual(expected);
          return;
        }
        expect(() => broadcastShapes(a, b, "test")).toThrow(ShapeError);
        expect(() => broadcastShapes(a, b, "test")).toThrow(`[${a.join(", ")}] and [${b.join(", ")}] do not broadcast`);
      }),
      { numRuns: 400 },
    );
  });

  test("are the same when their lengths are", () => {
    fc.assert(
      fc.property(anyShape, anyShape, (a, b) => {
        expect(sameShape(a, [...a])).toBe(true);
        expect(sameShape(a, b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });

  test.each([[[-1]], [[2, 1.5]], [[Number.NaN]], [["2"]], [3], [null], [undefined]])("%j is no shape", (shape) => {
    expect(() => checkShape(shape as never, "zeros")).toThrow(ShapeError);
    expect(() => checkShape(shape as never, "zeros")).toThrow(/zeros: a shape is a list of non-negative integers/);
  });
});

describe("axes", () => {
  test("count from either end", () => {
    expect([0, 2, -1, -3].map((axis) => normalizeAxis(axis, 3, "test"))).toEqual([0, 2, 2, 0]);
    expect(normalizeAxes(null, 3, "test")).toEqual([0, 1, 2]);
    expect(normalizeAxes([-1, 0], 3, "test")).toEqual([0, 2]);
    expect(normalizeAxes([], 3, "test")).toEqual([]);
  });

  test.each([
    [3, 3],
    [-4, 3],
    [0.5, 3],
    [Number.NaN, 3],
    [0, 0],
    [-1, 0],
  ])("%d is none of %d", (axis, rank) => {
    expect(() => normalizeAxis(axis, rank, "sum")).toThrow(AxisError);
    expect(() => normalizeAxis(axis, rank, "sum")).toThrow(
      rank === 0 ? /scalar has no axes/ : /axes of a 3-d tensor are -3 to 2/,
    );
  });

  test("are named once", () => {
    expect(() => normalizeAxes([1, -1], 2, "sum")).toThrow(AxisError);
    expect(() => normalizeAxes([1, -1], 2, "sum")).toThrow(/axis 1 is named twice/);
  });

  test("go, or stay with length 1, when they are reduced", () => {
    expect(reducedShape([2, 3, 4], [0, 2], false)).toEqual([3]);
    expect(reducedShape([2, 3, 4], [0, 2], true)).toEqual([1, 3, 1]);
  });
});
