import type { FunctionBuilder, Local } from "../array/wasm/assembler.js";
import { multiplyAdd } from "../array/wasm/gemm-tile.js";
import { i32, v128 } from "../array/wasm/instructions.js";
import { type FloatType, type FloatVector, vectorOf } from "../array/wasm/vectors.js";

/**
 * Products of a matrix with very few columns, as in the last layer of a network of one output and in the gradient of
 * the first layer of one of two inputs: a tile of the general kernels would be mostly empty.
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
  return false;
}

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
