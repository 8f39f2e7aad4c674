import {
  argmaxWindowsPlain,
  convolveInputGradientPlain,
  convolveKernelGradientPlain,
  convolvePlain,
  type Window,
} from "./convolution.js";
import { broadcastPlan, evaluateElementwise } from "./elementwise.js";
import { type Expression, recorded } from "./expression.js";
import { matmulPlain } from "./matmul.js";
import { sumPlain } from "./reduce.js";
import { isSuffix, type Shape, stridesOf } from "./shape.js";
import { type ArrayView, zerosView } from "./storage.js";
import { convolveInputGradientWasm, convolveKernelGradientWasm, convolveWasm } from "./wasm/convolution.js";
import { elementwiseWasm } from "./wasm/elementwise.js";
import { matmulBatchWasm, matmulFlags, matmulWasm } from "./wasm/gemm.js";
import { areLinearGradientsSmall, linearGradientsWasm } from "./wasm/linear-gradients.js";
import { argmaxWindowsWasm } from "./wasm/pooling.js";
import { sumWasm } from "./wasm/reduction.js";

/** The door to the kernels: each call picks the fastest implementation that is available and fits the size. */

/** `out = expression(...inputs)`, elementwise with broadcasting. */
export function elementwiseInto(expression: Expression, out: ArrayView, inputs: readonly ArrayView[]): void {
  if (!elementwiseWasm(expression, out, inputs)) evaluateElementwise(expression, out, inputs);
}

/** `out = op(a) · op(b)` over the last two axes; leading axes broadcast to those of `out`. */
export function multiplyInto(
  out: ArrayView,
  a: ArrayView,
  b: ArrayView,
  transposeA: boolean,
  transposeB: boolean,
): void {
  const m = out.shape[out.shape.length - 2];
  const n = out.shape[out.shape.length - 1];
  const k = a.shape[a.shape.length - (transposeA ? 2 : 1)];
  if (out.size === m * n) {
    multiplyOne(out, out.offset, a, a.offset, b, b.offset, m, n, k, transposeA, transposeB);
    return;
  }
  const batch = out.shape.slice(0, -2);
  const count = out.size / (m * n);
  if (multiplyUniform(out, a, b, count, m, n, k, transposeA, transposeB)) return;
  const aSteps = batchSteps(a.shape, batch);
  const bSteps = batchSteps(b.shape, batch);
  const position = new Int32Array(batch.length);
  for (let i = 0; i < count; i++) {
    let aOffset = a.offset;
    let bOffset = b.offset;
    for (let axis = 0; axis < batch.length; axis++) {
      aOffset += position[axis] * aSteps[axis];
      bOffset += position[axis] * bSteps[axis];
    }
    multiplyOne(out, out.offset + i * m * n, a, aOffset, b, bOffset, m, n, k, transposeA, transposeB);
    for (let axis = batch.length - 1; axis >= 0 && ++position[axis] === batch[axis]; axis--) position[axis] = 0;
  }
}

/** `out = a · bᵀ + bias`, or, `rectified`, what of it is above 0; the bias added to each row: a [m, k], b [n, k], bias [n]. */
export function multiplyAddInto(out: ArrayView, a: ArrayView, b: ArrayView, bias: ArrayView, rectified: boolean): void {
  const [m, n] = out.shape;
  const k = a.shape[1];
  if (isFloat(out) && out.size > 0) {
    const flags = matmulFlags.bias | (rectified ? matmulFlags.relu : 0);
    if (matmulWasm(out, out.offset, a, a.offset, b, b.offset, m, n, k, false, true, flags, bias, bias.offset)) return;
  }
  multiplyOne(out, out.offset, a, a.offset, b, b.offset, m, n, k, false, true);
  let at = out.offset;
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++, at++) {
      const sum = out.buffer[at] + bias.buffer[bias.offset + j];
      // A NaN stays.
      out.buffer[at] = rectified && sum <= 0 ? 0 : sum;
    }
  }
}

/** dy where y > 0, else 0, of (dy, y). */
const passed = recorded(2, (e, dy, y) => e.select(e.less(e.constant(0), y), dy, e.constant(0)));

/**
 * The gradients of x · wᵀ + b, those that are wanted: dx = dy · w, dw = dyᵀ · x, db the sum of dy's rows.
 * @param y where it is given, what was above 0 of x · wᵀ + b: only there dy counts
 */
export function linearGradientsInto(
  dx: ArrayView | null,
  dw: ArrayView | null,
  db: ArrayView | null,
  dy: ArrayView,
  x: ArrayView,
  w: ArrayView,
  y: ArrayView | null,
): void {
  if (areLinearGradientsSmall(dy.shape[0], dy.shape[1], x.shape[1], dy.dtype)) {
    linearGradientsWasm(dx, dw, db, dy, x, w, y);
    return;
  }
  let counted = dy;
  if (y !== null) {
    counted = zerosView(dy.dtype, dy.shape);
    elementwiseInto(passed, counted, [dy, y]);
  }
  if (dx !== null) multiplyInto(dx, counted, w, false, false);
  if (dw !== null) multiplyInto(dw, counted, x, true, false);
  if (db !== null) sumInto(db, counted);
}

