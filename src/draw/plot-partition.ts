import { interpolateViridis } from "d3-scale-chromatic";
import { DrawError, OptionError } from "../base/errors.js";
import { checkOptions, type OptionKinds } from "../base/options.js";
import { shown } from "../base/shown.js";
import { outputMaps } from "../geometry/output-maps.js";
import { requireFinite } from "../geometry/overflow.js";
import { Partition } from "../geometry/partition.js";
import { fillCells, hex, valueBands } from "./chart/bands.js";
import { figure, type LegendEntry } from "./chart/figure.js";
import type { Panel } from "./chart/panel.js";
import { DATA, drawPoints, type PointData } from "./chart/points.js";
import { element, formatCoordinate, text } from "./chart/svg.js";
import { palette } from "./palette.js";
import { boxPanel, drawBoundary, drawWeights, firstLayer, linesIn } from "./plot-creases.js";
import { titled } from "./plot-lines.js";
import { PLOT_OPTIONS, type PlotOptions } from "./plot-options.js";

export interface PartitionPlotOptions extends PlotOptions {
  /**
   * What a cell's colour says. "pattern" (default): neighbours differ; "slope": how steep the output is there, that is the
   * length of its gradient; "value": the output itself, in exact bands; "depth": the deepest layer that bounds the cell.
   */
  readonly colour?: "pattern" | "slope" | "value" | "depth";
  /** Which output "slope" and "value" show, and whose zero set is the boundary; default 0. */
  readonly output?: number;
  readonly data?: PointData;
  /** Where the output is 0, or the class changes. Default: in complete partitions. */
  readonly boundary?: boolean;
  /** The edges of the cells, deeper layers thinner. Default true. */
  readonly creases?: boolean;
  /** Weight vectors of the first layer. Default false. */
  readonly weights?: boolean;
  /** Numbers of the cells. Default false. */
  readonly labels?: boolean;
  /** Default true. */
  readonly legend?: boolean;
}

const OPTIONS = {
  ...{ colour: ["pattern", "slope", "value", "depth"], output: "a number", data: DATA, boundary: "true or false" },
  ...{ creases: "true or false", weights: "true or false", labels: "true or false", legend: "true or false" },
  ...PLOT_OPTIONS,
} satisfies OptionKinds;

/**
 * A plane partition as SVG: every cell a polygon with its exact corners, in time and size linear in the cells (20,000:
 * under a second, under 3 MB).
 *
 * @throws DrawError for a partition of a line, or one that is incomplete where `boundary: true` is asked for.
 */
export function plotPartition(p: Partition, options: PartitionPlotOptions = {}): string {
  checkOptions(options, OPTIONS, "plotPartition");
  if (!(p instanceof Partition)) {
    throw new DrawError(`plotPartition: expected what partition(net, { box }) gave, got ${shown(p)}`);
  }
  const { colour = "pattern", output = 0, boundary = p.complete, title, data } = options;
  if (p.dimension !== 2) {
    throw new DrawError("plotPartition: draws partitions of a plane, this one is of a line; use plotHinges");
  }
  if (boundary && !p.complete) {
    throw new DrawError(
      "plotPartition: the partition is incomplete, so its boundary is not known; pass boundary: false",
    );
  }
  const { slice } = p;
  const axes = slice.whole ? { xLabel: "x₁", yLabel: "x₂" } : { xLabel: "s", yLabel: "t" };
  const panel = boxPanel([slice.s, slice.t], {
    xLabel: options.xLabel ?? axes.xLabel,
    yLabel: options.yLabel ?? axes.yLabel,
    ...(options.size === undefined ? {} : { size: options.size }),
  });
  const legend = colourCells(panel, p, colour, output);
  if (options.creases ?? true) legend.push(...drawEdges(panel, p));
  if (boundary) {
    const several = p.net.output.size > 1;
    drawBoundary(panel, several ? p.classBoundary().coordinates : p.levelSet({ output }).coordinates);
    legend.push({ label: several ? "class boundary" : "output = 0", colour: palette.black, mark: "thick" });
  }
  if (data !== undefined) legend.push(...drawPoints(panel, data, "plotPartition"));
  if (options.weights ?? false) {
    if (!slice.whole)
      throw new DrawError(
        "plotPartition: weight vectors live in the input's own plane, this is a slice; pass weights: false",
      );
    const first = firstLayer(p.net, "plotPartition", "weights");
    drawWeights(panel, first === null ? [] : linesIn(panel, first, [slice.s, slice.t]));
    legend.push({ label: "weight vector, as long as its bias", colour: palette.purple, mark: "arrow" });
  }
  if (options.labels ?? false) drawLabels(panel, p);
  const caption =
    options.caption ??
    `${p.cells.length.toLocaleString("en")} ${p.cells.length === 1 ? "cell" : "cells"}${p.complete ? "" : ` found before the run was stopped (${p.stopped})`}.`;
  return figure([panel.block()], titled(title, caption), (options.legend ?? true) ? legend : []);
}

