import {
  arange,
  argmax,
  argmin,
  cumsum,
  logSoftmax,
  logsumexp,
  max,
  mean,
  min,
  norm,
  randn,
  softmax,
  std,
  sum,
  type Tensor,
  tensor,
  variance,
  zeros,
} from "crease";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Generator } from "../../src/base/random.js";
import { axisLength, build, filledShape, naive, plain, reduceOver, shapeAndAxis, valuesOf } from "../array/oracles.js";

const total = (values: number[]) => values.reduce((all, one) => all + one, 0);
const average = (values: number[]) => total(values) / values.length;
const spreadOf = (correction: number) => (values: number[]) => {
  const centre = average(values);
  return total(values.map((value) => (value - centre) ** 2)) / Math.max(0, values.length - correction);
};

const FOLDS: Record<string, readonly [(x: Tensor, options: object) => Tensor, (values: number[]) => number]> = {
  sum: [sum, total],
  mean: [mean, average],
  "variance with correction 1": [variance, spreadOf(1)],
  "variance without correction": [(x, options) => variance(x, { ...options, correction: 0 }), spreadOf(0)],
  "standard deviation": [std, (values) => Math.sqrt(spreadOf(1)(values))],
  logsumexp: [logsumexp, (values) => Math.log(total(values.map(Math.exp)))],
  "Euclidean norm": [norm, (values) => Math.hypot(...values)],
  "norm of order 1": [(x, options) => norm(x, { ...options, ord: 1 }), (values) => total(values.map(Math.abs))],
  "norm of order 3": [
    (x, options) => norm(x, { ...options, ord: 3 }),
    (values) => total(values.map((value) => Math.abs(value) ** 3)) ** (1 / 3),
  ],
  "largest norm": [
    (x, options) => norm(x, { ...options, ord: Number.POSITIVE_INFINITY }),
    (values) => Math.max(...values.map(Math.abs)),
  ],
  max: [max, (values) => Math.max(...values)],
  min: [min, (values) => Math.min(...values)],
};
const NEED_ELEMENTS = ["logsumexp", "largest norm", "max", "min"];

function expectClose(actual: Tensor, expected: ReturnType<typeof build>, tolerance: number): void {
  expect([...actual.shape]).toEqual([...expected.shape]);
  const values = valuesOf(expected);
  plain(actual).values.forEach((value, i) => {
    if (Number.isNaN(values[i])) expect(value).toBeNaN();
    else if (!Number.isFinite(values[i])) expect(value).toBe(values[i]);
    else expect(Math.abs(value - values[i])).toBeLessThanOrEqual(tolerance * (1 + Math.abs(values[i])));
  });
}

const someAxes = filledShape.chain((shape) =>
  fc.record({
    shape: fc.constant(shape),
    axes: fc.subarray([...shape.keys()]),
    keepdims: fc.boolean(),
    seed: fc.nat(),
  }),
);

describe.each(Object.entries(FOLDS))("%s", (name, [fn, fold]) => {
  test.each(["float32", "float64"] as const)("folds over any axes, in %s", (dtype) => {
    fc.assert(
      fc.property(someAxes, ({ shape, axes, keepdims, seed }) => {
        const x = randn(shape, { dtype, generator: new Generator(seed) });
        const tolerance = dtype === "float32" ? 1e-5 : 1e-12;
        // Axes from the end, in another order, mean the same.
        const backwards = axes.map((axis) => axis - shape.length).reverse();
        if (axes.length > 0 || !/max|min|largest/.test(name)) {
          expectClose(fn(x, { axis: backwards, keepdims }), reduceOver(naive(x), axes, keepdims, fold), tolerance);
        }
        const all = reduceOver(naive(x), [...shape.keys()], keepdims, fold);
        expectClose(fn(x, { keepdims }), all, tolerance);
        expectClose(fn(x, { axis: null, keepdims }), all, tolerance);
        if (axes.length === 1)
          expectClose(fn(x, { axis: axes[0], keepdims }), reduceOver(naive(x), axes, keepdims, fold), tolerance);
      }),
      { numRuns: 60 },
    );
  });

  test("of nothing is what it is in NumPy", () => {
    const empty = zeros([2, 0, 3], { dtype: "float64" });
    if (NEED_ELEMENTS.includes(name)) {
      expect(() => fn(empty, { axis: 1 })).toThrow(/\[2, 0, 3\] is empty/);
    } else {
      expectClose(fn(empty, { axis: 1 }), reduceOver(naive(empty), [1], false, fold), 0);
    }
    expect(fn(empty, { axis: 2 }).shape).toEqual([2, 0]);
    expect(fn(empty, { axis: 2, keepdims: true }).shape).toEqual([2, 0, 1]);
  });
});

test("a method takes the axis first, options second", () => {
  const x = arange(6).reshape([2, 3]);
  expect(x.sum(0).toArray()).toEqual([3, 5, 7]);
  expect(x.mean([0, 1]).item()).toBe(2.5);
  expect(x.max(-1, { keepdims: true }).toArray()).toEqual([[2], [5]]);
  expect(x.variance(1, { correction: 0 }).toArray()).toEqual([Math.fround(2 / 3), Math.fround(2 / 3)]);
  expect(x.sum({ axis: 1, keepdims: true }).shape).toEqual([2, 1]);
});

