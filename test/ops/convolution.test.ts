import { avgPool2d, conv2d, maxPool2d, randn, type Tensor, tensor } from "crease";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ShapeError } from "../../src/base/errors.js";
import { Generator } from "../../src/base/random.js";
import { build, type Naive, naive, plain, valuesOf } from "../array/oracles.js";

const pair = (min: number, max: number) => fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));

function outLength(length: number, kernel: number, stride: number, padding: number, dilation: number): number {
  return Math.floor((length + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
}

/** Values of one window of a channel, null where it lies in the padding. */
function windowOf(
  x: Naive,
  [n, c, i, j]: readonly number[],
  kernel: readonly number[],
  stride: readonly number[],
  padding: readonly number[],
  dilation: readonly number[],
): (number | null)[] {
  const found: (number | null)[] = [];
  for (let k = 0; k < kernel[0]; k++) {
    for (let l = 0; l < kernel[1]; l++) {
      const row = i * stride[0] + k * dilation[0] - padding[0];
      const column = j * stride[1] + l * dilation[1] - padding[1];
      const inside = row >= 0 && row < x.shape[2] && column >= 0 && column < x.shape[3];
      found.push(inside ? x.at([n, c, row, column]) : null);
    }
  }
  return found;
}

function expectClose(actual: Tensor, expected: Naive): void {
  expect([...actual.shape]).toEqual([...expected.shape]);
  const values = valuesOf(expected);
  plain(actual).values.forEach((value, i) => {
    expect(Math.abs(value - values[i])).toBeLessThanOrEqual(1e-12 * (1 + Math.abs(values[i])));
  });
}

describe("conv2d", () => {
  const cases = fc.record({
    batch: fc.nat({ max: 2 }),
    groups: fc.integer({ min: 1, max: 2 }),
    inGroup: fc.integer({ min: 1, max: 2 }),
    outGroup: fc.integer({ min: 1, max: 2 }),
    image: pair(1, 6),
    kernel: pair(1, 3),
    stride: pair(1, 3),
    padding: pair(0, 2),
    dilation: pair(1, 3),
    biased: fc.boolean(),
    seed: fc.nat(),
  });

  test("is the sum over channels and kernel of image times weight", () => {
    fc.assert(
      fc.property(
        cases,
        ({ batch, groups, inGroup, outGroup, image, kernel, stride, padding, dilation, biased, seed }) => {
          const generator = new Generator(seed);
          const x = randn([batch, groups * inGroup, ...image], { dtype: "float64", generator });
          const w = randn([groups * outGroup, inGroup, ...kernel], { dtype: "float64", generator });
          const bias = biased ? randn([groups * outGroup], { dtype: "float64", generator }) : null;
          const [height, width] = [0, 1].map((side) =>
            outLength(image[side], kernel[side], stride[side], padding[side], dilation[side]),
          );
          const run = () => conv2d(x, w, bias, { stride, padding, dilation, groups });
          if (height < 1 || width < 1) {
            expect(run).toThrow(ShapeError);
            expect(run).toThrow(/does not fit an image/);
            return;
          }
          const image4 = naive(x);
          const weights = naive(w);
          expectClose(
            run(),
            build([batch, groups * outGroup, height, width], ([n, o, i, j]) => {
              let sum = biased ? (bias as Tensor).data[o] : 0;
              for (let c = 0; c < inGroup; c++) {
                const channel = Math.floor(o / outGroup) * inGroup + c;
                windowOf(image4, [n, channel, i, j], kernel, stride, padding, dilation).forEach((value, at) => {
                  sum += (value ?? 0) * weights.at([o, c, Math.floor(at / kernel[1]), at % kernel[1]]);
                });
              }
              return sum;
            }),
          );
        },
      ),
      { numRuns: 150 },
    );
  });

  test("takes one number for both sides", () => {
    const x = randn([1, 1, 7, 7]);
    const w = randn([1, 1, 3, 3]);
    expect(plain(conv2d(x, w, null, { stride: 2, padding: 1 }))).toEqual(
      plain(conv2d(x, w, null, { stride: [2, 2], padding: [1, 1] })),
    );
  });
});

describe("pooling", () => {
  const cases = fc.record({
    image: pair(1, 6),
    kernel: pair(1, 3),
    stride: pair(1, 3),
    dilation: pair(1, 2),
    padded: fc.tuple(fc.boolean(), fc.boolean()),
    seed: fc.nat(),
  });

  test("takes the largest of each window, and padding never wins", () => {
    fc.assert(
      fc.property(cases, ({ image, kernel, stride, dilation, padded, seed }) => {
        // All negative, so that a zero of the padding would win.
        const x = randn([2, 2, ...image], { dtype: "float64", generator: new Generator(seed) })
          .abs()
          .neg();
        const padding = [0, 1].map((side) => (padded[side] ? Math.floor(kernel[side] / 2) : 0)) as [number, number];
        const [height, width] = [0, 1].map((side) =>
          outLength(image[side], kernel[side], stride[side], padding[side], dilation[side]),
        );
        const run = () => maxPool2d(x, { kernel, stride, padding, dilation });
        if (height < 1 || width < 1) {
          expect(run).toThrow(/does not fit an image/);
          return;
        }
        const expected = build([2, 2, height, width], (index) =>
          Math.max(
            ...windowOf(naive(x), index, kernel, stride, padding, dilation).map(
              (value) => value ?? Number.NEGATIVE_INFINITY,
            ),
          ),
        );
        if (valuesOf(expected).includes(Number.NEGATIVE_INFINITY)) {
          expect(run).toThrow(ShapeError);
          expect(run).toThrow(/window .*lies wholly in the padding/);
          return;
        }
        expectClose(run(), expected);
      }),
      { numRuns: 200 },
    );
  });

  test("averages each window, padding counted as zeros", () => {
    fc.assert(
      fc.property(cases, ({ image, kernel, stride, padded, seed }) => {
        const x = randn([2, 3, ...image], { dtype: "float64", generator: new Generator(seed) });
        const padding = [0, 1].map((side) => (padded[side] ? Math.floor(kernel[side] / 2) : 0)) as [number, number];
        const [height, width] = [0, 1].map((side) =>
          outLength(image[side], kernel[side], stride[side], padding[side], 1),
        );
        if (height < 1 || width < 1) return;
        expectClose(
          avgPool2d(x, { kernel, stride, padding }),
          build([2, 3, height, width], (index) => {
            const values = windowOf(naive(x), index, kernel, stride, padding, [1, 1]);
            return values.reduce<number>((sum, value) => sum + (value ?? 0), 0) / values.length;
          }),
        );
      }),
      { numRuns: 80 },
    );
  });

  test("steps by its kernel unless told, and takes the first of equal ones", () => {
    const x = tensor(
      [
        [
          [
            [1, 1, 0, 2],
            [1, 1, 2, 2],
          ],
        ],
      ],
      { requiresGrad: true },
    );
    const y = maxPool2d(x, { kernel: 2 });
    expect(y.toArray()).toEqual([[[[1, 2]]]]);
    y.sum().backward();
    expect(x.grad?.toArray()).toEqual([
      [
        [
          [1, 0, 0, 1],
          [0, 0, 0, 0],
        ],
      ],
    ]);
  });

  test("passes NaN on", () => {
    const x = tensor([
      [
        [
          [1, Number.NaN],
          [3, 2],
        ],
      ],
    ]);
    expect(maxPool2d(x, { kernel: 2 }).item()).toBeNaN();
  });
});
