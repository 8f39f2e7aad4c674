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

import { GeometryError } from "../base/errors.js";
import { kernelsFor, type Products } from "../exact/linear-program-kernels.js";
import type { Candidate, Path } from "./cell-tree-path.js";
import { enlarged } from "./cell-tree-path.js";
import type { Plan } from "./cell-tree-plan.js";
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
} from "./cell-tree-polytopes.js";
import type { ExactRow } from "./exact-rows.js";
import { VertexArithmetic } from "./vertex-arithmetic.js";
import { cutEdges } from "./vertex-edges.js";
import { VertexList, VertexStack } from "./vertex-list.js";

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
  private readonly created: VertexList;
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
  private readonly products: Products;

  constructor(
    private readonly plan: Plan,
    private readonly path: Path,
    readonly words: number,
  ) {
    const d = plan.dimension;
    this.dimension = d;
    this.products = kernelsFor(d).products;
    if (2 * d >= 32 * words) throw new FacetOverflow();
    this.hyperplanes = new Int32Array(32 * words);
    this.signs = new Int8Array(32 * words);
    this.point = new Float64Array(d);
    this.centre = new Float64Array(d);
    this.half = new Float64Array(d);
    this.current = new VertexList(d, words);
    this.created = new VertexList(d, words);
    this.stack = new VertexStack(d, words);
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

  private classifyVertices(candidate: Candidate): Side {
    const { rows, offset, error } = candidate;
    const { dimension: d, current } = this;
    const { count, radius } = current;
    if (count > this.values.length) this.reserve(count);
    const { values, vertexSigns } = this;
    this.products(current.x, d, count, rows, offset, values);
    const constant = rows[offset + d];
    let norm = 0;
    for (let j = 0; j < d; j++) norm += Math.abs(rows[offset + j]);
    norm *= 1 + 2 ** -40;
    let positive = false;
    let negative = false;
    let zeros = 0;
    let exact: ExactRow | undefined;
    for (let v = 0; v < count; v++) {
      const value = (values[v] += constant);
      const margin = error + norm * radius[v];
      if (value > margin) {
        positive = true;
        vertexSigns[v] = 1;
      } else if (value < -margin) {
        negative = true;
        vertexSigns[v] = -1;
      } else {
        exact ??= this.path.exactCandidate(candidate);
        const sign = this.decide(v, candidate, norm, exact);
        vertexSigns[v] = sign;
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

  /** The sign at a vertex whose radius is too large for it: by a better position, else in integers. */
  private decide(v: number, candidate: Candidate, norm: number, exact: ExactRow): number {
    const { arithmetic, current, values } = this;
    const { rows, offset, error } = candidate;
    if (arithmetic.refine(current, v)) {
      const value = arithmetic.valueAt(rows, offset, current, v);
      const margin = error + norm * current.radius[v];
      values[v] = value;
      if (value > margin) return 1;
      if (value < -margin) return -1;
    }
    this.statistics.exact++;
    const sign = arithmetic.exactSign(current, v, exact);
    values[v] = arithmetic.valueAt(rows, offset, current, v);
    return sign;
  }

  split(hyperplane: number): void {
    const { current, created, stack, vertexSigns } = this;
    const slot = current.freeSlot();
    this.cut(hyperplane, slot);
    stack.pushPart(current, created, vertexSigns, 1, slot, hyperplane, this.zeros === 0);
    current.keepPart(created, vertexSigns, -1, slot, -1 - hyperplane, this.zeros === 0);
    this.measured = false;
    this.asked = false;
  }

  clip(hyperplane: number, sign: number): void {
    const { current, created, vertexSigns } = this;
    const slot = current.freeSlot();
    this.cut(hyperplane, slot);
    current.keepPart(created, vertexSigns, sign, slot, sign > 0 ? hyperplane : -1 - hyperplane, this.zeros === 0);
    this.measured = false;
    this.asked = false;
  }

  /** Makes the vertices where edges are cut. */
  private cut(hyperplane: number, slot: number): void {
    const { path } = this;
    const error = path.error[hyperplane];
    const norm = path.norm[hyperplane];
    cutEdges(this.current, this.vertexSigns, this.values, error, norm, slot, this.created);
    this.arithmetic.name(this.created);
  }

  push(): void {
    this.stack.push(this.current);
  }

  pop(): void {
    this.stack.read(this.stack.depth - 1, this.current);
    this.stack.drop();
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
    const { dimension: d, current, centre, half } = this;
    const { count, x, radius } = current;
    let widest = 0;
    for (let v = 0; v < count; v++) {
      if (radius[v] > this.largeRadius) this.arithmetic.refine(current, v);
      if (radius[v] > widest) widest = radius[v];
    }
    for (let j = 0; j < d; j++) {
      let low = x[j];
      let high = low;
      for (let at = j + d, end = count * d; at < end; at += d) {
        const coordinate = x[at];
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
    const { count, x } = current;
    const share = 1 / count;
    for (let j = 0; j < d; j++) {
      let sum = 0;
      for (let at = j, end = count * d; at < end; at += d) sum += x[at];
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

/** The number of words that hold `facets` facets and one more. */
export function wordsFor(facets: number): number {
  if (!(facets < 2 ** 16)) throw new GeometryError(`a cell has ${facets} facets: more than the vertex method handles`);
  return Math.ceil((facets + 1) / 32);
}
