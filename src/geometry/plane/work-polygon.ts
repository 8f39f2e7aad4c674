import { growFloats, growInts } from "../growable.js";
import type { PlanarComplex } from "./complex.js";

/** A polygon with its vertices' coordinates and bounding box: the one a layer works on. */
export class WorkPolygon {
  length = 0;
  edges: Int32Array = new Int32Array(16);
  vertices: Int32Array = new Int32Array(16);
  s: Float64Array = new Float64Array(16);
  t: Float64Array = new Float64Array(16);
  errorS: Float64Array = new Float64Array(16);
  errorT: Float64Array = new Float64Array(16);
  signs: Int8Array = new Int8Array(16);
  centerS = 0;
  centerT = 0;
  /** Half extents of the bounding box, at least. */
  halfS = 0;
  halfT = 0;

  /** Takes `length` directed edges from `source`, starting at `at`. */
  load(complex: PlanarComplex, source: ArrayLike<number>, at: number, length: number): void {
    if (length > this.edges.length) this.#grow(length);
    this.length = length;
    let sMin = Number.POSITIVE_INFINITY;
    let sMax = Number.NEGATIVE_INFINITY;
    let tMin = Number.POSITIVE_INFINITY;
    let tMax = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < length; k++) {
      const directed = source[at + k];
      const vertex = complex.start(directed);
      const s = complex.vertexS[vertex];
      const t = complex.vertexT[vertex];
      const errorS = complex.errorS[vertex];
      const errorT = complex.errorT[vertex];
      this.edges[k] = directed;
      this.vertices[k] = vertex;
      this.s[k] = s;
      this.t[k] = t;
      this.errorS[k] = errorS;
      this.errorT[k] = errorT;
      if (s - errorS < sMin) sMin = s - errorS;
      if (s + errorS > sMax) sMax = s + errorS;
      if (t - errorT < tMin) tMin = t - errorT;
      if (t + errorT > tMax) tMax = t + errorT;
    }
    this.centerS = (sMin + sMax) / 2;
    this.centerT = (tMin + tMax) / 2;
    this.halfS = Math.max(sMax - this.centerS, this.centerS - sMin);
    this.halfT = Math.max(tMax - this.centerT, this.centerT - tMin);
  }

  #grow(length: number): void {
    this.edges = growInts(this.edges, length);
    const size = this.edges.length;
    this.vertices = growInts(this.vertices, size);
    this.s = growFloats(this.s, size);
    this.t = growFloats(this.t, size);
    this.errorS = growFloats(this.errorS, size);
    this.errorT = growFloats(this.errorT, size);
    this.signs = new Int8Array(size);
  }
}
