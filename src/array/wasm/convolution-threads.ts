/**
 * Convolution by several threads over one shared memory. The products forward and the gradient of images are cut by
 * images and groups, which are computed as one thread does; the gradient of kernels, a sum over all images, is cut by
 * channels of the image and of the output. So every element is the same, bit for bit, as with one thread.
 */
import type { Window } from "../convolution.js";
import type { ArrayView } from "../storage.js";
import { type ConvolutionGeometry, convolutionGeometry, multiplications } from "./convolution-geometry.js";
import { operations, partArguments, partArity, partBytes, partConvolutionModule } from "./convolution-part.js";
import { type WasmModule, wasmEngine } from "./engine.js";
import { simdLevel } from "./features.js";
import { align, copy, type FloatArray } from "./scratch.js";
import { newSite, type Site, type Team, team } from "./threads.js";
import { sharedScratch } from "./threads-product.js";
import { type FloatType, vectorOf } from "./vectors.js";

/** Convolutions of fewer multiplications are not worth waking a thread for. */
const leastWork = 20_000_000;
/** As many images at a time as this holds. */
const mostBytes = 64 * 1024 * 1024;

type Part = Readonly<Record<(typeof partArguments)[number], number>>;

const sites: Site[] = [];

function siteOf(dtype: FloatType): Site {
  const relaxed = simdLevel() === "relaxed";
  const index = (dtype === "float32" ? 0 : 2) + (relaxed ? 1 : 0);
  if (sites[index] === undefined) {
    const engine = wasmEngine()!;
    const { memory } = sharedScratch();
    const module: WasmModule = new engine.Module(partConvolutionModule(dtype, relaxed));
    sites[index] = newSite(module, memory, new engine.Instance(module, { env: { memory } }).exports.part, partArity);
  }
  return sites[index];
}

/** A slice of the kernels' gradient: of one group, from a channel and a kernel on. */
interface Slice {
  readonly group: number;
  readonly channel: number;
  readonly channels: number;
  readonly kernel: number;
  readonly kernels: number;
  /** Where it stands among all, in elements. */
  readonly first: number;
}

/** One convolution in shared memory, some images at a time. */
class SharedConvolution {
  readonly geometry: ConvolutionGeometry;
  /** Images at a time. */
  readonly batch: number;
  /** Addresses in bytes. */
  readonly images = 64;
  readonly outputs: number;
  readonly kernels: number;
  readonly heap: FloatArray;
  readonly shift: number;
  private readonly table: number;
  private readonly work: number;
  /** The working memory of one thread: its bytes, and what is where in it. */
  private readonly area: { readonly bytes: number; readonly patches: number; readonly work: number };

  constructor(
    private readonly helpers: Team,
    geometry: ConvolutionGeometry,
    batch: number,
    readonly groups: number,
    mostParts: number,
  ) {
    this.geometry = geometry;
    this.batch = batch;
    const { dtype, imageLength, outputLength, kernelsLength, paddedLength, isPadded } = geometry;
    const { size, shift } = vectorOf(dtype);
    const patches = isPadded ? align(paddedLength * size) : 0;
    const work = patches + align(geometry.patchesBytes);
    this.area = { patches, work, bytes: align(work + geometry.workBytes) };
    this.outputs = align(this.images + batch * groups * imageLength * size);
    this.kernels = align(this.outputs + batch * groups * outputLength * size);
    this.table = align(this.kernels + groups * kernelsLength * size);
    this.work = align(this.table + mostParts * partBytes);
    const memory = sharedScratch();
    memory.reserve(this.work + helpers.size * this.area.bytes);
    this.heap = dtype === "float32" ? memory.float32 : memory.float64;
    this.shift = shift;
  }

  /** Copies elements of an array to an address. */
  load(address: number, from: ArrayView, first: number, length: number): void {
    copy(this.heap, address >> this.shift, from.buffer as FloatArray, from.offset + first, length);
  }

  store(to: ArrayView, first: number, address: number, length: number): void {
    copy(to.buffer as FloatArray, to.offset + first, this.heap, address >> this.shift, length);
  }

