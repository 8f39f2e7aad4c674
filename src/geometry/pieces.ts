/**
 * Linear regions: cells merged across shared edges wherever their affine maps are exactly equal. Gates that the output
 * ignores (dead layers, zero outgoing weights, cancelling copies) cut cells but not pieces.
 */

import { GeometryError } from "../base/errors.js";
import { exactOutput, outputMaps, sameMap } from "./output-maps.js";
import type { Partition } from "./partition.js";

/** The pieces of a partition. */
export interface Pieces {
  /** The number of pieces. */
  readonly length: number;
  /** The piece of every cell; pieces are numbered by their first cell. */
  readonly ofCell: Int32Array;
  /** The number of different affine maps: pieces that do not touch may share one. */
  readonly distinctMaps: number;
}

const caches = new WeakMap<Partition, Pieces>();

/**
 * The linear regions of a complete partition; computed once. Maps are compared exactly.
 *
 * @throws GeometryError when the partition is incomplete: its pieces would be parts of pieces.
 */
export function pieces(partition: Partition): Pieces {
  requireComplete(partition, "pieces");
  let known = caches.get(partition);
  if (known === undefined) {
    known = merge(partition);
    caches.set(partition, known);
  }
  return known;
}

/** Refuses to speak of a whole of which a part is unknown. */
export function requireComplete(partition: Partition, what: string): void {
  if (partition.complete) return;
  throw new GeometryError(
    `the partition is incomplete (stopped by ${partition.stopped} after ${partition.cells.length} cells), so its ${what} cannot be told: raise the limits`,
  );
}

function merge(partition: Partition): Pieces {
  const { complex } = partition;
  const parents = Int32Array.from({ length: partition.cells.length }, (_, cell) => cell);
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
    if (a !== b && sameMap(partition, left, right)) parents[Math.max(a, b)] = Math.min(a, b);
  }
  const ofCell = new Int32Array(parents.length);
  const firsts: number[] = [];
  for (let cell = 0; cell < parents.length; cell++) {
    const root = find(cell);
    if (root === cell) firsts.push(cell);
    ofCell[cell] = root === cell ? firsts.length - 1 : ofCell[root];
  }
  return { length: firsts.length, ofCell, distinctMaps: countDistinct(partition, firsts) };
}

/** Sorts one cell of each piece by the first output's slope; only runs whose error intervals overlap need integers. */
function countDistinct(partition: Partition, cells: number[]): number {
  const { slice } = partition;
  const sMax = Math.max(Math.abs(slice.s[0]), Math.abs(slice.s[1]));
  const { a, error } = outputMaps(partition, 0);
  const sorted = [...cells].sort((p, q) => a[p] * sMax - error[p] - (a[q] * sMax - error[q]));
  let distinct = 0;
  let run: number[] = [];
  let reach = Number.NEGATIVE_INFINITY;
  const close = () => {
    if (run.length < 2) distinct += run.length;
    else distinct += new Set(run.map((cell) => exactKey(partition, cell))).size;
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
function exactKey(partition: Partition, cell: number): string {
  return Array.from({ length: partition.net.output.size }, (_, output) =>
    exactOutput(partition, cell, output)
      .map((x) => x.toString(36))
      .join(","),
  ).join(";");
}
