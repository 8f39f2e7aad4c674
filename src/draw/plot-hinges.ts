import { DrawError, ValueError } from "../base/errors.js";
import { checkOptions, type OptionKinds } from "../base/options.js";
import { partition } from "../geometry/partition/partition.js";
import { row } from "../pwl/blocks.js";
import { checkBox } from "../pwl/box.js";
import { type Evaluation, evaluate } from "../pwl/evaluate.js";
import { gateCount, type PwlNet } from "../pwl/net.js";
import type { Readable } from "../pwl/read.js";
import { type Block, figure, type LegendEntry } from "./chart/figure.js";
import { domainOf, Panel } from "./chart/panel.js";
import { eitherForm, type Numbers, netOf, numbersOf } from "./chart/points.js";
import type { Point } from "./chart/svg.js";
import { categorical, palette } from "./palette.js";
import { titled } from "./plot-lines.js";

export interface HingesOptions {
  /** From where to where. Default [-1, 1]. */
  readonly domain?: readonly number[];
  /** The function that the net should be, drawn dashed. */
  readonly target?: (x: number) => number;
  /** The points that it was fitted to: { x, y }, or a data set { inputs, labels }. */
  readonly data?: { readonly x: Numbers; readonly y: Numbers } | { readonly inputs: Numbers; readonly labels: Numbers };
  readonly title?: string;
  readonly caption?: string;
  readonly targetName?: string;
}

const OPTIONS = {
  ...{
    domain: "anything",
    target: "a function",
    data: { x: "anything", y: "anything", inputs: "anything", labels: "anything" },
  },
  ...{ title: "a text", caption: "a text", targetName: "a text" },
} satisfies OptionKinds;

/** Black is for the sum. */
const hues = categorical.filter((colour) => colour !== palette.black);

/** More hinges than there are colours are drawn thin and without names of their own. */
const NAMED_HINGES = hues.length;

/**
 * A net of one input and one output as the sum that it is: on the left what each unit of the last hidden layer adds, one by
 * one, on the right the partial sums and the whole, with its kinks marked. All lines are exact: they run through every
 * breakpoint. SVG.
 *
 * @throws DrawError where the net has several outputs or no hidden units.
 */
export function plotHinges(f: Readable, options: HingesOptions = {}): string {
  checkOptions(options, OPTIONS, "plotHinges");
  const { target, data } = options;
  const net = netOf(f, 1, "plotHinges");
  const [[from, to]] = checkBox([options.domain ?? [-1, 1]], { where: "plotHinges: domain, as a box", dimension: 1 });
  const domain: [number, number] = [from, to];
  if (net.output.size !== 1) {
    throw new DrawError(`plotHinges: draws one output, the net has ${net.output.size}; pick one in the function`);
  }
  const parts = partsOf(net);
  if (parts.length === 0)
    throw new DrawError("plotHinges: the net has no hidden unit that its output reads: it is a straight line");
  const { breakpoints } = partition(net, { box: [domain] });
  const xs = [...new Set([domain[0], ...breakpoints, domain[1]])].sort((a, b) => a - b);
  const runs = xs.map((x) => evaluate(net, [x]));
  const base = runs.map((run) => run.output[0] - parts.reduce((sum, part) => sum + part.valueAt(run), 0));
  const curves = parts.map((part) => runs.map((run, i): Point => [xs[i], part.valueAt(run)]));
  const total = runs.map((run, i): Point => [xs[i], run.output[0]]);

  const named = parts.length <= NAMED_HINGES;
  const colour = (i: number): string => hues[i % hues.length];
  const left = new Panel({
    xDomain: domain,
    yDomain: domainOf([...curves.flat().map(([, y]) => y), ...base]),
    title: `${parts.length} hinges, one by one`,
    xLabel: "x",
  });
  left.line(
    xs.map((x, i): Point => [x, base[i]]),
    palette.grey,
    { "stroke-dasharray": "4 3", "stroke-width": 1.2 },
  );
  curves.forEach((curve, i) => {
    left.line(curve, colour(i), named ? {} : { "stroke-width": 1.1, opacity: 0.8 });
    for (const [x, y] of kinksOf(curve))
      left.circle([x, y], named ? 3 : 2, palette.white, { stroke: colour(i), "stroke-width": 1.5 });
  });
  const legend: LegendEntry[] = [
    ...(named ? parts.map(({ name }, i): LegendEntry => ({ label: name, colour: colour(i), mark: "line" })) : []),
    { label: "what is affine in x", colour: palette.grey, mark: "dashed" },
  ];
  const right = sumPanel(domain, total, base, curves, named, target, data);
  legend.push({ label: "the net: their sum, kinks marked", colour: palette.black, mark: "line" });
  if (target !== undefined) {
    legend.push({ label: options.targetName ?? "target", colour: palette.vermilion, mark: "dashed" });
  }
  if (data !== undefined) legend.push({ label: "data", colour: palette.skyBlue, mark: "circle" });
  return figure([left.block(), right], titled(options.title, options.caption), legend);
}

