/** Where a hyperplane cuts the edges of a polytope: one new vertex per edge whose ends lie on different sides. */

import type { VertexList, VertexPool } from "./vertex-list.js";

/**
 * Adds the vertices on the cut edges of a list to its pool. Two vertices are the ends of an edge iff they share d - 1
 * facets and no third vertex lies on all the facets they share; where one of them lies on exactly d facets, sharing d - 1
 * is enough.
 *
 * Positions. The exact vertex is p + t (n - p), t = f(p) / (f(p) - f(n)). If |f| is off by at most e_p and e_n at the
 * ends (their radii included) and g = f(p) - f(n) as computed, t is off by at most max(e_p, e_n) / (g - e_p - e_n), so
 * the new radius is (1 - t) r_p + t r_n + that · |n - p| + the rounding of the expression itself.
 *
 * @param values the function at the list's vertices, positive and negative as `signs` says.
 * @param error at least |computed f - exact f| over the box; `norm` at least Σ|a_j|.
 * @param slot the facet slot of the cut.
 */
export function cutEdges(
  list: VertexList,
  signs: Int8Array,
  values: Float64Array,
  error: number,
  norm: number,
  slot: number,
): void {
  if (list.pool.words === 1) cutEdgesInOneWord(list, signs, values, error, norm, slot);
  else cutEdgesInWords(list, signs, values, error, norm, slot);
}

/** The places of the negative vertices in the list, and (for one word) their facets. */
let negatives = new Int32Array(64);
let negativeMasks = new Int32Array(64);

function gatherNegatives({ ids, count, pool: { masks } }: VertexList, signs: Int8Array): number {
  if (negatives.length < count) {
    negatives = new Int32Array(2 * count);
    negativeMasks = new Int32Array(2 * count);
  }
  let found = 0;
  for (let k = 0; k < count; k++) {
    if (signs[k] >= 0) continue;
    negatives[found] = k;
    negativeMasks[found++] = masks[ids[k]];
  }
  return found;
}

function cutEdgesInOneWord(
  list: VertexList,
  signs: Int8Array,
  values: Float64Array,
  error: number,
  norm: number,
  slot: number,
): void {
  const { ids, count, simple, pool } = list;
  const { dimension: d, masks } = pool;
  const below = gatherNegatives(list, signs);
  // pairs are fewer than the entries of a hash table only while vertices are few
  if (simple && below * (count - below) > 5 * d * count) {
    cutEdgesByHash(list, signs, values, error, norm, slot);
    return;
  }
  const bit = 1 << slot;
  for (let p = 0; p < count; p++) {
    if (signs[p] <= 0) continue;
    const own = masks[ids[p]];
    for (let k = 0; k < below; k++) {
      const other = negativeMasks[k];
      if (simple) {
        // both lie on d facets: they share d - 1 iff p lies on a single one that n does not
        const alone = own & ~other;
        if ((alone & (alone - 1)) !== 0) continue;
      } else {
        const shared = bitCount(own & other);
        if (shared < d - 1) continue;
        if (bitCount(own) > d && bitCount(other) > d && !isEdge(list, p, negatives[k])) continue;
      }
      const n = negatives[k];
      const v = placeOnEdge(pool, ids[p], ids[n], values[p], values[n], error, norm);
      pool.masks[v] = (own & other) | bit;
    }
  }
}

/** A table from the facet set of an edge to one of its ends; an entry counts only with the current stamp. */
let tableKeys = new Int32Array(1024);
let tableEnds = new Int32Array(1024);
let tableStamps = new Int32Array(1024);
let stamp = 0;

/**
 * For simple polytopes: every vertex has one edge per facet left out of its d, so the edges of the negative vertices are
 * entered under their facet sets and those of the positive ones looked up.
 */
