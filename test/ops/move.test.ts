import {
  arange,
  broadcastTo,
  compile,
  concat,
  flatten,
  gather,
  indexSelect,
  pad,
  permute,
  type Range,
  reshape,
  scatterAdd,
  slice,
  split,
  squeeze,
  stack,
  type Tensor,
  tensor,
  tile,
  transpose,
  unsqueeze,
  zeros,
} from "crease";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  anyShape,
  axisLength,
  broadcastable,
  broadcastShape,
  build,
  indicesOf,
  naive,
  plain,
  shapeAndAxis,
  spread,
  valuesOf,
} from "../array/oracles.js";

/** 0, 1, 2, …: every element is told apart. */
function counted(shape: readonly number[], dtype: "float32" | "float64" = "float64"): Tensor {
  return arange(
    shape.reduce((size, length) => size * length, 1),
    undefined,
    1,
    { dtype },
  ).reshape(shape);
}

const normal = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);

describe("moving values", () => {
  test("permute: index i of the result is index axes[i] of x", () => {
    const cases = anyShape.chain((shape) =>
      fc.tuple(fc.constant(shape), fc.shuffledSubarray([...shape.keys()], { minLength: shape.length })),
    );
    fc.assert(
      fc.property(cases, ([shape, axes]) => {
        const x = naive(counted(shape));
        const expected = build(
          axes.map((axis) => shape[axis]),
          (index) => x.at(shape.map((_, axis) => index[axes.indexOf(axis)])),
        );
        expect(plain(permute(counted(shape), axes))).toEqual(plain(expected));
        expect(
          plain(
            permute(
              counted(shape),
              axes.map((axis) => axis - shape.length),
            ),
          ),
        ).toEqual(plain(expected));
      }),
    );
  });

  test("transpose swaps two axes", () => {
    fc.assert(
      fc.property(shapeAndAxis, fc.nat(), ({ shape, axis }, other) => {
        const [i, j] = [normal(axis, shape.length), other % shape.length];
        const swapped = (list: readonly number[]) => list.map((_, k) => list[k === i ? j : k === j ? i : k]);
        const x = naive(counted(shape));
        expect(plain(transpose(counted(shape), axis, j))).toEqual(
          plain(build(swapped(shape), (index) => x.at(swapped(index)))),
        );
      }),
    );
    expect(transpose(zeros([2, 3, 4])).shape).toEqual([2, 4, 3]);
  });

  test("reshape, flatten, squeeze and unsqueeze keep the order of values", () => {
    fc.assert(
      fc.property(shapeAndAxis, ({ shape, axis }) => {
        const x = counted(shape);
        const values = plain(x).values;
        // A new axis may stand at either end: one place more than axes.
        const at = normal(axis, shape.length) + (axis < 0 ? 1 : 0);
        const wide = unsqueeze(x, axis < 0 ? at - shape.length - 1 : at);
        expect(plain(wide)).toEqual({ shape: [...shape.slice(0, at), 1, ...shape.slice(at)], values });
        expect(plain(squeeze(wide, at))).toEqual(plain(x));
        expect(plain(squeeze(x))).toEqual({ shape: shape.filter((length) => length !== 1), values });
        expect(plain(flatten(x))).toEqual({ shape: [values.length], values });
        expect(plain(reshape(flatten(x), shape))).toEqual(plain(x));
        if (values.length > 0) expect(plain(reshape(x, [-1])).shape).toEqual([values.length]);
      }),
    );
    expect(flatten(zeros([2, 3, 4, 5]), 1, 2).shape).toEqual([2, 12, 5]);
    expect(flatten(tensor(3)).shape).toEqual([1]);
    expect(reshape(zeros([0, 3]), [-1, 3]).shape).toEqual([0, 3]);
  });

  test("broadcastTo reads as if axes had been repeated", () => {
    fc.assert(
      fc.property(broadcastable(2), ([from, other]) => {
        const shape = broadcastShape(from, other) as number[];
        expect(plain(broadcastTo(counted(from), shape))).toEqual(plain(spread(naive(counted(from)), shape)));
      }),
    );
  });

  test("a shape that the caller changes afterwards stays as it was", () => {
    for (const make of [
      (shape: number[]) => broadcastTo(tensor(1), shape),
      (shape: number[]) => reshape(arange(6), shape),
      (shape: number[]) => zeros(shape),
      (shape: number[]) => tensor([1, 2, 3, 4, 5, 6], { shape }),
    ]) {
      const shape = [2, 3];
      const x = make(shape);
      shape[0] = 7;
      expect(x.shape).toEqual([2, 3]);
    }
  });
});

