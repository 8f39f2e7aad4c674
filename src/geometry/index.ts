/** Exact geometry of piecewise-linear nets: cells in the plane and in any dimension, and the checkers to trust them by. */

export type { Cell, CellSide, Cells } from "./cell.js";
export { productBound, zaslavsky } from "./cell-bounds.js";
export type { SubProblem } from "./cell-tree.js";
export type { HalfSpaces as Polytope, HyperplanePool } from "./cell-tree-path.js";
export type { ClassBoundary } from "./class-boundary.js";
export { type Counts, counts } from "./counts.js";
export type { Crease } from "./creases.js";
export { type DualGraph, type DualGraphDotOptions, dualGraph, dualGraphToDot } from "./dual-graph.js";
export {
  type EnumerateOptions,
  type Enumeration,
  type EnumerationMethod,
  type EnumerationProgress,
  enumerate,
  type Frontier,
  type FrontierPart,
  streamCells,
} from "./enumerate.js";
export type { CellArrays, EnumeratedCell, EnumeratedCells, Facet, Want } from "./enumerate-cells.js";
export { type EnumeratedPieces, enumeratedPieces } from "./enumerate-pieces.js";
export { type EnumerationSummary, validateEnumeration } from "./enumerate-validate.js";
export type { ExactPlane } from "./exact-plane.js";
export type { Extreme } from "./extremes.js";
export type { LevelSet } from "./level-set.js";
export type { Lipschitz } from "./lipschitz.js";
export { type Partition, type PartitionOptions, partition } from "./partition.js";
export type { Gate, PartitionData } from "./partition-data.js";
export type { PatternTree } from "./pattern-tree.js";
export type { Pieces } from "./pieces.js";
export type { PlanarComplex } from "./planar-complex.js";
export type { Segments } from "./segments.js";
export type { Domain, Interval, Line, Plane, Slice } from "./slice.js";
export type { Stop } from "./splitter.js";
export { type ValidationSummary, validate } from "./validate.js";
export type { Vector } from "./vector.js";
