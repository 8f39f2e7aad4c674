import { sumInto } from "../array/kernels.js";
import { broadcastInto } from "../array/move.js";
import { argmaxInto, cumsumInto, lineElements, maxInto } from "../array/reduce.js";
import {
  broadcastShapes,
  checkShape,
  formatShape,
  normalizeAxes,
  normalizeAxis,
  reducedShape,
  type Shape,
  sameShape,
} from "../array/shape.js";
import { OptionError, ShapeError } from "../base/errors.js";
import { defineOp, type OpFunction, type Unary } from "../graph/op.js";
import { composed } from "../graph/scope.js";
import type { Tensor } from "../graph/tensor.js";
import { abs, add, div, exp, log, neg, pow, sqrt, square, sub } from "./arithmetic.js";
import { convert, detach } from "./cast.js";
import { equal, less, where } from "./compare.js";
import { checkOptions, zeros } from "./create.js";
import { scatterAdd } from "./gather.js";
import { permute, reshape, unsqueeze } from "./reshape.js";

/** Axes to reduce: one, several, or null for all. */
export type Axis = number | readonly number[] | null;

export interface ReduceOptions {
  axis?: Axis;
  /** Keep reduced axes with length 1; default false. */
  keepdims?: boolean;
}

interface Reduction {
  /** Ascending. */
  readonly axis: readonly number[];
  readonly keepdims: boolean;
}

/** Reductions of the first 0, 1, … axes, made once: they are most, of a whole tensor or of what broadcasting added. */
const leadingReductions: Reduction[] = [];

function leadingReduction(count: number): Reduction {
  while (leadingReductions.length <= count) {
    const axis = Object.freeze(Array.from({ length: leadingReductions.length }, (_, index) => index));
    leadingReductions.push(Object.freeze({ axis, keepdims: false }));
  }
  return leadingReductions[count];
}

/** Whether the axes are the first ones, so that the other axes are a suffix of the shape. */
function isLeading(axis: readonly number[]): boolean {
  return axis.length === 0 || axis[axis.length - 1] === axis.length - 1;
}

const NO_OPTIONS: ReduceOptions = {};

/** Reads `(axis, options)` or `(options)`. */
function reduction(
  axis: Axis | ReduceOptions | undefined,
  options: ReduceOptions,
  x: Tensor,
  where: string,
): Reduction {
  if (options === NO_OPTIONS && (axis === undefined || axis === null)) return leadingReduction(x.ndim);
  const all: ReduceOptions =
    typeof axis === "object" && axis !== null && !Array.isArray(axis)
      ? { ...(axis as ReduceOptions), ...options }
      : { axis: (axis as Axis | undefined) ?? null, ...options };
  checkOptions(all, ["axis", "keepdims"], where);
  return { axis: normalizeAxes(all.axis ?? null, x.ndim, where), keepdims: all.keepdims ?? false };
}

export const summed: OpFunction<Unary, Reduction> = defineOp<Unary, Reduction>({
  name: "sum",
  doc: "sum over axes",
  kind: "affine",
  shape: ([shape], { axis, keepdims }) => reducedShape(shape, axis, keepdims),
  forward: (out, [x], { axis, keepdims }) => {
    if (keepdims || isLeading(axis)) sumInto(out, x);
    else sumInto(out, x, reducedShape(x.shape, axis, true));
  },
  vjp: [
    (dy, x, _y, { axis, keepdims }) =>
      broadcastTo(keepdims || isLeading(axis) ? dy : reshape(dy, reducedShape(x.shape, axis, true)), x.shape),
  ],
  samples: [
    { inputs: [[2, 3]], attrs: { axis: [0], keepdims: false } },
    { inputs: [[2, 3, 2]], attrs: { axis: [0, 2], keepdims: true } },
    { inputs: [[2, 3]], attrs: { axis: [0, 1], keepdims: false } },
    { inputs: [[]], attrs: { axis: [], keepdims: false } },
    { inputs: [[0, 3]], attrs: { axis: [0], keepdims: false } },
    { inputs: [[3, 0]], attrs: { axis: [0], keepdims: false } },
  ],
});

