/**
 * A box of the plane cut into convex polygons: vertices, edges, lines and cells in flat arrays.
 *
 * Identity, not coordinates, carries the topology. A vertex is the pair of lines it was made from; its coordinates are
 * a cache, each with a proven error. An edge is cut at most once, into two children that both neighbours then share: a
 * net is continuous, so both sides of an edge find the same cut, and gates are taken in one order everywhere, so they
 * find it in the same order. The edges without children are the final ones.
 *
 * An edge's left is the side to the left when going from its first to its second vertex. A polygon lists its edges
 * counter-clockwise, as `2 · edge + direction`: direction 0 runs from the first vertex to the second.
 */

import { GeometryError } from "../../base/errors.js";
import { coordinates, type ExactPoint } from "../../exact/homogeneous.js";
import { SLACK, UNIT_ROUNDOFF } from "../../exact/rounding.js";
import { growFloats, growInts } from "../growable.js";

/** `lineLayer` of the box's sides. */
export const BOX_SIDE = -1;

/**
 * Coordinates less certain than this times the side of the box are computed exactly and rounded once. In deep nets bounds
 * are far above the errors and integers cost milliseconds: at 1e-8, one vertex in 60 took most of the time of six layers.
 */
const COORDINATE_TOLERANCE = 1e-6;

export class PlanarComplex {
  vertexCount = 0;
  /** Coordinates, each off by at most `errorS` (`errorT`). */
  vertexS: Float64Array = new Float64Array(1024);
  vertexT: Float64Array = new Float64Array(1024);
  errorS: Float64Array = new Float64Array(1024);
  errorT: Float64Array = new Float64Array(1024);
  /** The two lines that meet there: that of the edge that was cut, and the cutting one. */
  vertexLine: Int32Array = new Int32Array(1024);
  vertexCut: Int32Array = new Int32Array(1024);

  edgeCount = 0;
  edgeFrom: Int32Array = new Int32Array(2048);
  edgeTo: Int32Array = new Int32Array(2048);
  edgeLine: Int32Array = new Int32Array(2048);
  /** The first of two consecutive children, 0 for none. */
  edgeChild: Int32Array = new Int32Array(2048);
  /** The cells to the left and right, -1 for none. */
  edgeLeft: Int32Array = new Int32Array(2048);
  edgeRight: Int32Array = new Int32Array(2048);

  lineCount = 0;
  /** a·s + b·t + c, off by at most `lineError` in the box; the sides of the box are exact. */
  lineA: Float64Array = new Float64Array(1024);
  lineB: Float64Array = new Float64Array(1024);
  lineC: Float64Array = new Float64Array(1024);
  lineError: Float64Array = new Float64Array(1024);
  /** The gate layer, and the node of the layer before on which the line was read. */
  lineLayer: Int32Array = new Int32Array(1024);
  lineNode: Int32Array = new Int32Array(1024);
  /** The hinge; or the two arguments (rows) of a maximum. Of a box side: its number, counter-clockwise from t = min. */
  lineRow: Int32Array = new Int32Array(1024);
  lineOther: Int32Array = new Int32Array(1024);

  cellCount = 0;
  cellStarts: Int32Array = new Int32Array(1024);
  cellEdges: Int32Array = new Int32Array(4096);

  /** Largest absolute coordinates in the box. */
  readonly #sMax: number;
  readonly #tMax: number;
  /** What `#intersect` found last. */
  #s = 0;
  #t = 0;
  #errorS = 0;
  #errorT = 0;

  constructor(
    readonly s: readonly [number, number],
    readonly t: readonly [number, number],
    /** The exact point of a vertex; asked where the coordinates are too uncertain. */
    readonly exactPoint: (vertex: number) => ExactPoint,
  ) {
    this.#sMax = Math.max(Math.abs(s[0]), Math.abs(s[1]));
    this.#tMax = Math.max(Math.abs(t[0]), Math.abs(t[1]));
    // the sides of the box, each positive inside, and its corners
    this.addLine(0, 1, -t[0], 0, BOX_SIDE, 0, 0, -1);
    this.addLine(-1, 0, s[1], 0, BOX_SIDE, 0, 1, -1);
    this.addLine(0, -1, t[1], 0, BOX_SIDE, 0, 2, -1);
    this.addLine(1, 0, -s[0], 0, BOX_SIDE, 0, 3, -1);
    this.addVertex(s[0], t[0], 0, 0, 3, 0);
    this.addVertex(s[1], t[0], 0, 0, 0, 1);
    this.addVertex(s[1], t[1], 0, 0, 1, 2);
    this.addVertex(s[0], t[1], 0, 0, 2, 3);
    for (let k = 0; k < 4; k++) this.addEdge(k, (k + 1) % 4, k);
  }

  addLine(
    a: number,
    b: number,
    c: number,
    error: number,
    layer: number,
    node: number,
    row: number,
    other: number,
  ): number {
    const line = this.lineCount++;
    if (line >= this.lineA.length) this.#growLines();
    this.lineA[line] = a;
    this.lineB[line] = b;
    this.lineC[line] = c;
    this.lineError[line] = error;
    this.lineLayer[line] = layer;
    this.lineNode[line] = node;
    this.lineRow[line] = row;
    this.lineOther[line] = other;
    return line;
  }

