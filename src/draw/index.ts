/** Drawings of graphs and pictures of what networks do, as text (DOT, SVG) anywhere; layout and PNG in Node only. */

export type { Box } from "../pwl/box.js";
export type { LegendEntry, LegendKey, LegendScale } from "./chart/figure.js";
export type { Mark } from "./chart/marks.js";
export type { Numbers, PointData, Rows } from "./chart/points.js";
export { type DotOptions, dotLines, toDot } from "./dot.js";
export { type AffineRowsOptions, plotAffineRows } from "./plot-affine.js";
export type { CreasesOptions } from "./plot-creases.js";
export { plotCreases } from "./plot-creases.js";
export { type HingesOptions, plotHinges } from "./plot-hinges.js";
export { type LineSeries, type LinesOptions, plotLines } from "./plot-lines.js";
export type { PlotOptions } from "./plot-options.js";
export { type PartitionPlotOptions, plotPartition } from "./plot-partition.js";
export { type PatternsOptions, plotPatterns } from "./plot-patterns.js";
export { type RenderOptions, rasterize, render } from "./render.js";