describe("slice", () => {
  /** Python's slice(start, stop, step).indices(length), walked. */
  function picked([start, stop, step]: Range, length: number): number[] {
    const by = step ?? 1;
    const bound = (value: number | null | undefined, open: number) => {
      if (value === null || value === undefined) return open;
      const from = value < 0 ? value + length : value;
      return by > 0 ? Math.min(Math.max(from, 0), length) : Math.min(Math.max(from, -1), length - 1);
    };
    const first = bound(start, by > 0 ? 0 : length - 1);
    const last = bound(stop, by > 0 ? length : -1);
    const found: number[] = [];
    for (let i = first; by > 0 ? i < last : i > last; i += by) found.push(i);
    return found;
  }

  const bound = fc.option(fc.integer({ min: -7, max: 7 }));
  const range = fc.tuple(bound, bound, fc.option(fc.integer({ min: -3, max: 3 }).filter((step) => step !== 0)));

  test("takes what Python's slices take", () => {
    const cases = anyShape.chain((shape) =>
      fc.tuple(fc.constant(shape), fc.array(fc.option(range), { maxLength: shape.length })),
    );
    fc.assert(
      fc.property(cases, ([shape, ranges]) => {
        const places = shape.map((length, axis) => picked(ranges[axis] ?? [null, null, null], length));
        const x = naive(counted(shape));
        const expected = build(
          places.map((list) => list.length),
          (index) => x.at(index.map((i, axis) => places[axis][i])),
        );
        expect(plain(slice(counted(shape), ranges))).toEqual(plain(expected));
      }),
      { numRuns: 400 },
    );
  });

  test("split gives consecutive slices that concat joins again", () => {
    fc.assert(
      fc.property(shapeAndAxis, fc.integer({ min: 1, max: 3 }), ({ shape, axis }, size) => {
        const x = counted(shape);
        const parts = split(x, size, axis);
        const length = shape[normal(axis, shape.length)];
        expect(parts.map((part) => part.shape[normal(axis, shape.length)])).toEqual(
          Array.from({ length: Math.ceil(length / size) }, (_, i) => Math.min(size, length - i * size)),
        );
        if (parts.length > 0) expect(plain(concat(parts, axis))).toEqual(plain(x));
      }),
    );
    expect(split(arange(6), [1, 0, 5]).map((part) => part.toArray())).toEqual([[0], [], [1, 2, 3, 4, 5]]);
  });

  test("pad surrounds with a value", () => {
    const cases = anyShape.chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        fc.array(fc.tuple(fc.nat({ max: 2 }), fc.nat({ max: 2 })), {
          minLength: shape.length,
          maxLength: shape.length,
        }),
        fc.constantFrom(0, -1.5),
      ),
    );
    fc.assert(
      fc.property(cases, ([shape, pads, value]) => {
        const x = naive(counted(shape));
        const padded = build(
          shape.map((length, axis) => length + pads[axis][0] + pads[axis][1]),
          (index) => {
            const inner = index.map((i, axis) => i - pads[axis][0]);
            return inner.every((i, axis) => i >= 0 && i < shape[axis]) ? x.at(inner) : value;
          },
        );
        expect(plain(pad(counted(shape), pads, value))).toEqual(plain(padded));
      }),
    );
  });
});

describe("joining", () => {
  test("concat puts tensors one after another along an axis", () => {
    const cases = shapeAndAxis.chain(({ shape, axis }) =>
      fc.tuple(fc.constant(shape), fc.constant(axis), fc.array(axisLength, { minLength: 1, maxLength: 3 })),
    );
    fc.assert(
      fc.property(cases, ([shape, axis, lengths]) => {
        const along = normal(axis, shape.length);
        const parts = lengths.map((length, k) =>
          counted(shape.map((own, at) => (at === along ? length : own))).add(1000 * k),
        );
        const places = parts.flatMap((part, k) =>
          Array.from({ length: lengths[k] }, (_, i) => ({ part: naive(part), i })),
        );
        const expected = build(
          shape.map((own, at) => (at === along ? places.length : own)),
          (index) => {
            const { part, i } = places[index[along]];
            return part.at(index.map((own, at) => (at === along ? i : own)));
          },
        );
        expect(plain(concat(parts, axis))).toEqual(plain(expected));
        expect(plain(concat(parts, { axis }))).toEqual(plain(expected));
      }),
    );
  });

  test("stack makes the number of the tensor an index", () => {
    fc.assert(
      fc.property(anyShape, fc.nat(), fc.integer({ min: 1, max: 3 }), (shape, where, count) => {
        const axis = where % (shape.length + 1);
        const parts = Array.from({ length: count }, (_, k) => counted(shape).add(1000 * k));
        const expected = build([...shape.slice(0, axis), count, ...shape.slice(axis)], (index) =>
          naive(parts[index[axis]]).at(index.filter((_, at) => at !== axis)),
        );
        expect(plain(stack(parts, axis))).toEqual(plain(expected));
        expect(plain(stack(parts, axis - shape.length - 1))).toEqual(plain(expected));
      }),
    );
  });

  test("two hundred thousand tensors are not too many", () => {
    const one = tensor([1]);
    expect(concat(new Array(200_000).fill(one)).sum().item()).toBe(200_000);
  });

  test("mixed precision gives float64", () => {
    expect(concat([tensor([1]), tensor([2], { dtype: "float64" })]).dtype).toBe("float64");
  });

  test("tile repeats whole tensors", () => {
    const cases = anyShape.chain((shape) =>
      fc.tuple(fc.constant(shape), fc.array(fc.nat({ max: 3 }), { minLength: shape.length, maxLength: shape.length })),
    );
    fc.assert(
      fc.property(cases, ([shape, counts]) => {
        const x = naive(counted(shape));
        expect(plain(tile(counted(shape), counts))).toEqual(
          plain(
            build(
              shape.map((length, axis) => length * counts[axis]),
              (index) => x.at(index.map((i, axis) => i % shape[axis])),
            ),
          ),
        );
      }),
    );
  });
});

