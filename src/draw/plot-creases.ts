import { DrawError } from "../base/errors.js";
import { checkOptions, type OptionKinds } from "../base/options.js";
import { type Partition, partition } from "../geometry/partition.js";
import { row } from "../pwl/blocks.js";
import { checkBox } from "../pwl/box.js";
import type { GateLayer, HingeLayer, PwlNet } from "../pwl/net.js";
import type { Readable } from "../pwl/read.js";
import { fillCells, segmentsPath, valueBands } from "./chart/bands.js";
import { figure, type LegendEntry } from "./chart/figure.js";
import { domainOf, Panel } from "./chart/panel.js";
import { classColour, DATA, drawPoints, netOf, type PointData, pointsOf } from "./chart/points.js";
import { element, type Point, pathThrough, text } from "./chart/svg.js";
import { palette } from "./palette.js";
import { titled } from "./plot-lines.js";
import { PLOT_OPTIONS, type PlotOptions } from "./plot-options.js";

export type Box = readonly [readonly [number, number], readonly [number, number]];

export interface CreasesOptions extends PlotOptions {
  /** What is drawn of the plane. Default: around the data; without data [-1, 1] × [-1, 1]. */
  readonly box?: Box;
  readonly data?: PointData;
  /** The net's values as bands of colour, and its decision boundary. Default true. */
  readonly surface?: boolean;
  /** Creases of the first layer with their weight vectors. Default true. */
  readonly creases?: boolean;
  /** Names W₁, W₂, … at the weight vectors. Default: up to 12 units. */
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
  if (options.box !== undefined) checkBox(options.box, { where: "plotCreases", dimension: 2 });
  const box = options.box ?? boxAround(options.data);
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
    drawClasses(panel, p, net);
    drawBoundary(panel, p.classBoundary().coordinates);
    return [{ label: "class boundary", colour: palette.black, mark: "thick" }];
  }
  const { svg, bands } = valueBands(p, 0, 0, panel.at);
  panel.add(svg);
  drawBoundary(panel, p.levelSet().coordinates);
  return [
    { label: "output below 0", colour: bands[2].colour, mark: "box" },
    { label: "above 0", colour: bands[bands.length - 3].colour, mark: "box" },
    { label: "decision boundary", colour: palette.black, mark: "thick" },
  ];
}

/** Fills the plane by the largest output: the same box, cut by one more gate, the maximum of the outputs. */
function drawClasses(panel: Panel, p: Partition, net: PwlNet): void {
  const { size } = net.output;
  const largest: GateLayer = { kind: "max", name: "class", argument: net.output, starts: Int32Array.of(0, size) };
  const cut = partition({ ...net, layers: [...net.layers, largest] }, { box: [p.slice.s, p.slice.t] });
  fillCells(panel, cut, (cell) => classColour(cut.tree.state(net.layers.length, cell, 0), true));
}

export function drawBoundary(panel: Panel, coordinates: ArrayLike<number>): void {
  const d = segmentsPath(coordinates, panel.at);
  if (d === "") return;
  panel.add(element("path", { d, fill: "none", stroke: palette.white, "stroke-width": 5, "stroke-linecap": "round" }));
  panel.add(
    element("path", { d, fill: "none", stroke: palette.black, "stroke-width": 2.6, "stroke-linecap": "round" }),
  );
}

/** The hinges that read the input first; null in a net without gates. */
export function firstLayer(net: PwlNet, where: string, option: string): HingeLayer | null {
  const layer = net.layers.at(0) ?? null;
  if (layer !== null && layer.kind !== "hinge") {
    throw new DrawError(
      `${where}: the net's first layer chooses maxima, whose creases have no weight vector; pass ${option}: false`,
    );
  }
  return layer;
}

/** One unit's line w · x + b = 0. */
interface Line {
  readonly unit: number;
  readonly w: Point;
  readonly b: number;
}

/** A line as it is drawn, in pixels. */
export interface DrawnLine extends Line {
  readonly ends: readonly [Point, Point];
  /** Unit vector perpendicular to the line, on the side where the unit is active. */
  readonly towards: Point;
}

const SHADE = 11;
const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";

const subscript = (n: number): string => [...String(n)].map((digit) => SUBSCRIPTS[Number(digit)]).join("");

/** The creases of the first layer that cross the box. */
export function linesIn(panel: Panel, layer: HingeLayer, box: Box): DrawnLine[] {
  return linesOf(layer).flatMap((line) => {
    const ends = clipLine(line, box);
    if (ends === null) return [];
    const [p, q] = ends.map(panel.at);
    return [{ ...line, ends: [p, q], towards: activeNormal(panel, line, ends[0], p, q) }];
  });
}

