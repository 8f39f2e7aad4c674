import type { Window } from "../array/convolution.js";
import type { FunctionBuilder } from "../array/wasm/assembler.js";
import { f32, f64, i32, v128 } from "../array/wasm/instructions.js";
import { counting, loadStrided, storeIndices, takesLead } from "../array/wasm/pooling.js";
import { type FloatType, vectorOf } from "../array/wasm/vectors.js";
import type { Value } from "./program.js";
import type { PoolUnit, ScatterUnit } from "./units.js";

/**
 * Max-pooling and its gradient with every size and address in the code: neighbouring windows are compared at once, tap
 * by tap, and what the gradient needs of them, the index of each window's winner, is written along with the maximum.
 */

/** More taps make code that is longer than it is faster. */
const MOST_TAPS = 25;

/** With wider steps, the last vector of windows would be read too far past the end of the image. */
const WIDEST_STRIDE = 4;

/** Whether windows are compared by code of their own. */
export function isPooledHere({ kernel, stride, padding }: Window): boolean {
  return padding[0] + padding[1] === 0 && kernel[0] * kernel[1] <= MOST_TAPS && stride[1] <= WIDEST_STRIDE;
}

/** Emits the maxima, and the winners' indices in their planes if they are asked for. Rows are written whole vectors at a time. */
export function emitPooling(
  f: FunctionBuilder,
  { step, winners }: PoolUnit,
  addressOf: (value: Value) => number,
): void {
  const vector = vectorOf(step.output.dtype as FloatType);
  const { integer, lanes, size } = vector;
  const { kernel, stride, dilation } = step.attrs as unknown as Window;
  const [input] = step.inputs;
  const [batch, channels, height, width] = input.shape;
  const [, , outHeight, outWidth] = step.output.shape;
  const image = addressOf(input);
  const [plane, row, column, from, start, out] = f.locals("i32", 6);
  const [best, bestIndex, value, wins] = f.locals("v128", 4);
  // Elements from the plane's first to the vector's first window, and from there to each of its windows.
  const corner = f.local("i32");
  const starts = f.keep(integer.mul(counting(vector), integer.constant(stride[1])));
  const first = f.local("v128");
  f.set(out, i32.constant(0));
  f.set(start, i32.constant(0));
  f.loop(plane, 0, batch * channels, 1, () => {
    f.loop(row, 0, outHeight * stride[0] * width, stride[0] * width, () => {
      f.set(corner, row);
      f.loop(column, 0, outWidth, lanes, () => {
        f.set(from, i32.add(start, i32.shl(corner, vector.shift)));
        if (winners !== null) f.set(first, integer.add(starts, integer.splat(corner)));
        for (let tap = 0; tap < kernel[0] * kernel[1]; tap++) {
          const [y, x] = [Math.floor(tap / kernel[1]) * dilation[0], (tap % kernel[1]) * dilation[1]];
          const index = integer.add(first, integer.constant(y * width + x));
          const loaded = loadStrided(vector, from, stride[1], stride[1] * size, image + (y * width + x) * size);
          if (tap === 0) {
            f.set(best, loaded);
            if (winners !== null) f.set(bestIndex, first);
          } else {
            f.set(value, loaded);
            f.set(wins, takesLead(vector, value, best));
            f.set(best, v128.bitselect(value, best, wins));
            if (winners !== null) f.set(bestIndex, v128.bitselect(index, bestIndex, wins));
          }
        }
        const place = i32.add(out, column);
        f.add(v128.store(i32.shl(place, vector.shift), best, addressOf(step.output)));
        if (winners !== null) f.add(storeIndices(vector, i32.shl(place, 2), bestIndex, addressOf(winners)));
        f.increment(corner, lanes * stride[1]);
      });
      f.increment(out, outWidth);
    });
    f.increment(start, height * width * size);
  });
  f.release(plane, row, column, from, start, out, best, bestIndex, value, wins, corner, starts, first);
}

/** Emits out = x, then out[i, index[i, j]] += source[i, j]. The indices are known to be in range. */
export function emitScatter(f: FunctionBuilder, { step }: ScatterUnit, addressOf: (value: Value) => number): void {
  const [x, index, source] = step.inputs;
  const vector = vectorOf(step.output.dtype as FloatType);
  const { size, shift } = vector;
  const out = addressOf(step.output);
  const [offset, at, from, to, end, start] = f.locals("i32", 6);
  const base = isZero(x) ? vector.constant(0) : v128.load(offset, addressOf(x));
  f.loop(offset, 0, x.size * size, 16, () => f.add(v128.store(offset, base, out)));
  const length = x.shape[x.shape.length - 1];
  const picked = index.shape[index.shape.length - 1];
  f.set(from, i32.constant(0));
  f.set(at, i32.constant(0));
  f.loop(start, 0, x.size * size, length * size, () => {
    f.set(end, i32.add(from, picked * size));
    f.doWhile(
      () => {
        f.set(to, i32.add(start, i32.shl(i32.load(at, addressOf(index)), shift)));
        if (size === 4) f.add(f32.store(to, f32.add(f32.load(to, out), f32.load(from, addressOf(source))), out));
        else f.add(f64.store(to, f64.add(f64.load(to, out), f64.load(from, addressOf(source))), out));
        f.increment(from, size);
        f.increment(at, 4);
      },
      i32.ltS(from, end),
    );
  });
  f.release(offset, at, from, to, end, start);
}

/** Whether a value is a constant of zeros: what a gradient starts from. */
function isZero({ source, size }: Value): boolean {
  if (source.kind !== "constant") return false;
  const { buffer, offset } = source.tensor;
  for (let i = 0; i < size; i++) if (buffer[offset + i] !== 0 || Object.is(buffer[offset + i], -0)) return false;
  return true;
}
