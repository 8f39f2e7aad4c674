import { tickIncrement } from "d3-array";
import { interpolateRdBu } from "d3-scale-chromatic";
import { requireFinite } from "../../geometry/overflow.js";
import { outputMaps } from "../../geometry/partition/output-maps.js";
import type { Partition } from "../../geometry/partition/partition.js";
import type { LegendScale } from "./figure.js";
import type { Panel } from "./panel.js";
import { element, formatCoordinate, type Point } from "./svg.js";

/** A convex polygon in pixels, as x, y, x, y, … */
type Polygon = number[];

/**
 * The corners of cell i in pixels, walked without making an object per cell.
 */
export function cellPolygon(p: Partition, i: number, at: (point: Point) => Point): Polygon {
  const { complex } = p;
  const polygon: Polygon = [];
  for (let k = complex.cellStarts[i]; k < complex.cellStarts[i + 1]; k++) {
    const vertex = complex.start(complex.cellEdges[k]);
    const [x, y] = at([complex.vertexS[vertex], complex.vertexT[vertex]]);
    polygon.push(x, y);
  }
  return polygon;
}

function polygonPath(polygon: Polygon): string {
  if (polygon.length < 6) return "";
  let path = "";
  let lastX = Number.NaN;
  let lastY = Number.NaN;
  let corners = 0;
  for (let k = 0; k < polygon.length; k += 2) {
    const x = Math.round(polygon[k] * 100);
    const y = Math.round(polygon[k + 1] * 100);
    if (x === lastX && y === lastY) continue;
    path += corners === 0 ? `M${x / 100},${y / 100}` : `l${(x - lastX) / 100},${(y - lastY) / 100}`;
    corners++;
    lastX = x;
    lastY = y;
  }
  // what is thinner than a hundredth of a pixel is not drawn
  return corners < 3 ? "" : `${path}z`;
}

/** The part of a convex polygon with corner values between low and high, where the value is linear. */
function clip(polygon: Polygon, values: readonly number[], low: number, high: number): Polygon {
  const below = clipBelow(polygon, values, high);
  return clipBelow(
    below.polygon,
    below.values.map((value) => -value),
    -low,
  ).polygon;
}

function clipBelow(polygon: Polygon, values: readonly number[], limit: number): { polygon: Polygon; values: number[] } {
  const out: Polygon = [];
  const kept: number[] = [];
  const n = values.length;
  for (let i = 0; i < n; i++) {
    const j = (i + 1) % n;
    const [a, b] = [values[i], values[j]];
    if (a <= limit) {
      out.push(polygon[2 * i], polygon[2 * i + 1]);
      kept.push(a);
    }
    if (a <= limit !== b <= limit) {
      const share = (limit - a) / (b - a);
      out.push(
        polygon[2 * i] + share * (polygon[2 * j] - polygon[2 * i]),
        polygon[2 * i + 1] + share * (polygon[2 * j + 1] - polygon[2 * i + 1]),
      );
      kept.push(limit);
    }
  }
  return { polygon: out, values: kept };
}

/** Blue below, red above, white between: ColorBrewer's RdBu, which is safe for the common colour-vision deficiencies. */
export function divergingColour(share: number): string {
  const within = Math.min(1, Math.max(-1, share));
  return hex(interpolateRdBu(0.5 - 0.36 * within));
}

/** `rgb(1, 2, 3)` or a hexadecimal colour as `#010203`. */
export function hex(colour: string): string {
  if (colour.startsWith("#")) return colour;
  const channels = colour.match(/\d+/g) as RegExpMatchArray;
  return `#${channels.map((channel) => Number(channel).toString(16).padStart(2, "0")).join("")}`;
}

/** Steps between round numbers: multiples of 1, 2 or 5 times a power of ten. */
export interface RoundSteps {
  /** The step that a value is in; step k is from edge(k) to edge(k + 1). */
  of(value: number): number;
  edge(k: number): number;
}

/** About `count` steps from 0 to `reach`. */
export function roundSteps(reach: number, count: number): RoundSteps {
  // d3 gives steps below 1 as their negated inverse, which divides without rounding 0.1 first
  const size = tickIncrement(0, reach, count);
  const edge = (k: number): number => (size > 0 ? k * size : k / -size);
  return { edge, of: (value) => Math.floor(size > 0 ? value / size : value * -size) };
}

