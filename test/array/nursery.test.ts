import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DType } from "../../src/array/dtype.js";
import { isInNursery } from "../../src/array/nursery.js";
import { scratch } from "../../src/array/wasm/scratch.js";
import { defineOp, matmul, noGrad, ones, randn, relu, type Tensor, tensor, type Unary } from "../../src/index.js";

const endOfTurn = () => new Promise((resolve) => setTimeout(resolve, 0));

/** Enough results of ops for it to be used all over again. */
function disturb(): void {
  noGrad(() => {
    for (let i = 0; i < 3000; i++) ones([i % 2 === 0 ? 100 : 1000]).mul(Number.NaN);
  });
}

describe("the nursery", () => {
  test("is where results of ops of middle size are, until the end of the turn", async () => {
    const sizes = [1, 16, 17, 4096, 4097];
    const results = sizes.map((size) => ones([size]).mul(2));
    expect(results.map((one) => isInNursery(one.buffer))).toEqual([false, false, true, true, false]);
    await endOfTurn();
    expect(results.map((one) => isInNursery(one.buffer))).toEqual([false, false, false, false, false]);
    expect(results.every((one) => one.data.every((value) => value === 2))).toBe(true);
  });

  test("never holds what was made of the caller's numbers, nor what a user's op writes to", () => {
    const filled = defineOp<Unary>({
      name: "filled",
      doc: "3 wherever x is",
      kind: "step",
      shape: ([shape]) => shape,
      // Applies ops of its own after it looked where it writes to.
      forward: ({ buffer, offset, size }, [x]) => {
        let sum = x;
        for (let i = 0; i < 3000; i++) sum = noGrad(() => sum.mul(1));
        buffer.fill(3, offset, offset + size);
      },
      vjp: [null],
      samples: [{ inputs: [[2]] }],
    });
    const x = tensor(new Float32Array(100));
    expect(isInNursery(x.buffer)).toBe(false);
    expect([...filled(x).data]).toEqual(new Array(100).fill(3));
  });

  test("never holds what a user's op reads, forward and backward", () => {
    const held = defineOp<Unary>({
      name: "held",
      doc: "x²",
      kind: "smooth",
      shape: ([shape]) => shape,
      // Applies ops of its own after it looked at the array that it reads.
      forward: (out, [{ buffer, offset, size }]) => {
        disturb();
        for (let i = 0; i < size; i++) out.buffer[out.offset + i] = buffer[offset + i] ** 2;
      },
      vjp: [
        (dy, x, y) => {
          const looked = [dy, x, y].map(({ buffer, offset }) => ({ buffer, offset }));
          disturb();
          const [d, a, b] = looked.map(({ buffer, offset }) => buffer[offset + 99]);
          return ones(x.shape).mul((2 * d * b) / a);
        },
      ],
      samples: [{ inputs: [[2]] }],
    });
    const x = ones([100], { requiresGrad: true });
    const y = held(held(x.mul(2)).mul(0.5));
    expect([...y.data]).toEqual(new Array(100).fill(4));
    y.mul(3).sum().backward();
    expect([...(x.grad as Tensor).data]).toEqual(new Array(100).fill(48));
  });

  test("grows while an op writes its result there, whatever shape the result is given", () => {
    const elements = scratch().memory.buffer.byteLength / 8;
    const results = [true, false].map((keepdims, i) => {
      const x = ones([9, (i + 1) * elements], { dtype: "float64" });
      const before = scratch().memory.buffer.byteLength;
      const result = x.sum(1, { keepdims });
      expect(scratch().memory.buffer.byteLength).toBeGreaterThan(before);
      return [...result.data].map((value) => value / (i + 1));
    });
    expect(results).toEqual([new Array(9).fill(elements), new Array(9).fill(elements)]);
  });

  test("keeps every value that is held, across many zones, in either dtype, shared or assigned", () => {
    const values = fc.array(
      fc.record({
        size: fc.integer({ min: 1, max: 6000 }),
        dtype: fc.constantFrom<DType>("float32", "float64"),
        how: fc.constantFrom("result", "view", "assigned", "dropped", "large"),
      }),
      { minLength: 1, maxLength: 120 },
    );
    fc.assert(
      fc.property(values, (list) => {
        const held: { tensor: Tensor; value: number }[] = [];
        list.forEach(({ size, dtype, how }, i) => {
          const base = tensor(new Array(size).fill(i), { dtype });
          const result = base.add(0.5);
          if (how === "result") held.push({ tensor: result, value: i + 0.5 });
          if (how === "view") held.push({ tensor: result.reshape([1, size]).detach(), value: i + 0.5 });
          if (how === "assigned") {
            held.push({ tensor: base.assign_(result), value: i + 0.5 });
            // Another value takes its place; the one that it shared stays.
            held.push({ tensor: result, value: i + 0.5 });
            if (i % 2 === 0) {
              base.assign_(result.add(1));
              held[held.length - 2].value = i + 1.5;
            }
          }
          if (how === "large")
            held.push({
              tensor: ones([1 << 20])
                .mul(2)
                .sum()
                .mul(0)
                .add(i),
              value: i,
            });
        });
        for (const { tensor: one, value } of held) {
          const wrong = one.data.findIndex((element) => element !== value);
          expect(wrong).toBe(-1);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("lies where it lay when the memory of the kernels grows, while backward is under way, too", () => {
    const x = randn([40, 5]);
    x.requiresGrad = true;
    const before = scratch().memory.buffer.byteLength;
    // Grows the memory between the backward steps of two small ops.
    const grow = defineOp<Unary>({
      name: "grow",
      doc: "x",
      kind: "affine",
      scalar: (_, a) => a,
      vjp: [
        (dy) => {
          scratch().reserve(scratch().memory.buffer.byteLength + 100_000);
          return dy;
        },
      ],
      samples: [{ inputs: [[2]] }],
    });
    const hidden = relu(x.mul(2));
    const held = hidden.add(1);
    const kept = [...held.data];
    grow(hidden.mul(hidden)).mul(3).sum().backward();
    expect(scratch().memory.buffer.byteLength).toBeGreaterThan(before);
    expect([...held.data]).toEqual(kept);
    // The sum of 3 · relu(2x)².
    const gradient = (x.grad as Tensor).data;
    x.data.forEach((value, i) => {
      expect(gradient[i]).toBeCloseTo(value > 0 ? 24 * value : 0, 4);
    });
    expect([...matmul(held, ones([5, 20])).data].every(Number.isFinite)).toBe(true);
  });

  test("does not keep more than some megabytes of graphs alive within one turn", () => {
    // Each result is small, and what it was computed from is not; memory would pass 4 GB if all were kept.
    const big = randn([1_000_000]);
    big.requiresGrad = true;
    for (let i = 0; i < 1000; i++) big.mul(2).reshape([20, 50_000]).sum({ axis: 1 }).mul(1);
    expect(process.memoryUsage().arrayBuffers).toBeLessThan(1e9);
  });
});
