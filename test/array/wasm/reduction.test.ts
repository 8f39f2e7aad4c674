import fc from "fast-check";
import { expect, test } from "vitest";
import { sumWasm } from "../../../src/array/wasm/reduction.js";
import { describeEachImplementation, type FloatArrayConstructor, random } from "./implementations.js";

function check(Type: FloatArrayConstructor, rows: number, columns: number, over: "rows" | "columns", seed: number) {
  const next = random(seed);
  const x = new Type(rows * columns + 3).fill(Number.NaN);
  for (let i = 0; i < rows * columns; i++) x[2 + i] = next();
  const count = over === "rows" ? rows : columns;
  const out = new Type(count + 4).fill(7);
  expect(sumWasm({ buffer: out }, 3, { buffer: x }, 2, rows, columns, over)).toBe(true);
  const sums = new Float64Array(count);
  const magnitudes = new Float64Array(count);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const value = x[2 + i * columns + j];
      sums[over === "rows" ? i : j] += value;
      magnitudes[over === "rows" ? i : j] += Math.abs(value);
    }
  }
  const terms = over === "rows" ? columns : rows;
  // In double precision, rounded once at the end: half a unit of the result's type.
  const rounding = Type === Float32Array ? 2 ** -24 : 0;
  const wrong = sums.findIndex((sum, i) => {
    return !(Math.abs(out[3 + i] - sum) <= rounding * Math.abs(sum) + 2 * terms * 2 ** -53 * magnitudes[i]);
  });
  expect(wrong, `first sum outside of its bound, ${rows} x ${columns} over ${over}`).toBe(-1);
  expect([...out.slice(0, 3), out[3 + count]]).toEqual([7, 7, 7, 7]);
}

describeEachImplementation("sumWasm", (Type) => {
  test("adds up rows and columns in double precision, for any size and offset", () => {
    const extent = fc.integer({ min: 1, max: 70 });
    fc.assert(
      fc.property(
        extent,
        extent,
        fc.constantFrom("rows" as const, "columns" as const),
        fc.nat(),
        (rows, columns, over, seed) => {
          if (rows * columns >= 256) check(Type, rows, columns, over, seed);
        },
      ),
      { numRuns: 200 },
    );
  });

  test.each([
    [1, 200_001],
    [3, 70_000],
    [70_000, 3],
    [200_001, 1],
  ])("works through large matrices piece by piece: %i x %i", (rows, columns) => {
    check(Type, rows, columns, "rows", 1);
    check(Type, rows, columns, "columns", 2);
  });

  test("spreads NaN and infinities only to their own row or column", () => {
    const x = new Type(400).fill(1);
    x[3 * 20 + 5] = Number.NaN;
    x[7 * 20 + 11] = Number.POSITIVE_INFINITY;
    for (const [over, nan, infinite] of [
      ["rows", 3, 7],
      ["columns", 5, 11],
    ] as const) {
      const out = new Type(20);
      expect(sumWasm({ buffer: out }, 0, { buffer: x }, 0, 20, 20, over)).toBe(true);
      out.forEach((sum, i) => {
        expect(sum).toBe(i === nan ? Number.NaN : i === infinite ? Number.POSITIVE_INFINITY : 20);
      });
    }
  });

  test("leaves small and empty sums to the plain loop", () => {
    expect(sumWasm({ buffer: new Type(5) }, 0, { buffer: new Type(50) }, 0, 5, 10, "rows")).toBe(false);
    expect(sumWasm({ buffer: new Type(5) }, 0, { buffer: new Type(0) }, 0, 5, 0, "rows")).toBe(false);
  });
});
