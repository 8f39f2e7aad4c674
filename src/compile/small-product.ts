import type { FunctionBuilder, Local } from "../array/wasm/assembler.js";
import { multiplyAdd, tileRows } from "../array/wasm/gemm-tile.js";
import { type I32, i32, v128 } from "../array/wasm/instructions.js";
import { type FloatType, type FloatVector, vectorOf } from "../array/wasm/vectors.js";

/**
 * Products that gain from code of their own, with every size and address in it: those of very few columns, as in the
 * last layer of a network of one output and in the gradient of the first layer of one of two inputs (a tile of the
 * general kernels would be mostly empty), and those of small matrices, where counting and addressing is what is left.
 */

/** C[m,n] = op(A) · op(B), with sizes known. */
export interface ProductSizes {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly dtype: FloatType;
}

/** Where the operands are, in bytes; `bias` is one number for each column, or null. */
export interface ProductPlaces {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly bias: number | null;
  readonly relu: boolean;
  /** Room for B, turned. */
  readonly work: number;
}

/** More would not fit the 16 registers of x64 beside operands and products. */
const MOST_VECTORS = 8;

/** Emits the product if it is one of these. Returns whether it did. */
export function emitSmallProduct(
  f: FunctionBuilder,
  sizes: ProductSizes,
  places: ProductPlaces,
  relaxed: boolean,
): boolean {
  const { m, n, k, transposeA, transposeB, dtype } = sizes;
  const vector = vectorOf(dtype);
  const fits = (length: number, columns: number) =>
    length % vector.lanes === 0 && (length / vector.lanes) * columns <= MOST_VECTORS;
  if (n === 1 && !transposeA && fits(k, 1)) {
    emitDots(f, vector, m, k, places, relaxed);
    return true;
  }
  if (transposeA && !transposeB && n <= MOST_COLUMNS && places.bias === null && !places.relu && fits(m, n)) {
    emitThin(f, vector, sizes, places, relaxed);
    return true;
  }
  if (n % (2 * vector.lanes) === 0 && n <= 8 * vector.lanes && k * n * vector.size <= MOST_BYTES_OF_B) {
    if (transposeB) emitTurned(f, vector, sizes, places);
    emitTiles(f, vector, sizes, transposeB ? { ...places, b: places.work } : places, relaxed);
    return true;
  }
  return false;
}

/** A small part of the first-level cache: B is read once for each tile of rows. */
const MOST_BYTES_OF_B = 8192;

/** With so many columns the general tiles are not emptier. */
const MOST_COLUMNS = 3;

/** c[i] = Σ a[i,:] · b: the column stays in registers. */
function emitDots(
  f: FunctionBuilder,
  vector: FloatVector,
  m: number,
  k: number,
  { a, b, c, bias, relu }: ProductPlaces,
  relaxed: boolean,
): void {
  const vectors = k / vector.lanes;
  const zero = i32.constant(0);
  const column = Array.from({ length: vectors }, (_, i) => f.keep(v128.load(zero, b + 16 * i)));
  const added = bias === null ? null : f.keep(vector.loadSplat(zero, bias));
  const from = f.local("i32");
  const to = f.local("i32");
  const sum = f.local("v128");
  f.set(from, zero);
  f.loop(to, 0, m * vector.size, vector.size, () => {
    f.set(sum, vector.mul(v128.load(from, a), column[0]));
    for (let i = 1; i < vectors; i++) {
      f.set(sum, multiplyAdd(vector, relaxed, v128.load(from, a + 16 * i), column[i], sum));
    }
    if (vector.lanes === 4) f.set(sum, vector.add(sum, vector.shuffle(sum, sum, [2, 3, 0, 1])));
    const other = Array.from({ length: vector.lanes }, (_, lane) => lane ^ 1);
    f.set(sum, vector.add(sum, vector.shuffle(sum, sum, other)));
    if (added !== null) f.set(sum, vector.add(sum, added));
    if (relu) f.set(sum, vector.pmax(sum, vector.constant(0)));
    f.add(vector.storeLane(to, sum, 0, c));
    f.increment(from, k * vector.size);
  });
  f.release(...column, from, to, sum);
  if (added !== null) f.release(added);
}

