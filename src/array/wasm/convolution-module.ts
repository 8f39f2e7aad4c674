/**
 * Convolution of one image with one group of kernels, forward and both adjoints, as products with the matrix of patches:
 * row (c, ky, kx) of that matrix holds, for each position of the output, the element of the image that the kernel's
 * element meets ("im2col"). It is built for some rows of the output at a time, so that it stays in the second-level
 * cache, from an image that is padded already.
 *
 * | | product | shapes |
 * |---|---|---|
 * | forward | y = w · patches | [O, K] · [K, P] |
 * | image gradient | patches' = wᵀ · dy, added back to the image | [K, O] · [O, P] |
 * | kernel gradient | dwᵀ += patches · dyᵀ | [K, P] · [P, O] |
 *
 * with O kernels, K = channels · height · width of a kernel, and P positions.
 */
import { type FunctionBuilder, type FunctionReference, type Local, ModuleBuilder } from "./assembler.js";
import { addDirectGemm, addDirectPacking } from "./gemm-direct.js";
import { epilogue } from "./gemm-tile.js";
import { type I32, type Integer, i32, v128 } from "./instructions.js";
import { type FloatType, type FloatVector, vectorOf } from "./vectors.js";

/** A copy of `rows` x `columns` elements between blocks of these strides: bytes between rows, elements between columns. */
const blockParameters = {
  source: "i32",
  sourceStride: "i32",
  target: "i32",
  targetStride: "i32",
  rows: "i32",
  columns: "i32",
  /** Elements between columns of the image's block; the other one's are neighbours. */
  step: "i32",
} as const;

/** What every call is given: addresses in bytes, lengths in elements. */
export const convolutionParameters = {
  /** The image as it is, [C, H, W]; written by the image gradient. */
  image: "i32",
  /** Room for the padded image, (H + 2 padding) x (W + 2 padding) a channel; the image itself if there is no padding. */
  padded: "i32",
  kernels: "i32",
  /** y, or its gradient: [O, H', W']. */
  output: "i32",
  /** Room for patches: K · `chunk` · W' elements, and one vector. */
  patches: "i32",
  /** Room for packing the output's gradient, in the kernel gradient. */
  work: "i32",
  channels: "i32",
  height: "i32",
  width: "i32",
  paddedHeight: "i32",
  paddedWidth: "i32",
  /** Elements between the padded image's first element and the image's first element. */
  margin: "i32",
  kernelCount: "i32",
  kernelHeight: "i32",
  kernelWidth: "i32",
  strideY: "i32",
  strideX: "i32",
  dilationY: "i32",
  dilationX: "i32",
  outHeight: "i32",
  outWidth: "i32",
  /** Rows of the output in one matrix of patches. */
  chunk: "i32",
} as const;

type ConvolutionLocals = { readonly [K in keyof typeof convolutionParameters]: Local<"i32"> };

/** The order of the arguments of the module's functions. */
export const convolutionArguments = Object.keys(
  convolutionParameters,
) as readonly (keyof typeof convolutionParameters)[];

/** Emits `body` for whole vectors of a row while it can, then for single elements; `step` other than 1: only elements. */
function emitRow(
  f: FunctionBuilder,
  vector: FloatVector,
  p: { readonly columns: I32; readonly step: I32 },
  start: { readonly strided: I32; readonly contiguous: I32 },
  body: (addresses: { strided: Local<"i32">; contiguous: Local<"i32"> }, whole: boolean) => void,
): void {
  const addresses = { strided: f.keep(start.strided), contiguous: f.keep(start.contiguous) };
  const rest = f.keep(p.columns);
  f.if(i32.eq(p.step, 1), () => {
    f.while(i32.geS(rest, vector.lanes), () => {
      body(addresses, true);
      f.increment(addresses.strided, 16);
      f.increment(addresses.contiguous, 16);
      f.increment(rest, -vector.lanes);
    });
  });
  f.while(i32.gtS(rest, 0), () => {
    body(addresses, false);
    f.increment(addresses.strided, i32.shl(p.step, vector.shift));
    f.increment(addresses.contiguous, vector.size);
    f.increment(rest, -1);
  });
  f.release(addresses.strided, addresses.contiguous, rest);
}

