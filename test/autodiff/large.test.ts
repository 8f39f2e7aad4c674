import {
  add,
  defineOp,
  gradients,
  graphLines,
  hessian,
  recordedGraph,
  type Tensor,
  tensor,
  trace,
  type Unary,
} from "crease";
import { describe, expect, test } from "vitest";

describe("a chain of a million ops", () => {
  test("of scalars goes forward, to text, and backward", () => {
    const x = tensor(1, { requiresGrad: true, dtype: "float64" });
    let y = x;
    const count = 1_000_000;
    for (let i = 0; i < count; i++) y = i % 2 === 0 ? y.add(x) : y.mul(0.5);
    const graph = recordedGraph(y);
    let lines = 0;
    let last = "";
    for (const line of graphLines(graph)) {
      lines++;
      last = line;
    }
    expect(lines).toBeGreaterThan(count);
    expect(last).toMatch(/^%\d+ = mul\(%\d+, %\d+\) : float64\[\] {2}→ output 0$/);
    y.backward();
    // y = (y + x) / 2 has the fixed point x, so y is x all along.
    expect(y.item()).toBeCloseTo(1, 12);
    expect(x.grad?.item()).toBeCloseTo(1, 12);
  });

  test("of vectors goes backward by tensors", () => {
    const x = tensor([1, 2], { requiresGrad: true });
    let y = x;
    for (let i = 0; i < 100_000; i++) y = y.neg();
    y.sum().backward();
    expect(x.grad?.toArray()).toEqual([1, 1]);
    // Recorded gradients, too, and the way to an intermediate.
    let z = x.mul(1);
    const middle = z;
    for (let i = 0; i < 20_000; i++) z = z.neg();
    const [first] = gradients(z.square().sum(), [middle], { createGraph: true });
    expect(gradients(first.sum(), [x])[0].toArray()).toEqual([2, 2]);
  });

  test("can be traced and differentiated as a function", () => {
    const long = (x: Tensor) => {
      let y = x;
      for (let i = 0; i < 3000; i++) y = y.mul(0.999);
      return y.square();
    };
    expect(trace(long, tensor(1)).nodes.length).toBe(2 * 3000 + 2);
    expect(hessian(long, tensor(1, { dtype: "float64" })).item()).toBeCloseTo(2 * 0.999 ** 6000, 12);
  });
});

describe("a graph with 2^60 paths", () => {
  test("is walked node by node: values, gradients, text", () => {
    for (const shape of [[], [2]]) {
      const x = tensor(new Float64Array(shape.length === 0 ? 1 : 2).fill(1), { shape, requiresGrad: true });
      let y = x;
      for (let i = 0; i < 60; i++) y = add(y, y);
      expect([...graphLines(recordedGraph(y))].length).toBe(61);
      y.sum().backward();
      expect(x.grad?.data[0]).toBe(2 ** 60);
    }
  });

  test("asks each rule once per edge", () => {
    let calls = 0;
    const counted = defineOp<Unary>({
      name: "counted",
      doc: "x",
      kind: "affine",
      shape: ([shape]) => shape,
      forward: (out, [x]) => {
        for (let i = 0; i < x.size; i++) out.buffer[out.offset + i] = x.buffer[x.offset + i];
      },
      vjp: [
        (dy) => {
          calls++;
          return dy;
        },
      ],
      samples: [{ inputs: [[1]] }],
    });
    const x = tensor([1], { requiresGrad: true, dtype: "float64" });
    let y = x;
    for (let i = 0; i < 40; i++) {
      const one = counted(y);
      y = one.add(one);
    }
    y.sum().backward();
    expect(calls).toBe(40);
    expect(x.grad?.item()).toBe(2 ** 40);
  });

  test("has a gradient of a gradient", () => {
    const x = tensor(1.5, { requiresGrad: true, dtype: "float64" });
    let y = x;
    // x^(2^5): n x^(n - 1), n (n - 1) x^(n - 2).
    for (let i = 0; i < 5; i++) y = y.mul(y);
    const [first] = gradients(y, [x], { createGraph: true });
    const [second] = gradients(first, [x]);
    expect(first.item() / (32 * 1.5 ** 31)).toBeCloseTo(1, 12);
    expect(second.item() / (32 * 31 * 1.5 ** 30)).toBeCloseTo(1, 12);
  });
});
