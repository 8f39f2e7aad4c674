/** A polytope as a list of half-spaces, each one side of a hyperplane of the walk's path. */

import type { Path } from "../cell-tree/path.js";
import { enlarged } from "../growable.js";

/** The half-spaces, positive inside; those of the path's box bound the polytope too, and stand in no list. */
export class HalfSpaceList {
  count = 0;
  /** Coefficients and constant of each function, of length about 1, and its error. */
  rows: Float64Array;
  errors: Float64Array;
  /** The hyperplane of the path that each is a side of, and which. */
  names: Int32Array;
  signs: Int8Array;

  constructor(readonly path: Path) {
    const capacity = 64;
    this.rows = new Float64Array(capacity * path.width);
    this.errors = new Float64Array(capacity);
    this.names = new Int32Array(capacity);
    this.signs = new Int8Array(capacity);
  }

  append(hyperplane: number, sign: number): void {
    const { path } = this;
    const { width } = path;
    if (this.count === this.errors.length) this.grow();
    const at = this.count++;
    const from = hyperplane * width;
    // normals of length about 1, by a power of two and so without rounding: the simplex method takes the most violated
    // row, which then is about the farthest one, and needs fewer steps
    let square = 0;
    for (let j = 0; j < width - 1; j++) square += path.rows[from + j] * path.rows[from + j];
    const scale = square > 2 ** -400 && square < 2 ** 400 ? 2 ** -Math.round(0.5 * Math.log2(square)) : 1;
    for (let c = 0; c < width; c++) this.rows[at * width + c] = sign * scale * path.rows[from + c];
    this.errors[at] = scale * path.error[hyperplane];
    this.names[at] = hyperplane;
    this.signs[at] = sign;
  }

  /** Whether a point satisfies every half-space but one (-1: every one) by more than its error. */
  holds(x: Float64Array, except: number): boolean {
    const { rows, errors, count } = this;
    const d = this.path.width - 1;
    for (let r = 0, at = 0; r < count; r++, at += d + 1) {
      if (r === except) continue;
      let slack = rows[at + d];
      for (let j = 0; j < d; j++) slack += rows[at + j] * x[j];
      if (!(slack > 3 * errors[r])) return false;
    }
    return true;
  }

  private grow(): void {
    const capacity = 2 * this.errors.length;
    this.rows = enlarged(this.rows, new Float64Array(capacity * this.path.width));
    this.errors = enlarged(this.errors, new Float64Array(capacity));
    this.names = enlarged(this.names, new Int32Array(capacity));
    this.signs = enlarged(this.signs, new Int8Array(capacity));
  }
}