/** Adds the copy of a block out of an image: every `step`-th column of the source, to neighbours in the target. */
function addGather(module: ModuleBuilder, vector: FloatVector) {
  return module.function("", blockParameters, (f, p) => {
    f.while(i32.gtS(p.rows, 0), () => {
      emitRow(f, vector, p, { strided: p.source, contiguous: p.target }, ({ strided, contiguous }, whole) => {
        f.add(
          whole
            ? v128.store(contiguous, v128.load(strided))
            : vector.storeLane(contiguous, vector.loadZero(strided), 0),
        );
      });
      f.increment(p.source, p.sourceStride);
      f.increment(p.target, p.targetStride);
      f.increment(p.rows, -1);
    });
  });
}

/** Adds the addition of a block into an image: neighbours in the source, to every `step`-th column of the target. */
function addScatter(module: ModuleBuilder, vector: FloatVector) {
  return module.function("", blockParameters, (f, p) => {
    f.while(i32.gtS(p.rows, 0), () => {
      emitRow(f, vector, p, { strided: p.target, contiguous: p.source }, ({ strided, contiguous }, whole) => {
        if (whole) f.add(v128.store(strided, vector.add(v128.load(strided), v128.load(contiguous))));
        else f.add(vector.storeLane(strided, vector.add(vector.loadZero(strided), vector.loadZero(contiguous)), 0));
      });
      f.increment(p.source, p.sourceStride);
      f.increment(p.target, p.targetStride);
      f.increment(p.rows, -1);
    });
  });
}

type ConvolutionFunction = FunctionReference<typeof convolutionParameters>;

/** The module of a float type, exporting `forward`, `imageGradient` and `kernelGradient`. */
export function convolutionModule(dtype: FloatType, relaxed: boolean): Uint8Array {
  const module = new ModuleBuilder();
  addConvolution(module, vectorOf(dtype), relaxed);
  return module.bytes();
}

