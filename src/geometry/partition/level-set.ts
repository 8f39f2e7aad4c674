/**
 * Where one output has one value: the exact level set of a piecewise-linear function. On a cell that is a segment, an
 * edge, or the whole cell. Which, is decided by exact signs; the ends are exact points rounded.
 */

import { GeometryError } from "../../base/errors.js";
import { shown } from "../../base/shown.js";
import { coordinates, type ExactLine, meet } from "../../exact/homogeneous.js";
import { type PartitionData, requireComplete, requireOutput } from "./data.js";
import { outputMaps } from "./output-maps.js";
import { SegmentList, Segments } from "./segments.js";

/** A level set: its segments, each with the higher values on its left, and the cells that lie in it whole. */
export class LevelSet extends Segments {
  constructor(
    dimension: 1 | 2,
    coordinates: Float64Array,
    cells: Int32Array,
    /** Cells on which the output equals the level throughout. Their edges are not listed as segments. */
    readonly flat: readonly number[],
  ) {
    super(dimension, coordinates, cells);
  }
}

/**
 * The points of the box where an output equals a level.
 *
 * @throws GeometryError when the partition is incomplete, the output does not exist, or the level is not finite.
 */
export function levelSet(data: PartitionData, output: number, level: number): LevelSet {
  requireComplete(data, "level set");
  requireOutput(data, output);
  if (!Number.isFinite(level)) throw new GeometryError(`the level is ${shown(level)}: pass a finite number`);
  return new LevelSetWalk(data, output, level).run();
}

class LevelSetWalk {
  readonly #list: SegmentList;
  readonly #flat = new Set<number>();
  /** Where the level crosses an edge: both cells at the edge take the same point. */
  readonly #crossings = new Map<number, readonly [number, number]>();
  /** Edges that lie in the level set: a cell beside it that does not, directed as that cell has it. */
  readonly #edges = new Map<number, { cell: number; directed: number; positive: boolean }>();

  constructor(
    readonly data: PartitionData,
    readonly output: number,
    readonly level: number,
  ) {
    this.#list = new SegmentList(data.slice.dimension);
  }

  run(): LevelSet {
    const { complex, slice } = this.data;
    for (let cell = 0; cell < complex.cellCount; cell++) this.#cell(cell);
    for (const [edge, { cell, directed, positive }] of this.#edges) {
      const neighbour = (directed & 1) === 0 ? complex.edgeRight[edge] : complex.edgeLeft[edge];
      if (this.#flat.has(neighbour)) continue;
      const ends = [this.#corner(complex.start(directed)), this.#corner(complex.end(directed))];
      if (!positive) ends.reverse();
      this.#list.add(cell, ends[0], ends[1]);
    }
    const { values, cells } = this.#list;
    return new LevelSet(slice.dimension, Float64Array.from(values), Int32Array.from(cells), [...this.#flat]);
  }

  #cell(cell: number): void {
    const { complex } = this.data;
    const edges = complex.cellEdges.subarray(complex.cellStarts[cell], complex.cellStarts[cell + 1]);
    const signs = Array.from(edges, (directed) => this.#sign(cell, complex.start(directed)));
    const positive = signs.includes(1);
    const negative = signs.includes(-1);
    if (!positive && !negative) {
      this.#flat.add(cell);
      return;
    }
    let leave: readonly number[] = [];
    let enter: readonly number[] = [];
    edges.forEach((directed, k) => {
      const sign = signs[k];
      const next = signs[(k + 1) % signs.length];
      const previous = signs[(k + signs.length - 1) % signs.length];
      if (positive && negative) {
        if (sign * next < 0) {
          const point = this.#crossing(cell, directed >> 1);
          if (sign > 0) leave = point;
          else enter = point;
        } else if (sign === 0) {
          if (previous > 0) leave = this.#corner(complex.start(directed));
          else enter = this.#corner(complex.start(directed));
        }
      } else if (sign === 0 && next === 0 && (positive || !this.#edges.has(directed >> 1))) {
        this.#edges.set(directed >> 1, { cell, directed, positive });
      }
    });
    // the positive part lies to the left of the way from where the walk leaves it to where it enters it
    if (positive && negative) this.#list.add(cell, leave, enter);
  }

  #corner(vertex: number): readonly [number, number] {
    const { vertexS, vertexT } = this.data.complex;
    return [vertexS[vertex], vertexT[vertex]];
  }

  #exactLine(cell: number): ExactLine {
    const { exact, net } = this.data;
    return exact.maps.less(net.layers.length, cell, this.output, this.level);
  }

  #sign(cell: number, vertex: number): number {
    const { a, b, c, error } = outputMaps(this.data, this.output);
    const { vertexS, vertexT, errorS, errorT } = this.data.complex;
    const value = a[cell] * vertexS[vertex] + b[cell] * vertexT[vertex] + (c[cell] - this.level);
    const rounding = error[cell] + 2 ** -50 * Math.abs(this.level);
    const bound = Math.abs(a[cell]) * errorS[vertex] + Math.abs(b[cell]) * errorT[vertex] + rounding;
    if (value > bound) return 1;
    if (value < -bound) return -1;
    return this.data.exact.side(this.#exactLine(cell), vertex);
  }

  #crossing(cell: number, edge: number): readonly [number, number] {
    const known = this.#crossings.get(edge);
    if (known !== undefined) return known;
    const { complex, exact } = this.data;
    const { a, b, c, error } = outputMaps(this.data, this.output);
    const rounding = error[cell] + 2 ** -50 * Math.abs(this.level);
    const { edgeFrom, edgeTo, edgeLine } = complex;
    const point =
      complex.intersection(
        edgeFrom[edge],
        edgeTo[edge],
        edgeLine[edge],
        a[cell],
        b[cell],
        c[cell] - this.level,
        rounding,
      ) ?? coordinates(meet(exact.line(edgeLine[edge]), this.#exactLine(cell)));
    this.#crossings.set(edge, point);
    return point;
  }
}
