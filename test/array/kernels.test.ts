import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DType, newArray } from "../../src/array/dtype.js";
import { evaluateElementwise } from "../../src/array/elementwise.js";
import { type Expression, Recorder } from "../../src/array/expression.js";
import { elementwiseInto, multiplyInto } from "../../src/array/kernels.js";
import type { ArrayView } from "../../src/array/storage.js";
import { build, indicesOf, type Naive, spread, valuesOf } from "./oracles.js";

/** A view at an offset, with NaN around it. */
function viewOf(shape: readonly number[], dtype: DType, fill: (place: number) => number): ArrayView {
  const size = shape.reduce((product, length) => product * length, 1);
  const buffer = newArray(dtype, size + 9).fill(Number.NaN);
  for (let i = 0; i < size; i++) buffer[5 + i] = fill(i);
  return { dtype, shape, size, buffer, offset: 5 };
}

function naiveOf({ shape, buffer, offset }: ArrayView): Naive {
  return build(shape, (index) => buffer[offset + index.reduce((place, i, axis) => place * shape[axis] + i, 0)]);
}

function valuesIn({ buffer, offset, size }: ArrayView): number[] {
  return [...buffer.subarray(offset, offset + size)];
}

function isWrittenOnlyInside({ buffer, offset, size }: ArrayView): boolean {
  return [...buffer.subarray(0, offset), ...buffer.subarray(offset + size)].every(Number.isNaN);
}

const EXPRESSIONS: Record<string, (e: Recorder, a: number, b: number) => number> = {
  sum: (e, a, b) => e.add(a, b),
  relu: (e, a) => e.maximum(a, e.constant(0)),
  quotient: (e, a, b) => e.div(a, e.add(e.mul(b, b), e.constant(1))),
  choice: (e, a, b) => e.select(e.less(a, b), e.mul(a, e.constant(3)), e.neg(b)),
  exponential: (e, a, b) => e.exp(e.sub(a, b)),
  sigmoid: (e, a) => e.div(e.constant(1), e.add(e.constant(1), e.exp(e.neg(a)))),
  "hyperbolic tangent": (e, a, b) => e.mul(e.tanh(a), b),
  logarithm: (e, a, b) => e.log(e.add(e.abs(a), e.abs(b))),
  sine: (e, a, b) => e.add(e.sin(a), e.cos(b)),
  error: (e, a) => e.erf(a),
  root: (e, a) => e.sqrt(e.abs(a)),
};

function record(formula: (typeof EXPRESSIONS)[string]): Expression {
  const recorder = new Recorder();
  const inputs = [recorder.input(0), recorder.input(1)] as const;
  return recorder.finish(2, formula(recorder, ...inputs));
}

/** Shapes on both sides of the size at which another loop takes over, with every way to repeat. */
const PATTERNS: readonly (readonly [out: number[], a: number[], b: number[]])[] = [
  [[31], [31], [31]],
  [[33], [33], []],
  [[1000], [1], [1000]],
  [[7, 13], [7, 13], [13]],
  [
    [7, 13],
    [7, 1],
    [1, 13],
  ],
  [
    [5, 4, 9],
    [4, 9],
    [5, 1, 1],
  ],
  [
    [3, 1, 50],
    [3, 1, 50],
    [1, 50],
  ],
  [[4097], [4097], [4097]],
  [[64, 129], [64, 129], [129]],
];

describe.each(["float32", "float64"] as const)("elementwise kernels of %s", (dtype) => {
  const precision = dtype === "float32" ? 2 ** -20 : 2 ** -48;

  test.each(Object.entries(EXPRESSIONS))("of a %s agree with the plain loop, however operands repeat", (_, formula) => {
    const expression = record(formula);
    for (const [shape, ...operands] of PATTERNS) {
      const inputs = operands.map((operand, k) => viewOf(operand, dtype, (i) => 2.5 * Math.sin(i * (k + 0.7) + k)));
      const out = viewOf(shape, dtype, () => 0);
      const expected = viewOf(shape, "float64", () => 0);
      elementwiseInto(expression, out, inputs);
      evaluateElementwise(expression, expected, inputs);
      const values = valuesIn(expected);
      valuesIn(out).forEach((value, i) => {
        if (!(Math.abs(value - values[i]) <= precision * (1 + Math.abs(values[i])))) {
          expect.fail(`[${shape}], element ${i}: ${value}, plain ${values[i]}`);
        }
      });
      expect(isWrittenOnlyInside(out)).toBe(true);
    }
  });

  test("pass NaN and infinities on as the plain loop does", () => {
    const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 1e30, -1e30, 1e-30];
    for (const [name, formula] of Object.entries(EXPRESSIONS)) {
      const expression = record(formula);
      const a = viewOf([64], dtype, (i) => special[i % 8]);
      const b = viewOf([64], dtype, (i) => special[Math.floor(i / 8)]);
      const out = viewOf([64], dtype, () => 0);
      const expected = viewOf([64], dtype, () => 0);
      elementwiseInto(expression, out, [a, b]);
      evaluateElementwise(expression, expected, [a, b]);
      const values = valuesIn(expected);
      valuesIn(out).forEach((value, i) => {
        const operands = `${special[i % 8]}, ${special[Math.floor(i / 8)]}`;
        // Sums and products of huge float32 may overflow where double precision does not.
        if (dtype === "float32" && /1e\+?30/.test(operands)) return;
        const close = Math.abs(value - values[i]) <= precision * (1 + Math.abs(values[i]));
        if (!Object.is(value + 0, values[i] + 0) && !close) {
          expect.fail(`${name}(${operands}) gives ${value}, plain ${values[i]}`);
        }
      });
    }
  });
});

