/**
 * Linear regions: cells merged across shared edges wherever their affine maps are exactly equal. Gates that the output
 * ignores (dead layers, zero outgoing weights, cancelling copies) cut cells but not pieces.
 */

import { type PartitionData, requireComplete } from "./data.js";
import { exactOutput, outputMaps, sameMap } from "./output-maps.js";

/** The pieces of a data. */
export interface Pieces {
  /** The number of pieces. */
  readonly length: number;
  /** The piece of every cell; pieces are numbered by their first cell. */
  readonly ofCell: Int32Array;
  /** The number of different affine maps: pieces that do not touch may share one. */
  readonly distinctMaps: number;
}

const caches = new WeakMap<PartitionData, Pieces>();

/**
 * The linear regions of a complete partition; computed once. Maps are compared exactly.
 *
 * @throws GeometryError when the partition is incomplete: its pieces would be parts of pieces.
 */
export function pieces(data: PartitionData): Pieces {
  requireComplete(data, "pieces");
  let known = caches.get(data);
  if (known === undefined) {
    known = merge(data);
    caches.set(data, known);
  }
  return known;
}

function merge(data: PartitionData): Pieces {
  const { complex } = data;
  const parents = Int32Array.from({ length: data.complex.cellCount }, (_, cell) => cell);
  const find = (cell: number): number => {
    while (parents[cell] !== cell) cell = parents[cell] = parents[parents[cell]];
    return cell;
  };
  for (let edge = 0; edge < complex.edgeCount; edge++) {
    const left = complex.edgeLeft[edge];
    const right = complex.edgeRight[edge];
    if (left < 0 || right < 0) continue;
    const a = find(left);
    const b = find(right);
    if (a !== b && sameMap(data, left, right)) parents[Math.max(a, b)] = Math.min(a, b);
  }
  const ofCell = new Int32Array(parents.length);
  const firsts: number[] = [];
  for (let cell = 0; cell < parents.length; cell++) {
    const root = find(cell);
    if (root === cell) firsts.push(cell);
    ofCell[cell] = root === cell ? firsts.length - 1 : ofCell[root];
  }
  return { length: firsts.length, ofCell, distinctMaps: countDistinct(data, firsts) };
}

/** Sorts one cell of each piece by the first output's slope; only runs whose error intervals overlap need integers. */
function countDistinct(data: PartitionData, cells: number[]): number {
  const { slice } = data;
  const sMax = Math.max(Math.abs(slice.s[0]), Math.abs(slice.s[1]));
  const { a, error } = outputMaps(data, 0);
  const sorted = [...cells].sort((p, q) => a[p] * sMax - error[p] - (a[q] * sMax - error[q]));
  let distinct = 0;
  let run: number[] = [];
  let reach = Number.NEGATIVE_INFINITY;
  const close = () => {
    if (run.length < 2) distinct += run.length;
    else distinct += new Set(run.map((cell) => exactKey(data, cell))).size;
  };
  for (const cell of sorted) {
    if (a[cell] * sMax - error[cell] > reach) {
      close();
      run = [];
    }
    run.push(cell);
    reach = Math.max(reach, a[cell] * sMax + error[cell]);
  }
  close();
  return distinct;
}

/** A text that two cells share iff their maps are exactly equal. */
function exactKey(data: PartitionData, cell: number): string {
  return Array.from({ length: data.net.output.size }, (_, output) =>
    exactOutput(data, cell, output)
      .map((x) => x.toString(36))
      .join(","),
  ).join(";");
}
