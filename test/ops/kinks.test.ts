import {
  abs,
  clamp,
  type DType,
  elu,
  floor,
  full,
  gradients,
  hardtanh,
  leakyRelu,
  max,
  maximum,
  maxPool2d,
  min,
  minimum,
  norm,
  prelu,
  relu,
  relu6,
  sign,
  type Tensor,
  tensor,
  where,
} from "crease";
import { describe, expect, test } from "vitest";

interface Kink {
  readonly what: string;
  readonly fn: (x: Tensor) => Tensor;
  readonly at: number;
  readonly value: number;
  readonly slope: number;
}

const f32 = Math.fround;

/** The value and the derivative at the kink itself: one answer in every part of Crease. */
const KINKS: readonly Kink[] = [
  { what: "relu at 0", fn: relu, at: 0, value: 0, slope: 0 },
  { what: "relu at -0", fn: relu, at: -0, value: 0, slope: 0 },
  { what: "abs at 0", fn: abs, at: 0, value: 0, slope: 0 },
  { what: "leakyRelu at 0", fn: (x) => leakyRelu(x, { slope: 0.25 }), at: 0, value: 0, slope: 0.25 },
  { what: "leakyRelu at 0, default slope", fn: (x) => leakyRelu(x), at: 0, value: 0, slope: 0.01 },
  { what: "prelu at 0", fn: (x) => prelu(x, 0.25), at: 0, value: 0, slope: 0.25 },
  { what: "clamp at its lower bound", fn: (x) => clamp(x, { min: -0.5, max: 1 }), at: -0.5, value: -0.5, slope: 0 },
  { what: "clamp at its upper bound", fn: (x) => clamp(x, { min: -0.5, max: 1 }), at: 1, value: 1, slope: 0 },
  { what: "clamp at a bound that float32 rounds", fn: (x) => clamp(x, { max: 0.7 }), at: 0.7, value: 0.7, slope: 0 },
  { what: "clamp of equal bounds", fn: (x) => clamp(x, { min: 1, max: 1 }), at: 1, value: 1, slope: 0 },
  { what: "clamp without bounds", fn: (x) => clamp(x), at: 1, value: 1, slope: 1 },
  { what: "relu6 at 0", fn: relu6, at: 0, value: 0, slope: 0 },
  { what: "relu6 at 6", fn: relu6, at: 6, value: 6, slope: 0 },
  { what: "hardtanh at -1", fn: (x) => hardtanh(x), at: -1, value: -1, slope: 0 },
  { what: "hardtanh at 1", fn: (x) => hardtanh(x), at: 1, value: 1, slope: 0 },
  {
    what: "hardtanh at a bound that float32 rounds",
    fn: (x) => hardtanh(x, { min: -0.1, max: 9 }),
    at: -0.1,
    value: -0.1,
    slope: 0,
  },
  { what: "maximum of a tie, first argument", fn: (x) => maximum(x, 2), at: 2, value: 2, slope: 0 },
  { what: "maximum of a tie, second argument", fn: (x) => maximum(2, x), at: 2, value: 2, slope: 1 },
  { what: "maximum with itself", fn: (x) => maximum(x, x), at: 2, value: 2, slope: 1 },
  { what: "minimum of a tie, first argument", fn: (x) => minimum(x, 2), at: 2, value: 2, slope: 0 },
  { what: "minimum of a tie, second argument", fn: (x) => minimum(2, x), at: 2, value: 2, slope: 1 },
  { what: "elu at 0", fn: (x) => elu(x, { alpha: 0.5 }), at: 0, value: 0, slope: 0.5 },
  { what: "sign at 0", fn: sign, at: 0, value: 0, slope: 0 },
  { what: "floor at an integer", fn: floor, at: 3, value: 3, slope: 0 },
  { what: "where of a condition that is 0", fn: (x) => where(x, x.mul(3), x.mul(5)), at: 0, value: 0, slope: 5 },
  { what: "square root by pow at 1", fn: (x) => x.pow(0.5), at: 1, value: 1, slope: 0.5 },
  { what: "pow 0 at 0", fn: (x) => x.pow(0), at: 0, value: 1, slope: 0 },
  { what: "pow 1 at 0", fn: (x) => x.pow(1), at: 0, value: 0, slope: 1 },
  { what: "pow 2 at 0", fn: (x) => x.pow(2), at: 0, value: 0, slope: 0 },
  { what: "pow of a tensor 0 at 0", fn: (x) => x.pow(full([], 0, { dtype: x.dtype })), at: 0, value: 1, slope: 0 },
  { what: "pow of a tensor 1 at 0", fn: (x) => x.pow(full([], 1, { dtype: x.dtype })), at: 0, value: 0, slope: 1 },
];

