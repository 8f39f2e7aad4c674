/**
 * The straightforward baseline in n dimensions: a recursive cell tree. For every unit in turn two linear programs ask
 * whether it is positive, and negative, somewhere in the cell so far; every map is a fresh product of matrices, every
 * program a dense tableau started from a point known to lie in the cell, and a sign is what exceeds a tolerance. What one
 * writes first; it counts, finds no facets, proves nothing.
 */

import type { DenseBlock, PwlNet } from "../../src/pwl/net.js";

/** Coefficients, then the constant. */
type Row = readonly number[];
type Point = readonly number[];

const TOLERANCE = 1e-9;

/** The number of cells of a dense ReLU net in a box; stops once there are `most`. */
export function plainCellCount(
  net: PwlNet,
  box: readonly (readonly number[])[],
  most = Number.POSITIVE_INFINITY,
): number {
  const d = box.length;
  const sides = box.flatMap(([low, high], j): Row[] => [
    Array.from({ length: d + 1 }, (_, c) => (c === j ? 1 : c === d ? -low : 0)),
    Array.from({ length: d + 1 }, (_, c) => (c === j ? -1 : c === d ? high : 0)),
  ]);
  const identity = box.map((_, j): Row => Array.from({ length: d + 1 }, (_, c) => (c === j ? 1 : 0)));
  let cells = 0;
  const descend = (halfSpaces: readonly Row[], point: Point, inputs: readonly Row[], layer: number): void => {
    if (layer === net.layers.length) {
      cells++;
      return;
    }
    const { argument } = net.layers[layer];
    const rows = product(argument.terms[0].block as DenseBlock, argument.bias, inputs);
    const branch = (unit: number, within: readonly Row[], from: Point, outputs: readonly Row[]): void => {
      if (cells >= most) return;
      if (unit === rows.length) {
        descend(within, from, outputs, layer + 1);
        return;
      }
      const row = rows[unit];
      const negated = row.map((x) => -x);
      const highest = maximize(row, within, from);
      const lowest = maximize(negated, within, from);
      const active = value(row, highest) > TOLERANCE;
      const inactive = value(row, lowest) < -TOLERANCE;
      if (active) branch(unit + 1, inactive ? [...within, row] : within, highest, [...outputs, row]);
      if (inactive || !active) {
        branch(unit + 1, active ? [...within, negated] : within, lowest, [...outputs, row.map(() => 0)]);
      }
    };
    branch(0, halfSpaces, point, []);
  };
  descend(
    sides,
    box.map(([low, high]) => (low + high) / 2),
    identity,
    0,
  );
  return cells;
}

function value(row: Row, point: Point): number {
  return point.reduce((sum, x, j) => sum + row[j] * x, row[point.length]);
}

function product({ rows, columns, values }: DenseBlock, bias: Float64Array, inputs: readonly Row[]): Row[] {
  return Array.from({ length: rows }, (_, i) => {
    const row = inputs[0].map((_, c) => (c + 1 === inputs[0].length ? bias[i] : 0));
    for (let j = 0; j < columns; j++) {
      for (let c = 0; c < row.length; c++) row[c] += values[i * columns + j] * inputs[j][c];
    }
    return row;
  });
}

/**
 * Where an affine function is largest on an intersection of half-spaces `row >= 0`. The primal simplex method on a tableau
 * (Dantzig, 1951, with Bland's rule) in the steps p, q >= 0 from a point inside: x = from + p - q.
 */
function maximize(objective: Row, halfSpaces: readonly Row[], from: Point): number[] {
  const d = from.length;
  const width = 2 * d + halfSpaces.length + 1;
  const tableau = halfSpaces.map((row, r) => {
    const line = new Array<number>(width).fill(0);
    for (let j = 0; j < d; j++) {
      line[j] = -row[j];
      line[d + j] = row[j];
    }
    line[2 * d + r] = 1;
    line[width - 1] = Math.max(0, value(row, from));
    return line;
  });
  const gains = new Array<number>(width).fill(0);
  for (let j = 0; j < d; j++) {
    gains[j] = objective[j];
    gains[d + j] = -objective[j];
  }
  const basis = halfSpaces.map((_, r) => 2 * d + r);
  for (let step = 0; step < 1000; step++) {
    const entering = gains.findIndex((gain, c) => c < width - 1 && gain > TOLERANCE);
    if (entering < 0) break;
    let leaving = -1;
    let least = Number.POSITIVE_INFINITY;
    tableau.forEach((line, r) => {
      if (!(line[entering] > TOLERANCE)) return;
      const ratio = line[width - 1] / line[entering];
      if (ratio < least || (ratio === least && basis[r] < basis[leaving])) {
        least = ratio;
        leaving = r;
      }
    });
    if (leaving < 0) break;
    const pivot = tableau[leaving][entering];
    for (let c = 0; c < width; c++) tableau[leaving][c] /= pivot;
    for (const line of [...tableau, gains]) {
      const factor = line[entering];
      if (line === tableau[leaving] || factor === 0) continue;
      for (let c = 0; c < width; c++) line[c] -= factor * tableau[leaving][c];
    }
    basis[leaving] = entering;
  }
  const point = [...from];
  basis.forEach((variable, r) => {
    if (variable < d) point[variable] += tableau[r][width - 1];
    else if (variable < 2 * d) point[variable - d] -= tableau[r][width - 1];
  });
  return point;
}
