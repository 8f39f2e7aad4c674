/** The product of two convolutions is one convolution again, where zero padding in between means zeros: pooling by means. */

import type { ConvBlock } from "./net.js";

/** Adds products into numbered sums; compose.ts measures what that rounds. */
export interface ProductAccumulator {
  addProduct(place: number, a: number, b: number): void;
  finish(): Float64Array;
}

/**
 * `left · right` as one convolution (of one group; a kernel of zeros stands where groups do not meet), or null where
 * `left` reads zeros of its padding at a place where the composed kernel would see the image.
 */
export function multiplyConvolutions(
  left: ConvBlock,
  right: ConvBlock,
  accumulator: (places: number) => ProductAccumulator,
): ConvBlock | null {
  if (left.columns !== right.rows || !paddingIsZero(left, right, 0) || !paddingIsZero(left, right, 1)) return null;
  const [channels] = right.inputShape;
  const [middle] = right.outputShape;
  const [outputs] = left.outputShape;
  const kernel = [0, 1].map((axis) => spread(left, right, axis)) as [number, number];
  const plane = kernel[0] * kernel[1];
  const sums = accumulator(outputs * channels * plane);
  const [leftInputs, rightInputs] = [middle / left.groups, channels / right.groups];
  for (let o = 0; o < outputs; o++) {
    const firstMiddle = Math.floor(o / (outputs / left.groups)) * leftInputs;
    for (let m = 0; m < leftInputs; m++) {
      const through = firstMiddle + m;
      const firstChannel = Math.floor(through / (middle / right.groups)) * rightInputs;
      for (let c = 0; c < rightInputs; c++) {
        const target = (o * channels + firstChannel + c) * plane;
        const a = (o * leftInputs + m) * left.kernel[0] * left.kernel[1];
        const b = (through * rightInputs + c) * right.kernel[0] * right.kernel[1];
        addKernels(left, right, kernel[1], a, b, target, sums);
      }
    }
  }
  const both = (pick: (axis: number) => number): [number, number] => [pick(0), pick(1)];
  return {
    kind: "conv",
    rows: left.rows,
    columns: right.columns,
    inputShape: right.inputShape,
    outputShape: left.outputShape,
    kernel,
    stride: both((axis) => left.stride[axis] * right.stride[axis]),
    padding: both((axis) => left.padding[axis] * right.stride[axis] + right.padding[axis]),
    dilation: [1, 1],
    groups: 1,
    values: sums.finish(),
  };
}

/** Side of the composed kernel: it reads every place that an element of `left` reads through one of `right`. */
function spread(left: ConvBlock, right: ConvBlock, axis: number): number {
  const outer = (left.kernel[axis] - 1) * left.dilation[axis] * right.stride[axis];
  return outer + (right.kernel[axis] - 1) * right.dilation[axis] + 1;
}

/** Adds the product of two kernels, at a and b, to the one at `target`, whose rows have `width` entries. */
function addKernels(
  left: ConvBlock,
  right: ConvBlock,
  width: number,
  a: number,
  b: number,
  target: number,
  sums: ProductAccumulator,
): void {
  for (let ky = 0; ky < left.kernel[0]; ky++) {
    for (let kx = 0; kx < left.kernel[1]; kx++) {
      const factor = left.values[a + ky * left.kernel[1] + kx];
      if (factor === 0) continue;
      const y = ky * left.dilation[0] * right.stride[0];
      const x = kx * left.dilation[1] * right.stride[1];
      for (let jy = 0; jy < right.kernel[0]; jy++) {
        for (let jx = 0; jx < right.kernel[1]; jx++) {
          const place = target + (y + jy * right.dilation[0]) * width + x + jx * right.dilation[1];
          sums.addProduct(place, factor, right.values[b + jy * right.kernel[1] + jx]);
        }
      }
    }
  }
}

/**
 * Whether `right`, applied one step and more beyond its output on either side, would see only padding along an axis (the
 * zeros that `left` reads there), as far as `left` reads.
 */
function paddingIsZero(left: ConvBlock, right: ConvBlock, axis: number): boolean {
  const size = right.inputShape[axis + 1];
  const outputs = right.outputShape[axis + 1];
  const reach = (right.kernel[axis] - 1) * right.dilation[axis];
  const first = -left.padding[axis];
  const lastStep = (left.outputShape[axis + 1] - 1) * left.stride[axis] - left.padding[axis];
  const last = lastStep + (left.kernel[axis] - 1) * left.dilation[axis];
  const before = first >= 0 || -right.stride[axis] - right.padding[axis] + reach < 0;
  const after = last < outputs || outputs * right.stride[axis] - right.padding[axis] >= size;
  return before && after;
}
