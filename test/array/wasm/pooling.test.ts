import fc from "fast-check";
import { expect, test } from "vitest";
import type { Window } from "../../../src/array/convolution.js";
import type { ArrayView } from "../../../src/array/storage.js";
import { argmaxWindowsWasm } from "../../../src/array/wasm/pooling.js";
import { describeEachImplementation, type FloatArrayConstructor } from "./implementations.js";

function images(Type: FloatArrayConstructor, shape: number[], values: readonly number[]): ArrayView {
  const size = shape.reduce((product, length) => product * length, 1);
  const buffer = new Type(size + 3);
  for (let i = 0; i < size; i++) buffer[3 + i] = values[i % values.length];
  return { dtype: Type === Float32Array ? "float32" : "float64", shape, size, buffer, offset: 3 };
}

function indices(shape: number[]): ArrayView {
  const size = shape.reduce((product, length) => product * length, 1);
  return { dtype: "int32", shape, size, buffer: new Int32Array(size + 4).fill(-7), offset: 2 };
}

/** The definition: the first NaN, or else the first of the largest, in row-major order. */
function winner(x: ArrayView, plane: number, oy: number, ox: number, window: Window): number {
  const [, , height, width] = x.shape;
  const taps: { index: number; value: number }[] = [];
  for (let ky = 0; ky < window.kernel[0]; ky++) {
    for (let kx = 0; kx < window.kernel[1]; kx++) {
      const iy = oy * window.stride[0] + ky * window.dilation[0];
      const ix = ox * window.stride[1] + kx * window.dilation[1];
      const index = iy * width + ix;
      taps.push({ index, value: x.buffer[x.offset + plane * height * width + index] });
    }
  }
  const nan = taps.find(({ value }) => Number.isNaN(value));
  const largest = Math.max(...taps.map(({ value }) => value));
  return (nan ?? taps.find(({ value }) => value === largest)!).index;
}

const pairOf = (min: number, max: number) => fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));

describeEachImplementation("argmaxWindowsWasm", (Type) => {
  test("finds the first largest element of every window, with ties, NaN and infinities", () => {
    let taken = 0;
    fc.assert(
      fc.property(
        fc.record({
          planes: pairOf(1, 4),
          size: pairOf(4, 19),
          kernel: pairOf(1, 4),
          stride: pairOf(1, 3),
          dilation: pairOf(1, 2),
          values: fc.array(fc.constantFrom(-1, 0, -0, 1, 2, Number.NaN, Infinity, -Infinity), {
            minLength: 7,
            maxLength: 97,
          }),
        }),
        ({ planes, size, kernel, stride, dilation, values }) => {
          const outLength = (axis: 0 | 1) =>
            Math.floor((size[axis] - dilation[axis] * (kernel[axis] - 1) - 1) / stride[axis]) + 1;
          const [outHeight, outWidth] = [outLength(0), outLength(1)];
          if (outHeight < 1 || outWidth < 1) return;
          const window: Window = { kernel, stride, padding: [0, 0], dilation };
          const x = images(Type, [...planes, ...size], values);
          const out = indices([...planes, outHeight, outWidth]);
          if (!argmaxWindowsWasm(out, x, window)) return;
          taken++;
          const expected: number[] = [];
          for (let plane = 0; plane < planes[0] * planes[1]; plane++)
            for (let oy = 0; oy < outHeight; oy++)
              for (let ox = 0; ox < outWidth; ox++) expected.push(winner(x, plane, oy, ox, window));
          expect(Array.from(out.buffer)).toEqual([-7, -7, ...expected, -7, -7]);
        },
      ),
      { numRuns: 200 },
    );
    expect(taken, "cases that were not left to the plain loop").toBeGreaterThan(50);
  });

  test("works through many planes in groups", () => {
    const window: Window = { kernel: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1] };
    const x = images(Type, [3, 30, 32, 32], [3, 1, 4, 1, 5, 9, 2, 6, 5]);
    const out = indices([3, 30, 16, 16]);
    expect(argmaxWindowsWasm(out, x, window)).toBe(true);
    for (const plane of [0, 31, 89]) {
      expect(out.buffer[2 + plane * 256 + 5 * 16 + 7]).toBe(winner(x, plane, 5, 7, window));
    }
  });

  test("leaves padded and tiny windows to the plain loop", () => {
    const x = images(Type, [4, 4, 32, 32], [1]);
    const padded: Window = { kernel: [2, 2], stride: [2, 2], padding: [1, 0], dilation: [1, 1] };
    expect(argmaxWindowsWasm(indices([4, 4, 17, 16]), x, padded)).toBe(false);
    const tiny = images(Type, [1, 1, 4, 4], [1]);
    expect(argmaxWindowsWasm(indices([1, 1, 2, 2]), tiny, { ...padded, padding: [0, 0] })).toBe(false);
  });
});