function colourCells(
  panel: Panel,
  p: Partition,
  colour: NonNullable<PartitionPlotOptions["colour"]>,
  output: number,
): LegendEntry[] {
  if (output < 0 || output >= p.net.output.size || !Number.isInteger(output)) {
    throw new OptionError(`plotPartition: output is a number from 0 to ${p.net.output.size - 1}, got ${output}`);
  }
  switch (colour) {
    case "pattern": {
      const colours = differentFromNeighbours(p);
      fillCells(panel, p, (cell) => tints[colours[cell]]);
      return [];
    }
    case "value": {
      const { svg, bands } = valueBands(p, output, 0, panel.at);
      panel.add(svg);
      return [
        { label: `output below ${short(bands[0].to)}`, colour: bands[0].colour, mark: "box" },
        { label: "around 0", colour: bands[bands.length / 2].colour, mark: "box" },
        { label: `above ${short(bands[bands.length - 1].from)}`, colour: bands[bands.length - 1].colour, mark: "box" },
      ];
    }
    case "slope":
      return fillBySlope(panel, p, output);
    case "depth": {
      const depth = depths(p);
      fillCells(panel, p, (cell) => depthColour(depth[cell]));
      const most = depth.reduce((a, b) => Math.max(a, b), 0);
      return Array.from(
        { length: most + 1 },
        (_, d): LegendEntry => ({
          label: d === 0 ? "the box alone" : `bounded by layer ${d}`,
          colour: depthColour(d),
          mark: "box",
        }),
      ).filter((_, d) => depth.includes(d));
    }
  }
}

const short = (value: number): string => String(Number(value.toPrecision(2)));

/** Light tints of the palette's hues; a plane map needs four colours, a greedy choice rarely more than six. */
const tints = ["#cfe3f3", "#fbe3b3", "#c9e9df", "#f3d9e8", "#f9d5c0", "#e6e6e6", "#faf5b8", "#d8d3ee", "#ffffff"];

/** For each cell the first tint that no earlier neighbour has. */
function differentFromNeighbours(p: Partition): Int32Array {
  const { complex } = p;
  const colours = new Int32Array(complex.cellCount).fill(-1);
  for (let cell = 0; cell < complex.cellCount; cell++) {
    let taken = 0;
    for (let k = complex.cellStarts[cell]; k < complex.cellStarts[cell + 1]; k++) {
      const directed = complex.cellEdges[k];
      const across = (directed & 1) === 0 ? complex.edgeRight[directed >> 1] : complex.edgeLeft[directed >> 1];
      if (across >= 0 && colours[across] >= 0) taken |= 1 << colours[across];
    }
    let first = 0;
    while (first < tints.length - 1 && (taken & (1 << first)) !== 0) first++;
    colours[cell] = first;
  }
  return colours;
}

const SLOPE_STEPS = 10;

