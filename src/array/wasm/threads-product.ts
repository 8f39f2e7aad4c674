/** Matrix products whose parts, blocks of C, are computed by several threads over one shared memory. */
import { ModuleBuilder } from "./assembler.js";
import { type WasmMemory, type WasmModule, wasmEngine } from "./engine.js";
import { simdLevel } from "./features.js";
import { addPackedGemm, packedParameters, workBytes } from "./gemm-packed.js";
import { i32 } from "./instructions.js";
import { Scratch } from "./scratch.js";
import { newSite, type Site, team, type WorkAreas } from "./threads.js";
import { type FloatType, vectorOf } from "./vectors.js";

/** The most pages of 64 KiB that a memory can have, which every shared memory's own maximum stays below. */
export const mostPages = 65_536;
/** The maximum of the memory for ordinary arrays: operands of one block, and the work areas of 64 threads. */
const scratchPages = 8192;

/** Products of fewer multiplications are not worth waking a thread for. */
const leastWork = 1 << 22;

const { work: _, ...operands } = packedParameters;
const partParameters = { part: "i32", rows: "i32", columns: "i32", ...operands, work: "i32" } as const;

/** Arguments of the job: all but the part's index and the working memory. */
const arity = Object.keys(partParameters).length - 2;

/** The binary module, exporting `part`: one block of `rows` x `columns` of C, counted down the columns of blocks. */
function partGemmModule(dtype: FloatType, relaxed: boolean): Uint8Array {
  const module = new ModuleBuilder(mostPages);
  const vector = vectorOf(dtype);
  const gemm = addPackedGemm(module, "", vector, relaxed);
  module.function("part", partParameters, (f, p) => {
    const turns = f.keep(i32.divU(i32.sub(i32.add(p.m, p.rows), 1), p.rows));
    const column = f.keep(i32.divU(p.part, turns));
    const row = f.keep(i32.mul(i32.sub(p.part, i32.mul(column, turns)), p.rows));
    f.set(column, i32.mul(column, p.columns));
    f.if(
      p.aTransposed,
      () => f.set(p.a, vector.element(p.a, row)),
      () => f.increment(p.a, i32.mul(row, p.aStride)),
    );
    f.if(
      p.bTransposed,
      () => f.increment(p.b, i32.mul(column, p.bStride)),
      () => f.set(p.b, vector.element(p.b, column)),
    );
    f.set(p.c, vector.element(i32.add(p.c, i32.mul(row, p.cStride)), column));
    f.set(p.bias, vector.element(p.bias, column));
    f.set(p.rows, i32.min(p.rows, i32.sub(p.m, row)));
    f.set(p.columns, i32.min(p.columns, i32.sub(p.n, column)));
    const { a, aStride, aTransposed, b, bStride, bTransposed, c, cStride, bias, k, flags, work } = p;
    f.call(
      gemm,
      ...[a, aStride, aTransposed, b, bStride, bTransposed, c, cStride, bias, p.rows, p.columns, k, flags, work],
    );
  });
  return module.bytes();
}

const modules: WasmModule[] = [];

/** The products of one type over a shared memory. */
export function productSite(dtype: FloatType, memory: WasmMemory): Site {
  const engine = wasmEngine()!;
  const relaxed = simdLevel() === "relaxed";
  const index = (dtype === "float32" ? 0 : 2) + (relaxed ? 1 : 0);
  modules[index] ??= new engine.Module(partGemmModule(dtype, relaxed));
  const module = modules[index];
  return newSite(module, memory, new engine.Instance(module, { env: { memory } }).exports.part, arity);
}

/** Whether threads are asked to help with products of this size. */
export function worthThreads(m: number, n: number, k: number): boolean {
  return m * n * k >= leastWork && team() !== undefined;
}

/** A shared memory that never grows. */
export function newSharedMemory(bytes: number): WasmMemory {
  const pages = Math.ceil(bytes / 65_536);
  return new (wasmEngine()!.Memory)({ initial: pages, maximum: pages, shared: true });
}

/** The working memory for all threads but the caller, from this address on. */
export function workAreas(dtype: FloatType, first: number): WorkAreas {
  return { first, bytes: Math.ceil(workBytes(vectorOf(dtype)) / 64) * 64, count: (team()?.size ?? 1) - 1 };
}

export function endOf({ first, bytes, count }: WorkAreas): number {
  return first + bytes * count;
}

/**
 * C = op(A) · op(B) with its epilogue, in shared memory, by all threads; by the caller alone where there are none.
 * @param values the packed product's arguments but the last, in its order
 * @param work the caller's working memory
 */
export function multiplyShared(site: Site, values: readonly number[], work: number, areas: WorkAreas): void {
  const [m, n] = values.slice(9, 11);
  const helpers = team();
  if (helpers === undefined) {
    site.part(0, m, n, ...values, work);
    return;
  }
  const [rows, columns] = partSize(m, n, helpers.size);
  const parts = Math.ceil(m / rows) * Math.ceil(n / columns);
  helpers.run(site, parts, [rows, columns, ...values], work, areas);
}

/**
 * Rows and columns of a part: each packs its own operands, which costs less the larger it is, but there should be
 * several for each thread, so that nobody waits long for the last. Multiples of all tiles' heights and widths, so that
 * tiles are those of the whole product.
 */
function partSize(m: number, n: number, threads: number): readonly [number, number] {
  let rows = roundUp(Math.min(m, 192), 24);
  let columns = roundUp(Math.min(n, 512), 24);
  const partsOf = () => Math.ceil(m / rows) * Math.ceil(n / columns);
  while (partsOf() < 4 * threads && Math.max(rows, columns) > 96) {
    if (rows >= columns) rows = roundUp(rows / 2, 24);
    else columns = roundUp(columns / 2, 24);
  }
  return [rows, columns];
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

let common: Scratch | undefined;
const commonSites: Site[] = [];

/** The scratch memory that threads share, for products of ordinary arrays. */
export function sharedScratch(): Scratch {
  common ??= new Scratch(0, { initial: 4, maximum: scratchPages, shared: true });
  return common;
}

/** The products over `sharedScratch()`. */
export function sharedScratchSite(dtype: FloatType): Site {
  const index = (dtype === "float32" ? 0 : 2) + (simdLevel() === "relaxed" ? 1 : 0);
  commonSites[index] ??= productSite(dtype, sharedScratch().memory);
  return commonSites[index];
}