const broadcasted: OpFunction<Unary, { shape: Shape }> = defineOp<Unary, { shape: Shape }>({
  name: "broadcastTo",
  doc: "repeated along axes that are missing or of length 1",
  kind: "affine",
  shape: (_, { shape }) => shape,
  forward: (out, [x]) => broadcastInto(out, x),
  vjp: [(dy, x) => sumTo(dy, x.shape)],
  samples: [
    { inputs: [[3, 1]], attrs: { shape: [2, 3, 4] } },
    { inputs: [[]], attrs: { shape: [2] } },
    { inputs: [[1]], attrs: { shape: [0] } },
  ],
});

/** Sum over axes (all unless told). */
export function sum(x: Tensor, axis?: Axis | ReduceOptions, options: ReduceOptions = NO_OPTIONS): Tensor {
  return summed(x, reduction(axis, options, x, "sum"));
}

/** x repeated along axes that are missing or of length 1. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, checkShape(shape, "broadcastTo"))) return x;
  if (!sameShape(broadcastShapes(x.shape, shape, "broadcastTo"), shape)) {
    throw new ShapeError(
      `broadcastTo: ${formatShape(x.shape)} does not broadcast to ${formatShape(shape)}; only axes of length 1 repeat`,
    );
  }
  return broadcasted(x, { shape: Object.freeze([...shape]) });
}

/** The adjoint of `broadcastTo`: x summed to a shape that broadcasts to its own. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const lead = x.ndim - shape.length;
  if (shape.every((length, axis) => length === x.shape[axis + lead])) return summed(x, leadingReduction(lead));
  const axes: number[] = [];
  for (let axis = 0; axis < x.ndim; axis++) {
    if (axis < lead || (shape[axis - lead] === 1 && x.shape[axis] !== 1)) axes.push(axis);
  }
  const kept = summed(x, { axis: axes, keepdims: false });
  return sameShape(kept.shape, shape) ? kept : reshape(kept, shape);
}

/** Number of elements that `axes` of `shape` hold together. */
function countOf(shape: Shape, axes: readonly number[]): number {
  let count = 1;
  for (const axis of axes) count *= shape[axis];
  return count;
}

/** Mean over axes (all unless told). */
export const mean = composed(
  "mean",
  (x: Tensor, axis?: Axis | ReduceOptions, options: ReduceOptions = NO_OPTIONS): Tensor => {
    const over = reduction(axis, options, x, "mean");
    return div(summed(x, over), countOf(x.shape, over.axis));
  },
);

export interface VarianceOptions extends ReduceOptions {
  /** What is subtracted from the number of elements in the divisor; default 1. */
  correction?: number;
}

/** Σ (x − mean)² / (n − correction) over axes (all unless told). */
export const variance = composed(
  "variance",
  (x: Tensor, axis?: Axis | VarianceOptions, options: VarianceOptions = {}): Tensor => {
    const given =
      typeof axis === "object" && axis !== null && !Array.isArray(axis)
        ? (axis as VarianceOptions)
        : { axis: axis as Axis | undefined };
    const { correction = 1, ...rest } = { ...given, ...options };
    const { axis: axes, keepdims } = reduction(
      { axis: rest.axis ?? null, ...(rest.keepdims !== undefined && { keepdims: rest.keepdims }) },
      {},
      x,
      "variance",
    );
    checkOptions(rest, ["axis", "keepdims"], "variance");
    const count = countOf(x.shape, axes);
    const centred = sub(x, div(summed(x, { axis: axes, keepdims: true }), count));
    return div(summed(square(centred), { axis: axes, keepdims }), Math.max(0, count - correction));
  },
);

/** The root of `variance`. */
export const std = composed(
  "std",
  (x: Tensor, axis?: Axis | VarianceOptions, options: VarianceOptions = {}): Tensor => sqrt(variance(x, axis, options)),
);

export interface NormOptions extends ReduceOptions {
  /** 1, 2 (default), infinity, or any other number above 0. */
  ord?: number;
}

