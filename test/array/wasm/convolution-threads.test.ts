import { setThreads } from "crease";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { type Window, windowCount } from "../../../src/array/convolution.js";
import type { ArrayView } from "../../../src/array/storage.js";
import {
  convolveInputGradientWasm,
  convolveKernelGradientWasm,
  convolveWasm,
} from "../../../src/array/wasm/convolution.js";
import { team } from "../../../src/array/wasm/threads.js";
import { type FloatArrayConstructor, random, types } from "./implementations.js";

afterEach(() => {
  setThreads(1);
});

interface Case {
  readonly batch: number;
  readonly groups: number;
  /** Of one group. */
  readonly channels: number;
  readonly kernels: number;
  readonly size: readonly [number, number];
  readonly window: Window;
}

/** At the middle of a larger array, whose other elements are NaN. */
function view(Type: FloatArrayConstructor, shape: number[], next: (() => number) | undefined): ArrayView {
  const size = shape.reduce((product, length) => product * length, 1);
  const buffer = new Type(size + 5).fill(Number.NaN);
  if (next !== undefined) for (let i = 0; i < size; i++) buffer[3 + i] = next();
  return { dtype: Type === Float32Array ? "float32" : "float64", shape, size, buffer, offset: 3 };
}

/** Computes y, dx, and dw: each gives the buffer of its result, with what stands around it. */
function calls(Type: FloatArrayConstructor, c: Case): (() => ArrayView["buffer"])[] {
  const { batch, groups, channels, kernels, size, window } = c;
  const next = random(7);
  const out = size.map((length, side) => windowCount(length, window, side as 0 | 1));
  const xShape = [batch, groups * channels, ...size];
  const yShape = [batch, groups * kernels, ...out];
  const wShape = [groups * kernels, channels, ...window.kernel];
  const [x, w, dy] = [xShape, wShape, yShape].map((shape) => view(Type, shape, next));
  const into = (shape: number[], compute: (to: ArrayView) => boolean) => () => {
    const to = view(Type, shape, undefined);
    expect(compute(to)).toBe(true);
    return to.buffer;
  };
  return [
    into(yShape, (y) => convolveWasm(y, x, w, window, groups)),
    into(xShape, (dx) => convolveInputGradientWasm(dx, dy, w, window, groups)),
    into(wShape, (dw) => convolveKernelGradientWasm(dw, x, dy, window, groups)),
  ];
}

const results = (Type: FloatArrayConstructor, c: Case) => calls(Type, c).map((call) => call());

/** How many elements differ. */
function differences(actual: ArrayView["buffer"], expected: ArrayView["buffer"]): number {
  expect(actual.length).toBe(expected.length);
  let count = 0;
  for (let i = 0; i < actual.length; i++) if (!Object.is(actual[i], expected[i])) count++;
  return count;
}

const pair = (min: number, max: number) => fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));

/** Convolutions that are large enough for threads. */
const large: fc.Arbitrary<Case> = fc
  .record({
    groups: fc.constantFrom(1, 1, 2, 3),
    channels: fc.integer({ min: 1, max: 9 }),
    kernels: fc.integer({ min: 1, max: 33 }),
    size: pair(12, 40),
    window: fc.record({ kernel: pair(1, 4), stride: pair(1, 2), padding: pair(0, 2), dilation: pair(1, 2) }),
  })
  .map((c) => {
    const positions = windowCount(c.size[0], c.window, 0) * windowCount(c.size[1], c.window, 1);
    const perImage = c.groups * c.kernels * c.channels * c.window.kernel[0] * c.window.kernel[1] * positions;
    return { ...c, batch: Math.ceil(20_000_000 / perImage) };
  })
  .filter(({ batch, groups, channels, kernels, size }) => {
    return batch * groups * (channels + kernels) * size[0] * size[1] < 5e6;
  });

test.each(types.map((Type) => [Type.name, Type] as const))(
  "forward and both gradients of %s are the same with one thread and with several, bit for bit",
  async (_, Type) => {
    await fc.assert(
      fc.asyncProperty(large, fc.integer({ min: 2, max: 4 }), async (c, threads) => {
        setThreads(1);
        const alone = results(Type, c);
        setThreads(threads);
        // Threads start, and then take part.
        for (let round = 0; round < 3; round++) {
          results(Type, c).forEach((array, i) => {
            expect(differences(array, alone[i])).toBe(0);
          });
          await new Promise((resolve) => setTimeout(resolve, 30));
        }
      }),
      { numRuns: 10 },
    );
  },
);

const plain: Window = { kernel: [3, 3], stride: [1, 1], padding: [1, 1], dilation: [1, 1] };

test.each(["forward", "the image's gradient", "the kernels' gradient"])("threads take part in %s", async (name) => {
  const c: Case = { batch: 16, groups: 1, channels: 16, kernels: 16, size: [32, 32], window: plain };
  const call = calls(Float32Array, c)[["forward", "the image's gradient", "the kernels' gradient"].indexOf(name)];
  const alone = call();
  setThreads(3);
  const deadline = Date.now() + 20_000;
  while (team()?.partsOfHelpers === 0 && Date.now() < deadline) {
    expect(differences(call(), alone)).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(team()?.partsOfHelpers).toBeGreaterThan(0);
});

test("more images than the shared memory takes at a time", () => {
  const c: Case = { batch: 48, groups: 1, channels: 3, kernels: 4, size: [256, 256], window: plain };
  const alone = results(Float32Array, c);
  setThreads(2);
  results(Float32Array, c).forEach((array, i) => {
    expect(differences(array, alone[i])).toBe(0);
  });
});