  addVertex(s: number, t: number, errorS: number, errorT: number, line: number, cut: number): number {
    const vertex = this.vertexCount++;
    if (vertex >= this.vertexS.length) this.#growVertices();
    this.vertexS[vertex] = s;
    this.vertexT[vertex] = t;
    this.errorS[vertex] = errorS;
    this.errorT[vertex] = errorT;
    this.vertexLine[vertex] = line;
    this.vertexCut[vertex] = cut;
    return vertex;
  }

  addEdge(from: number, to: number, line: number): number {
    const edge = this.edgeCount++;
    if (edge >= this.edgeFrom.length) this.#growEdges();
    this.edgeFrom[edge] = from;
    this.edgeTo[edge] = to;
    this.edgeLine[edge] = line;
    this.edgeChild[edge] = 0;
    this.edgeLeft[edge] = -1;
    this.edgeRight[edge] = -1;
    return edge;
  }

  /** Adds a cell with `length` directed edges, and makes it the neighbour of whatever lies across each. */
  addCell(edges: Int32Array, length: number): number {
    const cell = this.cellCount++;
    const start = this.cellStarts[cell];
    if (cell + 2 > this.cellStarts.length) this.cellStarts = growInts(this.cellStarts, cell + 2);
    if (start + length > this.cellEdges.length) this.cellEdges = growInts(this.cellEdges, start + length);
    this.cellStarts[cell + 1] = start + length;
    for (let k = 0; k < length; k++) {
      const directed = edges[k];
      const edge = directed >> 1;
      if (this.edgeChild[edge] !== 0) throw inconsistent(`a finished cell has edge ${edge}, which its neighbour cut`);
      this.cellEdges[start + k] = directed;
      if ((directed & 1) === 0) this.edgeLeft[edge] = cell;
      else this.edgeRight[edge] = cell;
    }
    return cell;
  }

  /** The vertex at which a directed edge begins. */
  start(directed: number): number {
    return (directed & 1) === 0 ? this.edgeFrom[directed >> 1] : this.edgeTo[directed >> 1];
  }

  /** The vertex at which a directed edge ends. */
  end(directed: number): number {
    return (directed & 1) === 0 ? this.edgeTo[directed >> 1] : this.edgeFrom[directed >> 1];
  }

  /**
   * Cuts an edge where `line`, whose function has opposite signs at its ends, is 0: gives the first of two consecutive
   * children. If the neighbour has cut it already, its children.
   */
  cutEdge(edge: number, line: number): number {
    const known = this.edgeChild[edge];
    if (known !== 0) {
      const cut = this.vertexCut[this.edgeTo[known]];
      if (this.lineLayer[cut] !== this.lineLayer[line] || this.lineRow[cut] !== this.lineRow[line]) {
        throw inconsistent(`edge ${edge} is cut by another gate on its other side`);
      }
      return known;
    }
    return this.cutEdgeAt(edge, this.crossing(this.edgeFrom[edge], this.edgeTo[edge], this.edgeLine[edge], line));
  }

  /** Cuts an edge at a new vertex of its own. */
  cutEdgeAt(edge: number, vertex: number): number {
    const line = this.edgeLine[edge];
    const first = this.addEdge(this.edgeFrom[edge], vertex, line);
    this.addEdge(vertex, this.edgeTo[edge], line);
    this.edgeChild[edge] = first;
    return first;
  }

