/**
 * What an affine block can do: apply itself, apply its transpose, and name one row. Everything that reads a PwlNet
 * (evaluation, linear maps, geometry, bounds, exact signs) goes through these, so a new kind of block is added here.
 */

import type { Affine, AffineBlock, ConvBlock, CsrBlock, DenseBlock } from "./net.js";

/** One row of a block: its stored entries, columns ascending. Views or copies: not to be written. */
export interface SparseRow {
  readonly indices: Int32Array;
  readonly values: Float64Array;
}

/** `out += block · x`; x has `block.columns` numbers, out `block.rows`. Costs one multiplication per stored entry use. */
export function apply(block: AffineBlock, x: Float64Array, out: Float64Array): void {
  if (block.kind === "dense") applyDense(block, x, out);
  else if (block.kind === "csr") applyCsr(block, x, out);
  else applyConv(block, x, out);
}

/** `out += blockᵀ · y`; y has `block.rows` numbers, out `block.columns`. The same cost as `apply`. */
export function applyT(block: AffineBlock, y: Float64Array, out: Float64Array): void {
  if (block.kind === "dense") applyDenseT(block, y, out);
  else if (block.kind === "csr") applyCsrT(block, y, out);
  else applyConvT(block, y, out);
}

/** `out += |block| · x` with the entries' absolute values: for error bounds. */
export function applyAbsolute(block: AffineBlock, x: Float64Array, out: Float64Array): void {
  if (block.kind === "conv") {
    applyConvAbsolute(block, x, out);
    return;
  }
  const { rows, values } = block;
  for (let i = 0, at = 0; i < rows; i++) {
    let sum = 0;
    if (block.kind === "csr") {
      for (const end = block.starts[i + 1]; at < end; at++) sum += Math.abs(values[at]) * x[block.indices[at]];
    } else for (let j = 0; j < block.columns; j++, at++) sum += Math.abs(values[at]) * x[j];
    out[i] += sum;
  }
}

/** The largest number of stored entries in a row. */
export function longestRow(block: AffineBlock): number {
  if (block.kind === "dense") return block.columns;
  if (block.kind === "conv") return (block.inputShape[0] / block.groups) * block.kernel[0] * block.kernel[1];
  let longest = 0;
  for (let i = 0; i < block.rows; i++) longest = Math.max(longest, block.starts[i + 1] - block.starts[i]);
  return longest;
}

/** Row i of a block as indices and values; a dense row keeps its zeros, a convolution's row drops its padding. */
export function row(block: AffineBlock, i: number): SparseRow {
  switch (block.kind) {
    case "dense":
      return {
        indices: Int32Array.from({ length: block.columns }, (_, column) => column),
        values: block.values.subarray(i * block.columns, (i + 1) * block.columns),
      };
    case "csr":
      return {
        indices: block.indices.subarray(block.starts[i], block.starts[i + 1]),
        values: block.values.subarray(block.starts[i], block.starts[i + 1]),
      };
    case "conv":
      return convRow(block, i);
  }
}

/** `out += scale · row i`, without allocating; out has `block.columns` numbers. */
export function addRow(block: AffineBlock, i: number, scale: number, out: Float64Array): void {
  switch (block.kind) {
    case "dense": {
      const { columns, values } = block;
      for (let column = 0, at = i * columns; column < columns; column++, at++) out[column] += scale * values[at];
      return;
    }
    case "csr":
      for (let at = block.starts[i]; at < block.starts[i + 1]; at++) {
        out[block.indices[at]] += scale * block.values[at];
      }
      return;
    case "conv": {
      const { indices, values } = convRow(block, i);
      for (let at = 0; at < indices.length; at++) out[indices[at]] += scale * values[at];
    }
  }
}

/** The block written out: rows × columns, row-major. For small blocks and tests. */
export function toDense(block: AffineBlock): Float64Array {
  if (block.kind === "dense") return block.values.slice();
  const out = new Float64Array(block.rows * block.columns);
  for (let i = 0; i < block.rows; i++) {
    addRow(block, i, 1, out.subarray(i * block.columns, (i + 1) * block.columns));
  }
  return out;
}

/** `bias + Σ block · source` for the sources' values; sources[k] is source k of the terms. */
export function applyAffine(affine: Affine, sources: readonly Float64Array[]): Float64Array {
  return addTerms(affine, sources, affine.bias.slice());
}

/** The linear part alone: `out += Σ block · source`; gives out back. A source that is absent counts as zero. */
export function addTerms(
  affine: Affine,
  sources: readonly (Float64Array | undefined)[],
  out: Float64Array,
): Float64Array {
  for (const { source, block } of affine.terms) {
    const x = sources[source];
    if (x !== undefined) apply(block, x, out);
  }
  return out;
}

/** The transpose of the linear part: `sources[k] += blockᵀ · y` for every term. */
export function addTermsT(affine: Affine, y: Float64Array, sources: readonly Float64Array[]): void {
  for (const { source, block } of affine.terms) applyT(block, y, sources[source]);
}

// --- dense ---------------------------------------------------------------------------------------------------------

function applyDense({ rows, columns, values }: DenseBlock, x: Float64Array, out: Float64Array): void {
  for (let i = 0, at = 0; i < rows; i++) {
    let sum = 0;
    for (let j = 0; j < columns; j++, at++) sum += values[at] * x[j];
    out[i] += sum;
  }
}

