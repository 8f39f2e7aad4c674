/**
 * Polytopes by vertices and edges: coordinates, and for each vertex the bit set of the facets it lies on. Everything a
 * cell is asked for (facets, half-spaces, an inner point, neighbours) falls out of these; splitting makes one new vertex
 * per edge that is cut. (The double description method for bounded polytopes: Fukuda and Prodon, "Double description
 * method revisited", 1996.)
 *
 * A vertex is the common point of its facets' hyperplanes; its coordinates are only a cache with an error radius.
 * Signs at it come from the coordinates where the radius allows it, then from refined coordinates, then from integers.
 * Combinatorics never come from coordinates: a new vertex lies on the facets common to its edge's ends, and on the cut;
 * a vertex on the cut goes to both parts; a facet stays a facet of a part iff one of its vertices is strictly there.
 */

import { GeometryError } from "../../base/errors.js";
import type { Candidate, Path } from "../cell-tree/path.js";
import type { Plan } from "../cell-tree/plan.js";
import {
  CUTS,
  NEGATIVE,
  POSITIVE,
  type Polytopes,
  type Side,
  type SignStatistics,
  TOUCHES_NEGATIVE,
  TOUCHES_POSITIVE,
  ZERO,
} from "../cell-tree/polytopes.js";
import { enlarged } from "../growable.js";
import { VertexArithmetic } from "./vertex-arithmetic.js";
import { cutEdges } from "./vertex-edges.js";
import { VertexList, VertexPool, VertexStack } from "./vertex-list.js";

/** Thrown before anything changes when a polytope has more facets than its bit sets hold; search on with more words. */
export class FacetOverflow extends Error {}

/** Above this share of the box's range, a vertex's error radius is refined at once. */
const LARGE_RADIUS = 1e-3;

/** The representation by vertices. `words` 32-bit words of facets per vertex. */
export class VertexPolytopes implements Polytopes {
  readonly statistics: SignStatistics = { exact: 0, programs: 0 };
  readonly hyperplanes: Int32Array;
  readonly signs: Int8Array;
  readonly point: Float64Array;
  /** The current polytope. */
  readonly current: VertexList;

  private readonly dimension: number;
  private readonly stack: VertexStack;
  private readonly pool: VertexPool;
  private readonly arithmetic: VertexArithmetic;
  /** Of the function last classified: its values and signs at the vertices. */
  private values = new Float64Array(64);
  private vertexSigns = new Int8Array(64);
  private zeros = 0;
  /** The bounding box of the current polytope: centre and half widths, rounded outwards. */
  private readonly centre: Float64Array;
  private readonly half: Float64Array;
  /** Whether the box is that of the current polytope: it is found when first needed, and a cell may never need it. */
  private measured = false;
  /** Whether a function was classified over the current polytope before. */
  private asked = false;
  private readonly largeRadius: number;

  constructor(
    private readonly plan: Plan,
    private readonly path: Path,
    readonly words: number,
  ) {
    const d = plan.dimension;
    this.dimension = d;
    if (2 * d >= 32 * words) throw new FacetOverflow();
    this.hyperplanes = new Int32Array(32 * words);
    this.signs = new Int8Array(32 * words);
    this.point = new Float64Array(d);
    this.centre = new Float64Array(d);
    this.half = new Float64Array(d);
    this.pool = new VertexPool(d, words);
    this.current = new VertexList(this.pool);
    this.stack = new VertexStack(this.pool);
    this.arithmetic = new VertexArithmetic(plan, path);
    let range = 0;
    for (let j = 0; j < d; j++) range = Math.max(range, plan.upper[j] - plan.lower[j]);
    this.largeRadius = LARGE_RADIUS * range;
    this.restart();
  }

  /** Makes the box the current polytope. */
  restart(): void {
    this.current.setBox(this.plan.lower, this.plan.upper);
    this.measured = false;
    this.asked = false;
  }

  get depth(): number {
    return this.stack.depth;
  }

