/**
 * All gradients of y = x Wᵀ + b, or of what of it is above 0, at once for small layers: what has to be copied into the
 * scratch memory is copied once, where the three products one by one would copy it five times.
 */
import type { DType } from "../dtype.js";
import type { ArrayView } from "../storage.js";
import { simdLevel } from "./features.js";
import { directKernels, isDirect, leastWork } from "./gemm.js";
import { workBytes } from "./gemm-packed.js";
import { reductionKernels } from "./reduction.js";
import { align, place, placeResult, scratch, takeResult } from "./scratch.js";
import { vectorOf } from "./vectors.js";

/**
 * dx = dy · W, dW = dyᵀ · x, db = the sum of dy's rows (in double precision), for dy [m, n], x [m, k] and W [n, k] that
 * `areLinearGradientsSmall`; each is null where it is not wanted. Products are the same to the bit as one by one.
 * @param y where it is given, dy counts where y is positive, and is 0 elsewhere
 */
export function linearGradientsWasm(
  dx: ArrayView | null,
  dWeight: ArrayView | null,
  dBias: ArrayView | null,
  dy: ArrayView,
  x: ArrayView,
  weight: ArrayView,
  y: ArrayView | null,
): void {
  const dtype = dy.dtype as "float32" | "float64";
  const { size, shift } = vectorOf(dtype);
  const [m, n] = dy.shape;
  const k = x.shape[1];
  const memory = scratch();
  const sums = memory.base + 64;
  const dyAt = align(sums + n * 8);
  const yAt = align(dyAt + m * n * size);
  const xAt = align(yAt + m * n * size);
  const weightAt = align(xAt + m * k * size);
  const outAt = align(weightAt + n * k * size);
  const work = align(outAt + Math.max(m, n) * k * size);
  memory.reserve(work + workBytes(vectorOf(dtype)));
  const heap = dtype === "float32" ? memory.float32 : memory.float64;
  const { rows, columns } = directKernels(dtype);
  let dyPlace = place(heap, shift, dyAt, dy, dy.offset, m * n);
  const doubles = memory.float64;
  if (dBias !== null || y !== null) for (let i = 0; i < n; i++) doubles[(sums >> 3) + i] = 0;
  if (y !== null) {
    const gate = place(heap, shift, yAt, y, y.offset, m * n);
    // What passes may be written over the copy of dy, not over dy.
    reductionKernels(dtype).passed(dyPlace, sums, m, n, gate, dyAt);
    dyPlace = dyAt;
  } else if (dBias !== null) reductionKernels(dtype).columns(dyPlace, sums, m, n);
  if (dWeight !== null) {
    const xPlace = place(heap, shift, xAt, x, x.offset, m * k);
    const to = placeResult(heap, shift, outAt, dWeight, dWeight.offset);
    columns(dyPlace, n * size, xPlace, k * size, 0, to, k * size, 0, n, k, m, 0, work);
    takeResult(heap, shift, outAt, dWeight, dWeight.offset, n * k);
  }
  if (dx !== null) {
    const weightPlace = place(heap, shift, weightAt, weight, weight.offset, n * k);
    const to = placeResult(heap, shift, outAt, dx, dx.offset);
    rows(dyPlace, n * size, weightPlace, k * size, 0, to, k * size, 0, m, k, n, 0, work);
    takeResult(heap, shift, outAt, dx, dx.offset, m * k);
  }
  if (dBias !== null) {
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
