/** The exact side of a planar complex: its lines and vertices in integers, computed when asked for, and signs at them. */

import { commonExponent, toInteger } from "../../exact/dyadic.js";
import { type ExactLine, type ExactPoint, meet, side } from "../../exact/homogeneous.js";
import { BOX_SIDE, type PlanarComplex } from "./complex.js";
import type { ExactSliceMaps } from "./exact-maps.js";
import type { Slice } from "./slice.js";

/** Lines and points kept before all are forgotten. */
const MOST_KEPT = 100_000;

export class ExactPlane {
  /** The complex that the lines and vertices are of; set once, right after it is made. */
  complex!: PlanarComplex;
  readonly #lines = new Map<number, ExactLine>();
  readonly #points = new Map<number, ExactPoint>();
  readonly #sides: readonly ExactLine[];
  /** Signs decided exactly. */
  decisions = 0;

  constructor(
    readonly maps: ExactSliceMaps,
    { s, t }: Slice,
  ) {
    const exponent = Math.min(0, commonExponent([...s, ...t]));
    const one = 1n << BigInt(-exponent);
    const [s0, s1, t0, t1] = [...s, ...t].map((x) => toInteger(x, exponent));
    this.#sides = [
      [0n, one, -t0],
      [-one, 0n, s1],
      [0n, -one, t1],
      [one, 0n, -s0],
    ];
  }

  /** Where gate `row` of a layer changes state on a node of the layer before; a maximum: `row` less `other`. */
  cut(layer: number, node: number, row: number, other: number): ExactLine {
    return other < 0 ? this.maps.hinge(layer, node, row) : this.maps.difference(layer, node, row, other);
  }

  /** A line of the complex. */
  line(line: number): ExactLine {
    const { lineLayer, lineNode, lineRow, lineOther } = this.complex;
    if (lineLayer[line] === BOX_SIDE) return this.#sides[lineRow[line]];
    let exact = this.#lines.get(line);
    if (exact === undefined) {
      if (this.#lines.size > MOST_KEPT) this.#lines.clear();
      exact = this.cut(lineLayer[line], lineNode[line], lineRow[line], lineOther[line]);
      this.#lines.set(line, exact);
    }
    return exact;
  }

  /** A vertex of the complex. */
  point(vertex: number): ExactPoint {
    let exact = this.#points.get(vertex);
    if (exact === undefined) {
      if (this.#points.size > MOST_KEPT) this.#points.clear();
      exact = meet(this.line(this.complex.vertexLine[vertex]), this.line(this.complex.vertexCut[vertex]));
      this.#points.set(vertex, exact);
    }
    return exact;
  }

  /** The sign of a line's function at a vertex. */
  side(line: ExactLine, vertex: number): number {
    this.decisions++;
    return side(line, this.point(vertex));
  }

  /** Forgets the vertices from a number on: they are to be given to others. */
  forgetVertices(from: number): void {
    for (const vertex of this.#points.keys()) if (vertex >= from) this.#points.delete(vertex);
  }
}