  classify(candidate: Candidate): Side {
    if (!this.measured) {
      // a polytope that is cut at once never needs its box
      if (!this.asked) {
        this.asked = true;
        return this.classifyVertices(candidate);
      }
      this.measure();
    }
    const { rows, offset, error } = candidate;
    const { dimension: d, centre, half } = this;
    // 1. over the bounding box
    let middle = rows[offset + d];
    let reach = error;
    for (let j = 0; j < d; j++) {
      const a = rows[offset + j];
      middle += a * centre[j];
      reach += Math.abs(a) * half[j];
    }
    if (middle > reach) return POSITIVE;
    if (middle < -reach) return NEGATIVE;
    // 2. at the vertices
    return this.classifyVertices(candidate);
  }

  remoteness({ rows, offset }: Candidate): number {
    const { dimension: d, centre } = this;
    if (!this.measured) this.measure();
    let middle = rows[offset + d];
    let square = 0;
    for (let j = 0; j < d; j++) {
      const a = rows[offset + j];
      middle += a * centre[j];
      square += a * a;
    }
    return (middle * middle) / square;
  }

  private classifyVertices(candidate: Candidate): Side {
    const { rows, offset, error } = candidate;
    const { dimension: d, current, pool } = this;
    const { count, ids } = current;
    const { radius } = pool;
    if (count > this.values.length) this.reserve(count);
    const { values, vertexSigns } = this;
    valuesAt(pool, ids, count, rows, offset, values);
    let norm = 0;
    for (let j = 0; j < d; j++) norm += Math.abs(rows[offset + j]);
    norm *= 1 + 2 ** -40;
    let positive = false;
    let negative = false;
    let zeros = 0;
    for (let k = 0; k < count; k++) {
      const value = values[k];
      const margin = error + norm * radius[ids[k]];
      if (value > margin) {
        positive = true;
        vertexSigns[k] = 1;
      } else if (value < -margin) {
        negative = true;
        vertexSigns[k] = -1;
      } else {
        const sign = this.decide(k, candidate, norm);
        vertexSigns[k] = sign;
        if (sign > 0) positive = true;
        else if (sign < 0) negative = true;
        else zeros++;
      }
    }
    this.zeros = zeros;
    if (positive && negative) {
      if (current.full()) throw new FacetOverflow();
      return CUTS;
    }
    if (zeros === 0) return positive ? POSITIVE : NEGATIVE;
    return positive ? TOUCHES_POSITIVE : negative ? TOUCHES_NEGATIVE : ZERO;
  }

  /** The sign at a vertex, in place k, whose radius is too large for it: by a better position, else in integers. */
  private decide(k: number, candidate: Candidate, norm: number): number {
    const { arithmetic, current, pool, values } = this;
    const { rows, offset, error } = candidate;
    const v = current.ids[k];
    if (arithmetic.refine(current, v)) {
      const value = arithmetic.valueAt(rows, offset, pool, v);
      const margin = error + norm * pool.radius[v];
      values[k] = value;
      if (value > margin) return 1;
      if (value < -margin) return -1;
    }
    this.statistics.exact++;
    const sign = arithmetic.exactSign(current, v, this.path.exactCandidate(candidate));
    values[k] = arithmetic.valueAt(rows, offset, pool, v);
    return sign;
  }

  split(hyperplane: number): void {
    const { current, stack, pool, vertexSigns } = this;
    const slot = current.freeSlot();
    const generic = this.zeros === 0;
    const first = pool.count;
    this.cut(hyperplane, slot);
    const end = pool.count;
    stack.pushPart(current, first, end, vertexSigns, 1, slot, hyperplane, generic);
    current.keepPart(first, end, vertexSigns, -1, slot, -1 - hyperplane, generic);
    this.measured = false;
    this.asked = false;
  }

  clip(hyperplane: number, sign: number): void {
    const { current, pool, vertexSigns } = this;
    const slot = current.freeSlot();
    const first = pool.count;
    this.cut(hyperplane, slot);
    const code = sign > 0 ? hyperplane : -1 - hyperplane;
    current.keepPart(first, pool.count, vertexSigns, sign, slot, code, this.zeros === 0);
    this.measured = false;
    this.asked = false;
  }

  /** Makes the vertices where edges are cut: they are the last ones of the pool. */
  private cut(hyperplane: number, slot: number): void {
    const { path } = this;
    cutEdges(this.current, this.vertexSigns, this.values, path.error[hyperplane], path.norm[hyperplane], slot);
  }

  push(): void {
    this.stack.push(this.current);
  }

  pop(): void {
    this.stack.pop(this.current);
    this.measured = false;
    this.asked = false;
  }

