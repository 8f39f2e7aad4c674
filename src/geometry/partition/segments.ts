/** Segments of a slice as flat arrays; in one dimension they are points. */

import { checkIndex } from "../../base/options.js";
import { INSPECT, listed, shortNumber } from "../../base/shown.js";

/** Segments of the slice (points, in one dimension), flat. */
export class Segments {
  constructor(
    readonly dimension: 1 | 2,
    /** s and t of both ends of each segment; in one dimension s of each point. */
    readonly coordinates: Float64Array,
    /** A cell that each segment lies in. */
    readonly cells: Int32Array,
  ) {}

  get length(): number {
    return this.cells.length;
  }

  /** The two ends of segment i, or the one point. */
  at(i: number): number[][] {
    checkIndex(i, this.length, "segment");
    const c = this.coordinates;
    if (this.dimension === 1) return [[c[i]]];
    return [
      [c[4 * i], c[4 * i + 1]],
      [c[4 * i + 2], c[4 * i + 3]],
    ];
  }

  toString(): string {
    const total = this.dimension === 1 ? "" : `, of total length ${shortNumber(this.total)}`;
    return `${this.constructor.name} { ${listed(this.length, this.dimension === 1 ? "point" : "segment")}${total} }`;
  }

  [INSPECT](): string {
    return this.toString();
  }

  *[Symbol.iterator](): IterableIterator<number[][]> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }

  /** The total length; in one dimension 0. */
  get total(): number {
    let sum = 0;
    if (this.dimension === 2) for (const [p, q] of this) sum += Math.hypot(p[0] - q[0], p[1] - q[1]);
    return sum;
  }
}

/** Collects segments given by their ends in the plane; a line's strips give points. */
export class SegmentList {
  readonly values: number[] = [];
  readonly cells: number[] = [];

  constructor(readonly dimension: 1 | 2) {}

  add(cell: number, from: readonly number[], to: readonly number[]): void {
    if (this.dimension === 1) this.values.push(from[0]);
    else this.values.push(from[0], from[1], to[0], to[1]);
    this.cells.push(cell);
  }
}
