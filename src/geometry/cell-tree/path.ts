/**
 * The hyperplanes met on the current path of a walk: first those of the domain, then every crease that cut a cell, in
 * the order of the cuts. Each is an affine function (positive on one side) in doubles with its error bound, and, when
 * asked, in integers. A hyperplane is named by its place in this stack.
 */

import { gamma, SLACK, UNDERFLOW } from "../../exact/rounding.js";
import { enlarged } from "../growable.js";
import { type ExactRow, type ExactRows, exactRow } from "./exact-rows.js";
import type { LayerMap } from "./maps.js";
import type { Plan } from "./plan.js";

/** The layer of a hyperplane of the domain. */
export const DOMAIN = -1;

/** Half-spaces `normal · x <= offset` that bound the domain besides the box. */
export interface HalfSpaces {
  /** One row per half-space. */
  readonly A: readonly ArrayLike<number>[];
  readonly b: ArrayLike<number>;
}

/** What a caller of `classify` hands over: one affine function, at `offset` of `rows`. */
export interface Candidate {
  rows: Float64Array;
  offset: number;
  /** At least |computed f(x) - exact f(x)| over the box. */
  error: number;
  layer: number;
  /** The argument; for a difference of two arguments of a max layer, the one that is positive. */
  unit: number;
  /** The argument that is subtracted, or -1. */
  other: number;
}

/** Every hyperplane that ever was on a path, in order; what facets of cells refer to. */
export class HyperplanePool {
  count = 0;
  rows: Float64Array;
  layer = new Int32Array(256);
  unit = new Int32Array(256);
  other = new Int32Array(256);

  constructor(readonly width: number) {
    this.rows = new Float64Array(256 * width);
  }

  /** Adds one and gives its index. */
  add({ rows, offset, layer, unit, other }: Candidate): number {
    const { width } = this;
    if (this.count === this.layer.length) this.reserve(this.count + 1);
    const at = this.count++;
    for (let c = 0; c < width; c++) this.rows[at * width + c] = rows[offset + c];
    this.layer[at] = layer;
    this.unit[at] = unit;
    this.other[at] = other;
    return at;
  }

  /** Makes room for so many. */
  reserve(count: number): void {
    if (count <= this.layer.length) return;
    const capacity = Math.max(2 * this.layer.length, count);
    this.rows = enlarged(this.rows, new Float64Array(capacity * this.width));
    this.layer = enlarged(this.layer, new Int32Array(capacity));
    this.unit = enlarged(this.unit, new Int32Array(capacity));
    this.other = enlarged(this.other, new Int32Array(capacity));
  }
}

/** The stack of hyperplanes. */
export class Path {
  count = 0;
  rows: Float64Array;
  error: Float64Array;
  /** Σ|a_j|, rounded up. */
  norm: Float64Array;
  layer: Int32Array;
  unit: Int32Array;
  other: Int32Array;
  /** Where each hyperplane stands in the pool; only kept with a pool. */
  poolIndex: Int32Array;
  /** Hyperplanes of the domain: box sides 2j (lower) and 2j + 1 (upper), then the half-spaces. */
  readonly domainCount: number;
  readonly width: number;
  private readonly domain: ExactRow[] = [];

  constructor(
    plan: Plan,
    halfSpaces: HalfSpaces | undefined,
    private readonly maps: readonly LayerMap[],
    private readonly exactMaps: () => ExactRows,
    /** Collects the hyperplanes of this and other walks, if anyone wants to name them later. */
    readonly pool: HyperplanePool | undefined,
  ) {
    const { dimension, lower, upper } = plan;
    this.width = dimension + 1;
    const capacity = 64 + 2 * dimension + (halfSpaces?.A.length ?? 0);
    this.rows = new Float64Array(capacity * this.width);
    this.error = new Float64Array(capacity);
    this.norm = new Float64Array(capacity);
    this.layer = new Int32Array(capacity);
    this.unit = new Int32Array(capacity);
    this.other = new Int32Array(capacity);
    this.poolIndex = new Int32Array(capacity);
    const add = (normal: ArrayLike<number>, constant: number): void => {
      const row = new Float64Array(this.width);
      row.set(normal);
      row[dimension] = constant;
      let magnitude = Math.abs(constant);
      for (let j = 0; j < dimension; j++) {
        magnitude += Math.abs(row[j]) * Math.max(Math.abs(lower[j]), Math.abs(upper[j]));
      }
      const error = gamma(2 * dimension + 4) * magnitude * SLACK + UNDERFLOW;
      this.push({ rows: row, offset: 0, error, layer: DOMAIN, unit: this.count, other: -1 });
      this.domain.push(exactRow(row));
    };
    for (let j = 0; j < dimension; j++) {
      const normal = new Float64Array(dimension);
      normal[j] = 1;
      add(normal, -lower[j]);
      normal[j] = -1;
      add(normal, upper[j]);
    }
    for (let i = 0; i < (halfSpaces?.A.length ?? 0); i++) {
      add(
        Array.from(halfSpaces!.A[i], (a) => -a),
        halfSpaces!.b[i],
      );
    }
    this.domainCount = this.count;
  }

  /** Adds a hyperplane and gives its name. */
  push(candidate: Candidate): number {
    const { width } = this;
    const at = this.count++;
    if (at >= this.error.length) this.grow();
    const { rows, offset } = candidate;
    let norm = 0;
    for (let c = 0; c < width; c++) {
      this.rows[at * width + c] = rows[offset + c];
      if (c < width - 1) norm += Math.abs(rows[offset + c]);
    }
    this.norm[at] = norm * SLACK;
    this.error[at] = candidate.error;
    this.layer[at] = candidate.layer;
    this.unit[at] = candidate.unit;
    this.other[at] = candidate.other;
    if (this.pool !== undefined) this.poolIndex[at] = this.pool.add(candidate);
    return at;
  }

  /** A hyperplane's function in integers, up to a positive factor. */
  exact(hyperplane: number): ExactRow {
    if (this.layer[hyperplane] === DOMAIN) return this.domain[this.unit[hyperplane]];
    return this.exactArgument(this.layer[hyperplane], this.unit[hyperplane], this.other[hyperplane]);
  }

  /** A candidate's function in integers, up to a positive factor. */
  exactCandidate({ layer, unit, other }: Candidate): ExactRow {
    return layer === DOMAIN ? this.domain[unit] : this.exactArgument(layer, unit, other);
  }

  private exactArgument(layer: number, unit: number, other: number): ExactRow {
    const maps = this.exactMaps();
    for (let l = 0; l <= layer; l++) maps.validate(l, this.maps[l].epoch);
    const row = maps.row(layer, unit);
    if (other < 0) return row;
    const subtracted = maps.row(layer, other);
    return row.map((x, c) => x - subtracted[c]);
  }

  private grow(): void {
    const capacity = 2 * this.error.length;
    this.rows = enlarged(this.rows, new Float64Array(capacity * this.width));
    this.error = enlarged(this.error, new Float64Array(capacity));
    this.norm = enlarged(this.norm, new Float64Array(capacity));
    this.layer = enlarged(this.layer, new Int32Array(capacity));
    this.unit = enlarged(this.unit, new Int32Array(capacity));
    this.other = enlarged(this.other, new Int32Array(capacity));
    this.poolIndex = enlarged(this.poolIndex, new Int32Array(capacity));
  }
}
