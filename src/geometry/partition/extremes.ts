/**
 * What a piecewise-linear function attains on the box: it is affine on each cell, so its corners tell all. Proved: the
 * extremes' errors. Not proved: that the corner named is the true one among several within that error, and the integral.
 */

import { GeometryError } from "../../base/errors.js";
import { requireFinite } from "../overflow.js";
import { type PartitionData, requireComplete, requireOutput } from "./data.js";
import { outputMaps } from "./output-maps.js";

/** A largest or least value of an output. */
export interface Extreme {
  /** The true extreme differs by at most `error`. */
  readonly value: number;
  readonly error: number;
  /** A corner where it is attained, in slice coordinates (`partition.inputAt` tells the input), and a cell of that corner. */
  readonly point: readonly number[];
  readonly cell: number;
}

/**
 * The largest (sign 1) or least (sign -1) value of an output on the box.
 *
 * @throws GeometryError when the partition is incomplete, the output does not exist, or its values overflow.
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
      if (!Number.isFinite(value)) requireFinite([sign * value], `output ${output} in cell ${cell}`);
      if (value > best.value) best = { value, cell, vertex };
    }
  }
  const point = [vertexS[best.vertex], vertexT[best.vertex]].slice(0, slice.dimension);
  return { value: sign * best.value, error: errorMost, point, cell: best.cell };
}

/**
 * The integral of an output over the box, in slice coordinates; exact but for the rounding of floats (compensated sum).
 *
 * @throws GeometryError when the partition is incomplete, the output does not exist, or the integral overflows.
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
  if (!Number.isFinite(sum.value)) {
    throw new GeometryError(
      "the integral is beyond the range of doubles, as areas or values in it are: ask it of a smaller box, or scale the inputs",
    );
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
