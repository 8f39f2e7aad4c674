import { matmul, randn, tensor, zeros } from "crease";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Generator } from "../../src/base/random.js";
import { broadcastShape, build, naive, plain, spread, valuesOf } from "../array/oracles.js";

const length = fc.integer({ min: 0, max: 4 });
const batches = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 2 });

/** NumPy's matmul in words: vectors become matrices, batches broadcast, the added axis goes again. */
test("multiplies as NumPy's matmul does, vectors, batches and empty axes too", () => {
  fc.assert(
    fc.property(
      fc.tuple(length, length, length),
      batches,
      batches,
      fc.boolean(),
      fc.boolean(),
      fc.nat(),
      ([m, k, n], aBatch, bBatch, aIsVector, bIsVector, seed) => {
        const generator = new Generator(seed);
        const a = randn(aIsVector ? [k] : [...aBatch, m, k], { dtype: "float64", generator });
        const b = randn(bIsVector ? [k] : [...bBatch, k, n], { dtype: "float64", generator });
        const rows = aIsVector ? 1 : m;
        const columns = bIsVector ? 1 : n;
        const batch = broadcastShape(aIsVector ? [] : aBatch, bIsVector ? [] : bBatch);
        if (batch === null) {
          expect(() => matmul(a, b)).toThrow(/do not broadcast/);
          return;
        }
        const left = spread(naive(aIsVector ? a.reshape([1, k]) : a), [...batch, rows, k]);
        const right = spread(naive(bIsVector ? b.reshape([k, 1]) : b), [...batch, k, columns]);
        const full = build([...batch, rows, columns], (index) => {
          const lead = index.slice(0, -2);
          let sum = 0;
          for (let l = 0; l < k; l++)
            sum += left.at([...lead, index[lead.length], l]) * right.at([...lead, l, index[lead.length + 1]]);
          return sum;
        });
        const product = matmul(a, b);
        expect(product.shape).toEqual([...batch, ...(aIsVector ? [] : [m]), ...(bIsVector ? [] : [n])]);
        const expected = valuesOf(full);
        plain(product).values.forEach((value, i) => {
          expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(1e-13 * (1 + Math.abs(expected[i])) * (k + 1));
        });
      },
    ),
    { numRuns: 300 },
  );
});

test("transposes without a copy give the product of transposed copies", () => {
  fc.assert(
    fc.property(
      fc.tuple(length, length, length),
      batches,
      fc.boolean(),
      fc.boolean(),
      fc.nat(),
      ([m, k, n], batch, transposeA, transposeB, seed) => {
        const generator = new Generator(seed);
        const a = randn([...batch, ...(transposeA ? [k, m] : [m, k])], { dtype: "float64", generator });
        const b = randn(transposeB ? [n, k] : [k, n], { dtype: "float64", generator });
        const straight = matmul(transposeA ? a.transpose() : a, transposeB ? b.transpose() : b);
        const flagged = matmul(a, b, { transposeA, transposeB });
        expect(flagged.shape).toEqual(straight.shape);
        plain(flagged).values.forEach((value, i) => {
          expect(Math.abs(value - plain(straight).values[i])).toBeLessThan(1e-13);
        });
      },
    ),
    { numRuns: 100 },
  );
});

test("an inner length of 0 gives zeros, of whatever batch", () => {
  expect(plain(matmul(zeros([2, 0]), zeros([0, 3])))).toEqual({ shape: [2, 3], values: [0, 0, 0, 0, 0, 0] });
  expect(matmul(zeros([2, 3, 0]), zeros([0, 4])).shape).toEqual([2, 3, 4]);
  expect(matmul(zeros([0, 3, 2]), zeros([2, 4])).shape).toEqual([0, 3, 4]);
});

test("mixed precision gives float64", () => {
  expect(matmul(tensor([[1]]), tensor([[2]], { dtype: "float64" })).dtype).toBe("float64");
});
