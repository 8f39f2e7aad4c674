/** Cells as people read them: views on a partition's flat arrays, made when asked for. */

import { toNumber } from "../exact/dyadic.js";
import { doubledArea } from "../exact/homogeneous.js";
import type { ActivationPattern } from "../pwl/pattern.js";
import type { Partition } from "./partition.js";
import { BOX_SIDE } from "./planar-complex.js";

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
  readonly gate: { readonly layer: number; readonly unit: number } | undefined;
}

/** One activation region of the slice, closed and with an interior. */
export class Cell {
  constructor(
    readonly partition: Partition,
    readonly index: number,
  ) {}

  /** The state of every gate inside the cell. */
  get pattern(): ActivationPattern {
    return this.partition.tree.pattern(this.index);
  }

  /** The corners in slice coordinates, counter-clockwise: [s, t] each; in one dimension the two ends [s], ascending. */
  get vertices(): number[][] {
    const { complex, dimension } = this.partition;
    const corners = this.corners.map((vertex) => [complex.vertexS[vertex], complex.vertexT[vertex]]);
    if (dimension === 2) return corners;
    const ends = corners.map(([s]) => s);
    return [[Math.min(...ends)], [Math.max(...ends)]];
  }

  /** The numbers of the corners in `partition.complex`, counter-clockwise. */
  get corners(): number[] {
    return this.directedEdges.map((directed) => this.partition.complex.start(directed));
  }

  /** The edges as `2 · edge + direction`, counter-clockwise; see `PlanarComplex`. */
  get directedEdges(): number[] {
    const { cellStarts, cellEdges } = this.partition.complex;
    return Array.from(cellEdges.subarray(cellStarts[this.index], cellStarts[this.index + 1]));
  }

  /** Sides in the order of the edges: side k runs from vertex k to vertex k + 1. In one dimension left, then right. */
  get sides(): CellSide[] {
    const { complex, dimension } = this.partition;
    const sides = this.directedEdges.map((directed): CellSide => {
      const edge = directed >> 1;
      const across = (directed & 1) === 0 ? complex.edgeRight[edge] : complex.edgeLeft[edge];
      const line = complex.edgeLine[edge];
      const layer = complex.lineLayer[line];
      const gate = layer === BOX_SIDE ? undefined : { layer, unit: this.partition.gateOfLine(line) };
      return { edge, neighbour: across < 0 ? undefined : across, gate };
    });
    if (dimension === 2) return sides;
    const isEnd = ({ edge }: CellSide) =>
      complex.vertexS[complex.edgeFrom[edge]] === complex.vertexS[complex.edgeTo[edge]];
    const [first, second] = sides.filter(isEnd);
    const left = complex.vertexS[complex.edgeFrom[first.edge]] <= complex.vertexS[complex.edgeFrom[second.edge]];
    return left ? [first, second] : [second, first];
  }

  /** The cells across the sides, each once. */
  get neighbours(): number[] {
    const cells = this.sides.flatMap(({ neighbour }) => (neighbour === undefined ? [] : [neighbour]));
    return [...new Set(cells)];
  }

  /** The area in slice coordinates (a length in one dimension), to about 1e-10 relative however thin the cell is. */
  get area(): number {
    const { complex, exact } = this.partition;
    const { doubled, error } = floatDoubledArea(this.partition, this.index);
    if (error < 1e-11 * Math.abs(doubled)) return doubled / 2;
    const [numerator, denominator] = doubledArea(this.corners.map((vertex) => exact.point(vertex)));
    void complex;
    return toNumber(numerator, 2n * denominator);
  }

  /** The mean of the corners: a point inside, up to rounding. In slice coordinates. */
  get center(): number[] {
    const { vertices } = this;
    return vertices[0].map((_, axis) => vertices.reduce((sum, vertex) => sum + vertex[axis], 0) / vertices.length);
  }

  /** The net on this cell is `A · coordinates + b`: outputs × slice coordinates, row-major. Each number to about 1e-15. */
  get A(): Float64Array {
    const { dimension } = this.partition;
    const rows = this.#map();
    return Float64Array.from(rows.flatMap((row) => row.slice(0, dimension)));
  }

  /** The constants of the net's affine map on this cell, one per output. */
  get b(): Float64Array {
    return Float64Array.from(this.#map(), ([, , c]) => c);
  }

  #map(): number[][] {
    const { net, exact } = this.partition;
    const target = net.layers.length;
    return Array.from({ length: net.output.size }, (_, row) => exact.maps.rounded(target, this.index, row));
  }
}

/** All cells of a partition: nothing is allocated per cell until one is asked for. */
export class Cells {
  constructor(private readonly partition: Partition) {}

  get length(): number {
    return this.partition.complex.cellCount;
  }

  /** Cell number `index`; undefined outside 0 to length - 1. */
  at(index: number): Cell | undefined {
    return Number.isInteger(index) && index >= 0 && index < this.length ? new Cell(this.partition, index) : undefined;
  }

  *[Symbol.iterator](): IterableIterator<Cell> {
    for (let index = 0; index < this.length; index++) yield new Cell(this.partition, index);
  }
}

/** Twice a cell's area from the cached coordinates, with a bound of its error. */
export function floatDoubledArea(partition: Partition, cell: number): { doubled: number; error: number } {
  const { vertexS, vertexT, errorS, errorT, cellStarts, cellEdges } = partition.complex;
  const start = cellStarts[cell];
  const end = cellStarts[cell + 1];
  const origin = partition.complex.start(cellEdges[start]);
  let doubled = 0;
  let error = 0;
  // relative to the first corner, so that small cells far from the origin lose nothing
  let ps = 0;
  let pt = 0;
  let pe = 0;
  let pf = 0;
  for (let at = start + 1; at < end; at++) {
    const vertex = partition.complex.start(cellEdges[at]);
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
