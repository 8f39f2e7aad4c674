/**
 * Exact geometry of piecewise-linear nets: cells in the plane and in any dimension, and the checkers to trust them by.
 *
 * In two dimensions `plane` cuts the box of a slice, and `partition` answers for the cells. In any dimension `cell-tree`
 * walks over the cells, as `polytopes` represent them, and `enumerate` runs the walk and answers for what it finds. What
 * both share stands beside these folders.
 */

export { productBound, zaslavsky } from "./cell-bounds.js";
export type { HalfSpaces as Polytope, HyperplanePool } from "./cell-tree/path.js";
export type { SubProblem } from "./cell-tree/sub-problem.js";
export { type Counts, counts } from "./counts.js";
export { type DualGraph, type DualGraphDotOptions, dualGraph, dualGraphToDot } from "./dual-graph.js";
export type { CellArrays, EnumeratedCell, EnumeratedCells, Facet, Want } from "./enumerate/cells.js";
export {
  type EnumerateOptions,
  type Enumeration,
  type EnumerationMethod,
  type EnumerationProgress,
  enumerate,
  type Frontier,
  type FrontierPart,
  streamCells,
} from "./enumerate/enumerate.js";
export { type EnumeratedPieces, enumeratedPieces } from "./enumerate/pieces.js";
export { type EnumerationSummary, validateEnumeration } from "./enumerate/validate.js";
export type { Cell, CellSide, Cells } from "./partition/cell.js";
export type { ClassBoundary } from "./partition/class-boundary.js";
export type { Crease } from "./partition/creases.js";
export type { Gate, PartitionData } from "./partition/data.js";
export type { Extreme } from "./partition/extremes.js";
export type { LevelSet } from "./partition/level-set.js";
export type { Lipschitz } from "./partition/lipschitz.js";
export { type Partition, type PartitionOptions, partition } from "./partition/partition.js";
export type { Pieces } from "./partition/pieces.js";
export type { Segments } from "./partition/segments.js";
export { type ValidationSummary, validate } from "./partition/validate.js";
export type { PlanarComplex } from "./plane/complex.js";
export type { ExactPlane } from "./plane/exact-plane.js";
export type { PatternTree } from "./plane/pattern-tree.js";
export type { Domain, Interval, Line, Plane, Slice } from "./plane/slice.js";
export type { Stop } from "./plane/splitter.js";
export type { Vector } from "./vector.js";
