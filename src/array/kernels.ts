import { newArray } from "./dtype.js";
import { evaluateElementwise } from "./elementwise.js";
import type { Expression } from "./expression.js";
import { matmulPlain } from "./matmul.js";
import { broadcastInto } from "./move.js";
import { isSuffix, stridesOf } from "./shape.js";
import type { ArrayView } from "./storage.js";
import { evaluateRunWasm, type FloatRun, worthCompiling } from "./wasm/elementwise.js";
import { matmulWasm } from "./wasm/gemm.js";
import type { FloatArray } from "./wasm/scratch.js";

/** The door to the kernels: each call picks the fastest implementation that is available and fits the size. */

/** Below this many elements the plain loops win. */
const SMALL = 32;

/** Broadcast operands are spread out for the SIMD loops up to this many elements. */
const LARGEST_SPREAD = 1 << 20;

/** `out = expression(...inputs)`, elementwise with broadcasting. */
export function elementwiseInto(expression: Expression, out: ArrayView, inputs: readonly ArrayView[]): void {
  if (out.size < SMALL || out.size > LARGEST_SPREAD || !worthCompiling(expression, out.size)) {
    evaluateElementwise(expression, out, inputs);
    return;
  }
  const runs: FloatRun[] = [];
  for (let k = 0; k < inputs.length; k++) {
    const input = inputs[k];
    if (input.dtype !== out.dtype) {
      evaluateElementwise(expression, out, inputs);
      return;
    }
    if (input.size === out.size) runs.push({ array: input.buffer as FloatArray, offset: input.offset, stride: 1 });
    else if (input.size === 1) runs.push({ array: input.buffer as FloatArray, offset: input.offset, stride: 0 });
    else runs.push({ array: spread(input, out, k), offset: 0, stride: 1 });
  }
  const target = { array: out.buffer as FloatArray, offset: out.offset, stride: 1 };
  if (!evaluateRunWasm(expression, target, runs, out.size)) evaluateElementwise(expression, out, inputs);
}

/** One array per operand and dtype, for operands that repeat. */
const spreads: Record<"float32" | "float64", FloatArray[]> = { float32: [], float64: [] };

/** A broadcast operand in full. */
function spread(input: ArrayView, out: ArrayView, operand: number): FloatArray {
  const kept = spreads[out.dtype as "float32" | "float64"];
  let full = kept[operand];
  if (full === undefined || full.length < out.size) {
    full = newArray(out.dtype, out.size) as FloatArray;
    kept[operand] = full;
  }
  if (isSuffix(input.shape, out.shape)) {
    // The operand repeats as a whole, such as a bias: copy what is there already, twice as much each time.
    const { size } = input;
    for (let i = 0; i < size; i++) full[i] = input.buffer[input.offset + i];
    for (let done = size; done < out.size; done *= 2) full.copyWithin(done, 0, Math.min(done, out.size - done));
  } else broadcastInto({ dtype: out.dtype, shape: out.shape, size: out.size, buffer: full, offset: 0 }, input);
  return full;
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
    matmulWasm(
      c,
      outOffset,
      a.buffer as FloatArray,
      aOffset,
      b.buffer as FloatArray,
      bOffset,
      m,
      n,
      k,
      transposeA,
      transposeB,
    )
  ) {
    return;
  }
  matmulPlain(c, outOffset, a.buffer, aOffset, b.buffer, bOffset, m, n, k, transposeA, transposeB);
}
