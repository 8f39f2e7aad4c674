/**
 * The part of the input space that a partition cuts: a box in the coordinates (s, t) of a plane `origin + s·u + t·v`.
 * The whole plane of a net with two inputs is the plane with origin 0 and the unit vectors. A line (and a net with one
 * input) is the plane of which nothing depends on t, with t in [0, 1]: its cells are strips, its breakpoints verticals,
 * and every statement about the plane holds for it unchanged.
 */

import { GeometryError } from "../../base/errors.js";
import { counted, shown } from "../../base/shown.js";
import { commonExponent, toInteger } from "../../exact/dyadic.js";
import { UNIT_ROUNDOFF } from "../../exact/rounding.js";
import { Tensor } from "../../graph/tensor.js";
import { type Box, checkBox } from "../../pwl/box.js";
import type { DeclaredInput } from "../../pwl/read.js";
import { readVector, type Vector, widthOf } from "../vector.js";

/** From and to, both finite, from < to. */
export type Interval = readonly [from: number, to: number];

/** A plane in input space: `origin + s·u + t·v`, or through three points, at (s, t) = (0, 0), (1, 0) and (0, 1). */
export type Plane =
  | { readonly origin: Vector; readonly u: Vector; readonly v: Vector }
  | { readonly points: readonly [Vector, Vector, Vector] };

/** A line in input space: `origin + s·u`, or through two points, at s = 0 and s = 1. */
export type Line = { readonly origin: Vector; readonly u: Vector } | { readonly points: readonly [Vector, Vector] };

/** What to cut: a box in the coordinates of the plane or line, or of the input itself where neither is given. */
export interface Domain {
  /** One interval per coordinate: two for a plane, one for a line. Points: default [0, 1] each. */
  readonly box?: Box | undefined;
  readonly plane?: Plane | undefined;
  readonly line?: Line | undefined;
}

/** A checked domain, as doubles and as exact integers. */
export interface Slice {
  readonly dimension: 1 | 2;
  readonly inputSize: number;
  /** Whether the coordinates are those of the input itself. */
  readonly whole: boolean;
  readonly s: Interval;
  /** [0, 1] for a line. */
  readonly t: Interval;
  /** Input i is `u[i]·s + v[i]·t + origin[i]`, each off by at most `relativeError` of the sum of its absolute terms. */
  readonly u: Float64Array;
  readonly v: Float64Array;
  readonly origin: Float64Array;
  readonly relativeError: number;
  /** The same three numbers per input exactly: integers times 2^exponent. */
  readonly exact: readonly (readonly [u: bigint, v: bigint, origin: bigint])[];
  readonly exponent: number;
}

/** A plane or a line as it was given. */
interface Frame {
  readonly dimension: 1 | 2;
  readonly throughPoints: boolean;
  /** Points, or directions and then the origin, by their names. */
  readonly vectors: readonly (readonly [name: string, vector: Vector])[];
}

/** Reads a domain's plane or line, if it has one: its form, not yet its numbers. */
function frameOf({ plane, line }: Domain): Frame | undefined {
  if (plane !== undefined && line !== undefined) {
    throw new GeometryError("partition: both a plane and a line are given: pass one");
  }
  const frame: unknown = plane === undefined ? line : plane;
  if (frame === undefined) return undefined;
  const [kind, dimension] = plane === undefined ? (["line", 1] as const) : (["plane", 2] as const);
  const directions = dimension === 2 ? ["u", "v"] : ["u"];
  const fail = (what: string): never => {
    const points = dimension === 2 ? "[p, q, r]" : "[p, q]";
    throw new GeometryError(
      `partition: the ${kind} ${what}: pass { origin, ${directions.join(", ")} } or { points: ${points} }`,
    );
  };
  if (typeof frame !== "object" || frame === null || Array.isArray(frame) || frame instanceof Tensor)
    fail(`is ${shown(frame)}`);
  const given = frame as Readonly<Record<string, unknown>>;
  const throughPoints = "points" in given;
  const names = throughPoints ? ["points"] : [...directions, "origin"];
  for (const key of Object.keys(given)) {
    if (!names.includes(key)) fail(`has ${JSON.stringify(key)}${throughPoints ? " beside points" : ""}`);
  }
  if (!throughPoints) {
    for (const name of names) if (given[name] === undefined) fail(`has no ${name}`);
    return { dimension, throughPoints, vectors: names.map((name) => [name, given[name] as Vector]) };
  }
  const points: unknown = given.points;
  if (!Array.isArray(points)) return fail(`has ${shown(points)} as its points`);
  if (points.length !== dimension + 1) fail(`goes through ${dimension + 1} points, and ${points.length} are given`);
  return { dimension, throughPoints, vectors: points.map((point: Vector, k) => [`points[${k}]`, point]) };
}

/**
 * The shape of one input, as a domain tells it: of a tensor among its vectors, else as long as these, or the box, are.
 *
 * @throws GeometryError where it tells none.
 */
