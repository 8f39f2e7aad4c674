import { type DataArray, type DType, newArray } from "./dtype.js";
import { isInNursery, nursery, type Resident } from "./nursery.js";

/**
 * Where values live: a typed array and an offset into it. Nobody frees anything: a buffer goes when the last tensor
 * that uses it goes. Memory is never handed out twice, but for what `setRecycling` says.
 *
 * By what creating a typed array costs (2 cores of an AMD Milan, Node 20):
 * - up to 16 elements: chunks of 64 bytes, which V8 keeps on its own heap (47 ns each, shared by up to 16 scalars);
 *   a scalar that is held keeps at most those 64 bytes;
 * - up to 4,096 elements: results of ops in the nursery, which moves them into arrays of up to 64 KiB; others
 *   bump-allocated from slabs of 16,384 elements (a view or buffer of its own costs 700 to 1,300 ns). A tensor that is
 *   held keeps its slab, 64 or 128 KiB;
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
/** What the tensors of one chunk take up beside their values, about. */
const CHUNK_OBJECTS = 2_048;

/** Whether allocations come from memory that is used again. */
let recycling = false;

class Arena {
  private readonly dtype: DType;
  private readonly bytes: 4 | 8;
  private readonly chunkElements: number;
  private chunk: DataArray;
  private chunkUsed = 0;
  private slab: DataArray;
  private slabUsed = 0;
  /** Where the last allocation begins in the array that it returned. */
  offset = 0;
  /** Whether the last allocation lies in the nursery, which then is to be told who holds it. */
  inNursery = false;

  constructor(dtype: DType) {
    this.dtype = dtype;
    this.bytes = dtype === "float64" ? 8 : 4;
    this.chunkElements = CHUNK_BYTES / this.bytes;
    this.chunk = newArray(dtype, this.chunkElements);
    this.slab = newArray(dtype, 0);
  }

  /** Memory of zeros. */
  allocate(size: number): DataArray {
    if (recycling && this.recycle(size)) {
      const array = nursery().array(this.dtype);
      array.fill(0, this.offset, this.offset + size);
      return array;
    }
    this.inNursery = false;
    if (size <= this.chunkElements) return this.fromChunk(size);
    if (size > LARGEST_IN_SLAB) return this.ofItsOwn(size);
    if (this.slabUsed + size > this.slab.length) {
      this.slab = newArray(this.dtype, SLAB_ELEMENTS);
      this.slabUsed = 0;
      nursery().note(SLAB_ELEMENTS * this.bytes);
    }
    this.offset = this.slabUsed;
    // 16-byte steps, so that a copy of one tensor starts where wide moves are fast.
    this.slabUsed += (size + 3) & ~3;
    return this.slab;
  }

  /** Memory for the result of an op, which overwrites all of it: it may hold anything. */
  allocateResult(size: number): DataArray {
    if (this.dtype === "int32") return this.allocate(size);
    if (recycling && this.recycle(size)) return nursery().array(this.dtype);
    this.inNursery = false;
    if (size <= this.chunkElements) return this.fromChunk(size);
    if (size > LARGEST_IN_SLAB) return this.ofItsOwn(size);
    const young = nursery();
    this.offset = young.allocate(this.dtype, size);
    this.inNursery = true;
    return young.array(this.dtype);
  }

  private fromChunk(size: number): DataArray {
    if (this.chunkUsed + size > this.chunkElements) {
      this.chunk = newArray(this.dtype, this.chunkElements);
      this.chunkUsed = 0;
      nursery().note(CHUNK_OBJECTS);
    }
    this.offset = this.chunkUsed;
    this.chunkUsed += size;
    return this.chunk;
  }

  private ofItsOwn(size: number): DataArray {
    nursery().note(size * this.bytes);
    this.offset = 0;
    return newArray(this.dtype, size);
  }

  private recycle(size: number): boolean {
    if (this.dtype === "int32") return false;
    const offset = nursery().allocateReused(this.dtype, size);
    if (offset < 0) return false;
    this.offset = offset;
    this.inNursery = true;
    return true;
  }
}

const float32 = new Arena("float32");
const float64 = new Arena("float64");
const int32 = new Arena("int32");

/**
 * The arena of a dtype: allocate, then read `offset` and `inNursery`. In steps, because a record of them would be an
 * object per op.
 */
export function arena(dtype: DType): Arena {
  return dtype === "float32" ? float32 : dtype === "float64" ? float64 : int32;
}

/**
 * While `on`, allocations come from memory that `endRecycling` makes free for other values: backward's, for gradients
 * that nobody else sees.
 */
export function setRecycling(on: boolean): void {
  recycling = on;
}

/** From now on, all that was allocated while recycling may be overwritten. */
export function endRecycling(): void {
  recycling = false;
  nursery().reuse();
}

/** Whether the values are overwritten after `endRecycling`, so that what stays must be copied. */
export function isRecycled(values: Pick<Resident, "buffer" | "offset" | "dtype">): boolean {
  return isInNursery(values.buffer) && nursery().isReused(values);
}

/** Zeros outside any tensor, in memory of their own, which nothing moves. */
export function zerosView(dtype: DType, shape: readonly number[]): ArrayView {
  let size = 1;
  for (const length of shape) size *= length;
  return { dtype, shape, size, buffer: newArray(dtype, size), offset: 0 };
}
