/** The boxes that users give: one interval per coordinate. */

import { GeometryError } from "../base/errors.js";
import { counted, shown } from "../base/shown.js";

/** One `[from, to]` per coordinate. */
export type Box = readonly (readonly number[])[];

/** What a box is for. */
export interface BoxUse {
  /** The function that was called. */
  readonly where: string;
  /** How many inputs (of a net) or coordinates (of a plane or line) there are; unknown: any number. */
  readonly dimension?: number;
  /** Default "net". */
  readonly of?: "net" | "plane" | "line";
  /** Whether intervals may be single points. */
  readonly flat?: boolean;
}

/** Checks a box: as many intervals as coordinates, two finite numbers each, the first below the second. */
export function checkBox(box: unknown, use: BoxUse): Box {
  const { where, dimension, of = "net", flat = false } = use;
  const noun = of === "net" ? "input" : "coordinate";
  const form = dimension === 1 ? "[[from, to]]" : dimension === 2 ? "[[from, to], [from, to]]" : "[[from, to], ...]";
  if (!Array.isArray(box)) {
    const given = box === undefined ? "there is no box" : `the box is ${shown(box)}`;
    throw new GeometryError(`${where}: ${given}: pass box: ${form}, one interval for each ${noun}`);
  }
  if (box.length === 0 || (dimension !== undefined && box.length !== dimension)) {
    const there = dimension === undefined ? "" : `, but the ${of} has ${counted(dimension, noun)}`;
    throw new GeometryError(
      `${where}: the box has ${counted(box.length, "interval")}${there}: pass box: ${form}, one interval for each`,
    );
  }
  for (let k = 0; k < box.length; k++) checkInterval(box[k], `${where}: box[${k}]`, flat);
  return box;
}

function checkInterval(interval: unknown, name: string, flat: boolean): void {
  const isPair = (Array.isArray(interval) || ArrayBuffer.isView(interval)) && (interval as number[]).length === 2;
  const [from, to] = isPair ? (interval as readonly unknown[]) : [];
  const wrong = (what: string): never => {
    throw new GeometryError(`${name} is ${shown(interval)}: ${what}`);
  };
  if (typeof from !== "number" || typeof to !== "number") wrong("an interval is [from, to], two numbers");
  const [low, high] = interval as readonly number[];
  if (Number.isNaN(low) || Number.isNaN(high)) wrong("NaN bounds nothing; pass two finite numbers");
  if (!Number.isFinite(low) || !Number.isFinite(high)) {
    wrong("the domain must be bounded; pass finite numbers, as far out as you want to know");
  }
  if (low > high) wrong(`its first number is above its second; pass [${high}, ${low}]`);
  if (low === high && !flat) {
    wrong(
      "it has no width, and cells have an interior; pass from < to, and hold an input fixed by a slice or in the function",
    );
  }
  if (!Number.isFinite(high - low)) wrong("it is wider than doubles reach; pass a narrower one");
}