/** (Σ |x|^ord)^(1 / ord) over axes (all unless told); the gradient of a zero vector is 0. */
export const norm = composed("norm", (x: Tensor, options: NormOptions = {}): Tensor => {
  const { ord = 2, ...rest } = options;
  if (!(ord > 0)) throw new OptionError(`norm: ord is a number above 0, got ${ord}`);
  const { axis: axes, keepdims } = reduction(rest, {}, x, "norm");
  if (ord === Number.POSITIVE_INFINITY) return max(abs(x), { axis: axes, keepdims });
  if (ord === 1) return summed(abs(x), { axis: axes, keepdims });
  const total = summed(ord === 2 ? square(x) : pow(abs(x), ord), { axis: axes, keepdims });
  // The root has no derivative at 0: take it of 1 there, so that 0 · ∞ never arises.
  const zero = detach(equal(total, 0));
  const safe = where(zero, 1, total);
  return where(zero, 0, ord === 2 ? sqrt(safe) : pow(safe, 1 / ord));
});

const argmaxed: OpFunction<Unary, { axis: number; keepdims: boolean }> = defineOp<
  Unary,
  { axis: number; keepdims: boolean }
>({
  name: "argmax",
  doc: "index along an axis of the first largest element",
  kind: "step",
  shape: ([shape], { axis, keepdims }) => reducedShape(shape, [axis], keepdims),
  dtype: () => "int32",
  forward: (out, [x], { axis }) => argmaxInto(out, x, axis),
  vjp: [null],
  samples: [{ inputs: [[2, 3]], attrs: { axis: 1, keepdims: false } }],
});

const maxed: OpFunction<Unary, { axis: number; keepdims: boolean }> = defineOp<
  Unary,
  { axis: number; keepdims: boolean }
>({
  name: "max",
  doc: "the first largest element along an axis",
  kind: "gate",
  shape: ([shape], { axis, keepdims }) => reducedShape(shape, [axis], keepdims),
  forward: (out, [x], { axis }) => maxInto(out, x, axis),
  competition: (shape, { axis }) => lineElements(shape, axis),
  vjp: [
    (dy, x, _y, { axis, keepdims }) => {
      const winner = argmaxed(x, { axis, keepdims: true });
      const source = keepdims ? dy : unsqueeze(dy, axis);
      return scatterAdd(zeros(x.shape, { dtype: dy.dtype }), axis, winner, source);
    },
  ],
  samples: [
    { inputs: [[2, 3]], attrs: { axis: 1, keepdims: false } },
    { inputs: [[2, 3, 2]], attrs: { axis: 1, keepdims: true } },
    { inputs: [[3, 1]], attrs: { axis: 1, keepdims: false } },
    { inputs: [[0, 3]], attrs: { axis: 1, keepdims: false } },
  ],
});

/** Brings several axes to the end as one, so that an op of one axis serves all. */
function together(x: Tensor, axes: readonly number[], name: string): { flat: Tensor; axis: number } {
  if (countOf(x.shape, axes) === 0) {
    throw new ShapeError(
      `${name}: axis ${formatShape(axes)} of ${formatShape(x.shape)} is empty; an empty set has no ${name}`,
    );
  }
  if (axes.length === 1) return { flat: x, axis: axes[0] };
  const kept = Array.from(x.shape, (_, axis) => axis).filter((axis) => !axes.includes(axis));
  const shape = kept.map((axis) => x.shape[axis]);
  const ordered = axes.length === x.ndim ? x : permute(x, [...kept, ...axes]);
  return { flat: reshape(ordered, [...shape, countOf(x.shape, axes)]), axis: shape.length };
}

/** The largest element over axes (all unless told); the gradient goes to the first of equal ones. */
export function max(x: Tensor, axis?: Axis | ReduceOptions, options: ReduceOptions = {}): Tensor {
  const { axis: axes, keepdims } = reduction(axis, options, x, "max");
  if (axes.length === 0) return x;
  const { flat, axis: one } = together(x, axes, "max");
  const result = maxed(flat, { axis: one, keepdims: keepdims && axes.length === 1 });
  return keepdims && axes.length > 1 ? reshape(result, reducedShape(x.shape, axes, true)) : result;
}

/** The smallest element over axes (all unless told); the gradient goes to the first of equal ones. */
export const min = composed(
  "min",
  (x: Tensor, axis?: Axis | ReduceOptions, options: ReduceOptions = {}): Tensor => neg(max(neg(x), axis, options)),
);

export interface ArgOptions {
  axis?: number | null;
  keepdims?: boolean;
}

/** Index (int32) along `axis` of the first largest element; of the flattened tensor where axis is null. */
export function argmax(x: Tensor, axis: number | null | ArgOptions = null, options: ArgOptions = {}): Tensor {
  return placeOfLargest(x, axis, options, "argmax");
}

