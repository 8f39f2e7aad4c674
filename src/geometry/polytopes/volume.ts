/** Volumes of polytopes: from vertices and their facets by triangulation, and estimated from half-spaces alone. */

import { Generator } from "../../base/random.js";
import { UNIT_ROUNDOFF } from "../../exact/rounding.js";
import type { VertexList } from "./vertex-list.js";

/**
 * A volume and how far it may be off: a bound from vertices, one standard error where it is estimated. Below the range of
 * doubles the volume is 0, beyond it infinite; the error is then above 0 or infinite too, and never NaN.
 */
export interface Volume {
  volume: number;
  error: number;
}

/** Triangulates polytopes: every face is coned from its first vertex (Cohen and Hickey, J. ACM 26, 1979). */
export class Triangulation {
  private volume = 0;
  private error = 0;
  private readonly apexes: number[] = [];
  private readonly columns: Float64Array;
  private readonly factorial: number;

  constructor(private readonly dimension: number) {
    this.columns = new Float64Array(dimension * dimension);
    let factorial = 1;
    for (let k = 2; k <= dimension; k++) factorial *= k;
    this.factorial = factorial;
  }

  /** The volume within a list's vertices, and a bound on its error: radii of vertices and rounding. */
  measure(list: VertexList): Volume {
    this.volume = 0;
    this.error = 0;
    const all = Array.from(list.ids.subarray(0, list.count));
    this.cone(list, all, this.dimension);
    return { volume: this.volume / this.factorial, error: this.error / this.factorial + Number.MIN_VALUE };
  }

  /** Adds the simplices of a face of at most `dimension` dimensions, given by its vertices, below the apexes chosen. */
  private cone(list: VertexList, face: readonly number[], dimension: number): void {
    if (face.length <= dimension) return; // it has fewer dimensions than asked: no volume
    const apex = face[0];
    this.apexes.push(apex);
    if (dimension === 0) {
      this.addSimplex(list);
    } else {
      const { words, masks } = list.pool;
      const seen: number[][] = [];
      for (let slot = 0; slot < 32 * words; slot++) {
        const word = slot >> 5;
        const bit = 1 << (slot & 31);
        if ((list.live[word] & bit) === 0 || (masks[apex * words + word] & bit) !== 0) continue;
        const side = face.filter((v) => (masks[v * words + word] & bit) !== 0);
        if (side.length < dimension) continue;
        // two facets of the polytope may meet the face in the same set
        if (seen.some((other) => other.length === side.length && other.every((v, k) => v === side[k]))) continue;
        seen.push(side);
        this.cone(list, side, dimension - 1);
      }
    }
    this.apexes.pop();
  }

  private addSimplex({ pool: { x, radius } }: VertexList): void {
    const { dimension: d, apexes, columns } = this;
    const base = apexes[0] * d;
    let product = 1;
    let relative = 0;
    for (let k = 1; k <= d; k++) {
      let longest = 0;
      let size = 0;
      for (let j = 0; j < d; j++) {
        const edge = x[apexes[k] * d + j] - x[base + j];
        columns[(k - 1) * d + j] = edge;
        longest = Math.max(longest, Math.abs(edge));
        size = Math.max(size, Math.abs(x[base + j]));
      }
      const off = Math.sqrt(d) * (radius[apexes[k]] + radius[apexes[0]] + 2 * UNIT_ROUNDOFF * size);
      let square = 0; // of the edge, scaled: its own would underflow for edges below 1e-162
      for (let j = 0; j < d && longest > 0; j++) square += (columns[(k - 1) * d + j] / longest) ** 2;
      const length = Math.max(longest * Math.sqrt(square), off);
      if (length === 0) return; // two corners in one exact point
      product *= length;
      relative += off / length;
    }
    this.volume += Math.abs(determinant(columns, d));
    // Hadamard's bound on what a change of one column can do, and elimination's backward error
    this.error += product * (relative + 4 * d ** 3 * UNIT_ROUNDOFF) * 2;
  }
}

/** By elimination with partial pivoting; destroys the matrix. */
function determinant(matrix: Float64Array, d: number): number {
  let product = 1;
  for (let k = 0; k < d; k++) {
    let pivot = k;
    for (let i = k + 1; i < d; i++) {
      if (Math.abs(matrix[i * d + k]) > Math.abs(matrix[pivot * d + k])) pivot = i;
    }
    const head = matrix[pivot * d + k];
    if (head === 0) return 0;
    product *= head;
    for (let j = k; j < d; j++) {
      const swapped = matrix[pivot * d + j];
      matrix[pivot * d + j] = matrix[k * d + j];
      matrix[k * d + j] = swapped;
    }
    for (let i = k + 1; i < d; i++) {
      const factor = matrix[i * d + k] / head;
      for (let j = k; j < d; j++) matrix[i * d + j] -= factor * matrix[k * d + j];
    }
  }
  return product;
}

/** Rays per estimate. */
const RAYS = 2048;

/**
 * Estimates volumes from half-spaces: the mean over directions of (distance to the boundary)^d, times the volume of the
 * unit ball. Unbiased; the directions are the same for every polytope and every run.
 */
export class VolumeEstimate {
  private readonly directions: Float64Array;
  private readonly ball: number;

  constructor(private readonly dimension: number) {
    const random = new Generator(0);
    this.directions = new Float64Array(RAYS * dimension);
    for (let ray = 0; ray < RAYS; ray++) {
      let square = 0;
      for (let j = 0; j < dimension; j++) {
        const z = random.normal();
        this.directions[ray * dimension + j] = z;
        square += z * z;
      }
      const norm = Math.sqrt(square);
      for (let j = 0; j < dimension; j++) this.directions[ray * dimension + j] /= norm;
    }
    // V_d = 2π/d · V_(d-2), V_0 = 1, V_1 = 2
    let ball = dimension % 2 === 0 ? 1 : 2;
    for (let k = (dimension % 2) + 2; k <= dimension; k += 2) ball *= (2 * Math.PI) / k;
    this.ball = ball;
  }

  /** Of `count` rows `a · x + b >= 0`, around a point inside. The error is one standard error of the mean. */
  measure(rows: Float64Array, count: number, inside: Float64Array): Volume {
    const { dimension: d, directions } = this;
    const powers = new Float64Array(RAYS);
    let sum = 0;
    const slacks = new Float64Array(count);
    for (let r = 0; r < count; r++) {
      slacks[r] = rows[r * (d + 1) + d];
      for (let j = 0; j < d; j++) slacks[r] += rows[r * (d + 1) + j] * inside[j];
    }
    for (let ray = 0; ray < RAYS; ray++) {
      let inverse = 0;
      for (let r = 0; r < count; r++) {
        let fall = 0;
        for (let j = 0; j < d; j++) fall -= rows[r * (d + 1) + j] * directions[ray * d + j];
        inverse = Math.max(inverse, fall / slacks[r]);
      }
      powers[ray] = inverse ** -d;
      sum += powers[ray];
    }
    const mean = sum / RAYS;
    // relative to the mean, as squares of volumes leave the range of doubles long before volumes do
    const squares = powers.reduce((total, power) => total + (power / mean - 1) ** 2, 0);
    const relative = Math.sqrt(squares / RAYS / (RAYS - 1));
    const volume = this.ball * mean;
    // a volume that itself underflows or overflows is off by all that it may be
    return { volume, error: Number.isNaN(relative) ? Math.max(volume, Number.MIN_VALUE) : volume * relative };
  }
}