  /**
   * A new vertex where line f meets the segment between two vertices on line g; f has opposite signs there.
   *
   * Coordinates: linear interpolation, then one Newton step on both lines. Error, a posteriori: at the rounded point p
   * the exact functions are at most |g(p)| + e_g and |f(p)| + e_f, so the exact vertex is J^-1 times that away, where J
   * holds the exact gradients, which differ from the rounded ones by at most e / sMax and e / tMax.
   */
  crossing(from: number, to: number, g: number, f: number): number {
    const certain = this.#intersect(from, to, g, this.lineA[f], this.lineB[f], this.lineC[f], this.lineError[f]);
    const vertex = this.addVertex(this.#s, this.#t, this.#errorS, this.#errorT, g, f);
    if (!certain) this.#roundExactly(vertex);
    return vertex;
  }

  /** As `crossing`, for a function off by at most ef: the point alone, undefined where it is too uncertain. */
  intersection(
    from: number,
    to: number,
    g: number,
    fa: number,
    fb: number,
    fc: number,
    ef: number,
  ): [number, number] | undefined {
    return this.#intersect(from, to, g, fa, fb, fc, ef) ? [this.#s, this.#t] : undefined;
  }

  /** Leaves the point and its errors in #s, #t, #errorS and #errorT; whether they are small enough. */
  #intersect(from: number, to: number, g: number, fa: number, fb: number, fc: number, ef: number): boolean {
    const ga = this.lineA[g];
    const gb = this.lineB[g];
    const gc = this.lineC[g];
    const eg = this.lineError[g];
    const s1 = this.vertexS[from];
    const t1 = this.vertexT[from];
    const s2 = this.vertexS[to];
    const t2 = this.vertexT[to];
    const f1 = fa * s1 + fb * t1 + fc;
    const f2 = fa * s2 + fb * t2 + fc;
    const part = Math.min(1, Math.max(0, f1 / (f1 - f2)));
    let s = s1 + part * (s2 - s1);
    let t = t1 + part * (t2 - t1);
    const determinant = ga * fb - gb * fa;
    let atG = ga * s + gb * t + gc;
    let atF = fa * s + fb * t + fc;
    s = Math.min(this.s[1], Math.max(this.s[0], s + (gb * atF - fb * atG) / determinant));
    t = Math.min(this.t[1], Math.max(this.t[0], t + (fa * atG - ga * atF) / determinant));
    atG = Math.abs(ga * s + gb * t + gc) + eg;
    atF = Math.abs(fa * s + fb * t + fc) + ef;
    const fA = Math.abs(fa) + ef / this.#sMax;
    const fB = Math.abs(fb) + ef / this.#tMax;
    const gA = Math.abs(ga) + eg / this.#sMax;
    const gB = Math.abs(gb) + eg / this.#tMax;
    const products = gA * fB + gB * fA;
    const determinantError =
      (gA * ef + fA * eg) / this.#tMax + (gB * ef + fB * eg) / this.#sMax + 4 * UNIT_ROUNDOFF * products;
    const least = Math.abs(determinant) - determinantError;
    this.#s = s;
    this.#t = t;
    this.#errorS = ((fB * atG + gB * atF) / least) * SLACK;
    this.#errorT = ((fA * atG + gA * atF) / least) * SLACK;
    return (
      least > Math.abs(determinant) / 2 &&
      products > 2 ** -600 &&
      this.#errorS <= COORDINATE_TOLERANCE * (this.s[1] - this.s[0]) &&
      this.#errorT <= COORDINATE_TOLERANCE * (this.t[1] - this.t[0])
    );
  }

  /** Replaces a vertex's coordinates by the exact ones, rounded. */
  #roundExactly(vertex: number): void {
    const [s, t] = coordinates(this.exactPoint(vertex));
    this.vertexS[vertex] = Math.min(this.s[1], Math.max(this.s[0], s));
    this.vertexT[vertex] = Math.min(this.t[1], Math.max(this.t[0], t));
    this.errorS[vertex] = 4 * UNIT_ROUNDOFF * Math.abs(s) + Number.MIN_VALUE;
    this.errorT[vertex] = 4 * UNIT_ROUNDOFF * Math.abs(t) + Number.MIN_VALUE;
  }

  /** Takes back the vertices from a number on, which nothing may refer to. */
  dropVertices(from: number): void {
    this.vertexCount = from;
  }

  /** Bytes held. */
  get byteLength(): number {
    return [
      ...[this.vertexS, this.vertexT, this.errorS, this.errorT, this.vertexLine, this.vertexCut],
      ...[this.edgeFrom, this.edgeTo, this.edgeLine, this.edgeChild, this.edgeLeft, this.edgeRight],
      ...[this.lineA, this.lineB, this.lineC, this.lineError],
      ...[this.lineLayer, this.lineNode, this.lineRow, this.lineOther, this.cellStarts, this.cellEdges],
    ].reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  #growVertices(): void {
    const needed = this.vertexCount;
    this.vertexS = growFloats(this.vertexS, needed);
    this.vertexT = growFloats(this.vertexT, needed);
    this.errorS = growFloats(this.errorS, needed);
    this.errorT = growFloats(this.errorT, needed);
    this.vertexLine = growInts(this.vertexLine, needed);
    this.vertexCut = growInts(this.vertexCut, needed);
  }

  #growEdges(): void {
    const needed = this.edgeCount;
    this.edgeFrom = growInts(this.edgeFrom, needed);
    this.edgeTo = growInts(this.edgeTo, needed);
    this.edgeLine = growInts(this.edgeLine, needed);
    this.edgeChild = growInts(this.edgeChild, needed);
    this.edgeLeft = growInts(this.edgeLeft, needed);
    this.edgeRight = growInts(this.edgeRight, needed);
  }

  #growLines(): void {
    const needed = this.lineCount;
    this.lineA = growFloats(this.lineA, needed);
    this.lineB = growFloats(this.lineB, needed);
    this.lineC = growFloats(this.lineC, needed);
    this.lineError = growFloats(this.lineError, needed);
    this.lineLayer = growInts(this.lineLayer, needed);
    this.lineNode = growInts(this.lineNode, needed);
    this.lineRow = growInts(this.lineRow, needed);
    this.lineOther = growInts(this.lineOther, needed);
  }
}

/** The error of a contradiction that exact signs exclude. */
export function inconsistent(what: string): GeometryError {
  return new GeometryError(
    `the partition contradicts itself: ${what}. This is a defect of Crease, not of the net: please report it with the net`,
  );
}