describe.each(["float32", "float64"] as const)("matrix products of %s", (dtype) => {
  /** Σ a[…, i, l] · b[…, l, j] with the flags read as swapped indices. */
  function oracle(
    a: Naive,
    b: Naive,
    batch: readonly number[],
    shape: readonly number[],
    k: number,
    tA: boolean,
    tB: boolean,
  ): Naive {
    const wide = (x: Naive) => spread(x, [...batch, ...x.shape.slice(-2)]);
    const [left, right] = [wide(a), wide(b)];
    return build(shape, (index) => {
      const lead = index.slice(0, -2);
      const [i, j] = index.slice(-2);
      let sum = 0;
      for (let l = 0; l < k; l++) {
        sum += left.at([...lead, ...(tA ? [l, i] : [i, l])]) * right.at([...lead, ...(tB ? [j, l] : [l, j])]);
      }
      return sum;
    });
  }

  const dimension = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 5, max: 20 }));

  test("are sums of products, transposed or not, batches repeated as they broadcast", () => {
    fc.assert(
      fc.property(
        fc.tuple(dimension, dimension, dimension),
        fc.boolean(),
        fc.boolean(),
        fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom("both", "a", "b")), { maxLength: 2 }),
        fc.nat({ max: 2 }),
        ([m, k, n], tA, tB, lead, drop) => {
          const batch = lead.map(([length]) => length);
          const aBatch = lead.map(([length, who]) => (who === "b" ? 1 : length));
          const bBatch = lead.map(([length, who]) => (who === "a" ? 1 : length));
          // Leading axes of length 1 may as well be missing.
          while (drop > 0 && bBatch[0] === 1) bBatch.shift();
          const a = viewOf([...aBatch, ...(tA ? [k, m] : [m, k])], dtype, (i) => Math.sin(i + 1));
          const b = viewOf([...bBatch, ...(tB ? [n, k] : [k, n])], dtype, (i) => Math.cos(3 * i));
          const out = viewOf([...batch, m, n], dtype, () => 0);
          multiplyInto(out, a, b, tA, tB);
          const expected = valuesOf(oracle(naiveOf(a), naiveOf(b), batch, out.shape, k, tA, tB));
          const tolerance = (dtype === "float32" ? 2 ** -22 : 2 ** -50) * (k + 1);
          valuesIn(out).forEach((value, i) => {
            expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(tolerance);
          });
          expect(isWrittenOnlyInside(out)).toBe(true);
        },
      ),
      { numRuns: 120 },
    );
  });

  test("agree at sizes where the packed kernels run", () => {
    for (const [m, k, n] of [
      [64, 64, 64],
      [65, 33, 70],
      [1, 300, 128],
      [130, 257, 1],
    ]) {
      for (const [tA, tB] of [
        [false, false],
        [true, false],
        [false, true],
      ]) {
        const a = viewOf(tA ? [k, m] : [m, k], dtype, (i) => Math.sin(i + 1));
        const b = viewOf(tB ? [n, k] : [k, n], dtype, (i) => Math.cos(3 * i));
        const out = viewOf([m, n], dtype, () => 0);
        multiplyInto(out, a, b, tA, tB);
        let worst = 0;
        for (const [i, j] of indicesOf([Math.min(m, 40), Math.min(n, 40)])) {
          const [row, column] = [m - 1 - i, n - 1 - j];
          let sum = 0;
          for (let l = 0; l < k; l++) {
            sum +=
              a.buffer[5 + (tA ? l * m + row : row * k + l)] * b.buffer[5 + (tB ? column * k + l : l * n + column)];
          }
          worst = Math.max(worst, Math.abs(out.buffer[5 + row * n + column] - sum));
        }
        expect(worst).toBeLessThan((dtype === "float32" ? 2 ** -22 : 2 ** -50) * k);
      }
    }
  });
});
