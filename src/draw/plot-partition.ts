import { DrawError, OptionError } from "../base/errors.js";
import { checkOptions, type OptionKinds } from "../base/options.js";
import { shown } from "../base/shown.js";
import { Partition } from "../geometry/partition/partition.js";
import { cellPolygon, fillByValue } from "./chart/bands.js";
import { fillByDepth, fillByPattern, fillBySlope, layerOf } from "./chart/cells.js";
import { figure, type LegendEntry } from "./chart/figure.js";
import { drawWeights, firstLayer, linesIn } from "./chart/lines.js";
import type { Panel } from "./chart/panel.js";
import { around, overlap, placeInside, type Rectangle } from "./chart/place.js";
import { DATA, drawPoints, type PointData } from "./chart/points.js";
import { element, formatCoordinate, text } from "./chart/svg.js";
import { palette } from "./palette.js";
import { boxPanel, drawBoundary } from "./plot-creases.js";
import { titled } from "./plot-lines.js";
import { PLOT_OPTIONS, type PlotOptions } from "./plot-options.js";

export interface PartitionPlotOptions extends PlotOptions {
  /**
   * What a cell's colour says. "pattern" (default): neighbours differ; "slope": how steep the output is there, that is the
   * length of its gradient; "value": the output itself, in exact bands; "depth": the deepest layer that bounds the cell.
   * Those of "pattern" and "depth" are nearly grey: they say nothing of classes.
   */
  readonly colour?: "pattern" | "slope" | "value" | "depth";
  /** Which output "slope" and "value" show, and whose zero set is the boundary; default 0. */
  readonly output?: number;
  /** Points of the plane: { points, classes }, or a data set { inputs, labels }; names of the classes if there are any. */
  readonly data?: PointData;
  /** Where the output is 0, or the class changes. Default: in complete partitions. */
  readonly boundary?: boolean;
  /** The edges of the cells, deeper layers thinner. Default true. */
  readonly creases?: boolean;
  /** Weight vectors of the first layer. Default false. */
  readonly weights?: boolean;
  /** Numbers of the cells that have room for them. Default false. */
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
  // what was meant is clearer from p than from options that belong to another function
  if (!(p instanceof Partition)) {
    throw new DrawError(
      `plotPartition: pass a partition: plotPartition(partition(net, { box })); got ${typeof p === "function" ? "a function" : shown(p)}`,
    );
  }
  checkOptions(options, OPTIONS, "plotPartition");
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
  // viridis is dark on one side and light on the other: no line is seen on all of it
  if (options.creases ?? true) legend.push(...drawEdges(panel, p, colour === "slope"));
  if (boundary) {
    legend.push(
      ...(p.net.output.size > 1
        ? drawBoundary(panel, p.classBoundary().coordinates, "class boundary")
        : drawBoundary(panel, p.levelSet().coordinates, "output = 0")),
    );
  }
  if (data !== undefined) legend.push(...drawPoints(panel, data, "plotPartition"));
  let covered: readonly Rectangle[] = [];
  if (options.weights ?? false) {
    if (!slice.whole)
      throw new DrawError(
        "plotPartition: weight vectors live in the input's own plane, this is a slice; pass weights: false",
      );
    const first = firstLayer(p.net, "plotPartition", "weights");
    const lines = first === null ? [] : linesIn(panel, first, [slice.s, slice.t]);
    covered = drawWeights(panel, lines);
    if (lines.length > 0) {
      legend.push({ label: "weight vector, as long as its bias", colour: palette.purple, mark: "arrow" });
    }
  }
  if (options.labels ?? false) drawLabels(panel, p, covered);
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
    case "pattern":
      return fillByPattern(panel, p);
    case "slope":
      return [fillBySlope(panel, p, output)];
    case "value":
      return [fillByValue(panel, p, output)];
    case "depth":
      return [fillByDepth(panel, p)];
  }
}

/** All inner edges, one path per layer; the deepest layers share one. @param rim a light line below each */
function drawEdges(panel: Panel, p: Partition, rim: boolean): LegendEntry[] {
  const { complex } = p;
  const paths: string[][] = edgeColours.map(() => []);
  let deepest = 0;
  for (let edge = 0; edge < complex.edgeCount; edge++) {
    const layer = layerOf(p, edge);
    if (layer === 0 || complex.edgeLeft[edge] < 0 || complex.edgeRight[edge] < 0) continue;
    deepest = Math.max(deepest, layer);
    const [from, to] = [complex.edgeFrom[edge], complex.edgeTo[edge]];
    const [x, y] = panel.at([complex.vertexS[from], complex.vertexT[from]]);
    const [u, v] = panel.at([complex.vertexS[to], complex.vertexT[to]]);
    paths[Math.min(layer, paths.length) - 1].push(
      `M${formatCoordinate(x)},${formatCoordinate(y)}l${formatCoordinate(u - x)},${formatCoordinate(v - y)}`,
    );
  }
  const crowd = Math.min(1, Math.sqrt(400 / Math.max(1, complex.cellCount)));
  const width = (i: number): number => Math.max(0.15, (i === 0 ? 1.4 : 0.9) * crowd);
  const draw = (i: number, stroke: string, thickness: number): void => {
    const d = paths[i].join("");
    panel.add(element("path", { d, fill: "none", stroke, "stroke-width": thickness, "stroke-linecap": "round" }));
  };
  const used = edgeColours.map((_, i) => i).filter((i) => paths[i].length > 0);
  if (rim) for (const i of used) draw(i, palette.white, 2.6 * width(i));
  for (const i of used) draw(i, edgeColours[i], width(i));
  return used.map((i) => {
    const deeper = i === edgeColours.length - 1 && deepest > edgeColours.length ? " and deeper" : "";
    return { label: `crease of layer ${i + 1}${deeper}`, colour: edgeColours[i], mark: "line" };
  });
}

const edgeColours = [palette.darkGrey, palette.blue, palette.vermilion, palette.green, palette.purple];

/** A cell's number stands inside its cell, and meets nothing else; where there is no room, there is none. */
function drawLabels(panel: Panel, p: Partition, covered: readonly Rectangle[]): void {
  const [size, height] = [8, 8];
  for (let cell = 0; cell < p.cells.length; cell++) {
    const label = String(cell);
    const width = 0.64 * size * label.length + 2;
    const polygon = cellPolygon(p, cell, panel.at);
    const place = placeInside(polygon, width, height, panel.at(p.cells.at(cell).center as [number, number]));
    if (place === null) continue;
    const box = around(place, width, height);
    if (covered.some((other) => overlap(box, other))) continue;
    panel.add(text(label, place[0], place[1] + 2.9, { size, anchor: "middle", fill: palette.black, halo: true }));
  }
}