/** Index (int32) along `axis` of the first smallest element; of the flattened tensor where axis is null. */
export function argmin(x: Tensor, axis: number | null | ArgOptions = null, options: ArgOptions = {}): Tensor {
  // doubles hold every int32
  return placeOfLargest(neg(x.dtype === "int32" ? convert(x, "float64") : x), axis, options, "argmin");
}

function placeOfLargest(x: Tensor, axis: number | null | ArgOptions, options: ArgOptions, name: string): Tensor {
  const all: ArgOptions = typeof axis === "object" && axis !== null ? { ...axis, ...options } : { axis, ...options };
  checkOptions(all, ["axis", "keepdims"], name);
  const keepdims = all.keepdims ?? false;
  const along = all.axis ?? null;
  const source = along === null ? reshape(x, [x.size]) : x;
  const { axis: one } = together(source, [along === null ? 0 : normalizeAxis(along, x.ndim, name)], name);
  const result = argmaxed(source, { axis: one, keepdims });
  return along === null && keepdims
    ? reshape(
        result,
        x.shape.map(() => 1),
      )
    : result;
}

/** log Σ eˣ over axes (all unless told), without overflow. */
export const logsumexp = composed(
  "logsumexp",
  (x: Tensor, axis?: Axis | ReduceOptions, options: ReduceOptions = {}): Tensor => {
    const { axis: axes, keepdims } = reduction(axis, options, x, "logsumexp");
    const shift = finiteShift(x, axes);
    const total = summed(exp(sub(x, shift)), { axis: axes, keepdims });
    return add(log(total), keepdims ? shift : reshape(shift, total.shape));
  },
);

/** The largest element as a constant, 0 where it is infinite: what exponentials are shifted by. */
function finiteShift(x: Tensor, axes: readonly number[]): Tensor {
  const largest = max(detach(x), { axis: axes, keepdims: true });
  return where(less(abs(largest), Number.POSITIVE_INFINITY), largest, 0);
}

/** eˣ / Σ eˣ along an axis (the last unless told). */
export const softmax = composed("softmax", (x: Tensor, axis: number | { axis?: number } = -1): Tensor => {
  const axes = [normalizeAxis(oneAxis(axis, "softmax"), x.ndim, "softmax")];
  const powers = exp(sub(x, finiteShift(x, axes)));
  return div(powers, summed(powers, { axis: axes, keepdims: true }));
});

/** log(eˣ / Σ eˣ) along an axis (the last unless told). */
export const logSoftmax = composed("logSoftmax", (x: Tensor, axis: number | { axis?: number } = -1): Tensor => {
  const axes = [normalizeAxis(oneAxis(axis, "logSoftmax"), x.ndim, "logSoftmax")];
  const shifted = sub(x, finiteShift(x, axes));
  return sub(shifted, log(summed(exp(shifted), { axis: axes, keepdims: true })));
});

function oneAxis(axis: number | { axis?: number }, name: string): number {
  if (typeof axis === "number") return axis;
  checkOptions(axis, ["axis"], name);
  return axis.axis ?? -1;
}

const accumulated: OpFunction<Unary, { axis: number; reverse: boolean }> = defineOp<
  Unary,
  { axis: number; reverse: boolean }
>({
  name: "cumsum",
  doc: "running sums along an axis",
  kind: "affine",
  shape: ([shape]) => shape,
  forward: (out, [x], { axis, reverse }) => cumsumInto(out, x, axis, reverse),
  vjp: [(dy, _x, _y, { axis, reverse }) => accumulated(dy, { axis, reverse: !reverse })],
  samples: [
    { inputs: [[2, 3]], attrs: { axis: 1, reverse: false } },
    { inputs: [[2, 3]], attrs: { axis: 0, reverse: true } },
    { inputs: [[0]], attrs: { axis: 0, reverse: false } },
  ],
});

/** Running sums along an axis. */
export function cumsum(x: Tensor, axis: number): Tensor {
  return accumulated(x, { axis: normalizeAxis(axis, x.ndim, "cumsum"), reverse: false });
}

/** Every record of this file, for the table-driven tests. */
export const reduceOps = [summed, broadcasted, argmaxed, maxed, accumulated].map((fn) => fn.op);