function cutEdgesByHash(
  { ids, count, pool }: VertexList,
  signs: Int8Array,
  values: Float64Array,
  error: number,
  norm: number,
  slot: number,
): void {
  const { dimension: d, masks } = pool;
  let size = tableKeys.length;
  while (size < 4 * d * count) size *= 2;
  if (size !== tableKeys.length || stamp === 0x7fffffff) {
    tableKeys = new Int32Array(size);
    tableEnds = new Int32Array(size);
    tableStamps = new Int32Array(size);
    stamp = 0;
  }
  stamp++;
  const last = size - 1;
  const bit = 1 << slot;
  for (let k = 0; k < count; k++) {
    if (signs[k] >= 0) continue;
    const mask = masks[ids[k]];
    for (let bits = mask; bits !== 0; bits &= bits - 1) {
      const edge = mask ^ (bits & -bits);
      let at = (Math.imul(edge, 0x9e3779b1) >>> 15) & last;
      while (tableStamps[at] === stamp && tableKeys[at] !== edge) at = (at + 1) & last;
      tableStamps[at] = stamp;
      tableKeys[at] = edge;
      tableEnds[at] = k;
    }
  }
  for (let p = 0; p < count; p++) {
    if (signs[p] <= 0) continue;
    const mask = masks[ids[p]];
    for (let bits = mask; bits !== 0; bits &= bits - 1) {
      const edge = mask ^ (bits & -bits);
      let at = (Math.imul(edge, 0x9e3779b1) >>> 15) & last;
      while (tableStamps[at] === stamp && tableKeys[at] !== edge) at = (at + 1) & last;
      if (tableStamps[at] !== stamp) continue;
      const n = tableEnds[at];
      const v = placeOnEdge(pool, ids[p], ids[n], values[p], values[n], error, norm);
      pool.masks[v] = edge | bit;
    }
  }
}

function cutEdgesInWords(
  list: VertexList,
  signs: Int8Array,
  values: Float64Array,
  error: number,
  norm: number,
  slot: number,
): void {
  const { ids, count, pool } = list;
  const { dimension: d, words, masks } = pool;
  const below = gatherNegatives(list, signs);
  for (let p = 0; p < count; p++) {
    if (signs[p] <= 0) continue;
    const own = ids[p] * words;
    const ownCount = list.simple ? d : countBits(masks, own, words);
    for (let k = 0; k < below; k++) {
      const n = negatives[k];
      const other = ids[n] * words;
      let shared = 0;
      for (let w = 0; w < words; w++) shared += bitCount(masks[own + w] & masks[other + w]);
      if (shared < d - 1) continue;
      if (ownCount > d && countBits(masks, other, words) > d && !isEdge(list, p, n)) continue;
      const to = placeOnEdge(pool, ids[p], ids[n], values[p], values[n], error, norm) * words;
      for (let w = 0; w < words; w++) pool.masks[to + w] = masks[own + w] & masks[other + w];
      pool.masks[to + (slot >> 5)] |= 1 << (slot & 31);
    }
  }
}

/** Whether no third vertex lies on all facets that the vertices in places p and n share. */
function isEdge({ ids, count, pool: { words, masks } }: VertexList, p: number, n: number): boolean {
  const own = ids[p] * words;
  const other = ids[n] * words;
  for (let k = 0; k < count; k++) {
    if (k === p || k === n) continue;
    const third = ids[k] * words;
    let contains = true;
    for (let w = 0; w < words && contains; w++) {
      const common = masks[own + w] & masks[other + w];
      contains = (masks[third + w] & common) === common;
    }
    if (contains) return false;
  }
  return true;
}

/** Adds a vertex with the position and radius of the cut of the edge from p to n, where the function is so much. */
function placeOnEdge(
  pool: VertexPool,
  p: number,
  n: number,
  valueP: number,
  valueN: number,
  error: number,
  norm: number,
): number {
  const at = pool.add();
  const { dimension: d, x, radius, extent } = pool;
  const gap = valueP - valueN;
  // a sign decided in integers may contradict a value that is all rounding: then any point of the edge will do
  const t = gap > 0 ? Math.min(Math.max(valueP / gap, 0), 1) : 0.5;
  let length = 0;
  for (let j = 0, a = p * d, b = n * d, c = at * d; j < d; j++, a++, b++, c++) {
    const step = x[b] - x[a];
    x[c] = x[a] + t * step;
    const far = Math.abs(step);
    if (far > length) length = far;
  }
  const errorP = error + norm * radius[p];
  const errorN = error + norm * radius[n];
  const certain = gap * (1 - 2 ** -50) - errorP - errorN;
  const wider = Math.max(radius[p], radius[n]);
  const off = certain > 0 ? Math.max(errorP, errorN) / certain + 2 ** -50 : 1;
  // 2^-50 of everything in the expression covers its four roundings and those of this bound
  radius[at] =
    (wider + Math.min(off, 1) * (length + 2 * wider)) * (1 + 2 ** -40) + 2 ** -50 * (extent + length) + 2 ** -1000;
  return at;
}

/** Set bits of a word (Warren, Hacker's Delight, section 5-1). */
function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function countBits(masks: Int32Array, first: number, words: number): number {
  let bits = 0;
  for (let w = 0; w < words; w++) bits += bitCount(masks[first + w]);
  return bits;
}
