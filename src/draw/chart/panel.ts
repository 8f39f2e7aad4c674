import { scaleLinear, scaleLog } from "d3-scale";
import { palette } from "../palette.js";
import type { Block } from "./figure.js";
import { element, type Point, pathThrough, text } from "./svg.js";

export interface PanelOptions {
  readonly xDomain: readonly [number, number];
  readonly yDomain: readonly [number, number];
  /** Of the plotting area, in pixels. */
  readonly width?: number;
  readonly height?: number;
  readonly title?: string;
  readonly xLabel?: string;
  readonly yLabel?: string;
  readonly yScale?: "linear" | "log";
  /** Grid lines behind the data; default true. */
  readonly grid?: boolean;
}

/** From data to pixels: what is used of d3's scales, so that this package's types need none of theirs. */
export interface Scale {
  (value: number): number;
  ticks(count: number): number[];
  tickFormat(count: number, specifier?: string): (value: number) => string;
}

const LEFT = 52;
const BOTTOM = 34;
const RIGHT = 10;

/** A plotting area with axes: takes data coordinates, clips what it is given. */
export class Panel {
  readonly width: number;
  readonly height: number;
  readonly x: Scale;
  readonly y: Scale;
  private readonly inside: string[] = [];
  private readonly above: string[] = [];

  constructor(private readonly options: PanelOptions) {
    const { width = 380, height = 280, xDomain, yDomain, yScale = "linear" } = options;
    this.width = width;
    this.height = height;
    this.x = scaleLinear(xDomain, [0, width]);
    this.y = yScale === "log" ? scaleLog(yDomain, [height, 0]) : scaleLinear(yDomain, [height, 0]);
  }

  /** A data point in pixels of the plotting area. */
  at = ([x, y]: Point): Point => [this.x(x), this.y(y)];

  /** Adds elements in pixels of the plotting area, clipped to it. */
  add(...parts: readonly string[]): void {
    this.inside.push(...parts);
  }

  /** Adds elements that may reach beyond the plotting area. */
  addAbove(...parts: readonly string[]): void {
    this.above.push(...parts);
  }

  line(points: Iterable<Point>, stroke: string, attributes: Readonly<Record<string, string | number>> = {}): void {
    const path = pathThrough(Array.from(points, this.at));
    this.add(
      element("path", {
        d: path,
        fill: "none",
        stroke,
        "stroke-width": 1.8,
        "stroke-linejoin": "round",
        ...attributes,
      }),
    );
  }

  circle(point: Point, r: number, fill: string, attributes: Readonly<Record<string, string | number>> = {}): void {
    const [cx, cy] = this.at(point);
    this.add(element("circle", { cx, cy, r, fill, ...attributes }));
  }

  block(): Block {
    const { title, xLabel, yLabel, grid = true, yScale } = this.options;
    const { width, height } = this;
    const top = title === undefined ? 8 : 24;
    const xTicks = this.x.ticks(Math.max(3, Math.round(width / 70)));
    const yTicks = this.y.ticks(Math.max(3, Math.round(height / 48)));
    const xFormat = this.x.tickFormat(Math.max(3, Math.round(width / 70)));
    const yCount = Math.max(3, Math.round(height / 48));
    const yFormat = yScale === "log" ? this.y.tickFormat(yCount, "~g") : this.y.tickFormat(yCount);
    const gridLines = grid
      ? [
          ...xTicks.map((tick) => rule(this.x(tick), 0, this.x(tick), height, "#eceef0")),
          ...yTicks.map((tick) => rule(0, this.y(tick), width, this.y(tick), "#eceef0")),
        ]
      : [];
    const axes = [
      rule(0, height, width, height, palette.grey),
      rule(0, 0, 0, height, palette.grey),
      ...xTicks.map((tick) => rule(this.x(tick), height, this.x(tick), height + 4, palette.grey)),
      ...yTicks.map((tick) => rule(-4, this.y(tick), 0, this.y(tick), palette.grey)),
      ...xTicks.map((tick) => text(xFormat(tick), this.x(tick), height + 15, { size: 9.5, anchor: "middle" })),
      ...yTicks.map((tick) => text(yFormat(tick), -7, this.y(tick) + 3.3, { size: 9.5, anchor: "end" })),
    ];
    const labels = [
      ...(xLabel === undefined ? [] : [text(xLabel, width / 2, height + 29, { size: 10.5, anchor: "middle" })]),
      ...(yLabel === undefined ? [] : [text(yLabel, -41, height / 2, { size: 10.5, anchor: "middle", rotate: -90 })]),
      ...(title === undefined ? [] : [text(title, 0, -9, { size: 11.5, fill: palette.black, weight: "bold" })]),
    ];
    // a nested svg clips without ids, which would clash where several figures stand in one page
    const plot = element("svg", { width, height, overflow: "hidden" }, ...gridLines, ...this.inside);
    return {
      width: LEFT + width + RIGHT,
      height: top + height + BOTTOM,
      svg: element("g", { transform: `translate(${LEFT} ${top})` }, plot, ...axes, ...labels, ...this.above),
    };
  }
}

function rule(x1: number, y1: number, x2: number, y2: number, stroke: string): string {
  return element("line", { x1, y1, x2, y2, stroke, "stroke-width": 1, "shape-rendering": "crispEdges" });
}

/** From the smallest to the largest number, with a margin; [-1, 1] where there is none, widened where both are equal. */
export function domainOf(values: Iterable<number>, margin = 0.05): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [-1, 1];
  const pad = low === high ? Math.max(1, Math.abs(low)) * 0.5 : (high - low) * margin;
  return [low - pad, high + pad];
}
