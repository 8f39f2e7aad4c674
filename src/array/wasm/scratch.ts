/**
 * The WASM memory in which kernels work: operands of ordinary JavaScript arrays are copied in, results out; those in the
 * nursery, which has the first addresses, are where they should be. One memory for the page or process; behind the
 * nursery it holds nothing between calls, and grows to the largest call's need (kernels work in blocks, so that this
 * stays below 40 MB).
 */
import type { DataArray } from "../dtype.js";
import { type WasmMemory, wasmEngine } from "./engine.js";

export type FloatArray = Float32Array | Float64Array;

const pageBytes = 65_536;
/** The nursery's part of the scratch memory; pages of it that are never touched cost nothing. */
export const nurseryBytes = 24 * pageBytes;
/** Vectors are loaded whole at the end of an operand, and may read past it. */
const overread = 64;

export class Scratch {
  readonly memory: WasmMemory;
  /** The first address that kernels may use. */
  readonly base: number;
  /** Called when the memory has grown, and its arrays are others. */
  onGrow: (() => void) | null = null;
  float32: Float32Array;
  float64: Float64Array;
  #bytes: number;

  constructor(base: number, limits: { initial: number; maximum?: number; shared?: boolean }) {
    const engine = wasmEngine();
    if (engine === undefined) throw new ReferenceError("WebAssembly is not available here");
    this.memory = new engine.Memory(limits);
    this.base = base;
    this.float32 = new Float32Array(this.memory.buffer);
    this.float64 = new Float64Array(this.memory.buffer);
    this.#bytes = this.memory.buffer.byteLength;
  }

  /** Makes room for this many bytes from address 0. Throws a RangeError when the host has no more memory. */
  reserve(bytes: number): void {
    const needed = bytes + overread;
    if (needed <= this.#bytes) return;
    // At least half as much again, so that growing sizes do not grow the memory at each call.
    const pages = Math.ceil(Math.max(needed, 1.5 * this.#bytes) / pageBytes);
    this.memory.grow(pages - this.#bytes / pageBytes);
    this.float32 = new Float32Array(this.memory.buffer);
    this.float64 = new Float64Array(this.memory.buffer);
    this.#bytes = this.memory.buffer.byteLength;
    this.onGrow?.();
  }
}

let shared: Scratch | undefined;

/** The one scratch memory, made on the first call. */
export function scratch(): Scratch {
  shared ??= new Scratch(nurseryBytes, { initial: nurseryBytes / pageBytes + 4 });
  return shared;
}

/** The next address that is aligned to a cache line. */
export function align(address: number): number {
  return (address + 63) & ~63;
}

/** Below this many elements a loop is faster than `subarray` and `set`. */
const loopLimit = 32;

/** Copies `length` elements; source and target are of the same type. */
export function copy(
  target: FloatArray,
  targetOffset: number,
  source: FloatArray,
  sourceOffset: number,
  length: number,
): void {
  if (length <= loopLimit) {
    for (let i = 0; i < length; i++) target[targetOffset + i] = source[sourceOffset + i];
  } else if (sourceOffset === 0 && length === source.length) {
    target.set(source, targetOffset);
  } else {
    target.set(source.subarray(sourceOffset, sourceOffset + length), targetOffset);
  }
}

/** Numbers in an array that changes when the memory grows: to be read after `reserve`. */
export interface Values {
  readonly buffer: DataArray;
}

/** The address of `length` elements for a kernel: where they are, if that is in `heap`, or `at`, where they are copied. */
export function place(
  heap: FloatArray,
  shift: number,
  at: number,
  { buffer }: Values,
  offset: number,
  length: number,
): number {
  if (buffer === heap) return offset << shift;
  copy(heap, at >> shift, buffer as FloatArray, offset, length);
  return at;
}

/** The address where a kernel writes what is to become `target`: there, if that is in `heap`, or `at`. */
export function placeResult(heap: FloatArray, shift: number, at: number, { buffer }: Values, offset: number): number {
  return buffer === heap ? offset << shift : at;
}

/** Copies a result to where it belongs, unless it was written there. */
export function takeResult(
  heap: FloatArray,
  shift: number,
  at: number,
  { buffer }: Values,
  offset: number,
  length: number,
): void {
  if (buffer !== heap) copy(buffer as FloatArray, offset, heap, at >> shift, length);
}
