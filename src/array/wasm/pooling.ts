/** The largest element of each window by WASM SIMD: several neighbouring windows at once, tap by tap. */
import type { Window } from "../convolution.js";
import type { ArrayView } from "../storage.js";
import { ModuleBuilder } from "./assembler.js";
import type { WasmFunction } from "./engine.js";
import { simdLevel } from "./features.js";
import { type I32, type Integer, i32, type Statement, type V128, v128 } from "./instructions.js";
import { kernelFamily } from "./kernel-family.js";
import { align, copy, type FloatArray, scratch } from "./scratch.js";
import { type FloatType, type FloatVector, vectorOf } from "./vectors.js";

/** Addresses in bytes, lengths in elements. */
const parameters = {
  image: "i32",
  /** int32 indices. */
  out: "i32",
  planes: "i32",
  height: "i32",
  width: "i32",
  kernelHeight: "i32",
  kernelWidth: "i32",
  strideY: "i32",
  strideX: "i32",
  dilationY: "i32",
  dilationX: "i32",
  outHeight: "i32",
  outWidth: "i32",
} as const;

/** Every `step`-th element from an address on; `step` 0 stands for one that is known as `stepBytes` only. */
export function loadStrided(vector: FloatVector, address: I32, step: number, stepBytes: Integer, offset = 0): V128 {
  if (step === 1) return v128.load(address, offset);
  if (step === 2) {
    const even = Array.from({ length: vector.lanes }, (_, lane) => 2 * lane);
    return vector.shuffle(v128.load(address, offset), v128.load(address, offset + 16), even);
  }
  let loaded = vector.loadZero(address, offset);
  for (let lane = 1; lane < vector.lanes; lane++) {
    loaded = vector.loadLane(i32.add(address, i32.mul(stepBytes, lane)), loaded, lane, offset);
  }
  return loaded;
}

/** Where a later element of a window takes the lead: where it is larger, or the first NaN. */
export function takesLead(vector: FloatVector, value: V128, best: V128): V128 {
  const firstNaN = v128.andNot(vector.ne(value, value), vector.ne(best, best));
  return v128.or(vector.gt(value, best), firstNaN);
}