/** Coloured steps as a scale of a legend: those from `first` to `last`, between the least and the largest value. */
export function stepScale(
  label: string,
  { edge }: RoundSteps,
  [first, last]: readonly [number, number],
  [least, largest]: readonly [number, number],
  colourOf: (step: number) => string,
): LegendScale {
  const colours = Array.from({ length: last - first + 1 }, (_, i) => colourOf(first + i));
  const [low, high] = [least, largest].map((value) => shortNumber(value, 3));
  if (low === high) return { label, colours, ticks: [{ at: colours.length / 2, label: low }] };
  const edges = Array.from({ length: colours.length - 1 }, (_, i) => ({
    at: i + 1,
    label: shortNumber(edge(first + i + 1), 6),
  }));
  const ticks = [
    { at: 0, label: low },
    { at: colours.length, label: high },
    ...edges.filter((tick) => tick.label === "0"),
    ...edges.filter((tick) => tick.label !== low && tick.label !== high),
  ];
  return { label, colours, ticks };
}

/** A number with at most so many digits and a true minus. */
export function shortNumber(value: number, digits: number): string {
  return String(Number(value.toPrecision(digits))).replace(/-/g, "−");
}

/** Steps on either side of 0, about. */
const STEPS = 6;

/**
 * One output of a net over its partition in bands between round numbers, two hues on the two sides of 0: exact contours,
 * as the output is affine on each cell. The range of colours is that of 98% of the corners, so that one far corner does
 * not bleach the rest; what is beyond has the last colour.
 */
export function fillByValue(panel: Panel, p: Partition, output: number): LegendScale {
  const { a, b, c } = outputMaps(p, output);
  const { complex } = p;
  const valuesOf = (i: number): number[] => {
    const values: number[] = [];
    for (let k = complex.cellStarts[i]; k < complex.cellStarts[i + 1]; k++) {
      const vertex = complex.start(complex.cellEdges[k]);
      values.push(a[i] * complex.vertexS[vertex] + b[i] * complex.vertexT[vertex] + c[i]);
    }
    return values;
  };
  const sizes: number[] = [];
  let [least, largest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < complex.cellCount; i++) {
    for (const value of valuesOf(i)) {
      sizes.push(Math.abs(value));
      least = Math.min(least, value);
      largest = Math.max(largest, value);
    }
  }
  requireFinite(sizes, `a value of output ${output}`);
  sizes.sort((x, y) => x - y);
  const reach = sizes[Math.floor(0.98 * (sizes.length - 1))] || 1;
  const steps = roundSteps(reach, STEPS);
  // so many bands on either side of 0, numbered from the lowest
  const half = steps.of(reach) + 1;
  const bandOf = (value: number): number => Math.min(2 * half - 1, Math.max(0, steps.of(value) + half));
  const paths = new Array<string>(2 * half).fill("");
  for (let i = 0; i < complex.cellCount; i++) {
    const polygon = cellPolygon(p, i, panel.at);
    const values = valuesOf(i);
    const first = bandOf(Math.min(...values));
    const last = bandOf(Math.max(...values));
    for (let band = first; band <= last; band++) {
      const low = band === 0 ? Number.NEGATIVE_INFINITY : steps.edge(band - half);
      const high = band === 2 * half - 1 ? Number.POSITIVE_INFINITY : steps.edge(band - half + 1);
      paths[band] += polygonPath(first === last ? polygon : clip(polygon, values, low, high));
    }
  }
  const colourOf = (step: number): string => divergingColour((step + 0.5) / half);
  paths.forEach((d, band) => {
    if (d !== "") panel.add(filledPath(d, colourOf(band - half)));
  });
  const label = p.net.output.size > 1 ? `output ${output}` : "output";
  return stepScale(label, steps, [bandOf(least) - half, bandOf(largest) - half], [least, largest], colourOf);
}

/** A filled path with a hair of its own colour around, which closes the seams between neighbours. */
function filledPath(d: string, fill: string): string {
  return element("path", { d, fill, stroke: fill, "stroke-width": 0.35 });
}

/** Fills each cell; cells of one colour are one path. */
export function fillCells(panel: Panel, p: Partition, colourOf: (cell: number) => string): void {
  const paths = new Map<string, string[]>();
  for (let cell = 0; cell < p.cells.length; cell++) {
    const d = polygonPath(cellPolygon(p, cell, panel.at));
    if (d === "") continue;
    const colour = colourOf(cell);
    const list = paths.get(colour);
    if (list === undefined) paths.set(colour, [d]);
    else list.push(d);
  }
  for (const [colour, parts] of paths) panel.add(filledPath(parts.join(""), colour));
}

/** Segments s, t, s, t each, as one path. */
export function segmentsPath(coordinates: ArrayLike<number>, at: (point: Point) => Point): string {
  let path = "";
  for (let k = 0; k < coordinates.length; k += 4) {
    const [x, y] = at([coordinates[k], coordinates[k + 1]]);
    const [u, v] = at([coordinates[k + 2], coordinates[k + 3]]);
    path += `M${formatCoordinate(x)},${formatCoordinate(y)}L${formatCoordinate(u)},${formatCoordinate(v)}`;
  }
  return path;
}
