/**
 * Matrix products of ordinary typed arrays by WASM SIMD kernels: operands are copied into the scratch memory block by
 * block, multiplied there, and the result is copied out. Synchronous; kernels are emitted and compiled at first use.
 */
import { ModuleBuilder } from "./assembler.js";
import type { WasmFunction } from "./engine.js";
import { simdLevel } from "./features.js";
import { addDirectGemm, addDirectPacking } from "./gemm-direct.js";
import { addPackedGemm, workBytes } from "./gemm-packed.js";
import { epilogue } from "./gemm-tile.js";
import { kernelFamily } from "./kernel-family.js";
import {
  align,
  copy,
  type FloatArray,
  place,
  placeResult,
  type Scratch,
  scratch,
  takeResult,
  type Values,
} from "./scratch.js";
import { endOf, multiplyShared, sharedScratch, sharedScratchSite, workAreas, worthThreads } from "./threads-product.js";
import { type FloatType, vectorOf } from "./vectors.js";

/** Bits of the `flags` parameter: what is done to A·B before it is written. */
export { epilogue as matmulFlags } from "./gemm-tile.js";

/** The binary module of the products of small matrices, exporting `rows` and `columns` (A as it is, or transposed). */
export function directGemmModule(dtype: FloatType, relaxed: boolean): Uint8Array {
  const module = new ModuleBuilder();
  const vector = vectorOf(dtype);
  const packB = addDirectPacking(module, vector);
  addDirectGemm(module, "rows", vector, relaxed, "rows", packB);
  addDirectGemm(module, "columns", vector, relaxed, "columns", packB);
  return module.bytes();
}

/** The binary module of the products of large matrices, exporting `gemm`. */
export function packedGemmModule(dtype: FloatType, relaxed: boolean): Uint8Array {
  const module = new ModuleBuilder();
  addPackedGemm(module, "gemm", vectorOf(dtype), relaxed);
  return module.bytes();
}

export const directKernels = kernelFamily<{ rows: WasmFunction; columns: WasmFunction }>(directGemmModule);
const packedKernels = kernelFamily<{ gemm: WasmFunction }>(packedGemmModule);

/** Extent of a block that is in scratch memory at one time, in every direction. */
const blockExtent = 1024;

/** Products of fewer multiplications are left to the plain loop, which needs no copies. */
export const leastWork = 192;

/** Up to this size B stays in the first-level cache, and packing costs more than it gains. */
const directBytes = 24 * 1024;

/**
 * out[m,n] = op(A)[m,k] · op(B)[k,n], all row-major and contiguous from their offsets, all of one type.
 *
 * Sums run over k in order, in the arrays' precision (in blocks of 192 or 256 for large k; with fused multiply-adds
 * where the host has relaxed SIMD): |error| <= (k + 1) · u · Σ|a·b| to first order, with the unit roundoff u. Zeros are multiplied, so
 * NaN and infinities spread as in the definition.
 *
 * @param transA A is stored as [k,m]; @param transB B is stored as [n,k]
 * @param flags bits of `matmulFlags`: accumulate into out, add `bias[n]`, relu
 * @returns false, with `out` untouched, where WASM SIMD is missing, or the product is so small that a plain loop is
 * faster: the caller then computes it
 */
export function matmulWasm(
  out: Values,
  outOffset: number,
  a: Values,
  aOffset: number,
  b: Values,
  bOffset: number,
  m: number,
  n: number,
  k: number,
  transA: boolean,
  transB: boolean,
  flags = 0,
  bias: Values = out,
  biasOffset = 0,
): boolean {
  if (m * n * k < leastWork || simdLevel() === "none") return false;
  const dtype = out.buffer instanceof Float32Array ? "float32" : "float64";
  if (m <= blockExtent && n <= blockExtent && k <= blockExtent) {
    const memory = memoryFor(dtype, m, n, k, transB);
    const c = placeBlocks(memory, dtype, m, n, k);
    const heap = dtype === "float32" ? memory.float32 : memory.float64;
    const shift = dtype === "float32" ? 2 : 3;
    layout.a = place(heap, shift, layout.a, a, aOffset, m * k);
    layout.b = place(heap, shift, layout.b, b, bOffset, k * n);
    layout.c = placeResult(heap, shift, c, out, outOffset);
    if ((flags & epilogue.accumulate) !== 0) place(heap, shift, c, out, outOffset, m * n);
    if ((flags & epilogue.bias) !== 0) layout.bias = place(heap, shift, layout.bias, bias, biasOffset, n);
    multiplyBlock(memory, dtype, m, n, k, transA, transB, flags);
    takeResult(heap, shift, c, out, outOffset, m * n);
  } else {
    multiplyByBlocks(out, outOffset, a, aOffset, b, bOffset, m, n, k, transA, transB, flags, bias, biasOffset);
  }
  return true;
}

