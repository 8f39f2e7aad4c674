import { allOps, avgPool2d, backendInfo, conv2d, limitSimd, matmul, maxPool2d, rand, type Tensor } from "crease";
import { afterEach, describe, expect, test } from "vitest";
import { Generator } from "../../src/base/random.js";
import { inputsOf, leaf, run, samplesOf } from "./samples.js";

afterEach(() => limitSimd("relaxed"));

/** What `compute` gives by plain loops only. */
function plainly<T>(compute: () => T): T {
  limitSimd("none");
  try {
    return compute();
  } finally {
    limitSimd("relaxed");
  }
}

/** Largest difference, relative to the largest value. */
function difference(a: Tensor, b: Tensor): number {
  expect([a.shape, a.dtype]).toEqual([b.shape, b.dtype]);
  const [x, y] = [a.data, b.data];
  let largest = 0;
  let scale = 1e-30;
  for (let i = 0; i < x.length; i++) {
    if (!Object.is(x[i], y[i])) largest = Math.max(largest, Math.abs(x[i] - y[i]));
    scale = Math.max(scale, Math.abs(y[i]));
  }
  return largest / scale;
}

test("limitSimd makes plain loops compute, and backendInfo says so", () => {
  expect(plainly(backendInfo)).toMatchObject({ simd: "none", reason: 'limited to "none" by limitSimd' });
});

describe.each(["float32", "float64"] as const)("in %s, plain loops and the chosen kernels agree", (dtype) => {
  const tolerance = dtype === "float32" ? 2e-6 : 1e-14;

  test.each(allOps.filter((op) => op.kind !== "random").map((op) => [op.name, op] as const))(
    "on the samples of %s",
    (_, op) => {
      samplesOf(op).forEach((sample, i) => {
        const inputs = inputsOf(sample, i).map((input) => leaf(input, dtype));
        const plain = plainly(() => run(op, sample, inputs));
        expect(difference(run(op, sample, inputs), plain)).toBeLessThan(tolerance);
      });
    },
  );

  const generator = new Generator(5);
  const random = (shape: readonly number[]) => rand(shape, { dtype, generator, requiresGrad: true });
  const images = random([2, 4, 13, 11]);
  const kernels = random([6, 2, 3, 2]);
  const large: Record<string, readonly [inputs: readonly Tensor[], compute: () => Tensor]> = {
    "a convolution": [
      [images, kernels],
      () => conv2d(images, kernels, null, { stride: [2, 1], padding: [1, 2], groups: 2 }).square(),
    ],
    "a maximum over windows": [[images], () => maxPool2d(images, { kernel: 3, stride: 2 })],
    "a mean over windows": [[images], () => avgPool2d(images, { kernel: [2, 3] })],
    "a sum of everything": [[images], () => images.sum()],
    "sums of rows": [[images], () => images.sum([2, 3])],
    "sums of columns": [[images], () => images.sum([0, 1])],
    "sums of inner axes": [[images], () => images.sum([1, 3])],
  };
  const left = random([5, 7, 6]);
  for (const shape of [
    [5, 6, 9],
    [6, 9],
    [1, 6, 9],
    [3, 1, 6, 9],
  ]) {
    const right = random(shape);
    large[`products with [${shape}]`] = [[left, right], () => matmul(left, right)];
  }

  test.each(Object.entries(large))("on %s and its gradients", (_, [inputs, compute]) => {
    const all = () => {
      const value = compute();
      value.sum().backward();
      return [
        value,
        ...inputs.map((input) => {
          const { grad } = input;
          input.grad = null;
          return grad as Tensor;
        }),
      ];
    };
    const plain = plainly(all);
    all().forEach((value, i) => {
      expect(difference(value, plain[i])).toBeLessThan(tolerance);
    });
  });
});
