/**
 * The part of the input space that a partition cuts: a box in the coordinates (s, t) of a plane `origin + s·u + t·v`.
 * The whole plane of a net with two inputs is the plane with origin 0 and the unit vectors. A line (and a net with one
 * input) is the plane of which nothing depends on t, with t in [0, 1]: its cells are strips, its breakpoints verticals,
 * and every statement about the plane holds for it unchanged.
 */

import { GeometryError } from "../base/errors.js";
import { commonExponent, toInteger } from "../exact/dyadic.js";
import { UNIT_ROUNDOFF } from "../exact/rounding.js";

/** From and to, both finite, from < to. */
export type Interval = readonly [from: number, to: number];

/** A plane in input space: `origin + s·u + t·v`, or through three points, at (s, t) = (0, 0), (1, 0) and (0, 1). */
export type Plane =
  | { readonly origin: ArrayLike<number>; readonly u: ArrayLike<number>; readonly v: ArrayLike<number> }
  | { readonly points: readonly [ArrayLike<number>, ArrayLike<number>, ArrayLike<number>] };

/** A line in input space: `origin + s·u`, or through two points, at s = 0 and s = 1. */
export type Line =
  | { readonly origin: ArrayLike<number>; readonly u: ArrayLike<number> }
  | { readonly points: readonly [ArrayLike<number>, ArrayLike<number>] };

/** What to cut: a box in the coordinates of the plane or line, or of the input itself where neither is given. */
export interface Domain {
  /** One interval per coordinate: two for a plane, one for a line. Points: default [0, 1] each. */
  readonly box?: readonly (readonly number[])[] | undefined;
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

/**
 * Checks a domain against a net's input and brings it to the one form.
 *
 * @throws GeometryError when the box is missing, empty, inverted or not finite, a vector has the wrong width or a
 *   number that is not finite, or the directions do not span a plane (a line).
 */
export function sliceOf(domain: Domain, inputSize: number): Slice {
  const { plane, line } = domain;
  if (plane !== undefined && line !== undefined) throw new GeometryError("both a plane and a line are given: pass one");
  const frame = plane ?? line;
  if (frame === undefined && inputSize > 2) {
    throw new GeometryError(
      `the net has ${inputSize} inputs, and a partition is of a plane or a line: pass plane: { origin, u, v } or { points }, or use enumerate`,
    );
  }
  const dimension = frame === undefined ? (inputSize === 1 ? 1 : 2) : plane !== undefined ? 2 : 1;
  const [s, t] = checkBox(domain.box, dimension, frame !== undefined && "points" in frame);
  if (frame === undefined) {
    const unit = (k: number) => Float64Array.from({ length: inputSize }, (_, i) => (i === k ? 1 : 0));
    return makeSlice(dimension, true, s, t, [unit(0), unit(1), unit(-1)]);
  }
  if ("points" in frame) {
    const points = frame.points.map((point, k) => checkVector(point, inputSize, `points[${k}]`));
    return makeSlice(dimension, false, s, t, points, true);
  }
  const origin = checkVector(frame.origin, inputSize, "origin");
  const u = checkVector(frame.u, inputSize, "u");
  const v = "v" in frame ? checkVector(frame.v as ArrayLike<number>, inputSize, "v") : new Float64Array(inputSize);
  return makeSlice(dimension, false, s, t, [u, v, origin]);
}

/** The input at slice coordinates (s, t), rounded. */
export function inputAt(slice: Slice, s: number, t: number): Float64Array {
  return Float64Array.from(slice.origin, (origin, i) => slice.u[i] * s + slice.v[i] * t + origin);
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
  checkIndependent(exact, dimension);
  const minus = (k: number) =>
    k < vectors.length ? vectors[k].map((x, i) => x - vectors[0][i]) : new Float64Array(inputSize);
  const [u, v, origin] = points ? [minus(1), minus(2), vectors[0]] : vectors;
  const relativeError = points ? UNIT_ROUNDOFF : 0;
  return { dimension, inputSize, whole, s, t, u, v, origin, relativeError, exact, exponent };
}

function checkBox(
  box: readonly (readonly number[])[] | undefined,
  dimension: 1 | 2,
  throughPoints: boolean,
): [Interval, Interval] {
  const unit: Interval = [0, 1];
  if (box === undefined) {
    if (throughPoints) return [unit, unit];
    throw new GeometryError(
      `the domain needs a bounded box: pass box: ${dimension === 1 ? "[[from, to]]" : "[[from, to], [from, to]]"}`,
    );
  }
  if (box.length !== dimension) {
    throw new GeometryError(
      `the box has ${box.length} intervals, but the domain has ${dimension} coordinates: pass one [from, to] for each`,
    );
  }
  box.forEach((interval, k) => {
    const [from, to] = interval;
    if (interval.length !== 2 || !Number.isFinite(from) || !Number.isFinite(to) || from >= to) {
      throw new GeometryError(
        `box[${k}] is [${interval.join(", ")}]: a side needs two finite numbers, the first below the second`,
      );
    }
  });
  const [s, t] = box as readonly Interval[];
  return [s, dimension === 2 ? t : unit];
}

function checkVector(vector: ArrayLike<number>, inputSize: number, name: string): Float64Array {
  if (vector.length !== inputSize) {
    throw new GeometryError(
      `${name} has ${vector.length} numbers, but the net has ${inputSize} inputs: pass one for each`,
    );
  }
  const values = Float64Array.from(vector);
  const bad = values.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0) throw new GeometryError(`${name}[${bad}] is ${values[bad]}: a slice needs finite numbers`);
  return values;
}

/** u must not be 0; u and v must not be parallel: decided exactly, from the first input that u moves. */
function checkIndependent(exact: Slice["exact"], dimension: 1 | 2): void {
  const first = exact.findIndex(([u]) => u !== 0n);
  const spans = first >= 0 && (dimension === 1 || exact.some(([u, v]) => u * exact[first][1] !== v * exact[first][0]));
  if (!spans) {
    throw new GeometryError(
      dimension === 1
        ? "the direction of the line is 0: pass two different points, or a direction that moves some input"
        : "the directions of the plane are parallel: pass three points that are not on one line, or independent u and v",
    );
  }
}
