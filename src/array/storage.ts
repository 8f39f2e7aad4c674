import { type DataArray, type DType, newArray } from "./dtype.js";

/**
 * Where values live: a typed array and an offset into it. Nobody frees anything: a buffer goes when the last tensor
 * that uses it goes. Memory is zero at first, and is never handed out twice, but for what `setRecycling` says.
 *
 * Three sizes, by what creating a typed array costs (2 cores of an AMD Milan, Node 20):
 * - up to 16 elements: chunks of 64 bytes, which V8 keeps on its own heap (47 ns each, shared by up to 16 scalars);
 *   a scalar that is held keeps at most those 64 bytes;
 * - up to 4,096 elements: bump-allocated from slabs of 16,384 elements (a view or buffer of its own costs
 *   700 to 1,300 ns); a tensor that is held keeps its slab, 64 or 128 KiB;
 * - above: a buffer of its own.
 */
export interface ArrayView {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly size: number;
  readonly buffer: DataArray;
  readonly offset: number;
}

const CHUNK_BYTES = 64;
const SLAB_ELEMENTS = 16_384;
const LARGEST_IN_SLAB = 4_096;
/** What is recycled is at first, and at most, this large. */
const FIRST_REGION = 16_384;
const LARGEST_REGION = 262_144;

/** Whether allocations come from memory that is used again. */
let recycling = false;

class Arena {
  private readonly dtype: DType;
  private readonly chunkElements: number;
  private chunk: DataArray;
  private chunkUsed = 0;
  private slab: DataArray;
  private slabUsed = 0;
  /** What is handed out while recycling, and how much of it was, and would have been, handed out. */
  private region: DataArray | null = null;
  private regionUsed = 0;
  private regionWanted = 0;
  /** Where the last allocation begins in the array that it returned. */
  offset = 0;

  constructor(dtype: DType) {
    this.dtype = dtype;
    this.chunkElements = CHUNK_BYTES / (dtype === "float64" ? 8 : 4);
    this.chunk = newArray(dtype, this.chunkElements);
    this.slab = newArray(dtype, 0);
  }

  allocate(size: number): DataArray {
    if (recycling && this.recycle(size)) return this.region as DataArray;
    if (size <= this.chunkElements) {
      if (this.chunkUsed + size > this.chunkElements) {
        this.chunk = newArray(this.dtype, this.chunkElements);
        this.chunkUsed = 0;
      }
      this.offset = this.chunkUsed;
      this.chunkUsed += size;
      return this.chunk;
    }
    if (size > LARGEST_IN_SLAB) {
      this.offset = 0;
      return newArray(this.dtype, size);
    }
    if (this.slabUsed + size > this.slab.length) {
      this.slab = newArray(this.dtype, SLAB_ELEMENTS);
      this.slabUsed = 0;
    }
    this.offset = this.slabUsed;
    // 16-byte steps, so that a copy of one tensor starts where wide moves are fast.
    this.slabUsed += (size + 3) & ~3;
    return this.slab;
  }

  /** Takes zeros from the region; false where they do not fit. */
  private recycle(size: number): boolean {
    const step = (size + 3) & ~3;
    this.regionWanted += step;
    this.region ??= newArray(this.dtype, FIRST_REGION);
    if (this.regionUsed + step > this.region.length) return false;
    this.offset = this.regionUsed;
    this.regionUsed += step;
    this.region.fill(0, this.offset, this.regionUsed);
    return true;
  }

  /** @internal */
  endRecycling(): void {
    if (this.region !== null && this.regionWanted > this.region.length && this.region.length < LARGEST_REGION) {
      this.region = newArray(this.dtype, Math.min(LARGEST_REGION, 2 ** Math.ceil(Math.log2(this.regionWanted))));
    }
    this.regionUsed = 0;
    this.regionWanted = 0;
  }

  /** @internal */
  owns(buffer: DataArray): boolean {
    return buffer === this.region;
  }
}

const float32 = new Arena("float32");
const float64 = new Arena("float64");
const int32 = new Arena("int32");

/** The arena of a dtype: call `allocate(size)`, then read `offset`. Two steps, because a pair would be an object per op. */
export function arena(dtype: DType): Arena {
  return dtype === "float32" ? float32 : dtype === "float64" ? float64 : int32;
}

/**
 * While `on`, allocations come from a region that `endRecycling` makes free for other values: backward's memory for
 * gradients that nobody else sees. Fresh memory costs more than what is computed in it (2 µs for 64 KiB).
 */
export function setRecycling(on: boolean): void {
  recycling = on;
}

/** From now on, all that was allocated while recycling may be overwritten. */
export function endRecycling(): void {
  recycling = false;
  float32.endRecycling();
  float64.endRecycling();
  int32.endRecycling();
}

/** Whether values there are overwritten after `endRecycling`, so that what stays must be copied. */
export function isRecycled(buffer: DataArray): boolean {
  return float32.owns(buffer) || float64.owns(buffer);
}

/** Zeros outside any tensor: for kernels' tests and index arrays. */
export function zerosView(dtype: DType, shape: readonly number[]): ArrayView {
  let size = 1;
  for (const length of shape) size *= length;
  const from = arena(dtype);
  const buffer = from.allocate(size);
  return { dtype, shape, size, buffer, offset: from.offset };
}
