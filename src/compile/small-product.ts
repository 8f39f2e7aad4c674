import type { FunctionBuilder, Local } from "../array/wasm/assembler.js";
import { transpose } from "../array/wasm/gemm-pack.js";
import { multiplyAdd, tileRows } from "../array/wasm/gemm-tile.js";
import { type I32, i32, type V128, v128 } from "../array/wasm/instructions.js";
import { type FloatType, type FloatVector, vectorOf } from "../array/wasm/vectors.js";
import { StepEmitter, type Surroundings } from "./emit-steps.js";
import { ColumnSums } from "./emit-sum.js";
import type { Step } from "./program.js";
import type { ProductUnit } from "./units.js";

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

export function productSizes({ attrs, inputs, output }: Step): ProductSizes {
  const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
  const [m, n] = output.shape;
  const k = inputs[0].shape[transposeA ? 0 : 1];
  return { m, n, k, transposeA, transposeB, dtype: output.dtype as FloatType };
}

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
  const places = { a, b, bias: bias === null ? null : addressOf(bias), relu };
  if (form === "dots") emitDots(f, vector, sizes, { ...places, c: addressOf(output) }, relaxed);
  else if (form === "thin") emitThin(f, vector, sizes, { ...places, c: addressOf(output) }, relaxed);
  else if (form === "tiles") {
    if (sizes.transposeB) emitTurned(f, vector, sizes, b, work);
    emitTiles(f, vector, unit, sizes.transposeB ? { ...places, b: work } : places, surroundings);
  }
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

/** Writes B, stored as [n,k], to the work space as [k,n]: square blocks of vectors, and the rest by elements. */
function emitTurned(f: FunctionBuilder, vector: FloatVector, { n, k }: ProductSizes, b: number, work: number): void {
  const { size, lanes } = vector;
  const [from, to] = f.locals("i32", 2);
  f.set(to, i32.constant(0));
  const whole = k - (k % lanes);
  f.loop(from, 0, whole * size, lanes * size, () => {
    for (let j = 0; j < n; j += lanes) {
      const rows = Array.from({ length: lanes }, (_, i) => v128.load(from, b + (j + i) * k * size));
      const columns = transpose(f, vector, rows);
      columns.forEach(({ value }, i) => {
        f.add(v128.store(to, value, work + (i * n + j) * size));
      });
      f.release(...columns.map(({ value }) => value));
    }
    f.increment(to, lanes * n * size);
  });
  f.loop(from, whole * size, k * size, size, () => {
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
  unit: ProductUnit,
  { a, b, bias, relu }: Omit<ProductPlaces, "c">,
  surroundings: Surroundings,
): void {
  const { relaxed } = surroundings;
  const { output, epilogue } = unit;
  const { m, n, k, transposeA } = productSizes(unit.step);
  const { size, lanes } = vector;
  const height = tileRows(relaxed);
  // Bytes from one row of op(A) to the next, and from one column.
  const rowStep = (transposeA ? 1 : k) * size;
  const columnStep = (transposeA ? m : 1) * size;
  const zero = i32.constant(0);
  const [fromA, row, to] = f.locals("i32", 3);
  const steps = new StepEmitter(f, vector, epilogue, unit.stored, surroundings, [output]);
  /** Adds the products of row t of B, two vectors of it, to the rows of the tile; at step 0 there is nothing to add to. */
  const addProducts = (sums: readonly Local<"v128">[], columns: readonly V128[], t: number): void => {
    for (let i = 0; i < sums.length / 2; i++) {
      const broadcast = f.keep(vector.loadSplat(fromA, a + i * rowStep));
      columns.forEach((column, j) => {
        const sum = sums[2 * i + j];
        f.set(sum, t === 0 ? vector.mul(broadcast, column) : multiplyAdd(vector, relaxed, broadcast, column, sum));
      });
      f.release(broadcast);
    }
    f.increment(fromA, columnStep);
  };
  const multiply = (sums: readonly Local<"v128">[], strip: number, held: readonly Local<"v128">[]): void => {
    if (held.length > 0) {
      for (let t = 0; t < k; t++) addProducts(sums, held.slice(2 * t, 2 * t + 2), t);
      return;
    }
    // As in the general kernels: each turn of the loop may end after each step, which keeps V8 from mixing them.
    const [fromB, left] = f.locals("i32", 2);
    const columns = f.locals("v128", 2);
    for (const sum of sums) f.set(sum, vector.constant(0));
    f.set(fromB, zero);
    f.set(left, i32.constant(k));
    f.repeat(
      (exit) => {
        for (let t = 0; t < UNROLL; t++) {
          columns.forEach((column, j) => {
            f.set(column, v128.load(fromB, b + t * n * size + strip + 16 * j));
          });
          addProducts(sums, columns, 1);
          if (t + 1 < UNROLL) exit(i32.eq(left, t + 1));
        }
        f.increment(fromB, UNROLL * n * size);
        f.increment(left, -UNROLL);
      },
      i32.gtS(left, 0),
    );
    f.release(fromB, left, ...columns);
  };
  const tile = (
    rows: number,
    strip: number,
    firstA: I32,
    firstC: I32,
    held: readonly Local<"v128">[],
    columnSums: readonly ColumnSums[],
  ): void => {
    const sums = f.locals("v128", 2 * rows);
    f.set(fromA, firstA);
    multiply(sums, strip, held);
    sums.forEach((sum, index) => {
      const place = strip + 16 * (index % 2);
      if (bias !== null) f.set(sum, vector.add(sum, v128.load(zero, bias + place)));
      if (relu) f.set(sum, vector.pmax(sum, vector.constant(0)));
      const fullShift = Math.floor(index / 2) * n * size + place;
      steps.compute({ full: firstC, fullShift, row: zero, rowShift: place }, () => {
        for (const one of columnSums) one.add(index % 2, steps.register(one.unit.step.inputs[0].root));
      }, [[output, sum]]);
    });
    f.release(...sums);
  };
  const whole = m - (m % height);
  for (let strip = 0; strip < n * size; strip += 2 * lanes * size) {
    const columnSums = unit.sums.map((sum) => new ColumnSums(f, vector, sum, 2));
    const held =
      k <= MOST_HELD_ROWS
        ? Array.from({ length: 2 * k }, (_, i) =>
            f.keep(v128.load(zero, b + Math.floor(i / 2) * n * size + strip + 16 * (i % 2))),
          )
        : [];
    f.set(to, zero);
    f.loop(row, 0, whole * rowStep, height * rowStep, () => {
      tile(height, strip, row, to, held, columnSums);
      f.increment(to, height * n * size);
    });
    if (whole < m)
      tile(m - whole, strip, i32.constant(whole * rowStep), i32.constant(whole * n * size), held, columnSums);
    for (const one of columnSums) one.store(surroundings.addressOf(one.unit.step.output) + strip);
    f.release(...held);
  }
  steps.release();
  f.release(fromA, row, to);
}

/** Steps of k in one turn of the loop. */
const UNROLL = 8;

/** So many rows of B stay in registers. */
const MOST_HELD_ROWS = 2;