/** Threads work in a memory that they share. */
function memoryFor(dtype: FloatType, m: number, n: number, k: number, transB: boolean): Scratch {
  return worthThreads(m, n, k) && !isDirect(m, n, k, vectorOf(dtype).size, transB) ? sharedScratch() : scratch();
}

/** Byte addresses of the operands in scratch memory, written by `placeBlocks` (reused: no allocation at each call). */
const layout = { a: 0, b: 0, c: 0, bias: 0, work: 0 };

/** Lays out a block's operands and reserves the memory. Returns the address of C. */
function placeBlocks(memory: Scratch, dtype: FloatType, m: number, n: number, k: number): number {
  const vector = vectorOf(dtype);
  const { size } = vector;
  layout.a = memory.base + 64;
  layout.b = align(layout.a + m * k * size);
  layout.c = align(layout.b + k * n * size);
  layout.bias = align(layout.c + m * n * size);
  layout.work = align(layout.bias + n * size);
  // This is also enough for the panels of a transposed B that is multiplied directly.
  const end = align(layout.work + workBytes(vector));
  memory.reserve(memory === scratch() ? end : endOf(workAreas(dtype, end)));
  return layout.c;
}

/** Whether the product is computed without packing: B is small, or used for few rows and stored row by row. */
export function isDirect(m: number, n: number, k: number, size: number, transB: boolean): boolean {
  return k * n * size <= directBytes || (m <= 8 && !transB);
}

function multiplyBlock(
  memory: Scratch,
  dtype: FloatType,
  m: number,
  n: number,
  k: number,
  transA: boolean,
  transB: boolean,
  flags: number,
): void {
  const size = dtype === "float32" ? 4 : 8;
  const aStride = (transA ? m : k) * size;
  const bStride = (transB ? k : n) * size;
  const { a, b, c, bias, work } = layout;
  if (memory !== scratch()) {
    const [aTransposed, bTransposed] = [transA ? 1 : 0, transB ? 1 : 0];
    const values = [a, aStride, aTransposed, b, bStride, bTransposed, c, n * size, bias, m, n, k, flags];
    const areas = workAreas(dtype, align(work + workBytes(vectorOf(dtype))));
    multiplyShared(sharedScratchSite(dtype), values, work, areas);
  } else if (isDirect(m, n, k, size, transB)) {
    const kernels = directKernels(dtype);
    const kernel = transA ? kernels.columns : kernels.rows;
    kernel(a, aStride, b, bStride, transB ? 1 : 0, c, n * size, bias, m, n, k, flags, work);
  } else {
    packedKernels(dtype).gemm(
      a,
      aStride,
      transA ? 1 : 0,
      b,
      bStride,
      transB ? 1 : 0,
      c,
      n * size,
      bias,
      m,
      n,
      k,
      flags,
      work,
    );
  }
}

/** The product of matrices that exceed one block in some direction. C stays in scratch memory while k runs. */
function multiplyByBlocks(
  out: Values,
  outOffset: number,
  a: Values,
  aOffset: number,
  b: Values,
  bOffset: number,
  m: number,
  n: number,
  k: number,
  transA: boolean,
  transB: boolean,
  flags: number,
  bias: Values,
  biasOffset: number,
): void {
  const dtype = out.buffer instanceof Float32Array ? "float32" : "float64";
  const shift = dtype === "float32" ? 2 : 3;
  const accumulate = flags & epilogue.accumulate;
  const memory = memoryFor(dtype, m, n, k, transB);
  for (let column = 0; column < n; column += blockExtent) {
    const columns = Math.min(blockExtent, n - column);
    // The steps of k whose block of B is in memory: with one block of k it serves all rows.
    let loadedDepth = -1;
    for (let row = 0; row < m; row += blockExtent) {
      const rows = Math.min(blockExtent, m - row);
      // Laid out for full blocks, so that B stays where it is.
      placeBlocks(memory, dtype, Math.min(m, blockExtent), columns, Math.min(k, blockExtent));
      const heap = dtype === "float32" ? memory.float32 : memory.float64;
      if (accumulate !== 0) {
        copyRows(
          heap,
          layout.c >> shift,
          columns,
          out.buffer as FloatArray,
          outOffset + row * n + column,
          n,
          rows,
          columns,
        );
      }
      if ((flags & epilogue.bias) !== 0) {
        copy(heap, layout.bias >> shift, bias.buffer as FloatArray, biasOffset + column, columns);
      }
      for (let depth = 0; depth < k; depth += blockExtent) {
        const depths = Math.min(blockExtent, k - depth);
        const aAddress = layout.a >> shift;
        const aValues = a.buffer as FloatArray;
        if (transA) copyRows(heap, aAddress, rows, aValues, aOffset + depth * m + row, m, depths, rows);
        else copyRows(heap, aAddress, depths, aValues, aOffset + row * k + depth, k, rows, depths);
        if (depth !== loadedDepth) {
          const bAddress = layout.b >> shift;
          const bValues = b.buffer as FloatArray;
          if (transB) copyRows(heap, bAddress, depths, bValues, bOffset + column * k + depth, k, columns, depths);
          else copyRows(heap, bAddress, columns, bValues, bOffset + depth * n + column, n, depths, columns);
          loadedDepth = depth;
        }
        const last = depth + depths === k;
        const blockFlags = (depth === 0 ? accumulate : epilogue.accumulate) | (last ? flags & ~epilogue.accumulate : 0);
        multiplyBlock(memory, dtype, rows, columns, depths, transA, transB, blockFlags);
      }
      copyRows(
        out.buffer as FloatArray,
        outOffset + row * n + column,
        n,
        heap,
        layout.c >> shift,
        columns,
        rows,
        columns,
      );
    }
  }
}

