/**
 * Convolution of ordinary typed arrays by WASM SIMD kernels, image by image through the scratch memory. Sums run in the
 * arrays' precision: |error| <= (terms + 1) · u · Σ|a·b| to first order, with the unit roundoff u.
 */
import type { Window } from "../convolution.js";
import type { ArrayView } from "../storage.js";
import { type ConvolutionGeometry, convolutionGeometry, multiplications } from "./convolution-geometry.js";
import { convolutionArguments, convolutionModule, type convolutionParameters } from "./convolution-module.js";
import { convolveByThreads, inputGradientByThreads, kernelGradientByThreads } from "./convolution-threads.js";
import type { WasmFunction } from "./engine.js";
import { simdLevel } from "./features.js";
import { kernelFamily } from "./kernel-family.js";
import { align, copy, type FloatArray, scratch } from "./scratch.js";
import { vectorOf } from "./vectors.js";

interface Kernels {
  readonly forward: WasmFunction;
  readonly imageGradient: WasmFunction;
  readonly kernelGradient: WasmFunction;
}

const kernelsOf = kernelFamily<Kernels>(convolutionModule);

/** Below this many multiplications a plain loop is faster. */
const leastWork = 1000;
/** Larger images are left to the plain loop: the scratch memory is kept. */
const mostBytes = 64 * 1024 * 1024;

/** The geometry, where things lie in scratch memory (byte addresses), and all arguments of the kernels. */
interface Plan extends ConvolutionGeometry {
  readonly shift: 2 | 3;
  readonly heap: FloatArray;
  readonly at: Readonly<Record<keyof typeof convolutionParameters, number>>;
  readonly arguments: readonly number[];
}

/** Lays out one image and one group, or declines. */
function plan(x: ArrayView, w: ArrayView, y: ArrayView, window: Window, groups: number): Plan | undefined {
  if (simdLevel() === "none" || multiplications(y, w) < leastWork) return undefined;
  const geometry = convolutionGeometry(x, w, y, window, groups);
  const { dtype, isPadded, imageLength, paddedLength, kernelsLength, outputLength, patchesBytes, workBytes } = geometry;
  const { size, shift } = vectorOf(dtype);
  const image = scratch().base + 64;
  const padded = isPadded ? align(image + imageLength * size) : image;
  const kernels = align(padded + paddedLength * size);
  const output = align(kernels + kernelsLength * size);
  const patches = align(output + outputLength * size);
  const work = align(patches + patchesBytes);
  const end = work + workBytes;
  if (end > mostBytes) return undefined;
  scratch().reserve(end);
  const at = { ...geometry.lengths, image, padded, kernels, output, patches, work };
  return {
    ...geometry,
    shift,
    heap: dtype === "float32" ? scratch().float32 : scratch().float64,
    at,
    arguments: convolutionArguments.map((key) => at[key]),
  };
}

/** Zeros in the padded image: its border, or all of it. */
function clearPadded({ heap, at, shift, paddedLength }: Plan): void {
  heap.fill(0, at.padded >> shift, (at.padded >> shift) + paddedLength);
}

/**
 * y = x ∗ w for images x [N, C, H, W], kernels w [O, C / groups, h, w] and y [N, O, H', W'].
 * @returns false, with `y` untouched, where WASM SIMD is missing or a plain loop fits better
 */
export function convolveWasm(y: ArrayView, x: ArrayView, w: ArrayView, window: Window, groups: number): boolean {
  if (convolveByThreads(y, x, w, window, groups)) return true;
  const p = plan(x, w, y, window, groups);
  if (p === undefined) return false;
  const { heap, shift, at } = p;
  const { forward } = kernelsOf(p.dtype);
  if (at.padded !== at.image) clearPadded(p);
  for (let group = 0; group < groups; group++) {
    copy(heap, at.kernels >> shift, w.buffer as FloatArray, w.offset + group * p.kernelsLength, p.kernelsLength);
    for (let n = 0; n < x.shape[0]; n++) {
      const piece = n * groups + group;
      copy(heap, at.image >> shift, x.buffer as FloatArray, x.offset + piece * p.imageLength, p.imageLength);
      forward(...p.arguments);
      copy(y.buffer as FloatArray, y.offset + piece * p.outputLength, heap, at.output >> shift, p.outputLength);
    }
  }
  return true;
}

/** The adjoint in the image: dx = what dy gives through the kernels w. Returns false like `convolveWasm`. */
export function convolveInputGradientWasm(
  dx: ArrayView,
  dy: ArrayView,
  w: ArrayView,
  window: Window,
  groups: number,
): boolean {
  if (inputGradientByThreads(dx, dy, w, window, groups)) return true;
  const p = plan(dx, w, dy, window, groups);
  if (p === undefined) return false;
  const { heap, shift, at } = p;
  const { imageGradient } = kernelsOf(p.dtype);
  for (let group = 0; group < groups; group++) {
    copy(heap, at.kernels >> shift, w.buffer as FloatArray, w.offset + group * p.kernelsLength, p.kernelsLength);
    for (let n = 0; n < dx.shape[0]; n++) {
      const piece = n * groups + group;
      clearPadded(p);
      copy(heap, at.output >> shift, dy.buffer as FloatArray, dy.offset + piece * p.outputLength, p.outputLength);
      imageGradient(...p.arguments);
      copy(dx.buffer as FloatArray, dx.offset + piece * p.imageLength, heap, at.image >> shift, p.imageLength);
    }
  }
  return true;
}

/** The adjoint in the kernels: dw = Σ over images and positions of dy · x. Returns false like `convolveWasm`. */
export function convolveKernelGradientWasm(
  dw: ArrayView,
  x: ArrayView,
  dy: ArrayView,
  window: Window,
  groups: number,
): boolean {
  if (kernelGradientByThreads(dw, x, dy, window, groups)) return true;
  const p = plan(x, dw, dy, window, groups);
  if (p === undefined) return false;
  const { heap, shift, at } = p;
  const { kernelGradient } = kernelsOf(p.dtype);
  if (at.padded !== at.image) clearPadded(p);
  const kernelSize = p.kernelsLength / at.kernelCount;
  const kernels = at.kernels >> shift;
  for (let group = 0; group < groups; group++) {
    heap.fill(0, kernels, kernels + p.kernelsLength);
    for (let n = 0; n < x.shape[0]; n++) {
      const piece = n * groups + group;
      copy(heap, at.image >> shift, x.buffer as FloatArray, x.offset + piece * p.imageLength, p.imageLength);
      copy(heap, at.output >> shift, dy.buffer as FloatArray, dy.offset + piece * p.outputLength, p.outputLength);
      kernelGradient(...p.arguments);
    }
    // The kernel leaves the transpose, [K, O].
    const target = dw.offset + group * p.kernelsLength;
    for (let o = 0; o < at.kernelCount; o++) {
      for (let k = 0; k < kernelSize; k++) {
        dw.buffer[target + o * kernelSize + k] = heap[kernels + k * at.kernelCount + o];
      }
    }
  }
  return true;
}
