import { DrawError } from "../base/errors.js";
import { checkOptions, type OptionKinds } from "../base/options.js";
import { type Partition, partition } from "../geometry/partition/partition.js";
import { type Box, checkBox } from "../pwl/box.js";
import type { GateLayer, PwlNet } from "../pwl/net.js";
import type { Readable } from "../pwl/read.js";
import { fillByValue, fillCells, segmentsPath } from "./chart/bands.js";
import { figure, type LegendEntry } from "./chart/figure.js";
import { drawCrease, drawWeights, firstLayer, linesIn } from "./chart/lines.js";
import { classGround, MOST_CLASSES } from "./chart/marks.js";
import { domainOf, Panel } from "./chart/panel.js";
import { DATA, drawPoints, netOf, type PointData, pointsOf } from "./chart/points.js";
import { element } from "./chart/svg.js";
import { palette } from "./palette.js";
import { titled } from "./plot-lines.js";
import { PLOT_OPTIONS, type PlotOptions } from "./plot-options.js";

export interface CreasesOptions extends PlotOptions {
  /** What is drawn of the plane. Default: around the data; without data [-1, 1] × [-1, 1]. */
  readonly box?: Box;
  /** Points of the plane: { points, classes }, or a data set { inputs, labels }; names of the classes if there are any. */
  readonly data?: PointData;
  /** The net's values as bands of colour, and its decision boundary. Default true. */
  readonly surface?: boolean;
  /** Creases of the first layer with their weight vectors. Default true. */
  readonly creases?: boolean;
  /** Names W₁, W₂, … at the weight vectors, where there is room. Default: up to 12 units. */
  readonly labels?: boolean;
}

const OPTIONS = {
  ...{ box: "anything", data: DATA, surface: "true or false", creases: "true or false", labels: "true or false" },
  ...PLOT_OPTIONS,
} satisfies OptionKinds;

/**
 * What a ReLU net of two inputs does with the plane, as in Punjani and Abbeel, "Deep Learning Helicopter Dynamics
 * Models" (ICRA 2015), figure 2: the hyperplane of each unit of the first layer, its weight vector W_i on the active side,
 * as long as its bias |b_i| is large, the active side shaded, data points; behind them the net's values and its decision
 * boundary. Contours and boundary are exact. SVG.
 *
 * @throws DrawError where the first layer chooses maxima.
 */
export function plotCreases(f: Readable, options: CreasesOptions = {}): string {
  checkOptions(options, OPTIONS, "plotCreases");
  const net = netOf(f, 2, "plotCreases");
  const box = checkBox(options.box ?? boxAround(options.data), { where: "plotCreases", dimension: 2 });
  const panel = boxPanel(box, options);
  const legend: LegendEntry[] = [];
  if (options.surface ?? true) legend.push(...drawSurface(panel, partition(net, { box }), net));
  const first = (options.creases ?? true) ? firstLayer(net, "plotCreases", "creases") : null;
  const lines = first === null ? [] : linesIn(panel, first, box);
  for (const line of lines) drawCrease(panel, line);
  if (options.data !== undefined) legend.push(...drawPoints(panel, options.data, "plotCreases"));
  drawWeights(panel, lines, options.labels);
  if (lines.length > 0) {
    legend.push(
      { label: "crease of a first-layer unit, its active side shaded", colour: palette.black, mark: "line" },
      { label: "its weight vector, as long as its bias", colour: palette.purple, mark: "arrow" },
    );
  }
  return figure([panel.block()], titled(options.title, options.caption), legend);
}

/** The data with a margin; the unit square around 0 without data. */
function boxAround(data: PointData | undefined): Box {
  const points = data === undefined ? [] : pointsOf(data, "plotCreases");
  if (points.length === 0) {
    return [
      [-1, 1],
      [-1, 1],
    ];
  }
  return [
    domainOf(
      points.map(([x]) => x),
      0.1,
    ),
    domainOf(
      points.map(([, y]) => y),
      0.1,
    ),
  ];
}

/** A panel over a box in its own proportions, unless these are extreme. */
export function boxPanel(
  box: Box,
  { size = 420, xLabel = "x₁", yLabel = "x₂" }: { size?: number; xLabel?: string; yLabel?: string },
): Panel {
  const [[x0, x1], [y0, y1]] = box;
  const ratio = Math.min(2.5, Math.max(0.4, (x1 - x0) / (y1 - y0)));
  return new Panel({
    xDomain: [x0, x1],
    yDomain: [y0, y1],
    width: Math.round(ratio >= 1 ? size : size * ratio),
    height: Math.round(ratio >= 1 ? size / ratio : size),
    xLabel,
    yLabel,
    grid: false,
  });
}

/** Fills the panel with the net's values, or with its classes where it has several outputs, and draws the boundary. */
function drawSurface(panel: Panel, p: Partition, net: PwlNet): LegendEntry[] {
  if (net.output.size > 1) {
    return [...drawClasses(panel, p, net), ...drawBoundary(panel, p.classBoundary().coordinates, "class boundary")];
  }
  return [fillByValue(panel, p, 0), ...drawBoundary(panel, p.levelSet().coordinates, "decision boundary")];
}

/** Fills the plane by the largest output: the same box, cut by one more gate, the maximum of the outputs. */
function drawClasses(panel: Panel, p: Partition, net: PwlNet): LegendEntry[] {
  const { size } = net.output;
  if (size > MOST_CLASSES) {
    throw new DrawError(
      `plotCreases: the net has ${size} outputs, plots tell ${MOST_CLASSES} classes apart; pass surface: false`,
    );
  }
  const largest: GateLayer = { kind: "max", name: "class", argument: net.output, starts: Int32Array.of(0, size) };
  const cut = partition({ ...net, layers: [...net.layers, largest] }, { box: [p.slice.s, p.slice.t] });
  const winner = (cell: number): number => cut.tree.state(net.layers.length, cell, 0);
  fillCells(panel, cut, (cell) => classGround(winner(cell)));
  const winners = new Set(Array.from({ length: cut.cells.length }, (_, cell) => winner(cell)));
  return Array.from({ length: size }, (_, one) => one)
    .filter((one) => winners.has(one))
    .map((one) => ({ label: `output ${one} is largest`, colour: classGround(one), mark: "box" }));
}

/** Draws the segments of a boundary, and gives its legend where there are any. */
export function drawBoundary(panel: Panel, coordinates: ArrayLike<number>, label: string): LegendEntry[] {
  const d = segmentsPath(coordinates, panel.at);
  if (d === "") return [];
  const look = { d, fill: "none", "stroke-linecap": "round" };
  panel.add(element("path", { ...look, stroke: palette.white, "stroke-width": 5 }));
  panel.add(element("path", { ...look, stroke: palette.black, "stroke-width": 2.6 }));
  return [{ label, colour: palette.black, mark: "thick" }];
}
