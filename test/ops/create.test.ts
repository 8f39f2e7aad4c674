import {
  arange,
  type DType,
  eye,
  full,
  Generator,
  linspace,
  manualSeed,
  type NestedArray,
  ones,
  rand,
  randn,
  tensor,
  zeros,
} from "crease";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyShape, plain } from "../array/oracles.js";

const dtypes = ["float32", "float64", "int32"] as const satisfies readonly DType[];

describe("tensor(...)", () => {
  test("reads nested arrays of any shape, and toArray gives them back", () => {
    fc.assert(
      fc.property(
        anyShape.filter((lengths) => !lengths.includes(0)),
        fc.constantFrom(...dtypes),
        (shape, dtype) => {
          let next = 0;
          const nested = (axis: number): NestedArray =>
            axis === shape.length ? next++ : Array.from({ length: shape[axis] }, () => nested(axis + 1));
          const values = nested(0);
          const x = tensor(values, { dtype });
          expect([...x.shape]).toEqual(shape);
          expect([x.ndim, x.size, x.dtype]).toEqual([shape.length, next, dtype]);
          expect(x.toArray()).toEqual(values);
          expect([...x.data]).toEqual(Array.from({ length: next }, (_, i) => i));
        },
      ),
    );
  });

  test("is float32 unless told, and a typed array keeps its dtype", () => {
    expect(tensor([0.1]).dtype).toBe("float32");
    expect(tensor(0.1).item()).toBe(Math.fround(0.1));
    expect(tensor(0.1, { dtype: "float64" }).item()).toBe(0.1);
    expect(tensor(Float64Array.of(0.1)).dtype).toBe("float64");
    expect(tensor(Int32Array.of(3)).dtype).toBe("int32");
    expect(tensor(Float64Array.of(0.1), { dtype: "float32" }).item()).toBe(Math.fround(0.1));
  });

  test("copies what it is given, and `data` gives a copy", () => {
    for (const size of [3, 100]) {
      const given = new Float32Array(size).fill(1);
      const x = tensor(given);
      given.fill(2);
      x.data.fill(3);
      expect([...x.data]).toEqual(new Array(size).fill(1));
    }
  });

  test("takes a shape for a flat list", () => {
    expect(tensor(Float32Array.of(1, 2, 3, 4), { shape: [2, 2] }).toArray()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(tensor([1, 2, 3, 4], { shape: [4, 1] }).shape).toEqual([4, 1]);
    expect(tensor(5, { shape: [1, 1] }).toArray()).toEqual([[5]]);
  });

  test("empty arrays are tensors with an axis of length 0", () => {
    expect(tensor([]).shape).toEqual([0]);
    expect(zeros([2, 0]).toArray()).toEqual([[], []]);
    expect(() => tensor([[], []])).toThrow(/empty nested arrays.*zeros\(\[2, 0\]\)/);
  });

  test("int32 takes integers only", () => {
    expect(tensor([2 ** 31 - 1, -(2 ** 31)], { dtype: "int32" }).toArray()).toEqual([2 ** 31 - 1, -(2 ** 31)]);
    for (const wrong of [0.5, 2 ** 31, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => tensor([0, wrong], { dtype: "int32" })).toThrow(`${wrong} (element 1) is no 32-bit integer`);
      expect(() => tensor(Float64Array.of(wrong), { dtype: "int32" })).toThrow(/no 32-bit integer/);
      expect(() => full([2], wrong, { dtype: "int32" })).toThrow(/full: .*no 32-bit integer/);
    }
    expect(() => rand([2], { dtype: "int32" })).toThrow(/rand: random numbers are float32 or float64, got int32/);
  });
});

describe("filled tensors", () => {
  test.each(dtypes)("hold zeros, ones or a value, in %s", (dtype) => {
    expect(plain(zeros([2, 3], { dtype }))).toEqual({ shape: [2, 3], values: [0, 0, 0, 0, 0, 0] });
    expect(plain(ones([0, 2], { dtype }))).toEqual({ shape: [0, 2], values: [] });
    expect(ones([], { dtype }).item()).toBe(1);
    expect(full([2], 7, { dtype }).toArray()).toEqual([7, 7]);
    expect(full([2], 7, { dtype }).dtype).toBe(dtype);
  });

  test("arange counts from start, in steps, below stop", () => {
    expect(arange(4).toArray()).toEqual([0, 1, 2, 3]);
    expect(arange(2, 5).toArray()).toEqual([2, 3, 4]);
    expect(arange(5, 0, -2).toArray()).toEqual([5, 3, 1]);
    expect(arange(0, 1, 0.25).toArray()).toEqual([0, 0.25, 0.5, 0.75]);
    expect(arange(3, 1).toArray()).toEqual([]);
    expect(arange(0, 3, 1, { dtype: "int32" }).dtype).toBe("int32");
  });

  test("linspace holds both ends exactly", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -9, max: 9, noNaN: true }),
        fc.double({ min: -9, max: 9, noNaN: true }),
        fc.integer({ min: 2, max: 20 }),
        (start, stop, count) => {
          const { data } = linspace(start, stop, count, { dtype: "float64" });
          expect(data.length).toBe(count);
          expect([data[0] + 0, data[count - 1] + 0]).toEqual([start + 0, stop + 0]);
          for (let i = 0; i < count; i++) expect(data[i]).toBeCloseTo(start + ((stop - start) * i) / (count - 1), 12);
        },
      ),
    );
    expect(linspace(3, 9, 1).toArray()).toEqual([3]);
    expect(linspace(3, 9, 0).toArray()).toEqual([]);
  });

  test("eye has ones on the diagonal", () => {
    expect(eye(2).toArray()).toEqual([
      [1, 0],
      [0, 1],
    ]);
    expect(eye(3, 2).toArray()).toEqual([
      [1, 0],
      [0, 1],
      [0, 0],
    ]);
    expect(eye(1, 3).toArray()).toEqual([[1, 0, 0]]);
  });

  test("take a name and the wish for a gradient", () => {
    for (const x of [tensor([1], { name: "w", requiresGrad: true }), zeros([1], { name: "w", requiresGrad: true })]) {
      expect([x.name, x.requiresGrad, x.isLeaf, x.grad]).toEqual(["w", true, true, null]);
    }
  });
});

