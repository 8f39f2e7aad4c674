import fc from "fast-check";
import highsLoader, { type Highs } from "highs";
import { beforeAll, describe, expect, it } from "vitest";
import { LinearProgram, OPTIMAL, STOPPED } from "../../src/exact/linear-program.js";
import { invertIntegers, maximumSign, meetIntegers, valueAt } from "../../src/exact/linear-program-exact.js";
import { stream } from "../pwl/nets.js";

// the package is CommonJS whose export is the loader; its types say `default`
const loadHighs = highsLoader as unknown as () => Promise<Highs>;

interface Problem {
  readonly d: number;
  readonly rows: Float64Array;
  readonly count: number;
  readonly objective: Float64Array;
}

/** A feasible program in [-1, 1]^d; `whole` makes every number a small integer or half, so that ties abound. */
function problem(seed: number, whole: boolean): Problem {
  const next = stream(seed);
  const d = 1 + Math.floor(next() * 6);
  const count = Math.floor(next() * 14);
  const number = (): number => (whole ? Math.floor(next() * 5) - 2 : 2 * next() - 1);
  const inside = Array.from({ length: d }, () => (whole ? 0 : 1.6 * next() - 0.8));
  const rows = new Float64Array(count * (d + 1));
  for (let r = 0; r < count; r++) {
    let value = 0;
    for (let j = 0; j < d; j++) {
      rows[r * (d + 1) + j] = number();
      value += rows[r * (d + 1) + j] * inside[j];
    }
    rows[r * (d + 1) + d] = whole ? Math.floor(next() * 3) : 0.3 * next() - value;
  }
  const objective = Float64Array.from({ length: d + 1 }, number);
  return { d, rows, count, objective };
}

const box = (d: number): [Float64Array, Float64Array] => [new Float64Array(d).fill(-1), new Float64Array(d).fill(1)];
const tolerance = (count: number): Float64Array => new Float64Array(count).fill(1e-13);

function solve({ d, rows, count, objective }: Problem, limit = Number.NEGATIVE_INFINITY): [LinearProgram, number] {
  const program = new LinearProgram(d, ...box(d));
  return [program, program.maximize(rows, count, tolerance(count), objective, 0, 1, limit)];
}

/** The problem in CPLEX's text form. */
function asText({ d, rows, count, objective }: Problem): string {
  const sum = (from: Float64Array, first: number): string =>
    Array.from({ length: d }, (_, j) => `${from[first + j] < 0 ? "-" : "+"} ${Math.abs(from[first + j])} x${j}`).join(
      " ",
    );
  const lines = ["Maximize", ` obj: ${sum(objective, 0)}`, "Subject To", ` none: ${sum(new Float64Array(d), 0)} >= -1`];
  for (let r = 0; r < count; r++) lines.push(` r${r}: ${sum(rows, r * (d + 1))} >= ${-rows[r * (d + 1) + d]}`);
  lines.push("Bounds", ...Array.from({ length: d }, (_, j) => ` -1 <= x${j} <= 1`), "End");
  return lines.join("\n");
}

const integers = ({ d, rows, count }: Problem): bigint[][] => {
  const out: bigint[][] = [];
  for (let k = 0; k < 2 * d; k++) {
    out.push(Array.from({ length: d + 1 }, (_, c) => (c === d ? 1n : c === k >> 1 ? ((k & 1) === 0 ? 1n : -1n) : 0n)));
  }
  for (let r = 0; r < count; r++) out.push(Array.from(rows.subarray(r * (d + 1), (r + 1) * (d + 1)), BigInt));
  return out;
};