  /** Computes parts, which differ from the whole in what is given of each. */
  run(operation: (typeof operations)[number], parts: readonly Partial<Part>[]): void {
    const { geometry, area, images, outputs, kernels, table, work, helpers } = this;
    const common: Part = {
      ...geometry.lengths,
      ...{ image: images, output: outputs, kernels, images: 1, imageStep: 0, outputStep: 0 },
      ...{ padded: geometry.isPadded ? 0 : -1, patches: area.patches, work: area.work },
    };
    const entries = new Int32Array(sharedScratch().memory.buffer, table, parts.length * partArguments.length);
    parts.forEach((part, index) => {
      const all = { ...common, ...part };
      entries.set(
        partArguments.map((name) => all[name]),
        index * partArguments.length,
      );
    });
    const areas = { first: work + area.bytes, bytes: area.bytes, count: helpers.size - 1 };
    helpers.run(siteOf(geometry.dtype), parts.length, [operations.indexOf(operation), table], work, areas);
  }

  /** One part for each group of each of the first `images` images. */
  pieces(images: number): Partial<Part>[] {
    const { imageLength, outputLength, kernelsLength } = this.geometry;
    const { groups, shift } = this;
    return Array.from({ length: images * groups }, (_, piece) => ({
      image: this.images + ((piece * imageLength) << shift),
      output: this.outputs + ((piece * outputLength) << shift),
      kernels: this.kernels + (((piece % groups) * kernelsLength) << shift),
    }));
  }
}

/** Prepares the convolution of x with w to y, or declines where threads do not help. */
function share(
  x: ArrayView,
  w: ArrayView,
  y: ArrayView,
  window: Window,
  groups: number,
  partsOf: (images: number) => number,
): SharedConvolution | undefined {
  const helpers = team();
  if (helpers === undefined || simdLevel() === "none" || multiplications(y, w) < leastWork) return undefined;
  const geometry = convolutionGeometry(x, w, y, window, groups);
  const { size } = vectorOf(geometry.dtype);
  const perImage = (geometry.imageLength + geometry.outputLength) * groups * size;
  const perThread = geometry.paddedLength * size + geometry.patchesBytes + geometry.workBytes;
  const room = mostBytes - w.size * size - perThread * helpers.size;
  const batch = Math.min(x.shape[0], Math.floor(room / perImage));
  if (batch < 1 || partsOf(batch) < 2) return undefined;
  return new SharedConvolution(helpers, geometry, batch, groups, partsOf(batch));
}

/** Calls `visit` with the first image and the number of images of each batch. */
function forEachBatch(images: number, batch: number, visit: (first: number, count: number) => void): void {
  for (let first = 0; first < images; first += batch) visit(first, Math.min(batch, images - first));
}

/** y = x ∗ w by threads. Returns false, with `y` untouched, where they do not help. */
export function convolveByThreads(y: ArrayView, x: ArrayView, w: ArrayView, window: Window, groups: number): boolean {
  const shared = share(x, w, y, window, groups, (images) => images * groups);
  if (shared === undefined) return false;
  const imageSize = shared.geometry.imageLength * groups;
  const outputSize = shared.geometry.outputLength * groups;
  shared.load(shared.kernels, w, 0, w.size);
  forEachBatch(x.shape[0], shared.batch, (first, count) => {
    shared.load(shared.images, x, first * imageSize, count * imageSize);
    shared.run("forward", shared.pieces(count));
    shared.store(y, first * outputSize, shared.outputs, count * outputSize);
  });
  return true;
}

/** The adjoint in the image, by threads. Returns false like `convolveByThreads`. */
export function inputGradientByThreads(
  dx: ArrayView,
  dy: ArrayView,
  w: ArrayView,
  window: Window,
  groups: number,
): boolean {
  const shared = share(dx, w, dy, window, groups, (images) => images * groups);
  if (shared === undefined) return false;
  const imageSize = shared.geometry.imageLength * groups;
  const outputSize = shared.geometry.outputLength * groups;
  shared.load(shared.kernels, w, 0, w.size);
  forEachBatch(dx.shape[0], shared.batch, (first, count) => {
    shared.load(shared.outputs, dy, first * outputSize, count * outputSize);
    // What is not padded is added to where it stands.
    const from = shared.images >> shared.shift;
    if (!shared.geometry.isPadded) shared.heap.fill(0, from, from + count * imageSize);
    shared.run("imageGradient", shared.pieces(count));
    shared.store(dx, first * imageSize, shared.images, count * imageSize);
  });
  return true;
}

