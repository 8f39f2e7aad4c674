import type { FunctionBuilder, Local } from "../array/wasm/assembler.js";
import { multiplyAdd } from "../array/wasm/gemm-tile.js";
import { i32, v128 } from "../array/wasm/instructions.js";
import { type FloatVector, vectorOf } from "../array/wasm/vectors.js";
import type { Surroundings } from "./emit-steps.js";
import { emitTiles } from "./emit-tiles.js";
import { type ProductSizes, type ProductUnit, productSizes } from "./units.js";

/**
 * Products that gain from code of their own, with every size and address in it: those of very few columns, as in the
 * last layer of a network of one output and in the gradient of the first layer of one of two inputs (a tile of the
 * general kernels would be mostly empty), and those of small matrices, where counting and addressing is what is left.
 */

/** Where the operands are, in bytes; `bias` is one number for each column, or null. */
interface ProductPlaces {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly bias: number | null;
  readonly relu: boolean;
}

/** More would not fit the 16 registers of x64 beside operands and products. */
const MOST_VECTORS = 8;

/** How a product of these sizes is computed by code of its own; null for one that is not. */
export function formOf(sizes: ProductSizes, hasBiasOrRelu: boolean): "dots" | "thin" | "tiles" | null {
  const { m, n, k, transposeA, transposeB, dtype } = sizes;
  const vector = vectorOf(dtype);
  const fits = (length: number, columns: number) =>
    length % vector.lanes === 0 && (length / vector.lanes) * columns <= MOST_VECTORS;
  if (n === 1 && !transposeA && fits(k, 1)) return "dots";
  if (transposeA && !transposeB && n <= MOST_COLUMNS && !hasBiasOrRelu && fits(m, n)) return "thin";
  const hasTiles = n % (2 * vector.lanes) === 0 && n <= 8 * vector.lanes && k * n * vector.size <= MOST_BYTES_OF_B;
  return hasTiles ? "tiles" : null;
}

/**
 * Emits the product if it is one of these. Returns whether it did.
 * @param work room for B, turned
 */
export function emitSmallProduct(
  f: FunctionBuilder,
  unit: ProductUnit,
  surroundings: Surroundings,
  work: number,
): boolean {
  const { addressOf, relaxed } = surroundings;
  const { step, bias, relu, output } = unit;
  const sizes = productSizes(step);
  const vector = vectorOf(sizes.dtype);
  const form = formOf(sizes, bias !== null || relu);
  const [a, b] = step.inputs.map(addressOf);
  const places = { a, b, c: addressOf(output), bias: bias === null ? null : addressOf(bias), relu };
  if (form === "dots") emitDots(f, vector, sizes, places, relaxed);
  else if (form === "thin") emitThin(f, vector, sizes, places, relaxed);
  else if (form === "tiles") emitTiles(f, vector, unit, sizes, surroundings, work);
  return form !== null;
}

/** A small part of the first-level cache: B is read once for each tile of rows. */
const MOST_BYTES_OF_B = 8192;

/** With so many columns the general tiles are not emptier. */
const MOST_COLUMNS = 3;

/** c[i] = Σ a[i,:] · b: the column stays in registers. */
function emitDots(
  f: FunctionBuilder,
  vector: FloatVector,
  { m, k }: ProductSizes,
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
