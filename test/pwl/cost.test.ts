import { describe, expect, test } from "vitest";
import type { Tensor } from "../../src/graph/tensor.js";
import * as nn from "../../src/nn/index.js";
import { add, avgPool2d, conv2d, flatten, matmul, maxPool2d, relu, tensor } from "../../src/ops/index.js";
import { evaluate } from "../../src/pwl/evaluate.js";
import { linearizeNet } from "../../src/pwl/linearize.js";
import { lower } from "../../src/pwl/read.js";
import { countsOf } from "../../src/pwl/text.js";
import { stream, vector } from "./nets.js";

/** Bytes of all Float64Arrays made while `fn` runs, and of the largest. */
function allocations(fn: () => unknown): { total: number; largest: number } {
  const original = globalThis.Float64Array;
  let total = 0;
  let largest = 0;
  class Counted extends original<ArrayBuffer> {
    constructor(...args: unknown[]) {
      super(...(args as [ArrayBuffer]));
      total += this.byteLength;
      largest = Math.max(largest, this.byteLength);
    }
  }
  globalThis.Float64Array = Counted as unknown as typeof original;
  try {
    fn();
  } finally {
    globalThis.Float64Array = original;
  }
  return { total, largest };
}

const next = stream(1);
const weights = (...shape: number[]): Tensor =>
  tensor(
    vector(
      next,
      shape.reduce((a, b) => a * b),
      0.3,
    ),
    { shape },
  );
const [k1, b1, k2, b2, w, b] = [
  weights(8, 1, 3, 3),
  weights(8),
  weights(16, 8, 3, 3),
  weights(16),
  weights(784, 10),
  weights(10),
];
const digits = (x: Tensor): Tensor => {
  const first = avgPool2d(relu(conv2d(x, k1, b1, { padding: 1 })), { kernel: 2 });
  const second = maxPool2d(relu(conv2d(first, k2, b2, { padding: 1 })), { kernel: 2 });
  return add(matmul(flatten(second, 1), w), b);
};

describe("a convolutional net of 784 inputs and 10,192 gates", () => {
  const net = lower(digits, { shape: [1, 28, 28] });
  const x = vector(next, 784);

  test("is linearized within 12 MB of arrays in all, the largest under 100 kB: a dense hidden-by-input matrix has 64 MB", () => {
    expect(countsOf(net).gates).toBe(10192);
    const { total, largest } = allocations(() => linearizeNet(net, x));
    expect(total).toBeLessThan(12e6);
    expect(largest).toBeLessThan(100e3);
    expect(total).toBeGreaterThan(10 * 784 * 8); // A at least: the count does count
  });

  test("is lowered to as many numbers as it has parameters, give or take the pooling kernels", () => {
    expect(countsOf(net).parameters).toBeLessThan(30e3);
  });
});

test("linearize of [2, 16, 16, 1] costs under 20 evaluations", () => {
  const net = lower(nn.mlp([2, 16, 16, 1]), { shape: [2] });
  const x = Float64Array.of(0.3, -0.7);
  const cost = (fn: () => unknown): number => {
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 10; round++) {
      const start = process.cpuUsage();
      for (let i = 0; i < 500; i++) fn();
      const { user, system } = process.cpuUsage(start);
      best = Math.min(best, user + system);
    }
    return best;
  };
  expect(cost(() => linearizeNet(net, x)) / cost(() => evaluate(net, x))).toBeLessThan(20);
});
