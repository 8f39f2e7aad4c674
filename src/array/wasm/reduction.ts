/** Sums of the rows or columns of a matrix by WASM SIMD, kept in double precision as in the plain loops. */
import { type FunctionBuilder, type Local, ModuleBuilder } from "./assembler.js";
import type { WasmFunction } from "./engine.js";
import { simdLevel } from "./features.js";
import { type I32, i32, type Statement, type V128, v128 } from "./instructions.js";
import { kernelFamily } from "./kernel-family.js";
import { align, place, scratch, type Values } from "./scratch.js";
import { type FloatType, type FloatVector, f64x2, lanes, vectorOf } from "./vectors.js";

/** Addresses in bytes, lengths in elements; `sums` are float64 whatever the matrix is, and are added to. */
const parameters = { matrix: "i32", sums: "i32", rows: "i32", columns: "i32" } as const;

/** Adds a vector of elements to vectors of float64. */
function addWidened(f: FunctionBuilder, vector: FloatVector, sums: readonly Local<"v128">[], value: V128): void {
  if (vector.lanes === 2) {
    f.set(sums[0], f64x2.add(sums[0], value));
    return;
  }
  const kept = f.keep(value);
  f.set(sums[0], f64x2.add(sums[0], lanes.promoteLow(kept)));
  f.set(sums[1], f64x2.add(sums[1], lanes.promoteLow(vector.shuffle(kept, kept, [2, 3, 2, 3]))));
  f.release(kept);
}

/** Vectors in a wide strip of columns: enough additions that do not wait for each other. */
const stripVectors = 4;

/** The module of a float type, exporting `rows` and `columns`: the sum of each row, or of each column; and `passed`. */
function reductionModule(dtype: FloatType): Uint8Array {
  const module = new ModuleBuilder();
  const vector = vectorOf(dtype);
  const { size } = vector;
  const wide = vector.lanes / 2;

  module.function("rows", parameters, (f, p) => {
    const sums = f.locals("v128", wide);
    const rest = f.local("i32");
    f.while(i32.gtS(p.rows, 0), () => {
      for (const sum of sums) f.set(sum, f64x2.constant(0));
      f.set(rest, p.columns);
      f.while(i32.geS(rest, vector.lanes), () => {
        addWidened(f, vector, sums, v128.load(p.matrix));
        f.increment(p.matrix, 16);
        f.increment(rest, -vector.lanes);
      });
      f.while(i32.gtS(rest, 0), () => {
        addWidened(f, vector, sums, vector.loadZero(p.matrix));
        f.increment(p.matrix, size);
        f.increment(rest, -1);
      });
      if (wide === 2) f.set(sums[0], f64x2.add(sums[0], sums[1]));
      const total = f64x2.add(sums[0], f64x2.shuffle(sums[0], sums[0], [1, 1]));
      f.add(f64x2.storeLane(p.sums, f64x2.add(f64x2.loadZero(p.sums), total), 0));
      f.increment(p.sums, 8);
      f.increment(p.rows, -1);
    });
  });

  addColumns(module, vector, null);
  addColumns(module, vector, "passed");
  return module.bytes();
}

/**
 * Adds `columns`, or `passed`: the same of a matrix whose elements count, and are written to `out`, where those of `gate`
 * are positive; the others are 0.
 */
