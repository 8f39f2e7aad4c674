/**
 * Vertices as what they are, the common points of their facets' hyperplanes: better coordinates with a proven radius, and
 * exact homogeneous integers. Asked only where the cheap radius of a vertex does not decide a sign.
 */

import { toNumber } from "../../exact/dyadic.js";
import { meetIntegers, valueAt } from "../../exact/linear-program-exact.js";
import { gamma, UNIT_ROUNDOFF } from "../../exact/rounding.js";
import type { ExactRow } from "../cell-tree/exact-rows.js";
import type { Path } from "../cell-tree/path.js";
import type { Plan } from "../cell-tree/plan.js";
import { invert } from "./inverse.js";
import type { VertexList, VertexPool } from "./vertex-list.js";

/** Exact points kept before all are forgotten. */
const MOST_POINTS = 50_000;

export class VertexArithmetic {
  private readonly points = new Map<number, readonly bigint[]>();
  private readonly dimension: number;
  private readonly matrix: Float64Array;
  private readonly normals: Float64Array;
  private readonly inverse: Float64Array;
  private readonly chosen: Int32Array;
  private readonly residual: Float64Array;

  constructor(
    private readonly plan: Plan,
    private readonly path: Path,
  ) {
    const d = plan.dimension;
    this.dimension = d;
    this.matrix = new Float64Array(d * d);
    this.normals = new Float64Array(d * d);
    this.inverse = new Float64Array(d * d);
    this.chosen = new Int32Array(d);
    this.residual = new Float64Array(d);
  }

  /** An affine function at a vertex's coordinates. */
  valueAt(rows: Float64Array, offset: number, { x }: VertexPool, v: number): number {
    const { dimension: d } = this;
    let value = rows[offset + d];
    for (let j = 0; j < d; j++) value += rows[offset + j] * x[v * d + j];
    return value;
  }

  /**
   * Proves a smaller radius for a vertex on exactly d facets, after a Newton step onto their hyperplanes if it is off them
   * by more than rounding. With an approximate inverse C of the normals J and q = ‖I - C J‖ < 1/2, the exact vertex is
   * within ‖C‖ max|residual| / (1 - q), residuals including the functions' errors (Higham, section 7.1). All norms are
   * maximum row sums. Residuals hardly grow from a vertex to the next, as those of a point between two vertices lie
   * between theirs; the radius that is handed on from edge to edge does: this brings it back.
   *
   * @returns whether the radius shrank.
   */
  refine(list: VertexList, v: number): boolean {
    const { dimension: d, path, matrix, inverse, chosen, normals } = this;
    const { pool } = list;
    if (!this.chooseFacets(list, v)) return false;
    const { rows, error } = path;
    let charged = 0;
    for (let i = 0, k = 0; i < d; i++) {
      const at = chosen[i] * (d + 1);
      for (let j = 0; j < d; j++, k++) normals[k] = matrix[k] = rows[at + j];
      if (error[chosen[i]] > charged) charged = error[chosen[i]];
    }
    if (!invert(matrix, inverse, d)) return false;
    let norm = 0;
    let off = 0;
    for (let i = 0; i < d; i++) {
      let sum = 0;
      let rowOff = 0;
      let absolute = d;
      for (let j = 0; j < d; j++) {
        sum += Math.abs(inverse[i * d + j]);
        let product = i === j ? -1 : 0;
        for (let k = 0; k < d; k++) {
          const term = inverse[i * d + k] * normals[k * d + j];
          product += term;
          absolute += Math.abs(term);
        }
        rowOff += Math.abs(product);
      }
      rowOff += gamma(d + 3) * absolute;
      if (sum > norm) norm = sum;
      if (rowOff > off) off = rowOff;
    }
    if (!(off < 0.25)) return false;
    let largest = this.residuals(pool, v);
    const moved = largest > 4 * charged;
    if (moved) {
      this.step(pool, v);
      largest = this.residuals(pool, v);
    }
    let size = 0;
    for (let j = v * d; j < (v + 1) * d; j++) size = Math.max(size, Math.abs(pool.x[j]));
    const radius = ((norm * (largest + 2 * charged)) / (1 - 2 * off)) * (1 + 2 ** -40) + UNIT_ROUNDOFF * size;
    const shrank = radius < pool.radius[v];
    // after a step the radius is replaced even if it grew: it is proven for where the vertex is now
    if (shrank || moved) pool.radius[v] = Number.isNaN(radius) ? Number.POSITIVE_INFINITY : radius;
    return shrank;
  }

