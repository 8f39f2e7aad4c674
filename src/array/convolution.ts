import type { Competition } from "./affine-block.js";
import type { ArrayView } from "./storage.js";

/** How a window moves over an image; every pair is (height, width). */
export interface Window {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
}

/** Lengths of the output of a window over an axis of `length`; below 1 where the window does not fit. */
export function windowCount(length: number, window: Window, side: 0 | 1): number {
  const extent = window.dilation[side] * (window.kernel[side] - 1) + 1;
  return Math.floor((length + 2 * window.padding[side] - extent) / window.stride[side]) + 1;
}

/**
 * Calls `visit(output, input, kernel)` with flat indices for every product of a grouped convolution of images
 * x [N, C, H, W] with kernels w [O, C / groups, h, w] to y [N, O, H', W']. The one statement of which elements meet,
 * shared by the convolution and both of its adjoints.
 */
function forEachProduct(
  xShape: readonly number[],
  wShape: readonly number[],
  yShape: readonly number[],
  window: Window,
  groups: number,
  visit: (y: number, x: number, w: number, count: number, xStep: number) => void,
): void {
  const [batch, channels, height, width] = xShape;
  const [outChannels, inGroup, kernelHeight, kernelWidth] = wShape;
  const [, , outHeight, outWidth] = yShape;
  const outGroup = outChannels / groups;
  const [strideY, strideX] = window.stride;
  for (let n = 0; n < batch; n++) {
    for (let o = 0; o < outChannels; o++) {
      const firstChannel = Math.floor(o / outGroup) * inGroup;
      for (let c = 0; c < inGroup; c++) {
        for (let ky = 0; ky < kernelHeight; ky++) {
          for (let kx = 0; kx < kernelWidth; kx++) {
            const w = ((o * inGroup + c) * kernelHeight + ky) * kernelWidth + kx;
            const shift = kx * window.dilation[1] - window.padding[1];
            // Columns of the output whose input column lies inside the image.
            const first = Math.max(0, Math.ceil(-shift / strideX));
            const last = Math.min(outWidth - 1, Math.floor((width - 1 - shift) / strideX));
            if (last < first) continue;
            for (let oy = 0; oy < outHeight; oy++) {
              const iy = oy * strideY + ky * window.dilation[0] - window.padding[0];
              if (iy < 0 || iy >= height) continue;
              const y = ((n * outChannels + o) * outHeight + oy) * outWidth + first;
              const x = ((n * channels + firstChannel + c) * height + iy) * width + first * strideX + shift;
              visit(y, x, w, last - first + 1, strideX);
            }
          }
        }
      }
    }
  }
}

/** `y += x ∗ w`; `y` must be zero before. */
export function convolvePlain(y: ArrayView, x: ArrayView, w: ArrayView, window: Window, groups: number): void {
  const sums = new Float64Array(y.size);
  const image = x.buffer;
  forEachProduct(x.shape, w.shape, y.shape, window, groups, (to, from, at, count, step) => {
    const weight = w.buffer[w.offset + at];
    for (let i = 0, p = x.offset + from; i < count; i++, p += step) sums[to + i] += weight * image[p];
  });
  for (let i = 0; i < y.size; i++) y.buffer[y.offset + i] = sums[i];
}

/** The adjoint in the image: `dx[x] += dy[y] · w`. */
export function convolveInputGradientPlain(
  dx: ArrayView,
  dy: ArrayView,
  w: ArrayView,
  window: Window,
  groups: number,
): void {
  const sums = new Float64Array(dx.size);
  const gradient = dy.buffer;
  forEachProduct(dx.shape, w.shape, dy.shape, window, groups, (y, x, at, count, step) => {
    const weight = w.buffer[w.offset + at];
    for (let i = 0, p = x; i < count; i++, p += step) sums[p] += weight * gradient[dy.offset + y + i];
  });
  for (let i = 0; i < dx.size; i++) dx.buffer[dx.offset + i] = sums[i];
}

/** The adjoint in the kernels: `dw[w] += dy[y] · x`. */
export function convolveKernelGradientPlain(
  dw: ArrayView,
  x: ArrayView,
  dy: ArrayView,
  window: Window,
  groups: number,
): void {
  const sums = new Float64Array(dw.size);
  const gradient = dy.buffer;
  const image = x.buffer;
  forEachProduct(x.shape, dw.shape, dy.shape, window, groups, (y, from, at, count, step) => {
    let sum = 0;
    for (let i = 0, p = x.offset + from; i < count; i++, p += step) sum += gradient[dy.offset + y + i] * image[p];
    sums[at] += sum;
  });
  for (let i = 0; i < dw.size; i++) dw.buffer[dw.offset + i] = sums[i];
}

/**
 * For each window of each channel of x [N, C, H, W], the flat index y · W + x of its first largest element; padding
 * never wins. `out` is int32 [N, C, H', W'].
 */
export function argmaxWindowsPlain(out: ArrayView, x: ArrayView, window: Window): void {
  const [, , outHeight, outWidth] = out.shape;
  const [batch, channels, height, width] = x.shape;
  const [kernelHeight, kernelWidth] = window.kernel;
  const { buffer } = x;
  let to = out.offset;
  for (let plane = 0; plane < batch * channels; plane++) {
    const base = x.offset + plane * height * width;
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++, to++) {
        let best = 0;
        let winner = -1;
        for (let ky = 0; ky < kernelHeight; ky++) {
          const iy = oy * window.stride[0] + ky * window.dilation[0] - window.padding[0];
          if (iy < 0 || iy >= height) continue;
          for (let kx = 0; kx < kernelWidth; kx++) {
            const ix = ox * window.stride[1] + kx * window.dilation[1] - window.padding[1];
            if (ix < 0 || ix >= width) continue;
            const value = buffer[base + iy * width + ix];
            if (winner < 0 || value > best || (value !== value && best === best)) {
              best = value;
              winner = iy * width + ix;
            }
          }
        }
        out.buffer[to] = winner;
      }
    }
  }
}

/** The elements of images [N, C, H, W] that each window holds, in row-major order; padding is left out. */
export function windowElements(shape: readonly number[], window: Window): Competition {
  const [batch, channels, height, width] = shape;
  const rows = windowCount(height, window, 0);
  const columns = windowCount(width, window, 1);
  const starts = new Int32Array(batch * channels * rows * columns + 1);
  const indices: number[] = [];
  let group = 0;
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let oy = 0; oy < rows; oy++) {
      for (let ox = 0; ox < columns; ox++) {
        for (let ky = 0; ky < window.kernel[0]; ky++) {
          const iy = oy * window.stride[0] + ky * window.dilation[0] - window.padding[0];
          if (iy < 0 || iy >= height) continue;
          for (let kx = 0; kx < window.kernel[1]; kx++) {
            const ix = ox * window.stride[1] + kx * window.dilation[1] - window.padding[1];
            if (ix >= 0 && ix < width) indices.push((plane * height + iy) * width + ix);
          }
        }
        starts[++group] = indices.length;
      }
    }
  }
  return { starts, indices: Int32Array.from(indices) };
}
