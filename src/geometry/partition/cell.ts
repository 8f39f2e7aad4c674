/** Cells as people read them: views on a partition's flat arrays, made when asked for. */

import { checkIndex } from "../../base/options.js";
import { counted, INSPECT, listed, shortList, shortNumber } from "../../base/shown.js";
import { toNumber } from "../../exact/dyadic.js";
import { doubledArea } from "../../exact/homogeneous.js";
import type { ActivationPattern } from "../../pwl/pattern.js";
import { requireFinite } from "../overflow.js";
import { BOX_SIDE, type PlanarComplex } from "../plane/complex.js";
import { type Gate, gateOfLine, type PartitionData } from "./data.js";
import { outputMaps } from "./output-maps.js";

/** One side of a cell. In one dimension a side is a breakpoint or an end of the interval. */
export interface CellSide {
  /** The edge's number in `partition.complex`. */
  readonly edge: number;
  /** The cell across, undefined at the box's border (or, in an incomplete partition, where nothing was found yet). */
  readonly neighbour: number | undefined;
  /**
   * The gate that made the edge, undefined on the border. Others may change there too (copies of it, or gates of deeper
   * layers): `partition.gatesAcross(edge)` lists all.
   */
  readonly gate: Gate | undefined;
}

/** One activation region of the slice, closed and with an interior. */
export class Cell {
  constructor(
    private readonly data: PartitionData,
    readonly index: number,
  ) {}

  /** The state of every gate inside the cell. */
  get pattern(): ActivationPattern {
    return this.data.tree.pattern(this.index);
  }

  /** The corners in slice coordinates, counter-clockwise: [s, t] each; in one dimension the two ends [s], ascending. */
  get vertices(): number[][] {
    const { complex, slice } = this.data;
    const corners = this.corners.map((vertex) => [complex.vertexS[vertex], complex.vertexT[vertex]]);
    if (slice.dimension === 2) return corners;
    const ends = corners.map(([s]) => s);
    return [[Math.min(...ends)], [Math.max(...ends)]];
  }

  /** The numbers of the corners in `partition.complex`, counter-clockwise. */
  get corners(): number[] {
    return this.directedEdges.map((directed) => this.data.complex.start(directed));
  }

  /** The edges as `2 · edge + direction`, counter-clockwise; see `PlanarComplex`. */
  get directedEdges(): number[] {
    const { cellStarts, cellEdges } = this.data.complex;
    return Array.from(cellEdges.subarray(cellStarts[this.index], cellStarts[this.index + 1]));
  }

  /** Sides in the order of the edges: side k runs from vertex k to vertex k + 1. In one dimension left, then right. */
  get sides(): CellSide[] {
    const { complex, slice } = this.data;
    const { directedEdges } = this;
    const sides = directedEdges.map((directed): CellSide => {
      const edge = directed >> 1;
      const across = (directed & 1) === 0 ? complex.edgeRight[edge] : complex.edgeLeft[edge];
      const line = complex.edgeLine[edge];
      const layer = complex.lineLayer[line];
      const gate = layer === BOX_SIDE ? undefined : gateOfLine(this.data, line);
      return { edge, neighbour: across < 0 ? undefined : across, gate };
    });
    if (slice.dimension === 2) return sides;
    // counter-clockwise, a strip's left end runs down from t = 1 to t = 0 and its right end up; top and bottom do neither
    const { vertexT } = complex;
    const rise = (directed: number) => vertexT[complex.end(directed)] - vertexT[complex.start(directed)];
    const left = directedEdges.findIndex((directed) => rise(directed) < -0.5);
    const right = directedEdges.findIndex((directed) => rise(directed) > 0.5);
    return [sides[left], sides[right]];
  }

  /** The cells across the sides, each once. */
  get neighbours(): number[] {
    const cells = this.sides.flatMap(({ neighbour }) => (neighbour === undefined ? [] : [neighbour]));
    return [...new Set(cells)];
  }

  /** The area in slice coordinates (a length in one dimension), proven to 1e-6 relative however thin the cell is, and usually good to 1e-11. */
  get area(): number {
    const { complex, exact } = this.data;
    const { doubled, error } = floatDoubledArea(complex, this.index);
    if (error < 1e-6 * doubled) return doubled / 2;
    const [numerator, denominator] = doubledArea(this.corners.map((vertex) => exact.point(vertex)));
    return toNumber(numerator, 2n * denominator);
  }

  /** The mean of the corners: a point inside, up to rounding. In slice coordinates. */
  get center(): number[] {
    const { vertices } = this;
    return vertices[0].map((_, axis) => vertices.reduce((sum, vertex) => sum + vertex[axis], 0) / vertices.length);
  }

