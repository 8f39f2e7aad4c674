import { ShapeError, ValueError } from "../base/errors.js";
import { checkOptions, type OptionKinds } from "../base/options.js";
import { shown } from "../base/shown.js";
import { dashes, figure, type LegendEntry } from "./chart/figure.js";
import { domainOf, Panel } from "./chart/panel.js";
import { type Numbers, numbersOf } from "./chart/points.js";
import type { Point } from "./chart/svg.js";
import { categorical } from "./palette.js";

/** One curve. */
export interface LineSeries {
  readonly name: string;
  readonly y: Numbers;
  /** Default 0, 1, 2, … */
  readonly x?: Numbers;
  readonly dashed?: boolean;
}

export interface LinesOptions {
  readonly title?: string;
  readonly caption?: string;
  readonly xLabel?: string;
  readonly yLabel?: string;
  /** Default "linear"; "log" needs positive values. */
  readonly yScale?: "linear" | "log";
  /** Of the plotting area. Default 420 × 260. */
  readonly width?: number;
  readonly height?: number;
}

const OPTIONS = {
  ...{ title: "a text", caption: "a text", xLabel: "a text", yLabel: "a text", yScale: ["linear", "log"] },
  ...{ width: "a finite number above 0", height: "a finite number above 0" },
} satisfies OptionKinds;
const SERIES = { name: "a text", y: "anything", x: "anything", dashed: "true or false" } satisfies OptionKinds;

/**
 * Curves in one chart, such as losses over epochs, as SVG: eight colours, then the same dotted. Values that are not finite
 * leave gaps.
 *
 * @throws ShapeError where x and y differ in length; ValueError for a logarithm of values that are not positive.
 */
export function plotLines(series: readonly LineSeries[], options: LinesOptions = {}): string {
  checkOptions(options, OPTIONS, "plotLines");
  const { title, caption, width = 420, height = 260, yScale = "linear" } = options;
  if (!Array.isArray(series)) {
    throw new ValueError(`plotLines: expected a list of { name, y }, got ${shown(series)}`);
  }
  const curves = (series as readonly LineSeries[]).map((one, i) => {
    checkOptions(one, SERIES, `plotLines: series ${i}`);
    const { name, x, y, dashed = false } = one;
    if (name === undefined) throw new ValueError(`plotLines: series ${i} has no name; pass { name, y }`);
    const ys = numbersOf(y, `plotLines: ${name}`);
    const xs = x === undefined ? ys.map((_, i) => i) : numbersOf(x, `plotLines: ${name}`);
    if (xs.length !== ys.length) {
      throw new ShapeError(
        `plotLines: "${name}" has ${xs.length} places x and ${ys.length} values y; give one x for each y`,
      );
    }
    return { name, dashed, points: xs.map((one, i): Point => [one, ys[i]]) };
  });
  const values = curves.flatMap(({ points }) => points.map(([, y]) => y));
  if (yScale === "log" && values.some((value) => value <= 0)) {
    throw new ValueError(
      `plotLines: a logarithmic axis needs positive values, the least is ${Math.min(...values)}; use yScale: "linear"`,
    );
  }
  const yDomain: [number, number] =
    yScale === "log"
      ? (domainOf(values.map(Math.log10)).map((power) => 10 ** power) as [number, number])
      : domainOf(values);
  const panel = new Panel({
    width,
    height,
    xDomain: domainOf(
      curves.flatMap(({ points }) => points.map(([x]) => x)),
      0,
    ),
    yDomain,
    yScale,
    ...(options.xLabel === undefined ? {} : { xLabel: options.xLabel }),
    ...(options.yLabel === undefined ? {} : { yLabel: options.yLabel }),
  });
  const looks = curves.map(({ dashed }, i) => ({
    colour: categorical[i % categorical.length],
    mark: strokeOf(i, dashed),
  }));
  curves.forEach(({ points }, i) => {
    const { colour, mark } = looks[i];
    const dash = dashes[mark];
    panel.line(points, colour, dash === null ? {} : { "stroke-dasharray": dash });
  });
  const legend = curves.map(({ name }, i): LegendEntry => ({ label: name, ...looks[i] }));
  return figure([panel.block()], titled(title, caption), legend);
}

/** Where the colours begin anew, lines are dotted. */
function strokeOf(i: number, dashed: boolean): keyof typeof dashes {
  if (Math.floor(i / categorical.length) % 2 === 0) return dashed ? "dashed" : "line";
  return dashed ? "dash-dotted" : "dotted";
}

/** Only what was given: optional properties are absent, not undefined. */
export function titled(title: string | undefined, caption: string | undefined): { title?: string; caption?: string } {
  return { ...(title === undefined ? {} : { title }), ...(caption === undefined ? {} : { caption }) };
}