/** A batch whose operands each are there once for every product, or once for all; false where it is another, or small. */
function multiplyUniform(
  out: ArrayView,
  a: ArrayView,
  b: ArrayView,
  count: number,
  m: number,
  n: number,
  k: number,
  transposeA: boolean,
  transposeB: boolean,
): boolean {
  const aStep = a.size === count * m * k ? m * k : 0;
  const bStep = b.size === count * k * n ? k * n : 0;
  if (out.size === 0 || out.buffer instanceof Int32Array) return false;
  if ((aStep === 0 && a.size !== m * k) || (bStep === 0 && b.size !== k * n)) return false;
  return matmulBatchWasm(
    out,
    out.offset,
    a,
    a.offset,
    b,
    b.offset,
    count,
    aStep,
    bStep,
    m,
    n,
    k,
    transposeA,
    transposeB,
  );
}

/** Elements to the next matrix along each batch axis; 0 where the operand repeats. */
function batchSteps(shape: readonly number[], batch: readonly number[]): number[] {
  const strides = stridesOf(shape);
  const lead = batch.length - (shape.length - 2);
  return batch.map((_, axis) => (axis < lead || shape[axis - lead] === 1 ? 0 : strides[axis - lead]));
}

function multiplyOne(
  out: ArrayView,
  outOffset: number,
  a: ArrayView,
  aOffset: number,
  b: ArrayView,
  bOffset: number,
  m: number,
  n: number,
  k: number,
  transposeA: boolean,
  transposeB: boolean,
): void {
  // int32 never gets here: products of indices are refused before.
  if (isFloat(out) && matmulWasm(out, outOffset, a, aOffset, b, bOffset, m, n, k, transposeA, transposeB)) {
    return;
  }
  matmulPlain(out.buffer, outOffset, a.buffer, aOffset, b.buffer, bOffset, m, n, k, transposeA, transposeB);
}

/**
 * Adds up `input` into `out`, whose shape broadcasts to the input's: the adjoint of broadcasting. Axes that `out`
 * lacks or has with length 1 are summed.
 * @param shape what stands for the shape of `out`. No copy of `out` would do: its array changes when the memory grows
 */
export function sumInto(out: ArrayView, input: ArrayView, shape: Shape = out.shape): void {
  if (!sumMatrix(out, input, shape)) sumPlain(out, input, shape);
}

/** Fewer elements are added up by plain loops. */
const LEAST_SUMMED = 128;

/** A sum over the rows or the columns of a matrix, which most are; false where it is another, or small. */
function sumMatrix(out: ArrayView, input: ArrayView, shape: Shape): boolean {
  if (input.size < LEAST_SUMMED || out.size === 0 || out.buffer instanceof Int32Array) return false;
  let over: "rows" | "columns" = "rows";
  if (out.size !== 1) {
    if (isSuffix(shape, input.shape)) over = "columns";
    else {
      const { strides } = broadcastPlan(input.shape, [shape]);
      const [own] = strides;
      if (own.length !== 2) return false;
      if (own[0] === 0) over = "columns";
      else if (own[1] !== 0) return false;
    }
  }
  const other = input.size / out.size;
  const [rows, columns] = over === "rows" ? [out.size, other] : [other, out.size];
  return sumWasm(out, out.offset, input, input.offset, rows, columns, over);
}

const isFloat = ({ buffer }: ArrayView): boolean => !(buffer instanceof Int32Array);

/** `y = x ∗ w`: images x [N, C, H, W], kernels w [O, C / groups, h, w], y [N, O, H', W'] of zeros. */
export function convolveInto(y: ArrayView, x: ArrayView, w: ArrayView, window: Window, groups: number): void {
  if (!(isFloat(y) && convolveWasm(y, x, w, window, groups))) convolvePlain(y, x, w, window, groups);
}

/** The adjoint of convolution in the image; `dx` holds zeros. */
export function convolveInputGradientInto(
  dx: ArrayView,
  dy: ArrayView,
  w: ArrayView,
  window: Window,
  groups: number,
): void {
  if (isFloat(dx) && convolveInputGradientWasm(dx, dy, w, window, groups)) return;
  convolveInputGradientPlain(dx, dy, w, window, groups);
}

/** The adjoint of convolution in the kernels; `dw` holds zeros. */
export function convolveKernelGradientInto(
  dw: ArrayView,
  x: ArrayView,
  dy: ArrayView,
  window: Window,
  groups: number,
): void {
  if (isFloat(dw) && convolveKernelGradientWasm(dw, x, dy, window, groups)) return;
  convolveKernelGradientPlain(dw, x, dy, window, groups);
}

/** The place in its plane of the first largest element of each window; `out` is int32 [N, C, H', W']. */
export function argmaxWindowsInto(out: ArrayView, x: ArrayView, window: Window): void {
  if (!(isFloat(x) && argmaxWindowsWasm(out, x, window))) argmaxWindowsPlain(out, x, window);
}
