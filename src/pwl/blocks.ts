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
    applyConv({ ...block, values: block.values.map(Math.abs) }, x, out);
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

/** The kernel columns [first, last) that lie inside an image row, for a window whose left edge is at `left`. */
function insideRow(left: number, dilation: number, kernel: number, width: number): [first: number, last: number] {
  return [left < 0 ? Math.ceil(-left / dilation) : 0, Math.min(kernel, Math.floor((width - 1 - left) / dilation) + 1)];
}

function applyConv(block: ConvBlock, x: Float64Array, out: Float64Array): void {
  const { inputShape, outputShape, kernel, stride, padding, dilation, groups, values } = block;
  const [channels, height, width] = inputShape;
  const [outputs, outputHeight, outputWidth] = outputShape;
  const groupInputs = channels / groups;
  const weights = groupInputs * kernel[0] * kernel[1];
  for (let o = 0, i = 0; o < outputs; o++) {
    const firstChannel = Math.floor(o / (outputs / groups)) * groupInputs;
    for (let oy = 0; oy < outputHeight; oy++) {
      const top = oy * stride[0] - padding[0];
      for (let ox = 0; ox < outputWidth; ox++, i++) {
        const left = ox * stride[1] - padding[1];
        const [firstX, lastX] = insideRow(left, dilation[1], kernel[1], width);
        let sum = 0;
        for (let c = 0; c < groupInputs; c++) {
          for (let ky = 0; ky < kernel[0]; ky++) {
            const inputY = top + ky * dilation[0];
            if (inputY < 0 || inputY >= height) continue;
            const weight = o * weights + (c * kernel[0] + ky) * kernel[1];
            const input = ((firstChannel + c) * height + inputY) * width + left;
            for (let kx = firstX; kx < lastX; kx++) sum += values[weight + kx] * x[input + kx * dilation[1]];
          }
        }
        out[i] += sum;
      }
    }
  }
}

/** By outputs, so that those with nothing to send back (inactive units, losers of a pool) cost nothing. */
function applyConvT(block: ConvBlock, y: Float64Array, out: Float64Array): void {
  const { inputShape, outputShape, kernel, stride, padding, dilation, groups, values } = block;
  const [channels, height, width] = inputShape;
  const [outputs, outputHeight, outputWidth] = outputShape;
  const groupInputs = channels / groups;
  const weights = groupInputs * kernel[0] * kernel[1];
  for (let o = 0, i = 0; o < outputs; o++) {
    const firstChannel = Math.floor(o / (outputs / groups)) * groupInputs;
    for (let oy = 0; oy < outputHeight; oy++) {
      const top = oy * stride[0] - padding[0];
      for (let ox = 0; ox < outputWidth; ox++, i++) {
        const yi = y[i];
        if (yi === 0) continue;
        const left = ox * stride[1] - padding[1];
        const [firstX, lastX] = insideRow(left, dilation[1], kernel[1], width);
        for (let c = 0; c < groupInputs; c++) {
          for (let ky = 0; ky < kernel[0]; ky++) {
            const inputY = top + ky * dilation[0];
            if (inputY < 0 || inputY >= height) continue;
            const weight = o * weights + (c * kernel[0] + ky) * kernel[1];
            const input = ((firstChannel + c) * height + inputY) * width + left;
            for (let kx = firstX; kx < lastX; kx++) out[input + kx * dilation[1]] += yi * values[weight + kx];
          }
        }
      }
    }
  }
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