/** Cᵀ[n,m] = Bᵀ · A for A [k,m], B [k,n]: the whole result stays in registers, and is written turned. */
function emitThin(
  f: FunctionBuilder,
  vector: FloatVector,
  { m, n, k }: ProductSizes,
  { a, b, c }: ProductPlaces,
  relaxed: boolean,
): void {
  const vectors = m / vector.lanes;
  const sums = f.locals("v128", n * vectors);
  for (const sum of sums) f.set(sum, vector.constant(0));
  const from = f.local("i32");
  const at = f.local("i32");
  const row: Local<"v128"> = f.local("v128");
  f.set(from, i32.constant(0));
  f.loop(at, 0, k * n * vector.size, n * vector.size, () => {
    const factors = Array.from({ length: n }, (_, j) => f.keep(vector.loadSplat(at, b + j * vector.size)));
    for (let i = 0; i < vectors; i++) {
      f.set(row, v128.load(from, a + 16 * i));
      factors.forEach((factor, j) => {
        const sum = sums[j * vectors + i];
        f.set(sum, multiplyAdd(vector, relaxed, row, factor, sum));
      });
    }
    f.increment(from, m * vector.size);
    f.release(...factors);
  });
  sums.forEach((sum, index) => {
    const column = Math.floor(index / vectors);
    for (let lane = 0; lane < vector.lanes; lane++) {
      const element = ((index % vectors) * vector.lanes + lane) * n + column;
      f.add(vector.storeLane(i32.constant(0), sum, lane, c + element * vector.size));
    }
  });
  f.release(...sums, from, at, row);
}

/** Writes B, stored as [n,k], to the work space as [k,n]. */
function emitTurned(f: FunctionBuilder, vector: FloatVector, { n, k }: ProductSizes, { b, work }: ProductPlaces): void {
  const { size } = vector;
  const [from, to] = f.locals("i32", 2);
  f.set(to, i32.constant(0));
  f.loop(from, 0, k * size, size, () => {
    for (let j = 0; j < n; j++) {
      f.add(vector.storeLane(to, vector.loadZero(from, b + j * k * size), 0, work + j * size));
    }
    f.increment(to, n * size);
  });
  f.release(from, to);
}

/** Tiles of C as the general kernels compute them, two vectors wide. */
function emitTiles(
  f: FunctionBuilder,
  vector: FloatVector,
  sizes: ProductSizes,
  { a, b, c, bias, relu }: ProductPlaces,
  relaxed: boolean,
): void {
  const { m, n, k, transposeA } = sizes;
  const { size, lanes } = vector;
  const height = tileRows(relaxed);
  // Bytes from one row of op(A) to the next, and from one column.
  const rowStep = (transposeA ? 1 : k) * size;
  const columnStep = (transposeA ? m : 1) * size;
  // As in the general kernels: unrolling gains only where multiply-add is one instruction.
  const unroll = relaxed && k % 4 === 0 ? 4 : 1;
  const zero = i32.constant(0);
  const [fromA, fromB, row, to] = f.locals("i32", 4);
  const broadcast = f.local("v128");
  const tile = (rows: number, strip: number, firstA: I32, firstC: I32): void => {
    const sums = f.locals("v128", 2 * rows);
    const columns = f.locals("v128", 2);
    for (const sum of sums) f.set(sum, vector.constant(0));
    f.set(fromA, firstA);
    f.loop(fromB, 0, k * n * size, unroll * n * size, () => {
      for (let turn = 0; turn < unroll; turn++) {
        columns.forEach((column, j) => {
          f.set(column, v128.load(fromB, b + turn * n * size + strip + 16 * j));
        });
        for (let i = 0; i < rows; i++) {
          f.set(broadcast, vector.loadSplat(fromA, a + turn * columnStep + i * rowStep));
          columns.forEach((column, j) => {
            f.set(sums[2 * i + j], multiplyAdd(vector, relaxed, broadcast, column, sums[2 * i + j]));
          });
        }
      }
      f.increment(fromA, unroll * columnStep);
    });
    sums.forEach((sum, index) => {
      const place = strip + 16 * (index % 2);
      if (bias !== null) f.set(sum, vector.add(sum, v128.load(zero, bias + place)));
      if (relu) f.set(sum, vector.pmax(sum, vector.constant(0)));
      f.add(v128.store(firstC, sum, c + Math.floor(index / 2) * n * size + place));
    });
    f.release(...sums, ...columns);
  };
  const whole = m - (m % height);
  for (let strip = 0; strip < n * size; strip += 2 * lanes * size) {
    f.set(to, zero);
    f.loop(row, 0, whole * rowStep, height * rowStep, () => {
      tile(height, strip, row, to);
      f.increment(to, height * n * size);
    });
    if (whole < m) tile(m - whole, strip, i32.constant(whole * rowStep), i32.constant(whole * n * size));
  }
  f.release(fromA, fromB, row, to, broadcast);
}