function addColumns(module: ModuleBuilder, vector: FloatVector, gated: "passed" | null): void {
  const { size } = vector;
  const wide = vector.lanes / 2;
  const all = { ...parameters, gate: "i32", out: "i32" } as const;
  module.function(gated ?? "columns", gated === null ? parameters : all, (f, given) => {
    const p = given as Record<keyof typeof all, Local<"i32">>;
    const sums = f.locals("v128", stripVectors * wide);
    const [element, rest, stride, behind, to] = f.locals("i32", 5);
    f.set(stride, i32.shl(p.columns, vector.shift));
    /** Adds the element or vector at a place; `gate` and `out` are kept as distances from the matrix. */
    const add = (
      into: readonly Local<"v128">[],
      at: number,
      load: (address: I32, offset: number) => V128,
      store: (address: I32, value: V128) => Statement,
    ) => {
      if (gated === null) {
        addWidened(f, vector, into, load(element, at));
        return;
      }
      const isPositive = vector.lt(vector.constant(0), load(i32.add(element, behind), at));
      const value = f.keep(v128.and(load(element, at), isPositive));
      f.add(store(i32.add(element, to), value));
      addWidened(f, vector, into, value);
      f.release(value);
    };
    /** One strip of columns: this many vectors wide, or (0) a single column. */
    const strip = (vectors: number) => {
      const used = sums.slice(0, vectors === 0 ? 1 : vectors * wide);
      for (const [index, sum] of used.entries()) {
        f.set(sum, vectors === 0 ? f64x2.loadZero(p.sums) : v128.load(p.sums, 16 * index));
      }
      if (vectors === 0) for (const sum of sums.slice(1, wide)) f.set(sum, f64x2.constant(0));
      f.set(element, p.matrix);
      f.set(rest, p.rows);
      f.while(i32.gtS(rest, 0), () => {
        if (vectors === 0) {
          add(sums.slice(0, wide), 0, vector.loadZero, (address, value) => vector.storeLane(address, value, 0));
        }
        for (let i = 0; i < vectors; i++) {
          const into = sums.slice(i * wide, (i + 1) * wide);
          add(into, 16 * i, v128.load, (address, value) => v128.store(address, value, 16 * i));
        }
        f.increment(element, stride);
        f.increment(rest, -1);
      });
      if (vectors === 0) f.add(f64x2.storeLane(p.sums, sums[0], 0));
      else for (const [index, sum] of used.entries()) f.add(v128.store(p.sums, sum, 16 * index));
      const columns = vectors === 0 ? 1 : vectors * vector.lanes;
      f.increment(p.matrix, columns * size);
      f.increment(p.sums, columns * 8);
      f.increment(p.columns, -columns);
    };
    if (gated !== null) {
      f.set(behind, i32.sub(p.gate, p.matrix));
      f.set(to, i32.sub(p.out, p.matrix));
    }
    f.while(i32.geS(p.columns, stripVectors * vector.lanes), () => strip(stripVectors));
    f.while(i32.geS(p.columns, vector.lanes), () => strip(1));
    f.while(i32.gtS(p.columns, 0), () => strip(0));
  });
}

export const reductionKernels = kernelFamily<{
  rows: WasmFunction;
  columns: WasmFunction;
  passed: WasmFunction;
}>(reductionModule);

/** Fewer elements are left to the plain loop. */
const leastElements = 128;
/** Elements that are in scratch memory at one time. */
const pieceLength = 64 * 1024;

/**
 * Sums of a row-major matrix x[rows, columns]: over each row into out[rows], or over each column into out[columns].
 * Added in double precision and rounded once. Column sums add in the plain loop's order; row sums in two or four partial
 * sums.
 * @returns false, with `out` untouched, where WASM SIMD is missing or a plain loop is faster
 */
export function sumWasm(
  out: Values,
  outOffset: number,
  x: Values,
  xOffset: number,
  rows: number,
  columns: number,
  over: "rows" | "columns",
): boolean {
  if (rows * columns < leastElements || simdLevel() === "none") return false;
  const dtype = x.buffer instanceof Float32Array ? "float32" : "float64";
  const { size, shift } = vectorOf(dtype);
  const { rows: sumRows, columns: sumColumns } = reductionKernels(dtype);
  const count = over === "rows" ? rows : columns;
  const memory = scratch();
  const sumsAt = memory.base + 64;
  const matrix = align(sumsAt + count * 8);
  memory.reserve(matrix + Math.min(rows * columns, Math.max(pieceLength, columns)) * size);
  const heap = dtype === "float32" ? memory.float32 : memory.float64;
  const sums = memory.float64;
  const firstSum = sumsAt >> 3;
  for (let i = 0; i < count; i++) sums[firstSum + i] = 0;
  if (columns > pieceLength && over === "rows") {
    for (let row = 0; row < rows; row++) {
      for (let start = 0; start < columns; start += pieceLength) {
        const length = Math.min(pieceLength, columns - start);
        const at = place(heap, shift, matrix, x, xOffset + row * columns + start, length);
        sumRows(at, sumsAt + 8 * row, 1, length);
      }
    }
  } else {
    const pieceRows = Math.max(1, Math.floor(pieceLength / columns));
    for (let row = 0; row < rows; row += pieceRows) {
      const length = Math.min(pieceRows, rows - row);
      const at = place(heap, shift, matrix, x, xOffset + row * columns, length * columns);
      if (over === "rows") sumRows(at, sumsAt + 8 * row, length, columns);
      else sumColumns(at, sumsAt, length, columns);
    }
  }
  for (let i = 0; i < count; i++) out.buffer[outOffset + i] = sums[firstSum + i];
  return true;
}
