import fc from "fast-check";
import { expect, test } from "vitest";
import { simdLevel } from "../../../src/array/wasm/features.js";
import { matmulBatchWasm, matmulFlags, matmulWasm } from "../../../src/array/wasm/gemm.js";
import type { FloatArray } from "../../../src/array/wasm/scratch.js";
import { describeEachImplementation, type FloatArrayConstructor, random } from "./implementations.js";

interface Problem {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transA: boolean;
  readonly transB: boolean;
  readonly flags: number;
}

/** Operands inside larger arrays, at odd offsets, surrounded by NaN: reading or writing outside shows. */
function place(Type: FloatArrayConstructor, values: FloatArray, offset: number): FloatArray {
  const array = new Type(values.length + offset + 5).fill(Number.NaN);
  array.set(values, offset);
  return array;
}

/** The plain loop in double precision, and the sum of the products' magnitudes at each element. */
function definition(p: Problem, a: FloatArray, b: FloatArray, out: FloatArray, bias: FloatArray) {
  const values = new Float64Array(p.m * p.n);
  const magnitudes = new Float64Array(p.m * p.n);
  const [aRow, aStep] = p.transA ? [1, p.m] : [p.k, 1];
  const [bStep, bColumn] = p.transB ? [1, p.k] : [p.n, 1];
  for (let i = 0; i < p.m; i++) {
    for (let j = 0; j < p.n; j++) {
      let sum = p.flags & matmulFlags.accumulate ? out[i * p.n + j] : 0;
      let magnitude = Math.abs(sum);
      for (let t = 0; t < p.k; t++) {
        const product = a[i * aRow + t * aStep] * b[t * bStep + j * bColumn];
        sum += product;
        magnitude += Math.abs(product);
      }
      if (p.flags & matmulFlags.bias) {
        sum += bias[j];
        magnitude += Math.abs(bias[j]);
      }
      values[i * p.n + j] = p.flags & matmulFlags.relu && sum < 0 ? 0 : sum;
      magnitudes[i * p.n + j] = magnitude;
    }
  }
  return { values, magnitudes };
}

function fill(count: number, next: () => number, Type: FloatArrayConstructor): FloatArray {
  return new Type(count).map(() => next());
}

function check(Type: FloatArrayConstructor, p: Problem, seed: number): void {
  const next = random(seed);
  const a = fill(p.m * p.k, next, Type);
  const b = fill(p.k * p.n, next, Type);
  const bias = fill(p.n, next, Type);
  const before = fill(p.m * p.n, next, Type);
  const out = place(Type, before, 3);
  const done = matmulWasm(
    { buffer: out },
    3,
    { buffer: place(Type, a, 1) },
    1,
    { buffer: place(Type, b, 2) },
    2,
    p.m,
    p.n,
    p.k,
    p.transA,
    p.transB,
    p.flags,
    { buffer: place(Type, bias, 5) },
    5,
  );
  if (!done) {
    expect(p.m * p.n * p.k, "only small products are left to the plain loop").toBeLessThan(1000);
    expect(out.slice(3, 3 + p.m * p.n)).toEqual(before);
    return;
  }
  const { values, magnitudes } = definition(p, a, b, before, bias);
  const roundoff = Type === Float32Array ? 2 ** -24 : 2 ** -53;
  // The reference itself is rounded in double precision: twice the bound covers both.
  const bound = 2 * (p.k + 3) * roundoff;
  const wrong = values.findIndex((value, i) => !(Math.abs(out[3 + i] - value) <= bound * magnitudes[i]));
  expect(wrong, `first element outside of its bound, ${JSON.stringify(p)}`).toBe(-1);
  expect(Array.from(out.slice(0, 3)), "nothing is written before the result").toEqual([NaN, NaN, NaN]);
  expect(Array.from(out.slice(3 + values.length)), "nor after it").toEqual([NaN, NaN, NaN, NaN, NaN]);
}

const flagsCases = [
  0,
  matmulFlags.accumulate,
  matmulFlags.bias,
  matmulFlags.relu,
  matmulFlags.accumulate | matmulFlags.bias | matmulFlags.relu,
];

test("WASM SIMD is available where the tests run", () => {
  expect(simdLevel()).not.toBe("none");
});