  peek(index: number): void {
    this.stack.read(index, this.current);
    this.measured = false;
    this.asked = false;
  }

  /** The bounding box; vertices whose position is poorly known are refined on the way. */
  private measure(): void {
    this.measured = true;
    const { dimension: d, current, pool, centre, half } = this;
    const { count, ids } = current;
    const { x, radius } = pool;
    let widest = 0;
    for (let k = 0; k < count; k++) {
      const v = ids[k];
      if (radius[v] > this.largeRadius) this.arithmetic.refine(current, v);
      if (radius[v] > widest) widest = radius[v];
    }
    for (let j = 0; j < d; j++) {
      let low = x[ids[0] * d + j];
      let high = low;
      for (let k = 1; k < count; k++) {
        const coordinate = x[ids[k] * d + j];
        if (coordinate < low) low = coordinate;
        else if (coordinate > high) high = coordinate;
      }
      const middle = 0.5 * (low + high);
      centre[j] = middle;
      half[j] = (0.5 * (high - low) + widest) * (1 + 2 ** -45) + 2 ** -50 * Math.abs(middle);
    }
  }

  facets(): number {
    const { words, hyperplanes, signs } = this;
    const { live, codes } = this.current;
    let found = 0;
    for (let w = 0; w < words; w++) {
      for (let bits = live[w]; bits !== 0; bits &= bits - 1) {
        const code = codes[32 * w + 31 - Math.clz32(bits & -bits)];
        hyperplanes[found] = code < 0 ? -1 - code : code;
        signs[found++] = code < 0 ? -1 : 1;
      }
    }
    return found;
  }

  witness(): boolean {
    const { dimension: d, point, current } = this;
    const { count, ids } = current;
    const { x } = this.pool;
    const share = 1 / count;
    for (let j = 0; j < d; j++) {
      let sum = 0;
      for (let k = 0; k < count; k++) sum += x[ids[k] * d + j];
      point[j] = sum * share;
    }
    if (this.strictlyInside()) return true;
    this.arithmetic.exactMean(current, point);
    return this.strictlyInside();
  }

  private strictlyInside(): boolean {
    const { words, path, point, dimension: d } = this;
    const { live, codes } = this.current;
    const { rows, error } = path;
    for (let w = 0; w < words; w++) {
      for (let bits = live[w]; bits !== 0; bits &= bits - 1) {
        const code = codes[32 * w + 31 - Math.clz32(bits & -bits)];
        const h = code < 0 ? -1 - code : code;
        const at = h * (d + 1);
        let value = rows[at + d];
        for (let j = 0; j < d; j++) value += rows[at + j] * point[j];
        if (!((code < 0 ? -value : value) > error[h])) return false;
      }
    }
    return true;
  }

  private reserve(count: number): void {
    this.values = new Float64Array(2 * count);
    this.vertexSigns = enlarged(this.vertexSigns, new Int8Array(2 * count));
  }
}

/** An affine function at the vertices of a list. */
function valuesAt(
  { dimension: d, x }: VertexPool,
  ids: Int32Array,
  count: number,
  rows: Float64Array,
  offset: number,
  out: Float64Array,
): void {
  const constant = rows[offset + d];
  const a0 = rows[offset];
  const a1 = rows[offset + 1];
  const a2 = rows[offset + 2];
  if (d === 3) {
    for (let k = 0; k < count; k++) {
      const at = ids[k] * 3;
      out[k] = a0 * x[at] + a1 * x[at + 1] + a2 * x[at + 2] + constant;
    }
    return;
  }
  const a3 = rows[offset + 3];
  if (d === 4) {
    for (let k = 0; k < count; k++) {
      const at = ids[k] * 4;
      out[k] = a0 * x[at] + a1 * x[at + 1] + a2 * x[at + 2] + a3 * x[at + 3] + constant;
    }
    return;
  }
  for (let k = 0; k < count; k++) {
    const at = ids[k] * d;
    let value = constant;
    for (let j = 0; j < d; j++) value += rows[offset + j] * x[at + j];
    out[k] = value;
  }
}

/** The number of words that hold `facets` facets and one more. */
export function wordsFor(facets: number): number {
  if (!(facets < 2 ** 16)) throw new GeometryError(`a cell has ${facets} facets: more than the vertex method handles`);
  return Math.ceil((facets + 1) / 32);
}