/** What one unit adds to the output: weight · value. */
interface Part {
  readonly name: string;
  valueAt(run: Evaluation): number;
}

function partsOf(net: PwlNet): Part[] {
  const parts: Part[] = [];
  for (const { source, block } of net.output.terms) {
    if (source === 0) continue;
    const { indices, values } = row(block, 0);
    const first = net.layers.slice(0, source - 1).reduce((sum, layer) => sum + gateCount(layer), 0);
    indices.forEach((unit, k) => {
      const weight = values[k];
      if (weight === 0) return;
      parts.push({ name: `unit ${first + unit}`, valueAt: ({ sources }) => weight * sources[source][unit] });
    });
  }
  return parts;
}

/** Inner points at which a polyline bends, beyond rounding. */
function kinksOf(points: readonly Point[]): Point[] {
  const slope = (i: number): number => (points[i + 1][1] - points[i][1]) / (points[i + 1][0] - points[i][0]);
  const steepest = Math.max(...points.slice(1).map((_, i) => Math.abs(slope(i))));
  return points.slice(1, -1).filter((_, i) => Math.abs(slope(i + 1) - slope(i)) > 1e-9 * steepest);
}

function sumPanel(
  domain: readonly [number, number],
  total: readonly Point[],
  base: readonly number[],
  curves: readonly (readonly Point[])[],
  named: boolean,
  target: ((x: number) => number) | undefined,
  data: HingesOptions["data"],
): Block {
  const [from, to] = domain;
  const wanted =
    target === undefined
      ? []
      : Array.from({ length: 201 }, (_, i): Point => {
          const x = from + ((to - from) * i) / 200;
          return [x, target(x)];
        });
  const points = data === undefined ? [] : pointsOf(data);
  // unit after unit on top of what is affine; the last sum is the net
  const sums: Point[][] = [];
  let sum: readonly number[] = base;
  for (const curve of named ? curves.slice(0, -1) : []) {
    sum = sum.map((value, i) => value + curve[i][1]);
    sums.push(sum.map((value, i): Point => [total[i][0], value]));
  }
  const panel = new Panel({
    xDomain: domain,
    yDomain: domainOf([...total, ...wanted, ...points, ...sums.flat()].map(([, y]) => y)),
    title: named ? "added up, unit after unit" : "added up",
    xLabel: "x",
  });
  for (const point of points) panel.circle(point, 2, palette.skyBlue, { opacity: 0.7 });
  sums.forEach((partial, i) => {
    panel.line(partial, hues[i % hues.length], { "stroke-width": 1.1, opacity: 0.75 });
  });
  panel.line(wanted, palette.vermilion, { "stroke-dasharray": "5 3", "stroke-width": 1.5 });
  panel.line(total, palette.black, { "stroke-width": 2 });
  for (const point of kinksOf(total))
    panel.circle(point, 2.8, palette.white, { stroke: palette.black, "stroke-width": 1.4 });
  return panel.block();
}

function pointsOf(data: NonNullable<HingesOptions["data"]>): Point[] {
  const { first, second, names } = eitherForm<Numbers, Numbers>({ ...data }, ["x", "y"], "plotHinges");
  const xs = numbersOf(first, `plotHinges: data.${names[0]}`);
  const ys = numbersOf(second as Numbers, `plotHinges: data.${names[1]}`);
  if (xs.length !== ys.length) {
    throw new ValueError(
      `plotHinges: data has ${xs.length} ${names[0]} and ${ys.length} ${names[1]}; give one of these for each of those`,
    );
  }
  return xs.map((one, i) => [one, ys[i]]);
}
