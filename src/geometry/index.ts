/** Exact geometry of piecewise-linear nets: cells in the plane and in any dimension, and the checkers to trust them by. */

export type { Cell, Cells } from "./cell.js";
export { productBound, zaslavsky } from "./cell-bounds.js";
export { type Counts, counts } from "./counts.js";
export { type DualGraph, type DualGraphDotOptions, dualGraph, dualGraphToDot } from "./dual-graph.js";
export {
  type EnumerateOptions,
  type Enumeration,
  type EnumerationMethod,
  enumerate,
  type Frontier,
  type FrontierPart,
  streamCells,
} from "./enumerate.js";
export type { EnumeratedCell, EnumeratedCells, Facet } from "./enumerate-cells.js";
export { type EnumeratedPieces, enumeratedPieces } from "./enumerate-pieces.js";
export { type EnumerationSummary, validateEnumeration } from "./enumerate-validate.js";
export { type Partition, type PartitionOptions, partition } from "./partition.js";
export type { Line, Plane } from "./slice.js";
export { type ValidationSummary, validate } from "./validate.js";
