import fc from "fast-check";
import { expect, test } from "vitest";
import type { Window } from "../../../src/array/convolution.js";
import type { ArrayView } from "../../../src/array/storage.js";
import {
  convolveInputGradientWasm,
  convolveKernelGradientWasm,
  convolveWasm,
} from "../../../src/array/wasm/convolution.js";
import { describeEachImplementation, type FloatArrayConstructor, random } from "./implementations.js";

function view(Type: FloatArrayConstructor, shape: number[], next: () => number): ArrayView {
  const size = shape.reduce((product, length) => product * length, 1);
  const dtype = Type === Float32Array ? "float32" : "float64";
  const buffer = new Type(size + 5).fill(Number.NaN);
  for (let i = 0; i < size; i++) buffer[3 + i] = next();
  return { dtype, shape, size, buffer, offset: 3 };
}

interface Case {
  readonly batch: number;
  readonly groups: number;
  readonly channels: number;
  readonly kernels: number;
  readonly size: readonly [number, number];
  readonly window: Window;
}

/** Calls `visit` for every product of the convolution: flat indices into y, x and w. The definition, in seven loops. */
function products(c: Case, y: ArrayView, visit: (y: number, x: number, w: number) => void): void {
  const [, outChannels, outHeight, outWidth] = y.shape;
  const [kernelHeight, kernelWidth] = c.window.kernel;
  const [height, width] = c.size;
  for (let n = 0; n < c.batch; n++)
    for (let o = 0; o < outChannels; o++)
      for (let oy = 0; oy < outHeight; oy++)
        for (let ox = 0; ox < outWidth; ox++)
          for (let i = 0; i < c.channels; i++)
            for (let ky = 0; ky < kernelHeight; ky++)
              for (let kx = 0; kx < kernelWidth; kx++) {
                const iy = oy * c.window.stride[0] + ky * c.window.dilation[0] - c.window.padding[0];
                const ix = ox * c.window.stride[1] + kx * c.window.dilation[1] - c.window.padding[1];
                if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
                const channel = Math.floor(o / c.kernels) * c.channels + i;
                visit(
                  ((n * outChannels + o) * outHeight + oy) * outWidth + ox,
                  ((n * c.groups * c.channels + channel) * height + iy) * width + ix,
                  ((o * c.channels + i) * kernelHeight + ky) * kernelWidth + kx,
                );
              }
}

/** Every element is Σ of the products that the definition sends to it, within the bound for `terms` summands. */
function expectSums(
  actual: ArrayView,
  Type: FloatArrayConstructor,
  add: (put: (index: number, product: number) => void) => void,
): void {
  const sums = new Float64Array(actual.size);
  const magnitudes = new Float64Array(actual.size);
  const terms = new Int32Array(actual.size);
  add((index, product) => {
    sums[index] += product;
    magnitudes[index] += Math.abs(product);
    terms[index]++;
  });
  const roundoff = Type === Float32Array ? 2 ** -24 : 2 ** -53;
  const wrong = sums.findIndex((sum, i) => {
    const bound = 2 * (terms[i] + 2) * roundoff * magnitudes[i];
    return !(Math.abs(actual.buffer[actual.offset + i] - sum) <= bound);
  });
  expect(wrong, "first element outside of its bound").toBe(-1);
  expect(actual.buffer[actual.offset - 1], "nothing is written before the result").toBeNaN();
  expect(actual.buffer[actual.offset + actual.size], "nor after it").toBeNaN();
}

function check(c: Case, Type: FloatArrayConstructor, seed: number): boolean {
  const outLength = (axis: 0 | 1) =>
    Math.floor(
      (c.size[axis] + 2 * c.window.padding[axis] - c.window.dilation[axis] * (c.window.kernel[axis] - 1) - 1) /
        c.window.stride[axis],
    ) + 1;
  const [outHeight, outWidth] = [outLength(0), outLength(1)];
  if (outHeight < 1 || outWidth < 1) return false;
  const next = random(seed);
  const x = view(Type, [c.batch, c.groups * c.channels, ...c.size], next);
  const w = view(Type, [c.groups * c.kernels, c.channels, ...c.window.kernel], next);
  const dy = view(Type, [c.batch, c.groups * c.kernels, outHeight, outWidth], next);
  const y = view(Type, [...dy.shape], next);
  if (!convolveWasm(y, x, w, c.window, c.groups)) return false;
  expectSums(y, Type, (put) => products(c, y, (to, i, j) => put(to, x.buffer[x.offset + i] * w.buffer[w.offset + j])));
  const dx = view(Type, [...x.shape], next);
  expect(convolveInputGradientWasm(dx, dy, w, c.window, c.groups)).toBe(true);
  expectSums(dx, Type, (put) =>
    products(c, dy, (i, to, j) => put(to, dy.buffer[dy.offset + i] * w.buffer[w.offset + j])),
  );
  const dw = view(Type, [...w.shape], next);
  expect(convolveKernelGradientWasm(dw, x, dy, c.window, c.groups)).toBe(true);
  expectSums(dw, Type, (put) =>
    products(c, dy, (i, j, to) => put(to, dy.buffer[dy.offset + i] * x.buffer[x.offset + j])),
  );
  return true;
}

const pairOf = (min: number, max: number) => fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));

describeEachImplementation("convolution", (Type) => {
  test("is the sum of the definition's products, forward and in both gradients, for any window", () => {
    let taken = 0;
    fc.assert(
      fc.property(
        fc.record({
          batch: fc.integer({ min: 1, max: 3 }),
          groups: fc.integer({ min: 1, max: 2 }),
          channels: fc.integer({ min: 1, max: 4 }),
          kernels: fc.integer({ min: 1, max: 7 }),
          size: pairOf(5, 17),
          window: fc.record({
            kernel: pairOf(1, 4),
            stride: pairOf(1, 3),
            padding: pairOf(0, 2),
            dilation: pairOf(1, 2),
          }),
        }),
        fc.nat(),
        (c, seed) => {
          if (check(c, Type, seed)) taken++;
        },
      ),
      { numRuns: 120 },
    );
    expect(taken, "cases that were not left to the plain loop").toBeGreaterThan(50);
  });

  test("works through an image in several pieces", () => {
    const window: Window = { kernel: [5, 5], stride: [1, 1], padding: [2, 2], dilation: [1, 1] };
    expect(check({ batch: 1, groups: 1, channels: 9, kernels: 6, size: [40, 37], window }, Type, 1)).toBe(true);
  });

  test("leaves empty and tiny convolutions to the plain loop", () => {
    const window: Window = { kernel: [1, 1], stride: [1, 1], padding: [0, 0], dilation: [1, 1] };
    const empty = view(Type, [0, 1, 5, 5], () => 0);
    const w = view(Type, [1, 1, 1, 1], () => 1);
    expect(convolveWasm(empty, empty, w, window, 1)).toBe(false);
    const tiny = view(Type, [1, 1, 2, 2], () => 0);
    expect(convolveWasm(tiny, tiny, w, window, 1)).toBe(false);
  });
});
