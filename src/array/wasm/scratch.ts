/**
 * The WASM memory through which kernels on ordinary JavaScript arrays work: operands are copied in, results out. One
 * memory for the page or process; it holds nothing between calls, and grows to the largest call's need (kernels work
 * in blocks, so that this stays below 40 MB).
 */
import { type WasmMemory, wasmEngine } from "./engine.js";

export type FloatArray = Float32Array | Float64Array;

const pageBytes = 65_536;
/** Vectors are loaded whole at the end of an operand, and may read past it. */
const overread = 64;
/** Views of up to this many elements are kept. */
const largestHead = 4096;

export class Scratch {
  readonly memory: WasmMemory;
  float32: Float32Array;
  float64: Float64Array;
  #bytes: number;
  /** Views of the first elements, at their number: made once, because `subarray` costs as much as a small copy. */
  private float32Heads: (Float32Array | undefined)[] = [];
  private float64Heads: (Float64Array | undefined)[] = [];

  constructor(limits: { initial: number; maximum?: number; shared?: boolean } = { initial: 4 }) {
    const engine = wasmEngine();
    if (engine === undefined) throw new ReferenceError("WebAssembly is not available here");
    this.memory = new engine.Memory(limits);
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
    this.float32Heads = [];
    this.float64Heads = [];
    this.#bytes = this.memory.buffer.byteLength;
  }

  /** The first `length` elements, as float32. */
  float32Head(length: number): Float32Array {
    if (length > largestHead) return this.float32.subarray(0, length);
    this.float32Heads[length] ??= this.float32.subarray(0, length);
    return this.float32Heads[length];
  }

  /** The first `length` elements, as float64. */
  float64Head(length: number): Float64Array {
    if (length > largestHead) return this.float64.subarray(0, length);
    this.float64Heads[length] ??= this.float64.subarray(0, length);
    return this.float64Heads[length];
  }
}

let shared: Scratch | undefined;

/** The one scratch memory, made on the first call. */
export function scratch(): Scratch {
  shared ??= new Scratch();
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

/** Copies the first `length` elements of the scratch memory to `target`. */
export function copyOut(target: FloatArray, targetOffset: number, memory: Scratch, length: number): void {
  if (target instanceof Float32Array) target.set(memory.float32Head(length), targetOffset);
  else target.set(memory.float64Head(length), targetOffset);
}
