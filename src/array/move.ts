import type { DataArray } from "./dtype.js";
import { aroundAxis } from "./reduce.js";
import { isSuffix, stridesOf } from "./shape.js";
import type { ArrayView } from "./storage.js";

/** Moves values between places without computing: permute, slice, embed, gather and their kin. */

/**
 * For every index of `shape`: `to[toOffset + index · toStrides] = from[fromOffset + index · fromStrides]`.
 * Strides may be zero (repeat) or negative (reverse).
 */
function copyStrided(
  shape: readonly number[],
  to: DataArray,
  toOffset: number,
  toStrides: readonly number[],
  from: DataArray,
  fromOffset: number,
  fromStrides: readonly number[],
): void {
  const depth = shape.length - 1;
  if (depth < 0) {
    to[toOffset] = from[fromOffset];
    return;
  }
  if (shape.includes(0)) return;
  const count = shape[depth];
  const toStep = toStrides[depth];
  const fromStep = fromStrides[depth];
  const position = new Int32Array(depth);
  while (true) {
    for (let i = 0, p = toOffset, q = fromOffset; i < count; i++, p += toStep, q += fromStep) to[p] = from[q];
    let axis = depth - 1;
    for (; axis >= 0; axis--) {
      toOffset += toStrides[axis];
      fromOffset += fromStrides[axis];
      if (++position[axis] < shape[axis]) break;
      position[axis] = 0;
      toOffset -= toStrides[axis] * shape[axis];
      fromOffset -= fromStrides[axis] * shape[axis];
    }
    if (axis < 0) return;
  }
}

/** `out[i_0, …] = input[…]` with the input's axes in the order `axes`. */
export function permuteInto(out: ArrayView, input: ArrayView, axes: readonly number[]): void {
  const strides = stridesOf(input.shape);
  copyStrided(
    out.shape,
    out.buffer,
    out.offset,
    stridesOf(out.shape),
    input.buffer,
    input.offset,
    axes.map((axis) => strides[axis]),
  );
}

/** One axis of a slice: `length` elements from `start`, `step` apart; all in range. */
export interface SliceRange {
  readonly start: number;
  readonly step: number;
  readonly length: number;
}

function sliceStrides(shape: readonly number[], ranges: readonly SliceRange[]): { offset: number; strides: number[] } {
  const strides = stridesOf(shape);
  let offset = 0;
  ranges.forEach(({ start, length }, axis) => {
    if (length > 0) offset += start * strides[axis];
  });
  return { offset, strides: strides.map((stride, axis) => stride * ranges[axis].step) };
}

/** Takes the elements that `ranges` name, one range per axis. */
export function sliceInto(out: ArrayView, input: ArrayView, ranges: readonly SliceRange[]): void {
  const { offset, strides } = sliceStrides(input.shape, ranges);
  copyStrided(out.shape, out.buffer, out.offset, stridesOf(out.shape), input.buffer, input.offset + offset, strides);
}

/** Writes `input` to the elements of `out` that `ranges` name; the others keep their value. */
export function embedInto(out: ArrayView, input: ArrayView, ranges: readonly SliceRange[]): void {
  const { offset, strides } = sliceStrides(out.shape, ranges);
  copyStrided(
    input.shape,
    out.buffer,
    out.offset + offset,
    strides,
    input.buffer,
    input.offset,
    stridesOf(input.shape),
  );
}

/** Repeats `input` as a whole over `size` elements: written once, then what is there already, twice as much each time. */
export function repeatInto(
  target: DataArray,
  at: number,
  size: number,
  { buffer, offset, size: own }: ArrayView,
): void {
  for (let i = 0; i < own && i < size; i++) target[at + i] = buffer[offset + i];
  for (let done = own; done < size; done *= 2) target.copyWithin(at + done, at, at + Math.min(done, size - done));
}

/** Repeats `input` along the axes that it lacks or has with length 1. */
export function broadcastInto(out: ArrayView, input: ArrayView): void {
  if (input.size === 1) {
    out.buffer.fill(input.buffer[input.offset], out.offset, out.offset + out.size);
    return;
  }
  if (isSuffix(input.shape, out.shape)) {
    repeatInto(out.buffer, out.offset, out.size, input);
    return;
  }
  const own = stridesOf(input.shape);
  const lead = out.shape.length - input.shape.length;
  const strides = out.shape.map((_, axis) => (axis < lead || input.shape[axis - lead] === 1 ? 0 : own[axis - lead]));
  copyStrided(out.shape, out.buffer, out.offset, stridesOf(out.shape), input.buffer, input.offset, strides);
}

/** Joins along `axis`. */
export function concatInto(out: ArrayView, inputs: readonly ArrayView[], axis: number): void {
  const { outer, length, inner } = aroundAxis(out.shape, axis);
  let start = 0;
  for (const { shape, buffer, offset } of inputs) {
    const run = shape[axis] * inner;
    for (let i = 0; i < outer; i++) {
      const to = out.offset + (i * length + start) * inner;
      const from = offset + i * run;
      for (let j = 0; j < run; j++) out.buffer[to + j] = buffer[from + j];
    }
    start += shape[axis];
  }
}

/** `out[i, k, j] = input[i, index[i, k, j], j]`, with axes around `axis` written as one. */
export function gatherInto(out: ArrayView, input: ArrayView, index: ArrayView, axis: number): void {
  const { outer, length, inner } = aroundAxis(input.shape, axis);
  const picked = index.shape[axis];
  for (let i = 0; i < outer; i++) {
    for (let k = 0; k < picked; k++) {
      const row = (i * picked + k) * inner;
      for (let j = 0; j < inner; j++) {
        const at = index.buffer[index.offset + row + j];
        out.buffer[out.offset + row + j] = input.buffer[input.offset + (i * length + at) * inner + j];
      }
    }
  }
}

/** `out[i, index[i, k, j], j] += source[i, k, j]`: the adjoint of gather. */
export function scatterAddInto(out: ArrayView, index: ArrayView, source: ArrayView, axis: number): void {
  const { outer, length, inner } = aroundAxis(out.shape, axis);
  const picked = index.shape[axis];
  for (let i = 0; i < outer; i++) {
    for (let k = 0; k < picked; k++) {
      const row = (i * picked + k) * inner;
      for (let j = 0; j < inner; j++) {
        const at = index.buffer[index.offset + row + j];
        out.buffer[out.offset + (i * length + at) * inner + j] += source.buffer[source.offset + row + j];
      }
    }
  }
}