  /**
   * The net on this cell is `A · coordinates + b`; see `mapError`. A is outputs × slice coordinates in one flat array, row
   * by row, not a Tensor as that of `linearize` and no rows of arrays: output k's coefficient of coordinate j is
   * `A[k * dimension + j]`, and `A[k][j]` is undefined.
   *
   * @throws GeometryError where a coefficient is beyond the range of doubles.
   */
  get A(): Float64Array {
    const slopes = this.#slopes();
    requireFinite(slopes, `a coefficient of the map of cell ${this.index}`);
    return slopes;
  }

  /**
   * The constants of the net's affine map on this cell, one per output.
   *
   * @throws GeometryError where one is beyond the range of doubles.
   */
  get b(): Float64Array {
    const constants = this.#constants();
    requireFinite(constants, `a constant of the map of cell ${this.index}`);
    return constants;
  }

  /** How far `A · coordinates + b` may be off, by rounding, anywhere in the box: a proven bound per output. */
  get mapError(): Float64Array {
    return Float64Array.from(
      { length: this.data.net.output.size },
      (_, k) => outputMaps(this.data, k).error[this.index],
    );
  }

  #slopes(): Float64Array {
    const { slice, net } = this.data;
    const { dimension } = slice;
    const slopes = new Float64Array(net.output.size * dimension);
    for (let output = 0; output < net.output.size; output++) {
      const { a, b } = outputMaps(this.data, output);
      slopes[output * dimension] = a[this.index];
      if (dimension === 2) slopes[output * dimension + 1] = b[this.index];
    }
    return slopes;
  }

  #constants(): Float64Array {
    return Float64Array.from({ length: this.data.net.output.size }, (_, k) => outputMaps(this.data, k).c[this.index]);
  }

  toString(): string {
    const { net, slice } = this.data;
    const size = slice.dimension === 2 ? "area" : "length";
    const sides = slice.dimension === 2 ? `, ${counted(this.directedEdges.length, "edge")}` : "";
    const A = this.#slopes(); // as they are: a cell whose map overflowed is printed all the same
    const rows = Array.from({ length: Math.min(net.output.size, 4) }, (_, k) =>
      shortList(A.subarray(k * slice.dimension, (k + 1) * slice.dimension)),
    );
    const map = `A [${rows.join(", ")}${net.output.size > 4 ? ", …" : ""}], b ${shortList(this.#constants(), 4)}`;
    return `Cell ${this.index} { pattern ${this.pattern.summary()}, ${map}, ${size} ${shortNumber(this.area)}${sides} }`;
  }

  [INSPECT](): string {
    return this.toString();
  }
}

/** All cells of a partition: nothing is allocated per cell until one is asked for. */
export class Cells {
  constructor(private readonly data: PartitionData) {}

  get length(): number {
    return this.data.complex.cellCount;
  }

  /** Cell number `index`, from 0 to length - 1; AxisError outside. */
  at(index: number): Cell {
    checkIndex(index, this.length, "cell");
    return new Cell(this.data, index);
  }

  toString(): string {
    return `Cells { ${listed(this.length, "cell")} }`;
  }

  [INSPECT](): string {
    return this.toString();
  }

  *[Symbol.iterator](): IterableIterator<Cell> {
    for (let index = 0; index < this.length; index++) yield new Cell(this.data, index);
  }
}

/** Twice a cell's area from the cached coordinates, with a bound of its error. */
function floatDoubledArea(complex: PlanarComplex, cell: number): { doubled: number; error: number } {
  const { vertexS, vertexT, errorS, errorT, cellStarts, cellEdges } = complex;
  const start = cellStarts[cell];
  const end = cellStarts[cell + 1];
  const origin = complex.start(cellEdges[start]);
  let doubled = 0;
  let error = 0;
  // relative to the first corner, so that small cells far from the origin lose nothing
  let ps = 0;
  let pt = 0;
  let pe = 0;
  let pf = 0;
  for (let at = start + 1; at < end; at++) {
    const vertex = complex.start(cellEdges[at]);
    const qs = vertexS[vertex] - vertexS[origin];
    const qt = vertexT[vertex] - vertexT[origin];
    const qe = errorS[vertex] + errorS[origin];
    const qf = errorT[vertex] + errorT[origin];
    doubled += ps * qt - pt * qs;
    error += pe * Math.abs(qt) + pf * Math.abs(qs) + qe * (Math.abs(pt) + pf) + qf * (Math.abs(ps) + pe);
    error += 2 ** -50 * (Math.abs(ps * qt) + Math.abs(pt * qs));
    ps = qs;
    pt = qt;
    pe = qe;
    pf = qf;
  }
  return { doubled, error };
}
