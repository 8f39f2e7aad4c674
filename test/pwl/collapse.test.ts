import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PiecewiseLinearError } from "../../src/base/errors.js";
import { copyOf } from "../../src/graph/new-tensor.js";
import type { Tensor } from "../../src/graph/tensor.js";
import { trace } from "../../src/graph/trace.js";
import * as nn from "../../src/nn/index.js";
import {
  add,
  avgPool2d,
  batchNorm,
  conv2d,
  flatten,
  matmul,
  mean,
  mul,
  relu,
  reshape,
  tensor,
} from "../../src/ops/index.js";
import { collapse } from "../../src/pwl/collapse.js";
import { lower } from "../../src/pwl/read.js";
import { distance, integer, stream, vector } from "./nets.js";

/** A random function of a vector without gates: matrices, biases, residuals, means, scales. */
function linearOnly(seed: number): { fn: (x: Tensor) => Tensor; size: number } {
  const next = stream(seed);
  const size = integer(next, 1, 5);
  const depth = integer(next, 1, 6);
  const layers = Array.from({ length: depth }, () => {
    const w = tensor(vector(next, size * size, 1 / Math.sqrt(size)), { shape: [size, size] });
    const b = tensor(vector(next, size));
    const kind = integer(next, 0, 2);
    return (x: Tensor): Tensor => {
      const y = add(matmul(w, x), b);
      if (kind === 0) return y;
      return kind === 1 ? add(x, y) : add(y, mean(x));
    };
  });
  return { size, fn: (x) => layers.reduce((y, layer) => layer(y), x) };
}

describe("collapse", () => {
  test("any function without gates is A x + b, within the bound that rounding explains", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const { fn, size } = linearOnly(seed);
        const { A, b, difference, bound } = collapse(fn, { shape: [size] });
        const x = tensor(vector(stream(seed + 1), size));
        const value = copyOf(fn(x));
        const affine = b.data.map((sum, i) => {
          for (let j = 0; j < size; j++) sum += A.data[i * size + j] * copyOf(x)[j];
          return sum;
        });
        expect(distance(affine, value)).toBeLessThan(1e-4 * Math.max(1, ...value.map(Math.abs)));
        expect(difference).toBeLessThanOrEqual(bound);
        expect(bound).toBeLessThan(1e-2 * Math.max(1, ...A.data.map(Math.abs)));
      }),
    );
  });

  test("a deep module of Linear layers is the product of its matrices, and shows each product", () => {
    const net = nn.mlp([2, 3, 4, 1], { activation: "none" });
    const { A, b, steps, difference } = collapse(net, { steps: true });
    expect(A.shape).toEqual([1, 2]);
    expect(b.shape).toEqual([1]);
    expect(steps.map(({ A }) => A.shape)).toEqual([
      [3, 2],
      [4, 2],
      [1, 2],
    ]);
    expect(steps.map(({ name }) => name.split(" / ").at(-1))).toEqual(["0: Linear", "1: Linear", "2: Linear"]);
    const [w1] = net.parameters();
    expect(Array.from(steps[0].A.data)).toEqual(Array.from(copyOf(w1)));
    expect(steps[2].A.toArray()).toEqual(A.toArray());
    expect(difference).toBeLessThan(1e-6);
    // the product by hand, in double precision
    const [W1, , W2, , W3] = net.parameters().map((p) => p.toArray() as number[][]);
    const times = (left: number[][], right: number[][]) =>
      left.map((row) => right[0].map((_, j) => row.reduce((sum, value, k) => sum + value * right[k][j], 0)));
    expect(distance(A.data, times(W3, times(W2, W1)).flat())).toBeLessThan(1e-15);
  });

  test("images: convolution, average pooling, inference batch norm, reshape and residual sums", () => {
    const next = stream(4);
    const kernels = tensor(vector(next, 36), { shape: [2, 2, 3, 3] });
    const statistics = { runningMean: tensor([1, -1]), runningVariance: tensor([0.5, 2]) };
    const head = tensor(vector(next, 24), { shape: [3, 8] });
    const fn = (x: Tensor) => {
      const y = add(x, batchNorm(conv2d(x, kernels, null, { padding: 1 }), statistics));
      return matmul(head, reshape(flatten(avgPool2d(y, { kernel: 2 }), 1), [8]));
    };
    const { A, difference, bound, rounded } = collapse(fn, { shape: [2, 4, 4], steps: true });
    expect(A.shape).toEqual([3, 2, 4, 4]);
    expect(difference).toBeLessThanOrEqual(bound);
    expect(difference).toBeLessThan(1e-4);
    expect(rounded.length).toBeGreaterThan(0);
  });

  test("the first gate is named with its line", () => {
    const fn = (x: Tensor) => relu(relu(x));
    expect(() => collapse(fn, { shape: [2] })).toThrow(PiecewiseLinearError);
    expect(() => collapse(fn, { shape: [2] })).toThrow(/bends at relu \(%1, \[2\] at .*collapse\.test\.ts:\d+:\d+\)/);
    expect(() => collapse(lower(fn, { shape: [2] }))).toThrow(/bends at layer 1 "relu"/);
    expect(() => collapse(nn.mlp([2, 3, 1]))).toThrow(/bends at relu .*1: ReLU/);
  });

  test("graphs and nets collapse as they are", () => {
    const w = tensor([[2, 3]]);
    const graph = trace((x) => add(matmul(w, x), 1), tensor([0.5, -1]));
    for (const flat of [collapse(graph), collapse(lower(graph))]) {
      expect(flat.A.toArray()).toEqual([[2, 3]]);
      expect(flat.b.toArray()).toEqual([1]);
      expect(flat.difference).toBe(0);
    }
  });

  test("a constant function has A = 0", () => {
    const flat = collapse((x) => mul(x, 0), { shape: [2] });
    expect(flat.A.toArray()).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  test("an unknown option is not ignored", () => {
    expect(() => collapse((x: Tensor) => x, { shape: [2], step: true } as never)).toThrow(
      /collapse: unknown option "step"; known are input, shape, steps/,
    );
  });

  test("without a shape, only a module tells what it takes", () => {
    expect(() => collapse((x: Tensor) => x)).toThrow(
      /shape is not known: pass it, such as collapse\(net, \{ shape: \[2\] \}\)/,
    );
  });
});
