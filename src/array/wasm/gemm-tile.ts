/**
 * The register tile of matrix multiplication: `rows` x `columns` elements of C, held in vectors while k runs.
 *
 * Each step of k takes `rows` broadcast elements of A and a row of B of one or two vectors. With two vectors of B and
 * 4 rows, 8 accumulators, 2 vectors of B and a product fit the 16 registers of x64; where multiply-add is one
 * instruction there is no product, and 6 rows fit (12 + 2 + 1).
 * The scheme is that of Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", ACM TOMS 34(3),
 * 2008.
 */
import type { FunctionBuilder, Local } from "./assembler.js";
import { type I32, i32, type V128, v128 } from "./instructions.js";
import type { FloatVector } from "./vectors.js";

/** What is done with a finished tile, as bits of the `flags` parameter of the kernels. */
export const epilogue = {
  /** C += A·B instead of C = A·B. */
  accumulate: 1,
  /** Adds `bias[j]` to column j. */
  bias: 2,
  /** Then replaces negative elements by zero; NaN stays. */
  relu: 4,
} as const;

/** `a · b + c` of vectors. */
export function multiplyAdd(vector: FloatVector, relaxed: boolean, a: V128, b: V128, c: V128): V128 {
  return relaxed ? vector.relaxedMadd(a, b, c) : vector.add(c, vector.mul(a, b));
}

/** Rows of a tile of full height. */
export function tileRows(relaxed: boolean): 4 | 6 {
  return relaxed ? 6 : 4;
}

export interface TileShape {
  readonly vector: FloatVector;
  readonly relaxed: boolean;
  readonly rows: number;
  /** Vectors of B in a row of the tile: columns / lanes. */
  readonly vectors: number;
  /** Steps of k in one turn of the loop. In long loops 4 are 10 % faster than 1, 8 are 15 %, 16 are 17 %. */
  readonly unroll: number;
}

/**
 * Where A and B are. For `packed`, the tile's rows of A stand side by side for each k, and so do the columns of B.
 * For `columns`, element (i, k) of A is at `a + k · aStride + i · size`: A is stored transposed.
 * For `rows`, it is at `a + i · aStride + k · size`. B is row-major in both, `bStride` bytes a row.
 */
export type TileLayout = "packed" | "columns" | "rows";

/**
 * Emits the loop over k, and leaves the tile in the returned accumulators, row by row.
 *
 * One turn of the loop takes `unroll` steps of k, and may end after each, since V8's loops cost seven instructions a
 * turn. The exits also keep V8 (11.3) from interleaving the steps, so widely that the accumulators would not fit the
 * registers.
 * @param a address of the tile's first element of A; @param b of B; both stay as they are
 */
export function emitTile(
  f: FunctionBuilder,
  { vector, relaxed, rows, vectors, unroll }: TileShape,
  layout: TileLayout,
  operands: { a: I32; aStride: I32; b: I32; bStride: I32; k: I32 },
): Local<"v128">[] {
  const { size } = vector;
  const accumulators = f.locals("v128", rows * vectors);
  const columns = f.locals("v128", vectors);
  const broadcast = f.local("v128");
  for (const accumulator of accumulators) f.set(accumulator, vector.constant(0));
  const b = f.keep(operands.b);
  const k = f.keep(operands.k);
  // One address for A, or one for each row.
  const a = [f.keep(operands.a)];
  if (layout === "rows") {
    for (let row = 1; row < rows; row++) a.push(f.keep(i32.add(a[row - 1], operands.aStride)));
  }

  const step = (element: (row: number) => V128, bOffset: number) => {
    columns.forEach((column, j) => {
      f.set(column, v128.load(b, bOffset + 16 * j));
    });
    for (let row = 0; row < rows; row++) {
      f.set(broadcast, element(row));
      columns.forEach((column, j) => {
        const accumulator = accumulators[row * vectors + j];
        f.set(accumulator, multiplyAdd(vector, relaxed, broadcast, column, accumulator));
      });
    }
  };
  /** Step `t` of a turn. V8 adds each constant offset of a splat to the memory's base, in a register: few offsets serve all. */
  const stepOf: Readonly<Record<TileLayout, (t: number) => void>> = {
    packed: (t) => {
      const from = f.keep(i32.add(a[0], t * rows * size));
      step((row) => vector.loadSplat(from, row * size), t * 16 * vectors);
      f.release(from);
    },
    rows: (t) => {
      step((row) => vector.loadSplat(a[row], t * size), 0);
      f.increment(b, operands.bStride);
    },
    columns: () => {
      step((row) => vector.loadSplat(a[0], row * size), 0);
      f.increment(a[0], operands.aStride);
      f.increment(b, operands.bStride);
    },
  };
  const turn = (exit: (condition: I32) => void) => {
    for (let t = 0; t < unroll; t++) {
      stepOf[layout](t);
      if (t + 1 < unroll) exit(i32.eq(k, t + 1));
    }
    if (layout === "packed") {
      f.increment(a[0], unroll * rows * size);
      f.increment(b, unroll * 16 * vectors);
    } else if (layout === "rows") {
      for (const address of a) f.increment(address, unroll * size);
    }
    f.increment(k, -unroll);
  };
  f.if(i32.gtS(k, 0), () => f.repeat(turn, i32.gtS(k, 0)));
  f.release(...columns, broadcast, b, k, ...a);
  return accumulators;
}

/** Emits `flags` applied to a vector of the tile that belongs at `c`, below `bias`. */
export function emitEpilogue(
  f: FunctionBuilder,
  vector: FloatVector,
  tile: readonly Local<"v128">[],
  place: (index: number) => { c: I32; cOffset: number; bias: I32; biasOffset: number },
  flags: I32,
): void {
  f.if(flags, () => {
    f.if(i32.and(flags, epilogue.accumulate), () => {
      tile.forEach((value, index) => {
        const { c, cOffset } = place(index);
        f.set(value, vector.add(value, v128.load(c, cOffset)));
      });
    });
    f.if(i32.and(flags, epilogue.bias), () => {
      tile.forEach((value, index) => {
        const { bias, biasOffset } = place(index);
        f.set(value, vector.add(value, v128.load(bias, biasOffset)));
      });
    });
    f.if(i32.and(flags, epilogue.relu), () => {
      for (const value of tile) f.set(value, vector.pmax(value, vector.constant(0)));
    });
  });
}

/** Emits the store of the first `count` lanes (1 to lanes - 1) of a vector. */
export function emitPartialStore(f: FunctionBuilder, vector: FloatVector, address: I32, value: V128, count: I32): void {
  f.add(vector.storeLane(address, value, 0));
  if (vector.lanes === 2) return;
  f.if(i32.gtS(count, 1), () => f.add(vector.storeLane(address, value, 1, vector.size)));
  f.if(i32.gtS(count, 2), () => f.add(vector.storeLane(address, value, 2, 2 * vector.size)));
}