/** Copies `rows` x `columns` elements between matrices of these strides, in elements. */
function copyRows(
  target: FloatArray,
  targetOffset: number,
  targetStride: number,
  source: FloatArray,
  sourceOffset: number,
  sourceStride: number,
  rows: number,
  columns: number,
): void {
  if (columns === targetStride && columns === sourceStride) {
    copy(target, targetOffset, source, sourceOffset, rows * columns);
    return;
  }
  for (let row = 0; row < rows; row++) {
    copy(target, targetOffset + row * targetStride, source, sourceOffset + row * sourceStride, columns);
  }
}

/** Bytes of the operands of one group of a batch. */
const groupBytes = 512 * 1024;

/**
 * `count` products out[i] = op(a[i]) · op(b[i]) of small matrices, one behind the other in `out`. Groups of them are
 * copied together, which is what a call costs when the matrices are small.
 * @param aStep elements from one a to the next: m · k, or 0 where all share one; @param bStep likewise
 * @returns false, with `out` untouched, like `matmulWasm`
 */
export function matmulBatchWasm(
  out: Values,
  outOffset: number,
  a: Values,
  aOffset: number,
  b: Values,
  bOffset: number,
  count: number,
  aStep: number,
  bStep: number,
  m: number,
  n: number,
  k: number,
  transA: boolean,
  transB: boolean,
): boolean {
  if (count * m * n * k < leastWork || simdLevel() === "none") return false;
  const dtype = out.buffer instanceof Float32Array ? "float32" : "float64";
  const { size, shift } = vectorOf(dtype);
  const bytes = (m * k + k * n + m * n) * size;
  if (bytes > groupBytes / 2 || !isDirect(m, n, k, size, transB)) {
    // Large enough to be copied each on its own.
    if (m * n * k < leastWork) return false;
    for (let i = 0; i < count; i++) {
      matmulWasm(out, outOffset + i * m * n, a, aOffset + i * aStep, b, bOffset + i * bStep, m, n, k, transA, transB);
    }
    return true;
  }
  const group = Math.min(count, Math.floor(groupBytes / bytes));
  // An operand that all share is there once.
  const aCount = aStep === 0 ? 1 : group;
  const bCount = bStep === 0 ? 1 : group;
  const memory = scratch();
  const aAddress = memory.base + 64;
  const bAddress = align(aAddress + aCount * m * k * size);
  const cAddress = align(bAddress + bCount * k * n * size);
  const work = align(cAddress + group * m * n * size);
  memory.reserve(work + workBytes(vectorOf(dtype)));
  const heap = dtype === "float32" ? memory.float32 : memory.float64;
  const kernels = directKernels(dtype);
  const kernel = transA ? kernels.columns : kernels.rows;
  for (let first = 0; first < count; first += group) {
    const length = Math.min(group, count - first);
    const aPlace = place(heap, shift, aAddress, a, aOffset + first * aStep, (aStep === 0 ? 1 : length) * m * k);
    const bPlace = place(heap, shift, bAddress, b, bOffset + first * bStep, (bStep === 0 ? 1 : length) * k * n);
    const to = outOffset + first * m * n;
    const cPlace = placeResult(heap, shift, cAddress, out, to);
    const aStride = (transA ? m : k) * size;
    const bStride = (transB ? k : n) * size;
    for (let i = 0; i < length; i++) {
      const aAt = aPlace + i * aStep * size;
      const bAt = bPlace + i * bStep * size;
      kernel(aAt, aStride, bAt, bStride, transB ? 1 : 0, cPlace + i * m * n * size, n * size, 0, m, n, k, 0, work);
    }
    takeResult(heap, shift, cAddress, out, to, length * m * n);
  }
  return true;
}
