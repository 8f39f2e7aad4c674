/**
 * Cuts a polygon by one maximum: into the regions where one of its arguments wins.
 *
 * Comparing the arguments one after the other would leave cuts between losers. So each argument's region is clipped from
 * the whole polygon by all others (regions are convex, and few arguments survive the bounding box), and the regions are
 * then glued: two regions share at most one edge, so the ends of shared edges identify the vertices, without looking at
 * coordinates. Ties are decided exactly: of equal arguments the first wins everywhere.
 */

import { type AffineRows, errorOf } from "./affine-rows.js";
import { inconsistent, type PlanarComplex } from "./complex.js";
import type { ExactPlane } from "./exact-plane.js";
import type { WorkPolygon } from "./work-polygon.js";

/** A part of the polygon and the argument (row) that wins there; edges as the complex lists them. */
export interface Region {
  readonly winner: number;
  readonly edges: number[];
}

/** A clipped polygon: side k runs from vertices[k] along lines[k]. */
interface Clip {
  readonly winner: number;
  vertices: number[];
  lines: number[];
  /** The polygon's own side that side k lies on, or `CUT`. */
  sides: number[];
  /** For a cut: the winner across, once known. */
  across: number[];
}

const CUT = -1;

/** The maxima of one layer on one of its cells. */
export class MaximumCutter {
  readonly #lines = new Map<number, number>();

  constructor(
    readonly complex: PlanarComplex,
    readonly exact: ExactPlane,
    readonly rows: AffineRows,
    readonly layer: number,
    readonly node: number,
  ) {}

  /** The regions of the maximum of rows `from` to `to` (exclusive) on a polygon; one region: the polygon itself. */
  cut(polygon: WorkPolygon, from: number, to: number): Region[] {
    const candidates = this.#candidates(polygon, from, to);
    const whole = Array.from(polygon.edges.subarray(0, polygon.length));
    if (candidates.length === 1) return [{ winner: candidates[0], edges: whole }];
    const mark = this.complex.vertexCount;
    const clips = candidates
      .map((winner) => this.#clip(polygon, winner, candidates))
      .filter((clip): clip is Clip => clip !== undefined);
    if (clips.length === 1) {
      this.#drop(mark);
      return [{ winner: clips[0].winner, edges: whole }];
    }
    return this.#glue(polygon, clips, mark);
  }

  /** The rows that the bounding box does not show to lose; at least one. */
  #candidates({ centerS, centerT, halfS, halfT }: WorkPolygon, from: number, to: number): number[] {
    const { a, b, c, m, relativeError, zeroIsExact } = this.rows;
    let best = from;
    let bestLow = Number.NEGATIVE_INFINITY;
    for (let i = from; i < to; i++) {
      const reach = Math.abs(a[i]) * halfS + Math.abs(b[i]) * halfT + errorOf(relativeError, m[i]);
      const low = a[i] * centerS + b[i] * centerT + c[i] - reach;
      if (low > bestLow) {
        best = i;
        bestLow = low;
      }
    }
    const open: number[] = [];
    let zeros = 0;
    for (let i = from; i < to; i++) {
      // of several arguments that are 0 throughout, as a dead window's are, the first stands for all
      if (zeroIsExact && m[i] === 0 && zeros++ > 0) continue;
      const da = a[i] - a[best];
      const db = b[i] - b[best];
      const dc = c[i] - c[best];
      const error = errorOf(relativeError, m[i] + m[best]);
      const reach = Math.abs(da) * halfS + Math.abs(db) * halfT + error;
      const loses = da * centerS + db * centerT + dc < -reach;
      if (i === best || !loses) open.push(i);
    }
    return open;
  }

