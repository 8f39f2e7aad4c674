import type { Competition } from "./affine-block.js";
import { broadcastPlan } from "./elementwise.js";
import { isSuffix, type Shape } from "./shape.js";
import type { ArrayView } from "./storage.js";

/** Sums of float32 are kept in double precision and rounded once. */
let accumulators = new Float64Array(1024);

/**
 * Adds up `input` into `out`, whose shape broadcasts to the input's: the adjoint of broadcasting. Axes that `out`
 * lacks or has with length 1 are summed.
 */
export function sumPlain(out: ArrayView, input: ArrayView, shape: Shape = out.shape): void {
  if (out.size === 0) return;
  if (accumulators.length < out.size) accumulators = new Float64Array(out.size);
  const sums = accumulators;
  sums.fill(0, 0, out.size);
  if (out.size === 1) sums[0] = total(input);
  else if (isSuffix(shape, input.shape)) addRows(sums, input, out.size);
  else if (input.size > 0) {
    const { lengths, strides } = broadcastPlan(input.shape, [shape]);
    addUp(sums, input, lengths, strides[0]);
  }
  const { buffer, offset } = out;
  for (let i = 0; i < out.size; i++) buffer[offset + i] = sums[i];
}

function total({ buffer, offset, size }: ArrayView): number {
  let sum = 0;
  for (let i = offset; i < offset + size; i++) sum += buffer[i];
  return sum;
}

/** Sums the rows of a matrix of `width` columns: what a bias's gradient is. */
function addRows(sums: Float64Array, { buffer, offset, size }: ArrayView, width: number): void {
  for (let from = offset; from < offset + size; from += width) {
    for (let i = 0; i < width; i++) sums[i] += buffer[from + i];
  }
}

function addUp(sums: Float64Array, input: ArrayView, lengths: readonly number[], strides: readonly number[]): void {
  const depth = lengths.length - 1;
  const count = lengths[depth];
  const stride = strides[depth];
  const x = input.buffer;
  const position = new Int32Array(depth);
  let to = 0;
  for (let from = input.offset, end = input.offset + input.size; from < end; from += count) {
    if (stride === 0) {
      let sum = 0;
      for (let i = from; i < from + count; i++) sum += x[i];
      sums[to] += sum;
    } else for (let i = 0; i < count; i++) sums[to + i] += x[from + i];
    for (let loop = depth - 1; loop >= 0; loop--) {
      to += strides[loop];
      if (++position[loop] < lengths[loop]) break;
      position[loop] = 0;
      to -= strides[loop] * lengths[loop];
    }
  }
}

/** A tensor seen around one axis: `outer` blocks of `length` rows of `inner` elements. */
export function aroundAxis(shape: readonly number[], axis: number): { outer: number; length: number; inner: number } {
  let outer = 1;
  let inner = 1;
  for (let k = 0; k < axis; k++) outer *= shape[k];
  for (let k = axis + 1; k < shape.length; k++) inner *= shape[k];
  return { outer, length: shape[axis], inner };
}

/** The elements along `axis` that each output of a reduction over it reads. */
export function lineElements(shape: readonly number[], axis: number): Competition {
  const { outer, length, inner } = aroundAxis(shape, axis);
  const lines = outer * inner;
  return {
    starts: Int32Array.from({ length: lines + 1 }, (_, line) => line * length),
    indices: Int32Array.from({ length: lines * length }, (_, at) => {
      const line = Math.floor(at / length);
      return (Math.floor(line / inner) * length + (at % length)) * inner + (line % inner);
    }),
  };
}

/** Index along `axis` of the first largest element; a NaN counts as largest. `out` is int32. */
export function argmaxInto(out: ArrayView, input: ArrayView, axis: number): void {
  const { outer, length, inner } = aroundAxis(input.shape, axis);
  const x = input.buffer;
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < inner; j++) {
      const base = input.offset + i * length * inner + j;
      let best = x[base];
      let winner = 0;
      for (let k = 1; k < length && best === best; k++) {
        const value = x[base + k * inner];
        if (value > best || value !== value) {
          best = value;
          winner = k;
        }
      }
      out.buffer[out.offset + i * inner + j] = winner;
    }
  }
}

/** The value of the first largest element along `axis`; NaN if there is one. */
export function maxInto(out: ArrayView, input: ArrayView, axis: number): void {
  const { outer, length, inner } = aroundAxis(input.shape, axis);
  const x = input.buffer;
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < inner; j++) {
      const base = input.offset + i * length * inner + j;
      let best = x[base];
      for (let k = 1; k < length && best === best; k++) {
        const value = x[base + k * inner];
        if (value > best || value !== value) best = value;
      }
      out.buffer[out.offset + i * inner + j] = best;
    }
  }
}

/** Running sums along `axis`, from the end where `reverse`. */
export function cumsumInto(out: ArrayView, input: ArrayView, axis: number, reverse: boolean): void {
  const { outer, length, inner } = aroundAxis(input.shape, axis);
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < inner; j++) {
      const base = i * length * inner + j;
      let sum = 0;
      for (let k = 0; k < length; k++) {
        const place = base + (reverse ? length - 1 - k : k) * inner;
        sum += input.buffer[input.offset + place];
        out.buffer[out.offset + place] = sum;
      }
    }
  }
}
