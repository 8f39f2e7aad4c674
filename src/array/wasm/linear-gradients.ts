/**
 * All gradients of y = x Wᵀ + b at once for small layers: dy, x and W are copied into the scratch memory once, where the
 * three products one by one would copy them five times, which is half of their time.
 */
import type { DType } from "../dtype.js";
import type { ArrayView } from "../storage.js";
import { simdLevel } from "./features.js";
import { directKernels, isDirect, leastWork } from "./gemm.js";
import { workBytes } from "./gemm-packed.js";
import { reductionKernels } from "./reduction.js";
import { align, copy, type FloatArray, scratch } from "./scratch.js";
import { vectorOf } from "./vectors.js";

/**
 * dx = dy · W, dW = dyᵀ · x, db = the sum of dy's rows (in double precision), for dy [m, n], x [m, k] and W [n, k] that
 * `areLinearGradientsSmall`; each is null where it is not wanted. Products are the same to the bit as one by one.
 */
export function linearGradientsWasm(
  dy: ArrayView,
  x: ArrayView,
  weight: ArrayView,
  dx: ArrayView | null,
  dWeight: ArrayView | null,
  dBias: ArrayView | null,
): void {
  const dtype = dy.dtype as "float32" | "float64";
  const { size, shift } = vectorOf(dtype);
  const [m, n] = dy.shape;
  const k = x.shape[1];
  const memory = scratch();
  const sums = 64;
  const dyAt = align(sums + n * 8);
  const xAt = align(dyAt + m * n * size);
  const weightAt = align(xAt + m * k * size);
  const outAt = align(weightAt + n * k * size);
  const work = align(outAt + Math.max(m, n) * k * size);
  memory.reserve(work + workBytes(vectorOf(dtype)));
  const heap = dtype === "float32" ? memory.float32 : memory.float64;
  const { rows, columns } = directKernels(dtype);
  copy(heap, dyAt >> shift, dy.buffer as FloatArray, dy.offset, m * n);
  if (dWeight !== null) {
    copy(heap, xAt >> shift, x.buffer as FloatArray, x.offset, m * k);
    columns(dyAt, n * size, xAt, k * size, 0, outAt, k * size, 0, n, k, m, 0, work);
    copy(dWeight.buffer as FloatArray, dWeight.offset, heap, outAt >> shift, n * k);
  }
  if (dx !== null) {
    copy(heap, weightAt >> shift, weight.buffer as FloatArray, weight.offset, n * k);
    rows(dyAt, n * size, weightAt, k * size, 0, outAt, k * size, 0, m, k, n, 0, work);
    copy(dx.buffer as FloatArray, dx.offset, heap, outAt >> shift, m * k);
  }
  if (dBias !== null) {
    const doubles = memory.float64;
    for (let i = 0; i < n; i++) doubles[(sums >> 3) + i] = 0;
    reductionKernels(dtype).columns(dyAt, sums, m, n);
    for (let i = 0; i < n; i++) dBias.buffer[dBias.offset + i] = doubles[(sums >> 3) + i];
  }
}

/** Larger gradients do not stay in the cache, and their copies cost little beside the products. */
const largestBytes = 64 * 1024;

/** Whether this is how a layer of m rows, n outputs and k inputs is computed: with kernels for small operands. */
export function areLinearGradientsSmall(m: number, n: number, k: number, dtype: DType): boolean {
  if (dtype === "int32" || simdLevel() === "none" || m * n * k < leastWork) return false;
  const { size } = vectorOf(dtype);
  return isDirect(m, k, n, size, false) && isDirect(n, k, m, size, false) && m * n * size <= largestBytes;
}