/** The indices of a vector of windows, as int32 one behind the other; writes a whole vector of them. */
export function storeIndices(vector: FloatVector, address: I32, indices: V128, offset = 0): Statement {
  if (vector.lanes === 4) return v128.store(address, indices, offset);
  const low = v128.shuffleBytes(indices, indices, [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);
  return v128.store64Lane(address, low, 0, offset);
}

/** 0, 1, 2, ... in lanes as wide as the float's. */
export function counting({ size }: FloatVector): V128 {
  return v128.constant(Array.from({ length: 16 }, (_, i) => (i % size === 0 ? i / size : 0)));
}

/**
 * The module of a float type, exporting `argmax1`, `argmax2` and `argmax` for horizontal strides 1, 2 and any: for each
 * window the index, in its plane, of its first largest element. Reads and writes whole vectors past the ends.
 */
function poolingModule(dtype: FloatType): Uint8Array {
  const module = new ModuleBuilder();
  const vector = vectorOf(dtype);
  const { integer, lanes, size } = vector;
  for (const step of [1, 2, 0]) {
    module.function(step === 0 ? "argmax" : `argmax${step}`, parameters, (f, p) => {
      const [plane, row, column, ky, kx, tap, offset] = f.locals("i32", 7);
      const [best, bestIndex, value, index, wins] = f.locals("v128", 5);
      const stepBytes = f.keep(i32.mul(p.strideX, size));
      // Where the windows of a vector begin, relative to the first.
      const starts = f.keep(integer.mul(counting(vector), integer.splat(p.strideX)));
      f.loop(plane, 0, p.planes, 1, () => {
        f.loop(row, 0, p.outHeight, 1, () => {
          f.loop(column, 0, p.outWidth, lanes, () => {
            const corner = f.keep(i32.add(i32.mul(i32.mul(row, p.strideY), p.width), i32.mul(column, p.strideX)));
            f.set(tap, vector.element(p.image, corner));
            f.set(best, loadStrided(vector, tap, step, stepBytes));
            f.set(bestIndex, integer.add(starts, integer.splat(corner)));
            f.loop(ky, 0, p.kernelHeight, 1, () => {
              f.loop(kx, 0, p.kernelWidth, 1, () => {
                f.set(offset, i32.mul(i32.mul(ky, p.dilationY), p.width));
                f.set(offset, i32.add(corner, i32.add(offset, i32.mul(kx, p.dilationX))));
                f.set(tap, vector.element(p.image, offset));
                f.set(value, loadStrided(vector, tap, step, stepBytes));
                f.set(index, integer.add(starts, integer.splat(offset)));
                f.set(wins, takesLead(vector, value, best));
                f.set(best, v128.bitselect(value, best, wins));
                f.set(bestIndex, v128.bitselect(index, bestIndex, wins));
              });
            });
            f.add(storeIndices(vector, i32.add(p.out, i32.shl(column, 2)), bestIndex));
            f.release(corner);
          });
          f.increment(p.out, i32.shl(p.outWidth, 2));
        });
        f.increment(p.image, i32.shl(i32.mul(p.height, p.width), vector.shift));
      });
    });
  }
  return module.bytes();
}

const kernels = kernelFamily<{ argmax1: WasmFunction; argmax2: WasmFunction; argmax: WasmFunction }>(poolingModule);

/** Fewer comparisons are left to the plain loop. */
const leastWork = 500;
/** Planes are copied into scratch memory in groups of about this size. */
const groupBytes = 256 * 1024;

/**
 * For each window of each channel of x [N, C, H, W], the flat index y · W + x of its first largest element, a NaN being
 * larger than any number. `out` is int32 [N, C, H', W'].
 * @returns false, with `out` untouched, for padded windows, where WASM SIMD is missing, or where the plain loop is faster
 */
export function argmaxWindowsWasm(out: ArrayView, x: ArrayView, window: Window): boolean {
  const [, , outHeight, outWidth] = out.shape;
  const [batch, channels, height, width] = x.shape;
  const [kernelHeight, kernelWidth] = window.kernel;
  if (simdLevel() === "none" || window.padding[0] + window.padding[1] > 0) return false;
  if (out.size * kernelHeight * kernelWidth < leastWork) return false;
  const dtype = x.buffer instanceof Float32Array ? "float32" : "float64";
  const { size, shift } = vectorOf(dtype);
  const planeLength = height * width;
  const outLength = outHeight * outWidth;
  const group = Math.max(1, Math.min(batch * channels, Math.floor(groupBytes / (planeLength * size))));
  const image = scratch().base + 64;
  const indices = align(image + group * planeLength * size);
  // Windows past the last column are read, and forgotten.
  scratch().reserve(indices + 4 * group * outLength + 4 * window.stride[1] * size);
  const heap = dtype === "float32" ? scratch().float32 : scratch().float64;
  const results = new Int32Array(scratch().memory.buffer, indices, group * outLength);
  const stride = window.stride[1];
  const functions = kernels(dtype);
  const argmax = stride === 1 ? functions.argmax1 : stride === 2 ? functions.argmax2 : functions.argmax;
  const target = out.buffer as Int32Array;
  for (let plane = 0; plane < batch * channels; plane += group) {
    const planes = Math.min(group, batch * channels - plane);
    copy(heap, image >> shift, x.buffer as FloatArray, x.offset + plane * planeLength, planes * planeLength);
    argmax(
      image,
      indices,
      planes,
      height,
      width,
      kernelHeight,
      kernelWidth,
      window.stride[0],
      stride,
      window.dilation[0],
      window.dilation[1],
      outHeight,
      outWidth,
    );
    target.set(planes === group ? results : results.subarray(0, planes * outLength), out.offset + plane * outLength);
  }
  return true;
}