/** The adjoint in the kernels, by threads. Returns false like `convolveByThreads`. */
export function kernelGradientByThreads(
  dw: ArrayView,
  x: ArrayView,
  dy: ArrayView,
  window: Window,
  groups: number,
): boolean {
  const slices = slicesOf(dw, groups);
  const shared = share(x, dw, dy, window, groups, () => slices.length);
  if (shared === undefined) return false;
  const { geometry, heap, shift } = shared;
  const { height, width, kernelHeight, kernelWidth, channels, outHeight, outWidth } = geometry.lengths;
  const { imageLength, outputLength, kernelsLength } = geometry;
  const imageSize = imageLength * groups;
  const outputSize = outputLength * groups;
  const kernels = shared.kernels >> shift;
  heap.fill(0, kernels, kernels + dw.size);
  forEachBatch(x.shape[0], shared.batch, (first, count) => {
    shared.load(shared.images, x, first * imageSize, count * imageSize);
    shared.load(shared.outputs, dy, first * outputSize, count * outputSize);
    const parts = slices.map((slice) => ({
      image: shared.images + ((slice.group * imageLength + slice.channel * height * width) << shift),
      output: shared.outputs + ((slice.group * outputLength + slice.kernel * outHeight * outWidth) << shift),
      kernels: shared.kernels + (slice.first << shift),
      channels: slice.channels,
      kernelCount: slice.kernels,
      ...{ images: count, imageStep: imageSize << shift, outputStep: outputSize << shift },
    }));
    shared.run("kernelGradient", parts);
  });
  // Every slice is left as the transpose: [its part of K, its part of O].
  const plane = kernelHeight * kernelWidth;
  for (const { group, channel, channels: rows, kernel, kernels: columns, first } of slices) {
    for (let o = 0; o < columns; o++) {
      const target = dw.offset + group * kernelsLength + ((kernel + o) * channels + channel) * plane;
      for (let k = 0; k < rows * plane; k++) dw.buffer[target + k] = heap[kernels + first + k * columns + o];
    }
  }
  return true;
}

/** Rows of the gradient's transpose for which a slice is worth the packing of the output's gradient, which each repeats. */
const leastRows = 32;

/**
 * Cuts kernels [O, C, h, w] for threads: into two slices each, so that nobody waits long for the last, or into one where
 * they would be small. Channels of the image are cut first, then kernels.
 */
function slicesOf(dw: ArrayView, groups: number): Slice[] {
  const [allKernels, channels, kernelHeight, kernelWidth] = dw.shape;
  const kernelCount = allKernels / groups;
  const threads = team()?.size ?? 1;
  const large = Math.floor((groups * channels * kernelHeight * kernelWidth) / leastRows);
  const wanted = Math.ceil(Math.min(Math.max(large, threads), 2 * threads) / groups);
  const rows = Math.min(channels, wanted);
  const columns = Math.min(Math.ceil(kernelCount / 8), Math.ceil(wanted / rows));
  const slices: Slice[] = [];
  let first = 0;
  for (let group = 0; group < groups; group++) {
    for (let row = 0; row < rows; row++) {
      const channel = Math.floor((row * channels) / rows);
      const count = Math.floor(((row + 1) * channels) / rows) - channel;
      for (let column = 0; column < columns; column++) {
        const kernel = Math.floor((column * kernelCount) / columns);
        const kernels = Math.floor(((column + 1) * kernelCount) / columns) - kernel;
        slices.push({ group, channel, channels: count, kernel, kernels, first });
        first += count * kernelHeight * kernelWidth * kernels;
      }
    }
  }
  return slices;
}