describe("the dual simplex", () => {
  let highs: Highs;
  beforeAll(async () => {
    highs = await loadHighs();
  });

  it.each([false, true])("finds the optimum that HiGHS finds (small integers: %s)", (whole) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), (seed) => {
        const p = problem(seed, whole);
        const [program, outcome] = solve(p);
        expect(outcome).toBe(OPTIMAL);
        const oracle = highs.solve(asText(p));
        expect(oracle.Status).toBe("Optimal");
        expect(program.value).toBeCloseTo((oracle.ObjectiveValue ?? Number.NaN) + p.objective[p.d], 7);
      }),
      { numRuns: 150 },
    );
  });

  it("ends at a feasible point that has the value, with a proven bound just above", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), fc.boolean(), (seed, whole) => {
        const p = problem(seed, whole);
        const [program] = solve(p);
        const { d, rows, count, objective } = p;
        for (let r = 0; r < count; r++) {
          let slack = rows[r * (d + 1) + d];
          for (let j = 0; j < d; j++) slack += rows[r * (d + 1) + j] * program.x[j];
          expect(slack).toBeGreaterThan(-1e-9);
        }
        const bound = program.upperBound(rows, tolerance(count), objective, 0, 1, 1e-14);
        expect(bound).toBeGreaterThanOrEqual(program.value - 1e-12);
        expect(bound).toBeLessThan(program.value + 1e-6);
      }),
    );
  });

  it("bounds every sampled feasible point from above, whatever multipliers it stopped with", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), (seed) => {
        const p = problem(seed, false);
        const { d, rows, count, objective } = p;
        const [whole] = solve(p);
        const [program, outcome] = solve(p, whole.value + 0.2); // stops early wherever it starts higher
        if (outcome !== STOPPED) return;
        const bound = program.upperBound(rows, tolerance(count), objective, 0, 1, 1e-14);
        const next = stream(seed);
        for (let k = 0; k < 200; k++) {
          const x = Array.from({ length: d }, () => 2 * next() - 1);
          const at = (from: Float64Array, first: number): number =>
            x.reduce((sum, value, j) => sum + from[first + j] * value, from[first + d]);
          if (Array.from({ length: count }, (_, r) => at(rows, r * (d + 1))).every((slack) => slack >= 0)) {
            expect(at(objective, 0)).toBeLessThanOrEqual(bound);
          }
        }
      }),
    );
  });
});

describe("the exact sign of a maximum", () => {
  it("is the sign of HiGHS's optimum where that is not tiny, from any start", async () => {
    const highs = await loadHighs();
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), (seed) => {
        const p = problem(seed, true);
        const rows = integers(p);
        const objective = Array.from(p.objective, BigInt);
        const sign = maximumSign(rows, objective);
        const value = (highs.solve(asText(p)).ObjectiveValue ?? Number.NaN) + p.objective[p.d];
        expect(sign).toBe(Math.abs(value) < 1e-7 ? 0 : Math.sign(value));
        const next = stream(seed);
        const start = Array.from({ length: p.d }, () => Math.floor(next() * rows.length));
        expect(maximumSign(rows, objective, start)).toBe(sign);
      }),
      { numRuns: 150 },
    );
  });

  it("tells 0 from 2^-200", () => {
    const box = [
      [1n, 0n],
      [-1n, 1n],
    ]; // 0 <= x <= 1
    expect(maximumSign([...box, [-(2n ** 200n), 1n]], [1n, 0n])).toBe(1); // x <= 2^-200
    expect(maximumSign([...box, [-1n, 0n]], [1n, 0n])).toBe(0); // x <= 0
    expect(maximumSign([...box, [-1n, 0n]], [2n ** 200n, -1n])).toBe(-1);
  });
});

describe("integer systems", () => {
  it("an inverse times its matrix is the determinant", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer(), (d, seed) => {
        const next = stream(seed);
        const rows = Array.from({ length: d }, () =>
          Array.from({ length: d + 1 }, () => BigInt(Math.floor(9 * next()) - 4)),
        );
        const inverse = invertIntegers(rows);
        if (inverse === undefined) return;
        expect(inverse.determinant > 0n).toBe(true);
        for (let i = 0; i < d; i++) {
          for (let j = 0; j < d; j++) {
            const entry = rows[i].slice(0, d).reduce((sum, a, k) => sum + a * inverse.adjugate[k][j], 0n);
            expect(entry).toBe(i === j ? inverse.determinant : 0n);
          }
        }
        const point = meetIntegers(rows)!;
        for (const row of rows) expect(valueAt(row, point)).toBe(0n);
      }),
    );
  });

  it("a singular one has none", () => {
    expect(
      invertIntegers([
        [1n, 2n, 0n],
        [2n, 4n, 1n],
      ]),
    ).toBeUndefined();
  });
});