describeEachImplementation("matmulWasm", (Type) => {
  test("gives the definition's value within the error bound, for any size, form and epilogue", () => {
    const extent = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 150 }));
    fc.assert(
      fc.property(
        extent,
        extent,
        extent,
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom(...flagsCases),
        fc.nat(),
        (m, n, k, transA, transB, flags, seed) => check(Type, { m, n, k, transA, transB, flags }, seed),
      ),
      { numRuns: 300 },
    );
  });

  test.each([
    // around the borders of cache blocks (96 rows, 192 or 256 steps, 1024 columns) and of copied blocks (1024)
    { m: 97, n: 15, k: 257 },
    { m: 191, n: 17, k: 513 },
    { m: 7, n: 1030, k: 40 },
    { m: 5, n: 1025, k: 193 },
    { m: 1025, n: 9, k: 30 },
    { m: 3, n: 5, k: 2050 },
    { m: 1030, n: 1, k: 1040 },
    { m: 1, n: 1030, k: 1040 },
  ])("handles the borders of its blocks: $m x $n x $k", (size) => {
    for (const transA of [false, true]) {
      for (const transB of [false, true]) {
        for (const flags of [0, 7]) check(Type, { ...size, transA, transB, flags }, size.m + flags);
      }
    }
  });

  test("leaves empty products to the caller", () => {
    const empty = new Type(0);
    expect(
      matmulWasm({ buffer: empty }, 0, { buffer: empty }, 0, { buffer: empty }, 0, 0, 100, 100, false, false),
    ).toBe(false);
    expect(
      matmulWasm(
        { buffer: new Type(10_000) },
        0,
        { buffer: empty },
        0,
        { buffer: empty },
        0,
        100,
        100,
        0,
        false,
        false,
      ),
    ).toBe(false);
  });

  test.each([
    { m: 9, n: 11, k: 13 },
    { m: 100, n: 90, k: 110 },
  ])("spreads NaN and infinities as the definition does, and nowhere else: $m x $n x $k", ({ m, n, k }) => {
    const a = new Type(m * k).fill(1);
    const b = new Type(k * n).fill(1);
    a[2 * k + 3] = Number.NaN;
    a[4 * k + 5] = Number.POSITIVE_INFINITY;
    b[7 * n + 6] = Number.NEGATIVE_INFINITY;
    a[5 * k + 7] = 0;
    const out = new Type(m * n);
    expect(matmulWasm({ buffer: out }, 0, { buffer: a }, 0, { buffer: b }, 0, m, n, k, false, false)).toBe(true);
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let t = 0; t < k; t++) sum += a[i * k + t] * b[t * n + j];
        expect(out[i * n + j], `element ${i}, ${j}`).toBe(sum);
      }
    }
    // 0 · -infinity and infinity - infinity were among them.
    expect(out[5 * n + 6]).toBeNaN();
    expect(out[4 * n + 6]).toBeNaN();
  });

  test("keeps denormals", () => {
    const tiny = Type === Float32Array ? 2 ** -149 : Number.MIN_VALUE;
    const out = new Type(256);
    matmulWasm(
      { buffer: out },
      0,
      { buffer: new Type(256).fill(tiny) },
      0,
      { buffer: new Type(256).fill(1) },
      0,
      16,
      16,
      16,
      false,
      false,
    );
    expect(Array.from(out)).toEqual(new Array(256).fill(16 * tiny));
  });

  test("relu keeps NaN and turns negative values into 0", () => {
    const a = new Type(256).fill(-1);
    a.fill(Number.NaN, 0, 16);
    const out = new Type(256);
    matmulWasm(
      { buffer: out },
      0,
      { buffer: a },
      0,
      { buffer: new Type(256).fill(1) },
      0,
      16,
      16,
      16,
      false,
      false,
      matmulFlags.relu,
    );
    expect(Array.from(out.slice(0, 16))).toEqual(new Array(16).fill(Number.NaN));
    expect(Array.from(out.slice(16))).toEqual(new Array(240).fill(0));
  });

  test("a batch equals its products one by one, also where they share an operand", () => {
    const extent = fc.integer({ min: 1, max: 24 });
    fc.assert(
      fc.property(
        fc.tuple(extent, extent, extent),
        fc.integer({ min: 1, max: 9 }),
        fc.tuple(fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean()),
        ([m, n, k], count, [transA, transB, shareA, shareB]) => {
          const next = random(m + 31 * n + 977 * k);
          const [aStep, bStep] = [shareA ? 0 : m * k, shareB ? 0 : k * n];
          const a = fill((shareA ? 1 : count) * m * k, next, Type);
          const b = fill((shareB ? 1 : count) * k * n, next, Type);
          const out = new Type(count * m * n + 2).fill(7);
          if (
            !matmulBatchWasm(
              { buffer: out },
              1,
              { buffer: a },
              0,
              { buffer: b },
              0,
              count,
              aStep,
              bStep,
              m,
              n,
              k,
              transA,
              transB,
            )
          ) {
            expect(count * m * n * k).toBeLessThan(1000);
            return;
          }
          expect([out[0], out[out.length - 1]]).toEqual([7, 7]);
          for (let i = 0; i < count; i++) {
            const problem = { m, n, k, transA, transB, flags: 0 };
            const single = a.slice(i * aStep, i * aStep + m * k);
            const other = b.slice(i * bStep, i * bStep + k * n);
            const { values } = definition(problem, single, other, single, single);
            const wrong = values.findIndex((value, j) => !(Math.abs(out[1 + i * m * n + j] - value) < 1e-5));
            expect(wrong, `product ${i}`).toBe(-1);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test("a batch of many or of large matrices is worked through in groups", () => {
    for (const { count, m } of [
      { count: 2000, m: 10 },
      { count: 3, m: 200 },
    ]) {
      const ones = new Type(count * m * m).fill(1);
      const out = new Type(count * m * m);
      expect(
        matmulBatchWasm(
          { buffer: out },
          0,
          { buffer: ones },
          0,
          { buffer: ones },
          0,
          count,
          m * m,
          m * m,
          m,
          m,
          m,
          false,
          true,
        ),
      ).toBe(true);
      expect(out.every((x) => x === m)).toBe(true);
    }
  });
});