/** Adds the three products, which it exports, to a module. */
export function addConvolution(
  module: ModuleBuilder,
  vector: FloatVector,
  relaxed: boolean,
): { forward: ConvolutionFunction; imageGradient: ConvolutionFunction; kernelGradient: ConvolutionFunction } {
  const gather = addGather(module, vector);
  const scatter = addScatter(module, vector);
  const packB = addDirectPacking(module, vector);
  const multiply = addDirectGemm(module, "", vector, relaxed, "rows", packB);
  const multiplyTransposed = addDirectGemm(module, "", vector, relaxed, "columns", packB);
  const bytes = (elements: Integer) => i32.shl(elements, vector.shift);

  /** Between the image and the padded one, whose border is zero. */
  const copyImage = (f: FunctionBuilder, p: ConvolutionLocals, direction: "pad" | "crop") => {
    f.if(i32.ne(p.padded, p.image), () => {
      const [channel, plain, padded] = f.locals("i32", 3);
      f.set(plain, p.image);
      f.set(padded, i32.add(p.padded, bytes(p.margin)));
      f.loop(channel, 0, p.channels, 1, () => {
        const [from, to] = direction === "pad" ? [plain, padded] : [padded, plain];
        const [fromWidth, toWidth] = direction === "pad" ? [p.width, p.paddedWidth] : [p.paddedWidth, p.width];
        f.call(gather, from, bytes(fromWidth), to, bytes(toWidth), p.height, p.width, 1);
        f.increment(plain, bytes(i32.mul(p.height, p.width)));
        f.increment(padded, bytes(i32.mul(p.paddedHeight, p.paddedWidth)));
      });
      f.release(channel, plain, padded);
    });
  };

  /** Visits each chunk of rows of the output: its first row's address in a plane, its rows and its positions. */
  const chunks = (
    f: FunctionBuilder,
    p: ConvolutionLocals,
    body: (row: Local<"i32">, rows: Local<"i32">, positions: Local<"i32">) => void,
  ) => {
    const [row, rows, positions] = f.locals("i32", 3);
    f.loop(row, 0, p.outHeight, p.chunk, () => {
      f.set(rows, i32.min(p.chunk, i32.sub(p.outHeight, row)));
      f.set(positions, i32.mul(rows, p.outWidth));
      body(row, rows, positions);
    });
    f.release(row, rows, positions);
  };

  /** Moves all patches of a chunk out of the padded image, or adds them back to it. */
  const movePatches = (f: FunctionBuilder, p: ConvolutionLocals, row: I32, rows: I32, how: "gather" | "scatter") => {
    const [channel, ky, kx, patch, plane] = f.locals("i32", 5);
    const rowBytes = bytes(p.outWidth);
    const imageRowBytes = bytes(i32.mul(p.strideY, p.paddedWidth));
    f.set(patch, p.patches);
    f.set(plane, i32.add(p.padded, bytes(i32.mul(i32.mul(row, p.strideY), p.paddedWidth))));
    f.loop(channel, 0, p.channels, 1, () => {
      f.loop(ky, 0, p.kernelHeight, 1, () => {
        f.loop(kx, 0, p.kernelWidth, 1, () => {
          const offset = i32.add(i32.mul(i32.mul(ky, p.dilationY), p.paddedWidth), i32.mul(kx, p.dilationX));
          const image = i32.add(plane, bytes(offset));
          if (how === "gather") f.call(gather, image, imageRowBytes, patch, rowBytes, rows, p.outWidth, p.strideX);
          else f.call(scatter, patch, rowBytes, image, imageRowBytes, rows, p.outWidth, p.strideX);
          f.increment(patch, i32.mul(rows, rowBytes));
        });
      });
      f.increment(plane, bytes(i32.mul(p.paddedHeight, p.paddedWidth)));
    });
    f.release(channel, ky, kx, patch, plane);
  };

  const kernelSize = (p: ConvolutionLocals) => i32.mul(p.channels, i32.mul(p.kernelHeight, p.kernelWidth));
  /** The output from a row on, and the bytes between its planes. */
  const outputAt = (p: ConvolutionLocals, row: I32) => i32.add(p.output, bytes(i32.mul(row, p.outWidth)));
  const planeBytes = (p: ConvolutionLocals) => bytes(i32.mul(p.outHeight, p.outWidth));

  const forward = module.function("forward", convolutionParameters, (f, p) => {
    copyImage(f, p, "pad");
    const k = f.keep(kernelSize(p));
    chunks(f, p, (row, rows, positions) => {
      movePatches(f, p, row, rows, "gather");
      const c = outputAt(p, row);
      f.call(
        multiply,
        ...[p.kernels, bytes(k), p.patches, bytes(positions), 0, c, planeBytes(p), 0],
        ...[p.kernelCount, positions, k, 0, 0],
      );
    });
  });

  const imageGradient = module.function("imageGradient", convolutionParameters, (f, p) => {
    const k = f.keep(kernelSize(p));
    chunks(f, p, (row, rows, positions) => {
      f.call(
        multiplyTransposed,
        ...[p.kernels, bytes(k), outputAt(p, row), planeBytes(p), 0, p.patches, bytes(positions), 0],
        ...[k, positions, p.kernelCount, 0, 0],
      );
      movePatches(f, p, row, rows, "scatter");
    });
    copyImage(f, p, "crop");
  });

  const kernelGradient = module.function("kernelGradient", convolutionParameters, (f, p) => {
    copyImage(f, p, "pad");
    const k = f.keep(kernelSize(p));
    chunks(f, p, (row, rows, positions) => {
      movePatches(f, p, row, rows, "gather");
      f.call(
        multiply,
        ...[p.patches, bytes(positions), outputAt(p, row), planeBytes(p), 1, p.kernels, bytes(p.kernelCount), 0],
        ...[k, p.kernelCount, positions, epilogue.accumulate, p.work],
      );
    });
  });
  return { forward, imageGradient, kernelGradient };
}