export function inputDeclaredBy(domain: Domain): DeclaredInput {
  const frame = frameOf(domain);
  if (frame === undefined) {
    const { length } = checkBox(domain.box, { where: "partition" });
    return {
      shape: [length],
      by: `the box has ${counted(length, "interval")}`,
      remedy: "pass one interval for each input, a plane or line to cut a larger space, shape where inputs are images",
    };
  }
  const [name, vector] = frame.vectors.find(([, one]) => one instanceof Tensor) ?? frame.vectors[0];
  const width = widthOf(vector);
  if (width === undefined) throw new GeometryError(`partition: ${name} is ${shown(vector)}: pass numbers, or a tensor`);
  return {
    shape: vector instanceof Tensor ? vector.shape : [width],
    by: `${name} has ${counted(width, "number")}`,
    remedy: "pass one number for each input; of images pass tensors, or shape",
  };
}

/**
 * Checks a domain against a net's input and brings it to the one form.
 *
 * @throws GeometryError when the box is missing, empty, inverted or not finite, a vector has the wrong width or a
 *   number that is not finite, or the directions do not span a plane (a line).
 */
export function sliceOf(domain: Domain, inputSize: number): Slice {
  const frame = frameOf(domain);
  if (frame === undefined && inputSize > 2) {
    throw new GeometryError(
      `partition: the net has ${inputSize} inputs, and a partition is of a plane or a line: pass plane: { origin, u, v } or { points }, or use enumerate`,
    );
  }
  const dimension = frame?.dimension ?? (inputSize === 1 ? 1 : 2);
  const unit: Interval = [0, 1];
  const of = frame === undefined ? "net" : dimension === 1 ? "line" : "plane";
  const box =
    domain.box === undefined && frame?.throughPoints
      ? [unit, unit]
      : checkBox(domain.box, { where: "partition", dimension, of });
  const s = box[0] as Interval;
  const t = dimension === 2 ? (box[1] as Interval) : unit;
  if (frame === undefined) {
    const axis = (k: number) => Float64Array.from({ length: inputSize }, (_, i) => (i === k ? 1 : 0));
    return makeSlice(dimension, true, s, t, [axis(0), axis(1), axis(-1)]);
  }
  const vectors = frame.vectors.map(([name, vector]) =>
    readVector(vector, inputSize, `partition: ${name}`, `the net has ${counted(inputSize, "input")}`),
  );
  if (!frame.throughPoints && dimension === 1) vectors.splice(1, 0, new Float64Array(inputSize));
  return makeSlice(dimension, false, s, t, vectors, frame.throughPoints);
}

/** The input at slice coordinates (s, t), rounded. */
export function inputAt(slice: Slice, s: number, t: number): Float64Array {
  return Float64Array.from(slice.origin, (origin, i) => slice.u[i] * s + slice.v[i] * t + origin);
}

/** The largest absolute value, or more, of each input on the slice's box. */
export function reachOf({ origin, u, v, s, t }: Slice): Float64Array {
  const [sMost, tMost] = [s, t].map(([from, to]) => Math.max(Math.abs(from), Math.abs(to)));
  return Float64Array.from(origin, (x, i) => Math.abs(u[i]) * sMost + Math.abs(v[i]) * tMost + Math.abs(x));
}

/** Builds the slice from [u, v, origin], or, for `points`, from two or three points. */
function makeSlice(
  dimension: 1 | 2,
  whole: boolean,
  s: Interval,
  t: Interval,
  vectors: readonly Float64Array[],
  points = false,
): Slice {
  const exponent = Math.min(0, ...vectors.map((vector) => commonExponent(vector)));
  const integers = vectors.map((vector) => Array.from(vector, (x) => toInteger(x, exponent)));
  const inputSize = vectors[0].length;
  const exact = Array.from({ length: inputSize }, (_, i): readonly [bigint, bigint, bigint] => {
    if (!points) return [integers[0][i], integers[1][i], integers[2][i]];
    const p = integers[0][i];
    return [integers[1][i] - p, dimension === 2 ? integers[2][i] - p : 0n, p];
  });
  checkIndependent(exact, dimension, points);
  const minus = (k: number) =>
    k < vectors.length ? vectors[k].map((x, i) => x - vectors[0][i]) : new Float64Array(inputSize);
  const [u, v, origin] = points ? [minus(1), minus(2), vectors[0]] : vectors;
  const relativeError = points ? UNIT_ROUNDOFF : 0;
  return { dimension, inputSize, whole, s, t, u, v, origin, relativeError, exact, exponent };
}

/** u must not be 0; u and v must not be parallel: decided exactly, from the first input that u moves. */
function checkIndependent(exact: Slice["exact"], dimension: 1 | 2, points: boolean): void {
  const first = exact.findIndex(([u]) => u !== 0n);
  const spans = first >= 0 && (dimension === 1 || exact.some(([u, v]) => u * exact[first][1] !== v * exact[first][0]));
  if (spans) return;
  const isZero = (k: 0 | 1) => exact.every((row) => row[k] === 0n);
  if (dimension === 1) {
    throw new GeometryError(
      points
        ? "partition: the two points of the line are the same: pass two different points"
        : "partition: the line's direction u is 0: pass one that moves some input",
    );
  }
  if (points) {
    throw new GeometryError(
      "partition: the plane's three points lie on one line, so they span no plane: pass others, or use line: { points: [p, q] }",
    );
  }
  const zero = isZero(0) ? "u is 0" : isZero(1) ? "v is 0" : "u and v are parallel";
  throw new GeometryError(`partition: the plane's ${zero}: pass two directions, neither a multiple of the other`);
}
