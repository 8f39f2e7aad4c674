import { OptionError, ShapeError, ValueError } from "../../base/errors.js";
import type { OptionKinds } from "../../base/options.js";
import { counted, shown } from "../../base/shown.js";
import { copyOf } from "../../graph/new-tensor.js";
import { type NestedArray, Tensor } from "../../graph/tensor.js";
import { requireLegal } from "../../pwl/check.js";
import type { PwlNet } from "../../pwl/net.js";
import { type Readable, readNet } from "../../pwl/read.js";
import type { LegendEntry } from "./figure.js";
import { classColour, classMark, drawMark, MOST_CLASSES } from "./marks.js";
import type { Panel } from "./panel.js";

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

/** Numbers of classes: whole, from 0 on, no more than plots tell apart, one for each of `count` things. */
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
  const beyond = classes.findIndex((one) => one >= MOST_CLASSES);
  if (beyond >= 0) {
    throw new ValueError(
      `${where}: the class of ${noun} ${beyond} is ${classes[beyond]}: plots tell ${MOST_CLASSES} classes apart, 0 to ${MOST_CLASSES - 1}; number them anew, or draw fewer`,
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

/** Points of two numbers, with their classes where they have any: either spelled out, or a data set. */
export type PointData = (
  | {
      readonly points: Rows;
      /** Class numbers from 0 on, one per point; all alike where absent. */
      readonly classes?: Numbers;
    }
  | { readonly inputs: Rows; readonly labels?: Numbers }
) & {
  /** Names of the classes. */
  readonly names?: readonly string[];
};

/** What data is made of, as an option. */
export const DATA = {
  ...{ points: "anything", classes: "anything", inputs: "anything", labels: "anything", names: "an array" },
} satisfies OptionKinds;

/** Two lists that belong together, from the names of either form; the names are kept for errors. */
export function eitherForm<T, U>(
  data: Readonly<Record<string, unknown>>,
  [first, second]: readonly [string, string],
  where: string,
): { readonly first: T; readonly second: U | undefined; readonly names: readonly [string, string] } {
  const isSet = data.inputs !== undefined || data.labels !== undefined;
  const mixed = [first, second].find((name) => data[name] !== undefined);
  if (isSet && mixed !== undefined) {
    const given = data.inputs !== undefined ? "inputs" : "labels";
    throw new OptionError(
      `${where}: data has ${given} and ${mixed}; pass { ${first}, ${second} } or a data set { inputs, labels }`,
    );
  }
  const names = isSet ? (["inputs", "labels"] as const) : ([first, second] as const);
  return { first: data[names[0]] as T, second: data[names[1]] as U | undefined, names };
}

/** The points of data: two finite numbers each. */
export function pointsOf(data: PointData, where: string): [number, number][] {
  const { first, names } = eitherForm<Rows, Numbers>({ ...data }, ["points", "classes"], where);
  const rows = rowsOf(first, `${where}: data.${names[0]}`);
  rows.forEach((row, i) => {
    if (row.length !== 2 || !row.every(Number.isFinite)) {
      throw new ValueError(`${where}: data.${names[0]}: point ${i} is ${shown(row)}; pass two finite numbers`);
    }
  });
  return rows as [number, number][];
}

/** Draws points, each class in its own colour and mark, and gives the legend's entries. */
export function drawPoints(panel: Panel, data: PointData, where: string): LegendEntry[] {
  const points = pointsOf(data, where);
  const { second } = eitherForm<Rows, Numbers>({ ...data }, ["points", "classes"], where);
  const classes = second === undefined ? points.map(() => 0) : classesOf(second, points.length, where, "point");
  const r = points.length > 300 ? 2.5 : 3.1;
  points.forEach((point, i) => {
    panel.add(drawMark(classMark(classes[i]), panel.at(point), r, classColour(classes[i])));
  });
  return [...new Set(classes)]
    .sort((a, b) => a - b)
    .map((one) => ({
      label: data.names?.[one] ?? (second === undefined ? "data" : `class ${one}`),
      colour: classColour(one),
      mark: classMark(one),
    }));
}