describe("random tensors", () => {
  test("repeat after manualSeed, and with a generator of the same seed", () => {
    for (const draw of [rand, randn]) {
      manualSeed(5);
      const first = draw([40]);
      const second = draw([40]);
      manualSeed(5);
      expect([...draw([40]).data]).toEqual([...first.data]);
      expect([...draw([40], { generator: new Generator(5) }).data]).toEqual([...first.data]);
      expect([...second.data]).not.toEqual([...first.data]);
    }
  });

  test("leave the default stream alone when they have their own", () => {
    manualSeed(5);
    const expected = rand([3]).toArray();
    manualSeed(5);
    randn([10], { generator: new Generator(1) });
    expect(rand([3]).toArray()).toEqual(expected);
  });

  test.each(["float32", "float64"] as const)("have the moments of their distribution, in %s", (dtype) => {
    const count = 50_000;
    const generator = new Generator(21);
    const uniform = rand([count], { dtype, generator });
    expect(uniform.max().item()).toBeLessThan(1);
    expect(uniform.min().item()).toBeGreaterThanOrEqual(0);
    expect(Math.abs(uniform.mean().item() - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / count));
    const normal = randn([count], { dtype, generator });
    expect(Math.abs(normal.mean().item())).toBeLessThan(5 / Math.sqrt(count));
    expect(Math.abs(normal.variance().item() - 1)).toBeLessThan(5 * Math.sqrt(2 / count));
  });

  test("of float32 and float64 are the same numbers, rounded", () => {
    const double = randn([20], { dtype: "float64", generator: new Generator(3) });
    const single = randn([20], { generator: new Generator(3) });
    expect([...single.data]).toEqual([...double.data].map(Math.fround));
  });
});