function fillBySlope(panel: Panel, p: Partition, output: number): LegendEntry[] {
  const { a, b } = outputMaps(p, output);
  const slopes = Float64Array.from(a, (value, cell) => Math.hypot(value, b[cell]));
  requireFinite(slopes, `plotPartition: a slope of output ${output}`);
  const sorted = Float64Array.from(slopes).sort();
  // the steepest hundredth shares the last colour
  const most = sorted[Math.floor(0.99 * (sorted.length - 1))] || 1;
  const step = (slope: number): number => Math.min(SLOPE_STEPS - 1, Math.floor((SLOPE_STEPS * slope) / most));
  const colour = (at: number): string => hex(interpolateViridis(0.12 + (0.88 * at) / (SLOPE_STEPS - 1)));
  fillCells(panel, p, (cell) => colour(step(slopes[cell])));
  return [
    { label: "flat", colour: colour(0), mark: "box" },
    { label: `slope ${short(most / 2)}`, colour: colour(SLOPE_STEPS / 2), mark: "box" },
    { label: `slope ${short(most)} and more`, colour: colour(SLOPE_STEPS - 1), mark: "box" },
  ];
}

const depthColours = ["#f4f5f6", "#cfe3f3", "#fbe3b3", "#c9e9df", "#f3d9e8", "#f9d5c0", "#d8d3ee"];
const depthColour = (depth: number): string => depthColours[Math.min(depth, depthColours.length - 1)];

/** The deepest layer, counted from 1, whose crease bounds each cell; 0 for none. */
function depths(p: Partition): Int32Array {
  const { complex } = p;
  return Int32Array.from({ length: complex.cellCount }, (_, cell) => {
    let deepest = 0;
    for (let k = complex.cellStarts[cell]; k < complex.cellStarts[cell + 1]; k++) {
      deepest = Math.max(deepest, layerOf(p, complex.cellEdges[k] >> 1));
    }
    return deepest;
  });
}

/** The layer, counted from 1, whose crease an edge is; 0 for a side of the box. */
function layerOf({ complex }: Partition, edge: number): number {
  return Math.max(0, complex.lineLayer[complex.edgeLine[edge]] + 1);
}

/** All inner edges, one path per layer. */
function drawEdges(panel: Panel, p: Partition): LegendEntry[] {
  const { complex } = p;
  const paths: string[][] = [];
  for (let edge = 0; edge < complex.edgeCount; edge++) {
    const layer = layerOf(p, edge);
    if (layer === 0 || complex.edgeLeft[edge] < 0 || complex.edgeRight[edge] < 0) continue;
    const [from, to] = [complex.edgeFrom[edge], complex.edgeTo[edge]];
    const [x, y] = panel.at([complex.vertexS[from], complex.vertexT[from]]);
    const [u, v] = panel.at([complex.vertexS[to], complex.vertexT[to]]);
    (paths[layer] ??= []).push(
      `M${formatCoordinate(x)},${formatCoordinate(y)}l${formatCoordinate(u - x)},${formatCoordinate(v - y)}`,
    );
  }
  const crowd = Math.min(1, Math.sqrt(400 / Math.max(1, complex.cellCount)));
  const legend: LegendEntry[] = [];
  paths.forEach((parts, layer) => {
    const stroke = edgeColours[Math.min(layer - 1, edgeColours.length - 1)];
    panel.add(
      element("path", {
        d: parts.join(""),
        fill: "none",
        stroke,
        "stroke-width": Math.max(0.15, (layer === 1 ? 1.4 : 0.9) * crowd),
        "stroke-linecap": "round",
      }),
    );
    legend.push({ label: `crease of layer ${layer}`, colour: stroke, mark: "line" });
  });
  return legend;
}

const edgeColours = [palette.darkGrey, palette.blue, palette.vermilion, palette.green, palette.purple];

function drawLabels(panel: Panel, p: Partition): void {
  for (const cell of p.cells) {
    const [x, y] = panel.at(cell.center as [number, number]);
    panel.add(text(String(cell.index), x, y + 3, { size: 8, anchor: "middle", fill: palette.black, halo: true }));
  }
}
