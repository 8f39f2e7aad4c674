/** Affine functions of a slice's coordinates in floating point, each with a bound on its rounding error, and sums of them. */

import { UNDERFLOW } from "../../exact/rounding.js";
import type { Columns, DenseColumns } from "./block-columns.js";

/** The affine functions a·s + b·t + c of one layer's arguments, with magnitudes m. */
export class AffineRows {
  readonly a: Float64Array;
  readonly b: Float64Array;
  readonly c: Float64Array;
  readonly m: Float64Array;
  /** Changes whenever any row does; 0 before the first computation. */
  stamp = 0;
  /** Additions since the rows were computed afresh. */
  updates = 0;
  /** Row r is off by at most `relativeError · m[r] + UNDERFLOW` at every point of the box, evaluation included. */
  relativeError = 0;
  /** Whether magnitude 0 proves a function 0: no product of the net's numbers can underflow. Dead units are many. */
  zeroIsExact = false;

  constructor(readonly size: number) {
    this.a = new Float64Array(size);
    this.b = new Float64Array(size);
    this.c = new Float64Array(size);
    this.m = new Float64Array(size);
  }

  /** `row r += column[r] · (a, b, c)` for every row; m likewise with |column[r]|. Returns whether anything was added. */
  add(columns: Columns, column: number, a: number, b: number, c: number, m: number): boolean {
    if (m === 0) return false;
    const { a: as, b: bs, c: cs, m: ms } = this;
    const values = columns.values;
    if (columns.kind === "dense") {
      const start = column * columns.rows;
      for (let r = 0, rows = columns.rows; r < rows; r++) {
        const weight = values[start + r];
        as[r] += weight * a;
        bs[r] += weight * b;
        cs[r] += weight * c;
        ms[r] += Math.abs(weight) * m;
      }
    } else {
      const { starts, indices } = columns;
      for (let at = starts[column], end = starts[column + 1]; at < end; at++) {
        const r = indices[at];
        const weight = values[at];
        as[r] += weight * a;
        bs[r] += weight * b;
        cs[r] += weight * c;
        ms[r] += Math.abs(weight) * m;
      }
    }
    return true;
  }

  /**
   * `row r += Σ column[entry][r] · function of entry`: dense columns four at a time, so that a row is read, and rounded,
   * once for four; see `additions`.
   */
  addAll(columns: Columns, functions: SourceFunctions): void {
    const { count, entries, a, b, c, m } = functions;
    let k = 0;
    if (columns.kind === "dense") {
      // two or three at the end are filled up by zeros, which is cheaper than one by one
      if ((count & 3) > 1) functions.fillWithZeros();
      for (; k + 1 < count; k += 4) this.#addFour(columns, functions, k);
    }
    for (; k < count; k++) this.add(columns, entries[k], a[k], b[k], c[k], m[k]);
  }

  #addFour({ rows, values }: DenseColumns, { entries, a, b, c, m }: SourceFunctions, k: number): void {
    const { a: as, b: bs, c: cs, m: ms } = this;
    const start1 = entries[k] * rows;
    const start2 = entries[k + 1] * rows;
    const start3 = entries[k + 2] * rows;
    const start4 = entries[k + 3] * rows;
    const [a1, a2, a3, a4] = [a[k], a[k + 1], a[k + 2], a[k + 3]];
    const [b1, b2, b3, b4] = [b[k], b[k + 1], b[k + 2], b[k + 3]];
    const [c1, c2, c3, c4] = [c[k], c[k + 1], c[k + 2], c[k + 3]];
    const [m1, m2, m3, m4] = [m[k], m[k + 1], m[k + 2], m[k + 3]];
    for (let r = 0; r < rows; r++) {
      const w1 = values[start1 + r];
      const w2 = values[start2 + r];
      const w3 = values[start3 + r];
      const w4 = values[start4 + r];
      as[r] += w1 * a1 + w2 * a2 + w3 * a3 + w4 * a4;
      bs[r] += w1 * b1 + w2 * b2 + w3 * b3 + w4 * b4;
      cs[r] += w1 * c1 + w2 * c2 + w3 * c3 + w4 * c4;
      ms[r] += Math.abs(w1) * m1 + Math.abs(w2) * m2 + Math.abs(w3) * m3 + Math.abs(w4) * m4;
    }
  }
}

/** The affine functions of a source's entries that are not 0, packed: the right-hand side of a product. */
export class SourceFunctions {
  count = 0;
  readonly entries: Int32Array;
  readonly a: Float64Array;
  readonly b: Float64Array;
  readonly c: Float64Array;
  readonly m: Float64Array;

  constructor(size: number) {
    this.entries = new Int32Array(size + 3);
    this.a = new Float64Array(size + 3);
    this.b = new Float64Array(size + 3);
    this.c = new Float64Array(size + 3);
    this.m = new Float64Array(size + 3);
  }

  /** Zeros behind the last function, up to the next multiple of 4; they do not count. */
  fillWithZeros(): void {
    for (let at = this.count; (at & 3) !== 0; at++) {
      this.entries[at] = 0;
      this.a[at] = 0;
      this.b[at] = 0;
      this.c[at] = 0;
      this.m[at] = 0;
    }
  }

  push(entry: number, a: number, b: number, c: number, m: number): void {
    if (m === 0) return;
    const at = this.count++;
    this.entries[at] = entry;
    this.a[at] = a;
    this.b[at] = b;
    this.c[at] = c;
    this.m[at] = m;
  }
}

/** A bound of the error of a function with magnitude m at any point of the box: `relativeError · m`, never NaN. */
export function errorOf(relativeError: number, m: number): number {
  return relativeError === Number.POSITIVE_INFINITY ? relativeError : relativeError * m + UNDERFLOW;
}

/** How often each row is rounded when so many columns are added: see `AffineRows.addAll`. */
export function additions(columns: Columns, count: number): number {
  return columns.kind === "dense" ? (count + 3) >> 2 : count;
}