describe("picking by index", () => {
  const cases = shapeAndAxis
    .filter(({ shape, axis }) => shape[normal(axis, shape.length)] > 0)
    .chain(({ shape, axis }) => {
      const along = normal(axis, shape.length);
      const picks = axisLength.chain((count) => {
        const indexShape = shape.map((length, at) => (at === along ? count : length));
        const size = indicesOf(indexShape).length;
        return fc.tuple(
          fc.constant(indexShape),
          fc.array(fc.nat({ max: shape[along] - 1 }), { minLength: size, maxLength: size }),
        );
      });
      return fc.tuple(fc.constant(shape), fc.constant(along), picks);
    });

  test("gather reads along the axis where the index says", () => {
    fc.assert(
      fc.property(cases, ([shape, axis, [indexShape, list]]) => {
        const x = naive(counted(shape));
        const index = tensor(Int32Array.from(list), { shape: indexShape });
        const at = naive(index);
        expect(plain(gather(counted(shape), axis, index))).toEqual(
          plain(build(indexShape, (place) => x.at(place.map((i, k) => (k === axis ? at.at(place) : i))))),
        );
      }),
    );
  });

  test("scatterAdd adds along the axis where the index says, also twice to one place", () => {
    fc.assert(
      fc.property(cases, ([shape, axis, [indexShape, list]]) => {
        const index = tensor(Int32Array.from(list), { shape: indexShape });
        const at = naive(index);
        const source = naive(counted(indexShape));
        const expected = naive(counted(shape));
        const sums = new Map(indicesOf(shape).map((place) => [place.join(), expected.at(place)]));
        for (const place of indicesOf(indexShape)) {
          const key = place.map((i, k) => (k === axis ? at.at(place) : i)).join();
          sums.set(key, (sums.get(key) as number) + source.at(place));
        }
        expect(plain(scatterAdd(counted(shape), axis, index, counted(indexShape)))).toEqual(
          plain(build(shape, (place) => sums.get(place.join()) as number)),
        );
      }),
    );
  });

  test("scatterAdd of mixed precision gives float64, and each gradient the dtype of its tensor", () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const source = tensor([0.1], { dtype: "float64", requiresGrad: true });
    const y = scatterAdd(x, 0, [1], source);
    expect(y.dtype).toBe("float64");
    expect(y.toArray()).toEqual([1, 2.1]);
    y.sum().backward();
    expect([x.grad?.dtype, source.grad?.dtype]).toEqual(["float32", "float64"]);
  });

  test("indexSelect follows an index that is an argument of a compiled function", () => {
    const x = counted([2, 3]);
    const select = compile((index: Tensor) => indexSelect(x, 1, index).mul(1));
    for (const list of [
      [0, 1],
      [2, 2],
      [1, 0],
    ]) {
      const index = tensor(list, { dtype: "int32" });
      expect(select(index).toArray()).toEqual(indexSelect(x, 1, index).toArray());
    }
  });

  test("the smallest of int32 is found as of floats", () => {
    expect(
      tensor([[3, -7, 2]], { dtype: "int32" })
        .argmin(1)
        .toArray(),
    ).toEqual([1]);
  });

  test("indexSelect takes whole slices, as int32 too", () => {
    fc.assert(
      fc.property(shapeAndAxis, fc.array(fc.nat(), { maxLength: 5 }), ({ shape, axis }, picks) => {
        const along = normal(axis, shape.length);
        if (shape[along] === 0) return;
        const list = picks.map((pick) => pick % shape[along]);
        const x = naive(counted(shape));
        const expected = build(
          shape.map((length, at) => (at === along ? list.length : length)),
          (index) => x.at(index.map((i, at) => (at === along ? list[i] : i))),
        );
        expect(plain(indexSelect(counted(shape), axis, list))).toEqual(plain(expected));
        expect(indexSelect(counted(shape).to("int32"), axis, list).dtype).toBe("int32");
      }),
    );
    expect(valuesOf(naive(indexSelect(arange(4), 0, tensor([3, 3], { dtype: "int32" }))))).toEqual([3, 3]);
  });
});
