/** Where a hyperplane cuts the edges of a polytope: one new vertex per edge whose ends lie on different sides. */

import type { VertexList } from "./vertex-list.js";

/**
 * Fills `created` with the vertices on the cut edges of a list. Two vertices are the ends of an edge iff they share d - 1
 * facets and no third vertex lies on all the facets they share; where one of them lies on exactly d facets, sharing d - 1
 * is enough.
 *
 * Positions. The exact vertex is p + t (n - p), t = f(p) / (f(p) - f(n)). If |f| is off by at most e_p and e_n at the
 * ends (their radii included) and g = f(p) - f(n) as computed, t is off by at most max(e_p, e_n) / (g - e_p - e_n), so
 * the new radius is (1 - t) r_p + t r_n + that · |n - p| + the rounding of the expression itself.
 *
 * @param values the function at the vertices, positive and negative as `signs` says.
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
  created: VertexList,
): void {
  created.count = 0;
  if (list.words === 1) cutEdgesInOneWord(list, signs, values, error, norm, slot, created);
  else cutEdgesInWords(list, signs, values, error, norm, slot, created);
}

let negatives = new Int32Array(64);

function gatherNegatives(list: VertexList, signs: Int8Array): number {
  if (negatives.length < list.count) negatives = new Int32Array(2 * list.count);
  let found = 0;
  for (let v = 0; v < list.count; v++) if (signs[v] < 0) negatives[found++] = v;
  return found;
}

function cutEdgesInOneWord(
  list: VertexList,
  signs: Int8Array,
  values: Float64Array,
  error: number,
  norm: number,
  slot: number,
  created: VertexList,
): void {
  const { dimension: d, masks, count, simple } = list;
  const below = gatherNegatives(list, signs);
  // pairs are fewer than the entries of a hash table only while vertices are few
  if (simple && below * (count - below) > 3 * d * count) {
    cutEdgesByHash(list, signs, values, error, norm, slot, created);
    return;
  }
  const bit = 1 << slot;
  for (let p = 0; p < count; p++) {
    if (signs[p] <= 0) continue;
    const own = masks[p];
    for (let k = 0; k < below; k++) {
      const n = negatives[k];
      const common = own & masks[n];
      // at least d - 1 bits? Clear d - 2 and see
      let rest = common;
      if (d > 2) {
        rest &= rest - 1;
        if (d > 3) {
          rest &= rest - 1;
          if (d > 4) for (let cleared = 4; cleared < d; cleared++) rest &= rest - 1;
        }
      }
      if (rest === 0 && d > 1) continue;
      if (!simple && bitCount(own) > d && bitCount(masks[n]) > d && !isEdge(list, p, n)) continue;
      const at = created.count;
      placeOnEdge(list, p, n, values, error, norm, created);
      created.masks[at] = common | bit;
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
  list: VertexList,
  signs: Int8Array,
  values: Float64Array,
  error: number,
  norm: number,
  slot: number,
  created: VertexList,
): void {
  const { dimension: d, masks, count } = list;
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
  for (let v = 0; v < count; v++) {
    if (signs[v] >= 0) continue;
    const mask = masks[v];
    for (let bits = mask; bits !== 0; bits &= bits - 1) {
      const edge = mask ^ (bits & -bits);
      let at = (Math.imul(edge, 0x9e3779b1) >>> 15) & last;
      while (tableStamps[at] === stamp && tableKeys[at] !== edge) at = (at + 1) & last;
      tableStamps[at] = stamp;
      tableKeys[at] = edge;
      tableEnds[at] = v;
    }
  }
  for (let p = 0; p < count; p++) {
    if (signs[p] <= 0) continue;
    const mask = masks[p];
    for (let bits = mask; bits !== 0; bits &= bits - 1) {
      const edge = mask ^ (bits & -bits);
      let at = (Math.imul(edge, 0x9e3779b1) >>> 15) & last;
      while (tableStamps[at] === stamp && tableKeys[at] !== edge) at = (at + 1) & last;
      if (tableStamps[at] !== stamp) continue;
      const place = created.count;
      placeOnEdge(list, p, tableEnds[at], values, error, norm, created);
      created.masks[place] = edge | bit;
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
  created: VertexList,
): void {
  const { dimension: d, words, masks, count } = list;
  const below = gatherNegatives(list, signs);
  for (let p = 0; p < count; p++) {
    if (signs[p] <= 0) continue;
    const ownCount = list.simple ? d : countBits(masks, p * words, words);
    for (let k = 0; k < below; k++) {
      const n = negatives[k];
      let shared = 0;
      for (let w = 0; w < words; w++) shared += bitCount(masks[p * words + w] & masks[n * words + w]);
      if (shared < d - 1) continue;
      if (ownCount > d && countBits(masks, n * words, words) > d && !isEdge(list, p, n)) continue;
      const at = created.count;
      placeOnEdge(list, p, n, values, error, norm, created);
      for (let w = 0; w < words; w++) {
        created.masks[at * words + w] = masks[p * words + w] & masks[n * words + w];
      }
      created.masks[at * words + (slot >> 5)] |= 1 << (slot & 31);
    }
  }
}

/** Whether no third vertex lies on all facets that p and n share. */
function isEdge(list: VertexList, p: number, n: number): boolean {
  const { words, masks, count } = list;
  for (let v = 0; v < count; v++) {
    if (v === p || v === n) continue;
    let contains = true;
    for (let w = 0; w < words && contains; w++) {
      const common = masks[p * words + w] & masks[n * words + w];
      contains = (masks[v * words + w] & common) === common;
    }
    if (contains) return false;
  }
  return true;
}

/** Appends the position and radius of the cut of the edge p to n. */
function placeOnEdge(
  list: VertexList,
  p: number,
  n: number,
  values: Float64Array,
  error: number,
  norm: number,
  created: VertexList,
): void {
  const { dimension: d, x, radius } = list;
  const at = created.count++;
  if (at >= created.radius.length) created.reserve(at + 1);
  const gap = values[p] - values[n];
  // a sign decided in integers may contradict a value that is all rounding: then any point of the edge will do
  const t = gap > 0 ? Math.min(Math.max(values[p] / gap, 0), 1) : 0.5;
  const to = created.x;
  let length = 0;
  let size = 0;
  for (let j = 0, a = p * d, b = n * d, c = at * d; j < d; j++, a++, b++, c++) {
    const step = x[b] - x[a];
    const coordinate = x[a] + t * step;
    to[c] = coordinate;
    const far = Math.abs(step);
    if (far > length) length = far;
    const magnitude = Math.abs(x[a]);
    if (magnitude > size) size = magnitude;
  }
  const errorP = error + norm * radius[p];
  const errorN = error + norm * radius[n];
  const certain = gap * (1 - 2 ** -50) - errorP - errorN;
  const wider = Math.max(radius[p], radius[n]);
  const off = certain > 0 ? Math.max(errorP, errorN) / certain + 2 ** -50 : 1;
  // 2^-50 of everything in the expression covers its four roundings and those of this bound
  created.radius[at] =
    (wider + Math.min(off, 1) * (length + 2 * wider)) * (1 + 2 ** -40) + 2 ** -50 * (size + length) + 2 ** -1000;
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