describe("the index of the largest", () => {
  const ties = shapeAndAxis.chain(({ shape, axis }) => {
    const size = shape.reduce((product, length) => product * length, 1);
    return fc.tuple(
      fc.constant(shape),
      fc.constant(axis),
      fc.array(fc.constantFrom(-1, 0, 1, 2), { minLength: size, maxLength: size }),
    );
  });

  test("is the first of equal ones, along an axis and of all", () => {
    fc.assert(
      fc.property(ties, fc.boolean(), ([shape, axis, values], keepdims) => {
        const along = axis < 0 ? axis + shape.length : axis;
        if (shape[along] === 0) return;
        const x = tensor(Float32Array.from(values), { shape });
        const first = (best: (...values: number[]) => number) => (list: number[]) => list.indexOf(best(...list));
        const largest = argmax(x, axis, { keepdims });
        expect(largest.dtype).toBe("int32");
        expect(plain(largest)).toEqual(plain(reduceOver(naive(x), [along], keepdims, first(Math.max))));
        expect(plain(argmin(x, axis, { keepdims }))).toEqual(
          plain(reduceOver(naive(x), [along], keepdims, first(Math.min))),
        );
        if (values.length > 0) {
          expect(argmax(x).item()).toBe(first(Math.max)(values));
          expect(argmin(x, { keepdims: true }).shape).toEqual(shape.map(() => 1));
        }
      }),
    );
  });

  test("is that of the first NaN where there is one, and max and min are NaN", () => {
    const x = tensor([1, Number.NaN, 5, Number.NaN]);
    expect(argmax(x).item()).toBe(1);
    expect(argmin(x).item()).toBe(1);
    expect(max(x).item()).toBeNaN();
    expect(min(x).item()).toBeNaN();
  });

  test("is found where every element is -∞", () => {
    const x = tensor([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    expect(argmax(x).item()).toBe(0);
    expect(max(x).item()).toBe(Number.NEGATIVE_INFINITY);
  });

  test("is refused for nothing", () => {
    expect(() => argmax(zeros([0]))).toThrow(/empty set has no argmax/);
    expect(() => argmax(zeros([2, 0]), 1)).toThrow(/empty set has no argmax/);
    expect(argmax(zeros([0, 2]), 1).shape).toEqual([0]);
  });
});

describe("running sums", () => {
  test("add up along an axis", () => {
    fc.assert(
      fc.property(shapeAndAxis, fc.nat(), ({ shape, axis }, seed) => {
        const x = randn(shape, { dtype: "float64", generator: new Generator(seed) });
        const along = axis < 0 ? axis + shape.length : axis;
        const expected = build(shape, (index) =>
          total(
            Array.from({ length: index[along] + 1 }, (_, i) =>
              naive(x).at(index.map((own, k) => (k === along ? i : own))),
            ),
          ),
        );
        expectClose(cumsum(x, axis), expected, 1e-12);
      }),
    );
  });
});

describe("softmax", () => {
  const cases = fc.tuple(
    fc.array(
      axisLength.filter((length) => length > 0),
      { minLength: 1, maxLength: 3 },
    ),
    fc.nat(),
    fc.nat(),
  );

  test("is eˣ / Σ eˣ along an axis, and logSoftmax its logarithm", () => {
    fc.assert(
      fc.property(cases, ([shape, where, seed]) => {
        const axis = where % shape.length;
        const x = randn(shape, { dtype: "float64", generator: new Generator(seed) }).mul(3);
        const at = naive(x).at;
        const expected = build(shape, (index) => {
          const sums = Array.from({ length: shape[axis] }, (_, i) =>
            Math.exp(at(index.map((own, k) => (k === axis ? i : own)))),
          );
          return Math.exp(at(index)) / total(sums);
        });
        expectClose(softmax(x, axis), expected, 1e-12);
        expectClose(softmax(x, { axis: axis - shape.length }), expected, 1e-12);
        expectClose(
          logSoftmax(x, axis),
          build(shape, (index) => Math.log(expected.at(index))),
          1e-11,
        );
      }),
    );
  });

  test("and logsumexp do not overflow", () => {
    const x = tensor([1000, 1000, -1000]);
    expect(softmax(x).toArray()).toEqual([0.5, 0.5, 0]);
    expect(logSoftmax(x).data[2]).toBeCloseTo(-2000 - Math.log(2), 3);
    expect(logsumexp(x).item()).toBeCloseTo(1000 + Math.log(2), 4);
    expect(logsumexp(tensor([Number.POSITIVE_INFINITY, 0])).item()).toBe(Number.POSITIVE_INFINITY);
    expect(logsumexp(tensor([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY])).item()).toBe(
      Number.NEGATIVE_INFINITY,
    );
    expect(softmax(tensor([Number.NEGATIVE_INFINITY, 0])).toArray()).toEqual([0, 1]);
  });
});

test("sums of a million float32 are rounded once", () => {
  const x = tensor(new Float32Array(1_000_000).fill(0.1));
  expect(sum(x).item()).toBe(Math.fround(1_000_000 * Math.fround(0.1)));
});

test("the gradient of a norm at the origin is 0, at any order of the norm", () => {
  for (const ord of [1, 2, 3, Number.POSITIVE_INFINITY]) {
    const x = zeros([3], { requiresGrad: true });
    norm(x, { ord }).backward();
    expect(x.grad?.toArray()).toEqual([0, 0, 0]);
  }
});
