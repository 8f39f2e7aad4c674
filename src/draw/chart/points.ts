import { ShapeError, ValueError } from "../../base/errors.js";
import type { OptionKinds } from "../../base/options.js";
import { counted, shown } from "../../base/shown.js";
import { copyOf, type NestedArray, Tensor } from "../../graph/tensor.js";
import { requireLegal } from "../../pwl/check.js";
import type { PwlNet } from "../../pwl/net.js";
import { type Readable, readNet } from "../../pwl/read.js";
import { categorical, palette } from "../palette.js";
import { type LegendEntry, trianglePath } from "./figure.js";
import type { Panel } from "./panel.js";
import { element } from "./svg.js";

/** Numbers as users hold them. */
export type Numbers = Tensor | ArrayLike<number>;

export function numbersOf(values: Numbers, where: string): number[] {
  if (!(values instanceof Tensor || Array.isArray(values) || ArrayBuffer.isView(values))) {
    throw new ValueError(`${where}: expected a list of numbers or a tensor, got ${shown(values)}`);
  }
  const list = values instanceof Tensor ? Array.from(copyOf(values)) : Array.from(values);
  for (const [i, value] of list.entries()) {
    if (typeof value !== "number") throw new ValueError(`${where}: element ${i} is ${shown(value)}, not a number`);
  }
  return list;
}

/** Numbers of classes: whole, from 0 on, one for each of `count` things. */
export function classesOf(values: Numbers, count: number, where: string, noun: string): number[] {
  const classes = numbersOf(values, `${where}: classes`);
  if (classes.length !== count) {
    throw new ShapeError(
      `${where}: ${counted(count, noun)}, but ${classes.length} ${classes.length === 1 ? "class" : "classes"}; give one for each ${noun}`,
    );
  }
  const wrong = classes.findIndex((one) => !(Number.isInteger(one) && one >= 0));
  if (wrong >= 0) {
    throw new ValueError(
      `${where}: the class of ${noun} ${wrong} is ${classes[wrong]}: classes are numbered 0, 1, 2, …`,
    );
  }
  return classes;
}

/** Rows of numbers as users hold them. */
export type Rows = Tensor | readonly ArrayLike<number>[];

/** Rows of equal length. */
export function rowsOf(values: Rows, where: string): number[][] {
  if (!(values instanceof Tensor || Array.isArray(values))) {
    throw new ShapeError(
      `${where}: expected rows of numbers, lists of one length or a tensor [n, d], got ${shown(values)}`,
    );
  }
  const nested: NestedArray =
    values instanceof Tensor
      ? nestedOf(values)
      : values.map((row) => (typeof row === "number" ? row : Array.from(row ?? [])));
  const rows = nested as number[][];
  for (const [i, row] of rows.entries()) {
    if (!Array.isArray(row) || row.length !== rows[0].length || row.some((value) => typeof value !== "number")) {
      throw new ShapeError(
        `${where}: row ${i} must have ${Array.isArray(rows[0]) ? rows[0].length : "some"} numbers as the first one has`,
      );
    }
  }
  return rows;
}

function nestedOf(x: Tensor): NestedArray {
  if (x.ndim !== 2) throw new ShapeError(`expected rows [n, d], got a tensor of shape [${x.shape.join(", ")}]`);
  const values = copyOf(x);
  const [n, d] = x.shape;
  return Array.from({ length: n }, (_, i) => Array.from(values.subarray(i * d, (i + 1) * d)));
}

/** A piecewise-linear function of `size` numbers as a PwlNet. */
export function netOf(f: Readable, size: number, where: string): PwlNet {
  const by = `${where} draws functions of ${counted(size, "number")}`;
  const remedy = "pass such a function; of others draw a slice: plotPartition(partition(f, { plane: … }))";
  const net = requireLegal(
    readNet(f, where, () => ({ shape: [size], by, remedy })),
    where,
  );
  if (net.inputSize !== size) {
    throw new ShapeError(
      `${where}: draws functions of ${size} ${size === 1 ? "number" : "numbers"}, this one takes ${net.inputSize}`,
    );
  }
  return net;
}

/** Labelled points of two numbers. */
export interface PointData {
  readonly points: Rows;
  /** Class numbers from 0 on, one per point; all alike where absent. */
  readonly classes?: Numbers;
  /** Names of the classes. */
  readonly names?: readonly string[];
}

/** What data is made of, as an option. */
export const DATA = { points: "anything", classes: "anything", names: "an array" } satisfies OptionKinds;

/** The points of data: two finite numbers each. */
export function pointsOf({ points }: PointData, where: string): [number, number][] {
  const rows = rowsOf(points, `${where}: data.points`);
  rows.forEach((row, i) => {
    if (row.length !== 2 || !row.every(Number.isFinite)) {
      throw new ValueError(`${where}: data.points: point ${i} is ${shown(row)}; pass two finite numbers`);
    }
  });
  return rows as [number, number][];
}

const classColours = [palette.blue, palette.vermilion, ...categorical.slice(2)];

/** The colour of a class's marks, or that of its ground. */
export function classColour(one: number, ground = false): string {
  const colour = classColours[one % classColours.length];
  if (!ground) return colour;
  const channels = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  return `#${channels
    .map((channel) =>
      Math.round(255 - 0.28 * (255 - channel))
        .toString(16)
        .padStart(2, "0"),
    )
    .join("")}`;
}

/** Draws points, each class in its own colour and mark, and gives the legend's entries. */
export function drawPoints(panel: Panel, data: PointData, where: string): LegendEntry[] {
  const points = pointsOf(data, where);
  const classes =
    data.classes === undefined ? points.map(() => 0) : classesOf(data.classes, points.length, where, "point");
  const r = points.length > 300 ? 2.2 : 3.1;
  points.forEach(([x, y], i) => {
    const [cx, cy] = panel.at([x, y]);
    const look = { fill: classColour(classes[i]), stroke: palette.white, "stroke-width": 0.8 };
    panel.add(
      classes[i] % 2 === 0
        ? element("circle", { cx, cy, r, ...look })
        : element("path", { d: trianglePath(cx, cy, r * 1.25), ...look }),
    );
  });
  if (data.classes === undefined) return [{ label: data.names?.[0] ?? "data", colour: classColour(0), mark: "circle" }];
  return [...new Set(classes)]
    .sort((a, b) => a - b)
    .map((one) => ({
      label: data.names?.[one] ?? `class ${one}`,
      colour: classColour(one),
      mark: one % 2 === 0 ? "circle" : "triangle",
    }));
}
