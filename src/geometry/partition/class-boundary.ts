/**
 * Where the class, the first largest output, changes: the edges of a box that was cut by the maximum of the outputs as
 * well, on whose two sides different outputs win.
 */

import type { PartitionData } from "./data.js";
import { SegmentList, Segments } from "./segments.js";

/** Segments, each with the class on its left and on its right. In one dimension: below and above the point. */
export class ClassBoundary extends Segments {
  constructor(
    dimension: 1 | 2,
    coordinates: Float64Array,
    cells: Int32Array,
    readonly left: Int32Array,
    readonly right: Int32Array,
  ) {
    super(dimension, coordinates, cells);
  }
}

/**
 * The boundary, from the partition of a net whose last layer is the class. Its segments' cells are those of the layers
 * before: cutting is deterministic, so the nodes of these are numbered as the cells of a partition without the class are.
 */
export function classBoundary(cut: PartitionData): ClassBoundary {
  const { complex, tree, slice } = cut;
  const last = tree.layers.length - 1;
  const list = new SegmentList(slice.dimension);
  const classes: [number, number][] = [];
  const { vertexS, vertexT, edgeLeft, edgeRight, edgeFrom, edgeTo } = complex;
  const cellOf = (leaf: number) => (last === 0 ? 0 : tree.ancestor(last, leaf, last - 1));
  for (let edge = 0; edge < complex.edgeCount; edge++) {
    let left = edgeLeft[edge];
    let right = edgeRight[edge];
    if (left < 0 || right < 0) continue;
    let from = edgeFrom[edge];
    let to = edgeTo[edge];
    // on a line, left and right are below and above
    if (slice.dimension === 1 && vertexT[to] < vertexT[from]) [left, right, from, to] = [right, left, to, from];
    const [own, other] = [tree.state(last, left, 0), tree.state(last, right, 0)];
    if (own === other) continue;
    list.add(cellOf(left), [vertexS[from], vertexT[from]], [vertexS[to], vertexT[to]]);
    classes.push([own, other]);
  }
  return new ClassBoundary(
    slice.dimension,
    Float64Array.from(list.values),
    Int32Array.from(list.cells),
    Int32Array.from(classes, ([own]) => own),
    Int32Array.from(classes, ([, other]) => other),
  );
}
