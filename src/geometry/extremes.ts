/** What a piecewise-linear function attains on the box: it is affine on each cell, so its corners tell all. */

import { outputMaps } from "./output-maps.js";
import { type PartitionData, requireComplete, requireOutput } from "./partition-data.js";

/** A largest or least value of an output. */
export interface Extreme {
  /** The true extreme differs by at most `error`. */
  readonly value: number;
  readonly error: number;
  /** A corner where it is attained, in slice coordinates, and a cell of that corner. */
  readonly point: readonly number[];
  readonly cell: number;
}

/**
 * The largest (sign 1) or least (sign -1) value of an output on the box.
 *
 * @throws GeometryError when the partition is incomplete, or the output does not exist.
 */
export function extreme(data: PartitionData, output: number, sign: 1 | -1): Extreme {
  requireComplete(data, sign > 0 ? "maximum" : "minimum");
  requireOutput(data, output);
  const { complex, slice } = data;
  const { a, b, c, error } = outputMaps(data, output);
  const { vertexS, vertexT, errorS, errorT } = complex;
  let best = { value: Number.NEGATIVE_INFINITY, cell: 0, vertex: 0 };
  let errorMost = 0;
  for (let cell = 0; cell < complex.cellCount; cell++) {
    for (let at = complex.cellStarts[cell]; at < complex.cellStarts[cell + 1]; at++) {
      const vertex = complex.start(complex.cellEdges[at]);
      const value = sign * (a[cell] * vertexS[vertex] + b[cell] * vertexT[vertex] + c[cell]);
      const off = error[cell] + Math.abs(a[cell]) * errorS[vertex] + Math.abs(b[cell]) * errorT[vertex];
      if (off > errorMost) errorMost = off;
      if (value > best.value) best = { value, cell, vertex };
    }
  }
  const point = [vertexS[best.vertex], vertexT[best.vertex]].slice(0, slice.dimension);
  return { value: sign * best.value, error: errorMost, point, cell: best.cell };
}

/** A Lipschitz constant, and a cell where it is attained. */
export interface Lipschitz {
  readonly value: number;
  readonly cell: number;
}

/**
 * The least L with `|f(x) - f(y)| <= L |x - y|` for all x, y of the box, in the Euclidean norms of the outputs and of the
 * input space (for a slice: of the points `origin + s·u + t·v`): the largest spectral norm of a cell's map, in floats.
 *
 * @throws GeometryError when the partition is incomplete.
 */
export function lipschitz(data: PartitionData): Lipschitz {
  requireComplete(data, "Lipschitz constant");
  const { complex, slice, net } = data;
  const { u, v, dimension } = slice;
  // an orthonormal basis of the slice (Gram-Schmidt): u = r·q1, v = p·q1 + w·q2
  const r = Math.hypot(...u);
  const p = dimension === 2 ? dot(u, v) / r : 0;
  const w = dimension === 2 ? Math.hypot(...v.map((x, i) => x - (p / r) * u[i])) : 1;
  const maps = Array.from({ length: net.output.size }, (_, output) => outputMaps(data, output));
  let best = { value: Number.NEGATIVE_INFINITY, cell: 0 };
  for (let cell = 0; cell < complex.cellCount; cell++) {
    // the Gram matrix of the map in that basis; its larger eigenvalue is the squared norm
    let gramA = 0;
    let gramB = 0;
    let gramC = 0;
    for (const { a, b } of maps) {
      const d1 = a[cell] / r;
      const d2 = dimension === 2 ? (b[cell] - p * d1) / w : 0;
      gramA += d1 * d1;
      gramB += d1 * d2;
      gramC += d2 * d2;
    }
    const norm = Math.sqrt((gramA + gramC) / 2 + Math.hypot((gramA - gramC) / 2, gramB));
    if (norm > best.value) best = { value: norm, cell };
  }
  return best;
}

/**
 * The integral of an output over the box, in slice coordinates; exact but for the rounding of floats (compensated sum).
 *
 * @throws GeometryError when the partition is incomplete, or the output does not exist.
 */
export function integral(data: PartitionData, output: number): number {
  requireComplete(data, "integral");
  requireOutput(data, output);
  const { complex } = data;
  const { vertexS, vertexT } = complex;
  const { a, b, c } = outputMaps(data, output);
  const sum = new CompensatedSum();
  for (let cell = 0; cell < complex.cellCount; cell++) {
    // a fan of triangles: area times the mean of the corners' values
    const start = complex.cellStarts[cell];
    const value = (vertex: number) => a[cell] * vertexS[vertex] + b[cell] * vertexT[vertex] + c[cell];
    const p = complex.start(complex.cellEdges[start]);
    for (let at = start + 1; at + 1 < complex.cellStarts[cell + 1]; at++) {
      const q = complex.start(complex.cellEdges[at]);
      const r = complex.start(complex.cellEdges[at + 1]);
      const doubled =
        (vertexS[q] - vertexS[p]) * (vertexT[r] - vertexT[p]) - (vertexT[q] - vertexT[p]) * (vertexS[r] - vertexS[p]);
      sum.add((doubled * (value(p) + value(q) + value(r))) / 6);
    }
  }
  return sum.value;
}

/** Neumaier's compensated summation: the rounding of each addition is carried beside the sum. */
export class CompensatedSum {
  #sum = 0;
  #lost = 0;

  add(x: number): void {
    const next = this.#sum + x;
    this.#lost += Math.abs(this.#sum) >= Math.abs(x) ? this.#sum - next + x : x - next + this.#sum;
    this.#sum = next;
  }

  get value(): number {
    return this.#sum + this.#lost;
  }
}

function dot(x: Float64Array, y: Float64Array): number {
  return x.reduce((sum, value, i) => sum + value * y[i], 0);
}
