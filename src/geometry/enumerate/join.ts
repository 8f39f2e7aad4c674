/** Cells found by several searches, each with hyperplanes of its own, put behind one another. */

import type { HyperplanePool } from "../cell-tree/path.js";
import type { CellArrays } from "./cells.js";
import type { CellCollector } from "./collect.js";

/** What one search found, as plain data. Arrays may be longer than what is in them. */
export interface CellsFound {
  readonly arrays: CellArrays;
  readonly touched: Uint8Array;
  readonly pool: Pick<HyperplanePool, "count" | "rows" | "layer" | "unit" | "other">;
}

/** What a collector has collected; its arrays themselves. */
export function cellsFound({ arrays, touched, pool }: CellCollector): CellsFound {
  const { count, rows, layer, unit, other } = pool;
  return { arrays, touched, pool: { count, rows, layer, unit, other } };
}

/** The memory of what was found, which may be handed to another thread. */
export function buffersOf({ arrays, touched, pool }: CellsFound): ArrayBuffer[] {
  return [...Object.values(arrays), touched, ...Object.values(pool)]
    .filter((value) => ArrayBuffer.isView(value))
    .map(({ buffer }) => buffer as ArrayBuffer);
}

type Numbers = Float64Array | Int32Array | Uint32Array | Uint8Array;

/** Adds cells that another search found to a collector's, and their hyperplanes to its pool. */
export function appendCells(to: CellCollector, { arrays: from, touched, pool }: CellsFound): void {
  const { arrays, dimension: d } = to;
  const { length } = arrays;
  const more = from.length;
  to.reserve(length + more);
  const append = (array: Numbers, other: Numbers, size: number): void => {
    if (array.length > 0) array.set(other.subarray(0, more * size), length * size);
  };
  append(arrays.patterns, from.patterns, to.words);
  append(arrays.witnesses, from.witnesses, d);
  append(arrays.strict, from.strict, 1);
  append(arrays.maps, from.maps, to.outputs * (d + 1));
  append(arrays.balls, from.balls, d + 1);
  append(arrays.volumes, from.volumes, 1);
  append(arrays.volumeErrors, from.volumeErrors, 1);
  const firstHyperplane = appendHyperplanes(to.pool, pool);
  if (arrays.facets.length > 0) {
    to.touched.set(touched.subarray(0, more), length);
    appendFacets(to, from, firstHyperplane);
  }
  if (arrays.vertices.length > 0) {
    const first = appendStarts(arrays.vertexStarts, length, from.vertexStarts, more);
    to.reserveVertices(arrays.vertexStarts[length + more]);
    arrays.vertices.set(from.vertices.subarray(0, from.vertexStarts[more] * d), first * d);
  }
  arrays.length = length + more;
}

function appendFacets(to: CellCollector, from: CellArrays, firstHyperplane: number): void {
  const { arrays } = to;
  const { length } = arrays;
  const first = appendStarts(arrays.facetStarts, length, from.facetStarts, from.length);
  const more = from.facetStarts[from.length];
  to.reserveFacets(first + more);
  const { facets } = arrays;
  for (let at = 0; at < more; at++) {
    const code = from.facets[at];
    facets[first + at] = code < 0 ? code - firstHyperplane : code + firstHyperplane;
  }
  if (arrays.neighbours.length > 0) arrays.neighbours.set(from.neighbours.subarray(0, more), first);
}

/** Continues where each cell's items start; gives the number of items before. */
function appendStarts(starts: Uint32Array, length: number, from: Uint32Array, more: number): number {
  const first = starts[length];
  for (let i = 1; i <= more; i++) starts[length + i] = first + from[i];
  return first;
}

/** Adds hyperplanes to a pool; gives the index of the first. */
function appendHyperplanes(to: HyperplanePool, from: CellsFound["pool"]): number {
  const first = to.count;
  to.reserve(first + from.count);
  to.rows.set(from.rows.subarray(0, from.count * to.width), first * to.width);
  for (const name of ["layer", "unit", "other"] as const) to[name].set(from[name].subarray(0, from.count), first);
  to.count += from.count;
  return first;
}