/** A scalar, a vector in plain loops, a vector long enough for SIMD. */
const SHAPES = [[], [1], [3], [64]];

describe.each(["float32", "float64"] as const satisfies readonly DType[])("in %s", (dtype) => {
  const round = dtype === "float32" ? f32 : (x: number) => x;

  test.each(KINKS.map((kink) => [kink.what, kink] as const))("%s", (_, { fn, at, value, slope }) => {
    for (const shape of SHAPES) {
      const leaf = () => full(shape, at, { dtype, requiresGrad: true });
      const x = leaf();
      const y = fn(x);
      const seed = full(shape, 1, { dtype });
      const ways: Record<string, ArrayLike<number>> = {
        "as ops": gradients(y, [x], { seed, createGraph: true })[0].data,
        fused: gradients(y, [x], { seed })[0].data,
      };
      y.backward({ seed });
      ways.backward = (x.grad as Tensor).data;
      // Beside an op that no scalar walk takes.
      const summed = leaf();
      fn(summed).sum().backward();
      ways["through a sum"] = (summed.grad as Tensor).data;
      for (const [way, gradient] of Object.entries(ways)) {
        for (const one of Array.from(gradient)) {
          expect([way, shape, one + 0]).toEqual([way, shape, round(slope)]);
        }
      }
      for (const one of y.data) expect(one + 0).toBe(round(value));
    }
  });
});

describe("of equal elements", () => {
  const gradientOf = (fn: (x: Tensor) => Tensor, values: number[] | number[][] | number[][][][]) => {
    const x = tensor(values, { requiresGrad: true });
    const [asOps] = gradients(fn(x).sum(), [x], { createGraph: true });
    fn(x).sum().backward();
    // Adding 0 turns -0 into 0.
    expect(x.grad?.add(0).toArray()).toEqual(asOps.add(0).toArray());
    return asOps.add(0).toArray();
  };

  test("max and min give the gradient to the first", () => {
    expect(gradientOf((x) => max(x), [1, 3, 3, 2])).toEqual([0, 1, 0, 0]);
    expect(gradientOf((x) => min(x), [3, 1, 1, 2])).toEqual([0, 1, 0, 0]);
    expect(
      gradientOf(
        (x) => max(x, 0),
        [
          [1, 2],
          [1, 2],
        ],
      ),
    ).toEqual([
      [1, 1],
      [0, 0],
    ]);
    expect(
      gradientOf(
        (x) => max(x, [0, 1]),
        [
          [1, 2],
          [1, 2],
        ],
      ),
    ).toEqual([
      [0, 1],
      [0, 0],
    ]);
  });

  test("max over axes that are not neighbours takes the first in row-major order", () => {
    const x = tensor(new Float32Array(8).fill(1), { shape: [2, 2, 2], requiresGrad: true });
    max(x, [0, 2]).sum().backward();
    expect(x.grad?.toArray()).toEqual([
      [
        [1, 0],
        [1, 0],
      ],
      [
        [0, 0],
        [0, 0],
      ],
    ]);
  });

  test("max-pooling gives the gradient to the first", () => {
    expect(
      gradientOf(
        (x) => maxPool2d(x, { kernel: 2 }),
        [
          [
            [
              [0, 5],
              [5, 5],
            ],
          ],
        ],
      ),
    ).toEqual([
      [
        [
          [0, 1],
          [0, 0],
        ],
      ],
    ]);
  });

  test("the largest norm gives the gradient to the first", () => {
    expect(gradientOf((x) => norm(x, { ord: Number.POSITIVE_INFINITY }), [1, -3, 3])).toEqual([0, -1, 0]);
  });
});
