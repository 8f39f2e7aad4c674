/** The lengths of a convolution, as its kernels are told. */
import type { Window } from "../convolution.js";
import type { ArrayView } from "../storage.js";
import type { convolutionParameters } from "./convolution-module.js";
import { type FloatType, vectorOf } from "./vectors.js";

/** The matrix of patches is built in pieces of about this size, to stay in the second-level cache. */
const patchBytes = 128 * 1024;

type Address = "image" | "padded" | "kernels" | "output" | "patches" | "work";

export interface ConvolutionGeometry {
  readonly dtype: FloatType;
  readonly isPadded: boolean;
  /** Elements of one group of one image, of that image padded, of its output, and of one group of kernels. */
  readonly imageLength: number;
  readonly paddedLength: number;
  readonly outputLength: number;
  readonly kernelsLength: number;
  /** Room for patches, and for packing. */
  readonly patchesBytes: number;
  readonly workBytes: number;
  /** The kernels' arguments that are no addresses, for one group. */
  readonly lengths: Readonly<Record<Exclude<keyof typeof convolutionParameters, Address>, number>>;
}

/** Multiplications of the convolution of any images with kernels w to y. */
export function multiplications(y: ArrayView, w: ArrayView): number {
  return y.size * (w.size / (w.shape[0] || 1));
}

/** Of images x [N, C, H, W], kernels w [O, C / groups, h, w] and y [N, O, H', W']. */
export function convolutionGeometry(
  x: ArrayView,
  w: ArrayView,
  y: ArrayView,
  window: Window,
  groups: number,
): ConvolutionGeometry {
  const dtype = y.buffer instanceof Float32Array ? "float32" : "float64";
  const { size, lanes } = vectorOf(dtype);
  const [, , height, width] = x.shape;
  const [allKernels, channels, kernelHeight, kernelWidth] = w.shape;
  const [, , outHeight, outWidth] = y.shape;
  const kernelCount = allKernels / groups;
  const [paddingY, paddingX] = window.padding;
  const paddedHeight = height + 2 * paddingY;
  const paddedWidth = width + 2 * paddingX;
  const kernelSize = channels * kernelHeight * kernelWidth;
  const rowBytes = kernelSize * outWidth * size;
  const chunk = Math.max(1, Math.min(outHeight, Math.floor(patchBytes / rowBytes)));
  return {
    dtype,
    isPadded: paddingY + paddingX > 0,
    imageLength: channels * height * width,
    paddedLength: channels * paddedHeight * paddedWidth,
    outputLength: kernelCount * outHeight * outWidth,
    kernelsLength: kernelCount * kernelSize,
    patchesBytes: rowBytes * chunk + 16,
    workBytes: chunk * outWidth * (kernelCount + 2 * lanes) * size,
    lengths: {
      channels,
      height,
      width,
      paddedHeight,
      paddedWidth,
      margin: paddingY * paddedWidth + paddingX,
      kernelCount,
      kernelHeight,
      kernelWidth,
      strideY: window.stride[0],
      strideX: window.stride[1],
      dilationY: window.dilation[0],
      dilationX: window.dilation[1],
      outHeight,
      outWidth,
      chunk,
    },
  };
}