function drawCrease(panel: Panel, { ends: [p, q], towards: [dx, dy] }: DrawnLine): void {
  // the shade is drawn beyond the box, which clips it, so that it has no ends inside
  const length = Math.hypot(q[0] - p[0], q[1] - p[1]) || 1;
  const along: Point = [(40 * (q[0] - p[0])) / length, (40 * (q[1] - p[1])) / length];
  const from: Point = [p[0] - along[0], p[1] - along[1]];
  const to: Point = [q[0] + along[0], q[1] + along[1]];
  const shade: Point[] = [
    from,
    to,
    [to[0] + SHADE * dx, to[1] + SHADE * dy],
    [from[0] + SHADE * dx, from[1] + SHADE * dy],
  ];
  panel.add(element("path", { d: pathThrough(shade, true), fill: palette.black, opacity: 0.1 }));
  panel.add(element("path", { d: pathThrough([from, to]), stroke: palette.black, "stroke-width": 1.2, opacity: 0.75 }));
}

export function drawWeights(panel: Panel, lines: readonly DrawnLine[], labels?: boolean): void {
  const largest = Math.max(...lines.map(({ b }) => Math.abs(b)), Number.MIN_VALUE);
  for (const { unit, b, ends, towards } of lines) {
    const length = 14 + 40 * (Math.abs(b) / largest);
    const [mx, my] = middle(ends[0], ends[1], unit);
    const tip: Point = [mx + length * towards[0], my + length * towards[1]];
    panel.add(arrow([mx, my], tip, towards));
    if (!(labels ?? lines.length <= 12)) continue;
    panel.add(
      text(`W${subscript(unit + 1)}`, tip[0] + 9 * towards[0], tip[1] + 9 * towards[1] + 3, {
        size: 10,
        fill: palette.black,
        anchor: "middle",
        style: "italic",
        halo: true,
      }),
    );
  }
}

/** Units whose weights are all 0 have no line. */
function linesOf({ argument, threshold }: HingeLayer): Line[] {
  const lines: Line[] = [];
  for (let unit = 0; unit < argument.size; unit++) {
    const w: [number, number] = [0, 0];
    for (const { block } of argument.terms) {
      const { indices, values } = row(block, unit);
      indices.forEach((j, k) => {
        w[j] += values[k];
      });
    }
    if (w[0] !== 0 || w[1] !== 0) lines.push({ unit, w, b: argument.bias[unit] - threshold[unit] });
  }
  return lines;
}

/** The segment of a line in a box, null where it misses it. */
function clipLine({ w: [a, c], b }: Line, [[x0, x1], [y0, y1]]: Box): [Point, Point] | null {
  const found: Point[] = [];
  const add = (x: number, y: number): void => {
    const inside = x >= x0 && x <= x1 && y >= y0 && y <= y1;
    if (inside && !found.some(([u, v]) => u === x && v === y)) found.push([x, y]);
  };
  if (c !== 0) for (const x of [x0, x1]) add(x, -(a * x + b) / c);
  if (a !== 0) for (const y of [y0, y1]) add(-(c * y + b) / a, y);
  return found.length < 2 ? null : [found[0], found[1]];
}

/** Unit normal of the drawn line, on the side where the unit is active. */
function activeNormal(panel: Panel, { w }: Line, at: Point, p: Point, q: Point): Point {
  const length = Math.hypot(q[0] - p[0], q[1] - p[1]) || 1;
  const normal: Point = [-(q[1] - p[1]) / length, (q[0] - p[0]) / length];
  const further = panel.at([at[0] + w[0], at[1] + w[1]]);
  const side = (further[0] - p[0]) * normal[0] + (further[1] - p[1]) * normal[1];
  return side >= 0 ? normal : [-normal[0], -normal[1]];
}

/** Where the arrow stands: near the middle, a little shifted from unit to unit, so that arrows do not meet. */
function middle(p: Point, q: Point, i: number): Point {
  const share = 0.5 + 0.22 * Math.sin(i * 2.399963);
  return [p[0] + share * (q[0] - p[0]), p[1] + share * (q[1] - p[1])];
}

function arrow(from: Point, to: Point, [dx, dy]: Point): string {
  const base: Point = [to[0] - 7 * dx, to[1] - 7 * dy];
  const head: Point[] = [to, [base[0] - 3.6 * dy, base[1] + 3.6 * dx], [base[0] + 3.6 * dy, base[1] - 3.6 * dx]];
  return (
    element("path", { d: pathThrough([from, base]), stroke: palette.purple, "stroke-width": 2 }) +
    element("path", { d: pathThrough(head, true), fill: palette.purple })
  );
}
