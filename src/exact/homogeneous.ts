/**
 * Lines and points of the plane in homogeneous integers. A line (a, b, c) is the affine function a·s + b·t + c up to a
 * positive factor; a point (x, y, w) with w > 0 is (x/w, y/w). Nothing here rounds.
 */

import { signOf, toNumber } from "./dyadic.js";

/** The function a·s + b·t + c, up to a positive factor. */
export type ExactLine = readonly [a: bigint, b: bigint, c: bigint];

/** The point (x / w, y / w); w is positive. */
export type ExactPoint = readonly [x: bigint, y: bigint, w: bigint];

/** The common point of two lines that are not parallel: their cross product, its last entry made positive. */
export function meet(f: ExactLine, g: ExactLine): ExactPoint {
  const x = f[1] * g[2] - f[2] * g[1];
  const y = f[2] * g[0] - f[0] * g[2];
  const w = f[0] * g[1] - f[1] * g[0];
  return w < 0n ? [-x, -y, -w] : [x, y, w];
}

/** The sign of a line's function at a point: -1, 0 or 1. */
export function side(line: ExactLine, point: ExactPoint): number {
  return signOf(line[0] * point[0] + line[1] * point[1] + line[2] * point[2]);
}

/** A point's coordinates to the nearest doubles. */
export function coordinates([x, y, w]: ExactPoint): [number, number] {
  return [toNumber(x, w), toNumber(y, w)];
}

/** Twice the signed area of a polygon (counter-clockwise positive), as numerator and positive denominator. */
export function doubledArea(points: readonly ExactPoint[]): [bigint, bigint] {
  // the fan from the first point: each triangle is det(p, q, r) / (w_p · w_q · w_r)
  let numerator = 0n;
  let denominator = 1n;
  const p = points[0];
  for (let k = 1; k + 1 < points.length; k++) {
    const q = points[k];
    const r = points[k + 1];
    const determinant =
      p[0] * (q[1] * r[2] - q[2] * r[1]) - p[1] * (q[0] * r[2] - q[2] * r[0]) + p[2] * (q[0] * r[1] - q[1] * r[0]);
    const weight = p[2] * q[2] * r[2];
    numerator = numerator * weight + determinant * denominator;
    denominator *= weight;
  }
  return [numerator, denominator];
}