function applyDenseT({ rows, columns, values }: DenseBlock, y: Float64Array, out: Float64Array): void {
  for (let i = 0; i < rows; i++) {
    const yi = y[i];
    if (yi === 0) continue; // an inactive unit sends nothing back
    for (let j = 0, at = i * columns; j < columns; j++, at++) out[j] += yi * values[at];
  }
}

// --- compressed sparse rows ----------------------------------------------------------------------------------------

function applyCsr({ rows, starts, indices, values }: CsrBlock, x: Float64Array, out: Float64Array): void {
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let at = starts[i]; at < starts[i + 1]; at++) sum += values[at] * x[indices[at]];
    out[i] += sum;
  }
}

function applyCsrT({ rows, starts, indices, values }: CsrBlock, y: Float64Array, out: Float64Array): void {
  for (let i = 0; i < rows; i++) {
    const yi = y[i];
    if (yi === 0) continue;
    for (let at = starts[i]; at < starts[i + 1]; at++) out[indices[at]] += yi * values[at];
  }
}

// --- convolution ---------------------------------------------------------------------------------------------------

/**
 * The outputs that one kernel offset reaches along one axis: first and last (exclusive) output index whose input
 * `output · stride + shift` lies in [0, size), where shift = offset · dilation - padding.
 */
function reach(shift: number, stride: number, size: number, outputs: number): [number, number] {
  const first = shift < 0 ? Math.ceil(-shift / stride) : 0;
  const last = Math.min(outputs, Math.floor((size - 1 - shift) / stride) + 1);
  return [first, last];
}

/**
 * Visits a convolution as runs of equal weight: for every kernel entry and output row, `count` pairs of an output at
 * `output + k` and an input at `input + k · step`. Padding never appears. Both directions are this walk.
 */
function walkConv(
  block: ConvBlock,
  visit: (weight: number, output: number, input: number, count: number, step: number) => void,
): void {
  const { inputShape, outputShape, kernel, stride, padding, dilation, groups, values } = block;
  const [channels, height, width] = inputShape;
  const [outputs, outputHeight, outputWidth] = outputShape;
  const groupInputs = channels / groups;
  const groupOutputs = outputs / groups;
  let at = 0;
  for (let o = 0; o < outputs; o++) {
    const firstChannel = Math.floor(o / groupOutputs) * groupInputs;
    for (let c = firstChannel; c < firstChannel + groupInputs; c++) {
      for (let ky = 0; ky < kernel[0]; ky++) {
        const shiftY = ky * dilation[0] - padding[0];
        const [firstY, lastY] = reach(shiftY, stride[0], height, outputHeight);
        for (let kx = 0; kx < kernel[1]; kx++, at++) {
          const shiftX = kx * dilation[1] - padding[1];
          const [firstX, lastX] = reach(shiftX, stride[1], width, outputWidth);
          if (lastX <= firstX) continue;
          for (let y = firstY; y < lastY; y++) {
            const input = (c * height + y * stride[0] + shiftY) * width + firstX * stride[1] + shiftX;
            visit(values[at], (o * outputHeight + y) * outputWidth + firstX, input, lastX - firstX, stride[1]);
          }
        }
      }
    }
  }
}

function applyConv(block: ConvBlock, x: Float64Array, out: Float64Array): void {
  walkConv(block, (weight, output, input, count, step) => {
    for (let k = 0; k < count; k++) out[output + k] += weight * x[input + k * step];
  });
}

function applyConvAbsolute(block: ConvBlock, x: Float64Array, out: Float64Array): void {
  walkConv(block, (weight, output, input, count, step) => {
    const size = Math.abs(weight);
    for (let k = 0; k < count; k++) out[output + k] += size * x[input + k * step];
  });
}

function applyConvT(block: ConvBlock, y: Float64Array, out: Float64Array): void {
  walkConv(block, (weight, output, input, count, step) => {
    for (let k = 0; k < count; k++) out[input + k * step] += weight * y[output + k];
  });
}

function convRow(block: ConvBlock, i: number): SparseRow {
  const { inputShape, outputShape, kernel, stride, padding, dilation, groups } = block;
  const [channels, height, width] = inputShape;
  const [outputs, outputHeight, outputWidth] = outputShape;
  const x = i % outputWidth;
  const y = Math.floor(i / outputWidth) % outputHeight;
  const o = Math.floor(i / (outputWidth * outputHeight));
  const groupInputs = channels / groups;
  const firstChannel = Math.floor(o / (outputs / groups)) * groupInputs;
  const most = groupInputs * kernel[0] * kernel[1];
  const indices = new Int32Array(most);
  const values = new Float64Array(most);
  let count = 0;
  for (let c = 0; c < groupInputs; c++) {
    for (let ky = 0; ky < kernel[0]; ky++) {
      const inputY = y * stride[0] + ky * dilation[0] - padding[0];
      if (inputY < 0 || inputY >= height) continue;
      for (let kx = 0; kx < kernel[1]; kx++) {
        const inputX = x * stride[1] + kx * dilation[1] - padding[1];
        if (inputX < 0 || inputX >= width) continue;
        indices[count] = ((firstChannel + c) * height + inputY) * width + inputX;
        values[count++] = block.values[((o * groupInputs + c) * kernel[0] + ky) * kernel[1] + kx];
      }
    }
  }
  return { indices: indices.subarray(0, count), values: values.subarray(0, count) };
}
