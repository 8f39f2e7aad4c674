/**
 * The sign of an affine function's largest value over a polytope, in integers: what decides where the floating-point
 * answer of `LinearProgram` is not proven. Dual simplex with Bland's rule, each basis solved afresh without division
 * (Bareiss, "Sylvester's identity and multistep integer-preserving Gaussian elimination", 1968).
 */

import { CreaseError } from "../base/errors.js";

/** `a · x + b >= 0`, times any positive factor. */
export type IntegerRow = readonly bigint[];

/** A square integer system solved: `inverse = adjugate / determinant`; undefined for a singular one. */
export interface IntegerInverse {
  readonly adjugate: readonly (readonly bigint[])[];
  readonly determinant: bigint;
}

/** Inverts the first d columns of d rows, fraction-free. The determinant is made positive. */
export function invertIntegers(rows: readonly IntegerRow[]): IntegerInverse | undefined {
  const d = rows.length;
  const work = rows.map((row, i) => [...row.slice(0, d), ...Array.from({ length: d }, (_, j) => (i === j ? 1n : 0n))]);
  let previous = 1n;
  for (let k = 0; k < d; k++) {
    let pivot = k;
    while (pivot < d && work[pivot][k] === 0n) pivot++;
    if (pivot === d) return undefined;
    if (pivot !== k) {
      const swapped = work[pivot];
      work[pivot] = work[k];
      work[k] = swapped.map((x) => -x);
    }
    const head = work[k][k];
    for (let i = 0; i < d; i++) {
      if (i === k) continue;
      const factor = work[i][k];
      for (let j = 0; j < 2 * d; j++) work[i][j] = (work[i][j] * head - factor * work[k][j]) / previous;
    }
    previous = head;
  }
  const sign = previous < 0n ? -1n : 1n;
  return {
    adjugate: work.map((row) => row.slice(d).map((x) => sign * x)),
    determinant: sign * previous,
  };
}

/** The common point of d independent hyperplanes, homogeneous: d numerators, then a positive denominator. */
export function meetIntegers(rows: readonly IntegerRow[]): bigint[] | undefined {
  const inverse = invertIntegers(rows);
  if (inverse === undefined) return undefined;
  const d = rows.length;
  const point = inverse.adjugate.map((line) => line.reduce((sum, a, k) => sum - a * rows[k][d], 0n));
  point.push(inverse.determinant);
  return point;
}

/** A function times the denominator of a homogeneous point. */
export function valueAt(row: IntegerRow, point: readonly bigint[]): bigint {
  let sum = 0n;
  for (let c = 0; c < point.length; c++) sum += row[c] * point[c];
  return sum;
}

const sign = (x: bigint): number => (x > 0n ? 1 : x < 0n ? -1 : 0);

/**
 * The sign of the maximum of `objective` over `rows`, whose first 2d are a box: row 2j `x_j >= low`, row 2j + 1
 * `x_j <= high`. A maximum of 0 is 0. The polytope must not be empty.
 *
 * @param start a basis (d row numbers) to try first; the box's best corner otherwise.
 * @throws CreaseError when the rows have no common point.
 */
export function maximumSign(rows: readonly IntegerRow[], objective: IntegerRow, start?: readonly number[]): number {
  const d = objective.length - 1;
  let basis = start === undefined ? undefined : [...start];
  for (;;) {
    const corner = basis === undefined;
    basis ??= Array.from({ length: d }, (_, j) => (objective[j] >= 0n ? 2 * j + 1 : 2 * j));
    const inverse = invertIntegers(basis.map((r) => rows[r]));
    if (inverse === undefined) {
      basis = undefined; // the float basis was singular: start from the corner
      continue;
    }
    const { adjugate, determinant } = inverse;
    // direction i is column i of the inverse; multipliers are minus the objective along it
    const multipliers = basis.map((_, i) => -adjugate.reduce((sum, line, j) => sum + objective[j] * line[i], 0n));
    const point = adjugate.map((line) => line.reduce((sum, a, k) => sum - a * rows[basis![k]][d], 0n));
    point.push(determinant);
    const value = valueAt(objective, point);
    let entering = -1;
    for (let r = 0; r < rows.length && entering < 0; r++) if (valueAt(rows[r], point) < 0n) entering = r;
    if (entering < 0 && value > 0n) return 1; // a feasible point that is positive
    if (multipliers.some((y) => y < 0n)) {
      if (corner) throw new CreaseError("a linear program without a bounded start: its first rows must be a box");
      basis = undefined;
      continue;
    }
    if (value < 0n) return -1; // an upper bound that is negative
    if (entering < 0) return sign(value);
    const row = rows[entering];
    let leaving = -1;
    let best: [bigint, bigint] = [0n, 1n];
    for (let i = 0; i < d; i++) {
      const rate = adjugate.reduce((sum, line, j) => sum + row[j] * line[i], 0n);
      if (rate <= 0n) continue;
      const compared = leaving < 0 ? -1 : sign(multipliers[i] * best[1] - best[0] * rate);
      if (compared < 0 || (compared === 0 && basis[i] < basis[leaving])) {
        leaving = i;
        best = [multipliers[i], rate];
      }
    }
    if (leaving < 0)
      throw new CreaseError("a linear program over an empty polytope: a cell's rows contradict each other");
    basis[leaving] = entering;
  }
}
