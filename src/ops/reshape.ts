import { identityBlock } from "../array/affine-block.js";
import { permuteInto } from "../array/move.js";
import { formatShape, normalizeAxes, normalizeAxis, type Shape, sizeOf } from "../array/shape.js";
import { AxisError, ShapeError } from "../base/errors.js";
import { recordIfNeeded } from "../graph/apply.js";
import { sharedView } from "../graph/new-tensor.js";
import { defineOp, type OpFunction, type Unary } from "../graph/op.js";
import type { Tensor } from "../graph/tensor.js";

/** The record of reshape: what trace, lower and the gradient see. Calls go through `reshape`, which copies nothing. */
export const reshaped: OpFunction<Unary, { shape: Shape }> = defineOp<Unary, { shape: Shape }>({
  name: "reshape",
  doc: "the same values in row-major order under another shape",
  kind: "affine",
  shape: (_, { shape }) => shape,
  dtype: ([x]) => x.dtype,
  forward: (out, [x]) => {
    for (let i = 0; i < x.size; i++) out.buffer[out.offset + i] = x.buffer[x.offset + i];
  },
  block: (_, [x]) => identityBlock(x.size),
  vjp: [(dy, x) => reshape(dy, x.shape)],
  samples: [
    { inputs: [[2, 6]], attrs: { shape: [3, 4] } },
    { inputs: [[]], attrs: { shape: [1, 1] } },
    { inputs: [[0, 3]], attrs: { shape: [3, 0, 2] } },
  ],
});

/** The same values in row-major order under another shape; one length may be -1 and follows from the others. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  if (!Array.isArray(shape)) {
    throw new ShapeError(`reshape: a shape is one list such as [2, 3], got ${String(shape)}`);
  }
  const open = shape.indexOf(-1);
  let full: Shape = Object.freeze([...shape]);
  if (open >= 0) {
    const rest = sizeOf(shape.filter((_, axis) => axis !== open));
    if (rest === 0 || x.size % rest !== 0 || shape.indexOf(-1, open + 1) >= 0) {
      throw new ShapeError(
        `reshape: ${formatShape(x.shape)} has ${x.size} elements and does not fit ${formatShape(shape)}; one -1 is allowed, and the other lengths must divide the size`,
      );
    }
    full = Object.freeze(shape.map((length, axis) => (axis === open ? x.size / rest : length)));
  }
  if (sizeOf(full) !== x.size || full.some((length) => length < 0 || !Number.isInteger(length))) {
    throw new ShapeError(
      `reshape: ${formatShape(x.shape)} has ${x.size} elements, ${formatShape(full)} has ${sizeOf(full)}; the sizes must agree`,
    );
  }
  const out = sharedView(x, full);
  recordIfNeeded(reshaped.op, out, [x], { shape: full });
  return out;
}

/** Axes `start` to `end` (all unless told) as one. */
export function flatten(x: Tensor, start = 0, end = -1): Tensor {
  if (x.ndim === 0) return reshape(x, [1]);
  const first = normalizeAxis(start, x.ndim, "flatten");
  const last = normalizeAxis(end, x.ndim, "flatten");
  if (last < first) {
    throw new AxisError(`flatten: start ${start} comes after end ${end} in ${formatShape(x.shape)}; swap them`);
  }
  const merged = sizeOf(x.shape.slice(first, last + 1));
  return reshape(x, [...x.shape.slice(0, first), merged, ...x.shape.slice(last + 1)]);
}

/** Without the axes of length 1, or without the named ones, which must have length 1. */
export function squeeze(x: Tensor, axis: number | readonly number[] | null = null): Tensor {
  if (axis === null)
    return reshape(
      x,
      x.shape.filter((length) => length !== 1),
    );
  const axes = normalizeAxes(axis, x.ndim, "squeeze");
  for (const one of axes) {
    if (x.shape[one] !== 1) {
      throw new ShapeError(
        `squeeze: axis ${one} of ${formatShape(x.shape)} has length ${x.shape[one]}; only axes of length 1 can go`,
      );
    }
  }
  return reshape(
    x,
    x.shape.filter((_, one) => !axes.includes(one)),
  );
}

/** With a new axis of length 1 at `axis` of the result. */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  const at = normalizeAxis(axis, x.ndim + 1, "unsqueeze");
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

const permuted: OpFunction<Unary, { axes: readonly number[] }> = defineOp<Unary, { axes: readonly number[] }>({
  name: "permute",
  doc: "the axes in another order",
  kind: "affine",
  shape: ([shape], { axes }) => axes.map((axis) => shape[axis]),
  dtype: ([x]) => x.dtype,
  forward: (out, [x], { axes }) => permuteInto(out, x, axes),
  vjp: [
    (dy, _x, _y, { axes }) => {
      const inverse = new Array<number>(axes.length);
      axes.forEach((axis, place) => {
        inverse[axis] = place;
      });
      return permuted(dy, { axes: inverse });
    },
  ],
  samples: [
    { inputs: [[2, 3, 4]], attrs: { axes: [2, 0, 1] } },
    { inputs: [[2, 0]], attrs: { axes: [1, 0] } },
    { inputs: [[]], attrs: { axes: [] } },
  ],
});

/** The axes in the order named: axis i of the result is axis `axes[i]` of x. */
export function permute(x: Tensor, axes: readonly number[]): Tensor {
  const normal = axes.map((axis) => normalizeAxis(axis, x.ndim, "permute"));
  if (normal.length !== x.ndim || new Set(normal).size !== x.ndim) {
    throw new AxisError(
      `permute: ${formatShape(axes)} is not an order of the ${x.ndim} axes of ${formatShape(x.shape)}; name each axis once`,
    );
  }
  return permuted(x, { axes: normal });
}

/** Axes i and j swapped; the last two unless told. */
export function transpose(x: Tensor, i = -2, j = -1): Tensor {
  const first = normalizeAxis(i, x.ndim, "transpose");
  const second = normalizeAxis(j, x.ndim, "transpose");
  const axes = Array.from(x.shape, (_, axis) => (axis === first ? second : axis === second ? first : axis));
  return permuted(x, { axes });
}

/** Every record of this file, for the table-driven tests. */
export const reshapeOps = [reshaped.op, permuted.op];