  /** The sign of row i less row j at a vertex. */
  #sign(i: number, j: number, vertex: number): number {
    const { a, b, c, m, relativeError } = this.rows;
    const { vertexS, vertexT, errorS, errorT } = this.complex;
    const da = a[i] - a[j];
    const db = b[i] - b[j];
    const value = da * vertexS[vertex] + db * vertexT[vertex] + (c[i] - c[j]);
    const error = errorOf(relativeError, m[i] + m[j]);
    const bound = Math.abs(da) * errorS[vertex] + Math.abs(db) * errorT[vertex] + error;
    if (value > bound) return 1;
    if (value < -bound) return -1;
    return this.exact.side(this.exact.cut(this.layer, this.node, i, j), vertex);
  }

  /** The complex's line of row i less row j. */
  #line(i: number, j: number): number {
    const key = i * this.rows.size + j;
    let line = this.#lines.get(key);
    if (line === undefined) {
      const { a, b, c, m, relativeError } = this.rows;
      const error = errorOf(relativeError, m[i] + m[j]);
      line = this.complex.addLine(a[i] - a[j], b[i] - b[j], c[i] - c[j], error, this.layer, this.node, i, j);
      this.#lines.set(key, line);
    }
    return line;
  }

  /** The part of the polygon where a row wins; undefined if it has no interior. Its new vertices are temporary. */
  #clip(polygon: WorkPolygon, winner: number, candidates: readonly number[]): Clip | undefined {
    const { complex } = this;
    let clip: Clip = { winner, vertices: [], lines: [], sides: [], across: [] };
    for (let k = 0; k < polygon.length; k++) {
      push(clip, polygon.vertices[k], complex.edgeLine[polygon.edges[k] >> 1], k);
    }
    for (const other of candidates) {
      if (other === winner) continue;
      const signs = clip.vertices.map((vertex) => this.#sign(winner, other, vertex));
      if (!signs.includes(1)) {
        if (signs.includes(-1) || other < winner) return undefined;
      } else if (signs.includes(-1)) {
        clip = this.#keepPositive(clip, signs, this.#line(winner, other));
      }
    }
    return clip;
  }

  #keepPositive(clip: Clip, signs: readonly number[], line: number): Clip {
    const kept: Clip = { winner: clip.winner, vertices: [], lines: [], sides: [], across: [] };
    const count = signs.length;
    for (let k = 0; k < count; k++) {
      const next = (k + 1) % count;
      const vertex = clip.vertices[k];
      if (signs[k] > 0 || (signs[k] === 0 && signs[next] > 0)) {
        push(kept, vertex, clip.lines[k], clip.sides[k]);
      } else if (signs[k] === 0) {
        push(kept, vertex, line, CUT); // the walk leaves the positive part here
      }
      if (signs[k] * signs[next] < 0) {
        const crossing = this.complex.crossing(vertex, clip.vertices[next], clip.lines[k], line);
        if (signs[k] > 0) push(kept, crossing, line, CUT);
        else push(kept, crossing, clip.lines[k], clip.sides[k]);
      }
    }
    return kept;
  }

  #drop(mark: number): void {
    this.complex.dropVertices(mark);
    this.exact.forgetVertices(mark);
  }

  /** Turns the clipped regions into edges of the complex, each vertex and edge once. */
  #glue(polygon: WorkPolygon, clips: readonly Clip[], mark: number): Region[] {
    const { complex } = this;
    for (const clip of clips) this.#findAcross(clip, clips);
    const classes = new Classes();
    for (const clip of clips) {
      clip.sides.forEach((side, k) => {
        if (side !== CUT) return;
        const [other, at] = this.#opposite(clip, k, clips);
        classes.join(clip.vertices[k], other.vertices[(at + 1) % other.vertices.length]);
        classes.join(clip.vertices[(k + 1) % clip.vertices.length], other.vertices[at]);
      });
    }
    // keep what is needed of the temporary vertices, take them back, and make each class one vertex
    const saved = new Map<number, readonly [number, number, number, number, number, number]>();
    for (let v = mark; v < complex.vertexCount; v++) {
      const { vertexS, vertexT, errorS, errorT, vertexLine, vertexCut } = complex;
      if (classes.find(v) === v) {
        saved.set(v, [vertexS[v], vertexT[v], errorS[v], errorT[v], vertexLine[v], vertexCut[v]]);
      }
    }
    this.#drop(mark);
    const made = new Map<number, number>();
    const vertexOf = (local: number): number => {
      const name = classes.find(local);
      if (name < mark) return name;
      let vertex = made.get(name);
      if (vertex === undefined) {
        vertex = complex.addVertex(...saved.get(name)!);
        made.set(name, vertex);
      }
      return vertex;
    };
    const edges = clips.map(({ sides }) => new Array<number>(sides.length));
    for (let side = 0; side < polygon.length; side++)
      this.#cutSide(polygon, side, clips, classes, made, vertexOf, edges);
    clips.forEach((clip, r) => {
      clip.sides.forEach((side, k) => {
        if (side !== CUT || edges[r][k] !== undefined) return;
        const [other, at] = this.#opposite(clip, k, clips);
        const from = vertexOf(clip.vertices[k]);
        const to = vertexOf(clip.vertices[(k + 1) % clip.vertices.length]);
        const edge = complex.addEdge(from, to, this.#line(clip.winner, other.winner));
        edges[r][k] = 2 * edge;
        edges[clips.indexOf(other)][at] = 2 * edge + 1;
      });
    });
    return clips.map(({ winner }, r) => ({ winner, edges: edges[r] }));
  }

  /**
   * Names the region across each cut. The line that cut need not be the neighbour's: three arguments may tie on one line.
   * The neighbour is the one other region whose argument ties at both ends.
   */
  #findAcross(clip: Clip, clips: readonly Clip[]): void {
    clip.sides.forEach((side, k) => {
      if (side !== CUT) return;
      const ends = [clip.vertices[k], clip.vertices[(k + 1) % clip.vertices.length]];
      const neighbour = clips.find(
        (other) => other !== clip && ends.every((vertex) => this.#sign(clip.winner, other.winner, vertex) === 0),
      );
      if (neighbour === undefined) throw inconsistent(`a region of maximum ${clip.winner} has no neighbour`);
      clip.across[k] = neighbour.winner;
    });
  }

  /** The region across cut k of a region, and which of its sides the cut is. */
  #opposite(clip: Clip, k: number, clips: readonly Clip[]): [Clip, number] {
    const other = clips.find(({ winner }) => winner === clip.across[k])!;
    const at = other.across.findIndex((winner, side) => other.sides[side] === CUT && winner === clip.winner);
    if (at < 0) throw inconsistent(`regions of maxima ${clip.winner} and ${other.winner} do not share their edge`);
    return [other, at];
  }

  /** Gives the regions along one side of the polygon their parts of its edge, cutting it where the winner changes. */
  #cutSide(
    polygon: WorkPolygon,
    side: number,
    clips: readonly Clip[],
    classes: Classes,
    made: Map<number, number>,
    vertexOf: (local: number) => number,
    edges: number[][],
  ): void {
    const { complex } = this;
    // the parts in walking order: from the side's first vertex, always the part that begins where the last one ended
    const parts: { region: number; at: number; end: number }[] = [];
    let current = polygon.vertices[side];
    const last = polygon.vertices[(side + 1) % polygon.length];
    while (current !== last) {
      const before = parts.length;
      clips.forEach(({ sides, vertices }, region) => {
        const at = sides.indexOf(side);
        if (at < 0 || classes.find(vertices[at]) !== current || parts.length > before) return;
        parts.push({ region, at, end: classes.find(vertices[(at + 1) % vertices.length]) });
      });
      if (parts.length === before) throw inconsistent(`the regions of a maximum leave a gap on side ${side}`);
      current = parts[before].end;
    }
    const directed = polygon.edges[side];
    const reversed = directed & 1;
    if (reversed === 1) parts.reverse();
    // from the edge's first vertex to its second: cut off one part after the other, or find the neighbour's cuts
    let rest = directed >> 1;
    parts.forEach(({ region, at, end }, k) => {
      let edge = rest;
      if (k + 1 < parts.length) {
        const local = reversed === 1 ? parts[k + 1].end : end;
        let child = complex.edgeChild[rest];
        if (child === 0) child = complex.cutEdgeAt(rest, vertexOf(local));
        else if (complex.lineLayer[complex.vertexCut[complex.edgeTo[child]]] !== this.layer) {
          throw inconsistent(`edge ${rest} is cut by another layer on its other side`);
        } else made.set(local, complex.edgeTo[child]);
        edge = child;
        rest = child + 1;
      }
      edges[region][at] = 2 * edge + reversed;
    });
  }
}

function push(clip: Clip, vertex: number, line: number, side: number): void {
  clip.vertices.push(vertex);
  clip.lines.push(line);
  clip.sides.push(side);
  clip.across.push(CUT);
}

/** Classes of equal vertices; a class is named by its least vertex, so that the polygon's own keep their names. */
class Classes {
  readonly #parents = new Map<number, number>();

  find(vertex: number): number {
    let name = vertex;
    for (let parent = this.#parents.get(name); parent !== undefined; parent = this.#parents.get(name)) name = parent;
    return name;
  }

  join(first: number, second: number): void {
    const a = this.find(first);
    const b = this.find(second);
    if (a !== b) this.#parents.set(Math.max(a, b), Math.min(a, b));
  }
}