  /** The values of the chosen hyperplanes' functions at a vertex's coordinates; gives the largest. */
  private residuals(pool: VertexPool, v: number): number {
    const { dimension: d, path, chosen, residual } = this;
    let largest = 0;
    for (let i = 0; i < d; i++) {
      const value = this.valueAt(path.rows, chosen[i] * (d + 1), pool, v);
      residual[i] = value;
      const far = Math.abs(value);
      if (!(far <= largest)) largest = far; // NaN too
    }
    return largest;
  }

  /** A Newton step. The exact vertex lies in the box, so clamping never moves away from it. */
  private step({ x }: VertexPool, v: number): void {
    const { dimension: d, inverse, residual, plan } = this;
    for (let j = 0; j < d; j++) {
      let move = 0;
      for (let i = 0; i < d; i++) move += inverse[j * d + i] * residual[i];
      x[v * d + j] = Math.min(Math.max(x[v * d + j] - move, plan.lower[j]), plan.upper[j]);
    }
  }

  /** The hyperplanes of a vertex, if there are exactly d. */
  private chooseFacets({ pool: { masks, words }, codes }: VertexList, v: number): boolean {
    const { dimension: d, chosen } = this;
    let found = 0;
    for (let w = 0; w < words; w++) {
      for (let bits = masks[v * words + w]; bits !== 0; bits &= bits - 1) {
        if (found === d) return false;
        const code = codes[32 * w + 31 - Math.clz32(bits & -bits)];
        chosen[found++] = code < 0 ? -1 - code : code;
      }
    }
    return found === d;
  }

  /** The sign of an exact function at a vertex. Leaves the vertex's coordinates as good as doubles can be. */
  exactSign(list: VertexList, v: number, row: ExactRow): number {
    const point = this.exactPoint(list, v);
    const value = valueAt(row, point);
    return value > 0n ? 1 : value < 0n ? -1 : 0;
  }

  /** A vertex in homogeneous integers: d numerators and a positive denominator. */
  exactPoint(list: VertexList, v: number): readonly bigint[] {
    const { dimension: d } = this;
    const { pool } = list;
    const name = pool.names[v];
    let point = this.points.get(name);
    if (point === undefined) {
      point = meetIntegers(this.independentRows(list, v))!;
      if (this.points.size >= MOST_POINTS) this.points.clear();
      this.points.set(name, point);
    }
    let size = 0;
    for (let j = 0; j < d; j++) {
      const coordinate = toNumber(point[j], point[d]);
      pool.x[v * d + j] = coordinate;
      size = Math.max(size, Math.abs(coordinate));
    }
    pool.radius[v] = 4 * UNIT_ROUNDOFF * size + 2 ** -1000;
    return point;
  }

  /** The mean of all vertices, computed exactly and rounded: inside wherever doubles can be. */
  exactMean(list: VertexList, out: Float64Array): void {
    const { dimension: d } = this;
    const sums: bigint[] = new Array(d).fill(0n);
    let denominator = 1n;
    for (let k = 0; k < list.count; k++) {
      const point = this.exactPoint(list, list.ids[k]);
      for (let j = 0; j < d; j++) sums[j] = sums[j] * point[d] + point[j] * denominator;
      denominator *= point[d];
    }
    denominator *= BigInt(list.count);
    for (let j = 0; j < d; j++) out[j] = toNumber(sums[j], denominator);
  }

  /** d independent hyperplanes of a vertex, in integers, by elimination over all that pass through it. */
  private independentRows({ pool: { masks, words }, codes }: VertexList, v: number): ExactRow[] {
    const { dimension: d, path } = this;
    const rows: ExactRow[] = [];
    const reduced: { row: bigint[]; lead: number }[] = [];
    for (let w = 0; w < words && rows.length < d; w++) {
      for (let bits = masks[v * words + w]; bits !== 0 && rows.length < d; bits &= bits - 1) {
        const code = codes[32 * w + 31 - Math.clz32(bits & -bits)];
        const exact = path.exact(code < 0 ? -1 - code : code);
        let row = exact.slice(0, d);
        for (const known of reduced) {
          const factor = row[known.lead];
          if (factor === 0n) continue;
          const scale = known.row[known.lead];
          row = row.map((a, c) => a * scale - factor * known.row[c]);
        }
        const lead = row.findIndex((a) => a !== 0n);
        if (lead < 0) continue;
        reduced.push({ row, lead });
        rows.push(exact);
      }
    }
    return rows;
  }
}
