import { matmulPlain } from "./matmul.js";
import { stridesOf } from "./shape.js";
import type { ArrayView } from "./storage.js";
import { matmulWasm } from "./wasm/gemm.js";
import type { FloatArray } from "./wasm/scratch.js";

/** The door to the kernels: each call picks the fastest implementation that is available and fits the size. */

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
  const batch = out.shape.slice(0, -2);
  let count = 1;
  for (const length of batch) count *= length;
  if (count === 1) {
    multiplyOne(out, out.offset, a, a.offset, b, b.offset, m, n, k, transposeA, transposeB);
    return;
  }
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
  const c = out.buffer;
  // int32 never gets here: products of indices are refused before.
  if (
    !(c instanceof Int32Array) &&
    matmulWasm(c, outOffset, a.buffer as FloatArray, aOffset, b.buffer as FloatArray, bOffset, m, n, k, transposeA, transposeB)
  ) {
    return;
  }
  matmulPlain(c, outOffset, a.buffer, aOffset, b.buffer, bOffset, m, n, k, transposeA, transposeB);
}
