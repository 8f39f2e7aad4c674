import type { FunctionBuilder, Local } from "../array/wasm/assembler.js";
import { transpose } from "../array/wasm/gemm-pack.js";
import { multiplyAdd, tileRows } from "../array/wasm/gemm-tile.js";
import { type I32, i32, type V128, v128 } from "../array/wasm/instructions.js";
import type { FloatVector } from "../array/wasm/vectors.js";
import { StepEmitter, type Surroundings } from "./emit-steps.js";
import { ColumnSums } from "./emit-sum.js";
import type { ProductSizes, ProductUnit } from "./units.js";

type Vectors = readonly Local<"v128">[];

/**
 * Emits a product in tiles as the general kernels compute them, two vectors wide, and finishes each in registers: relu,
 * elementwise steps, sums of its rows.
 * @param work room for B, turned
 */
export function emitTiles(
  f: FunctionBuilder,
  vector: FloatVector,
  unit: ProductUnit,
  sizes: ProductSizes,
  surroundings: Surroundings,
  work: number,
): void {
  const { m, n, k, transposeA, transposeB } = sizes;
  const { size, lanes } = vector;
  const b = surroundings.addressOf(unit.step.inputs[1]);
  if (transposeB) emitTurned(f, vector, sizes, b, work);
  const height = tileRows(surroundings.relaxed);
  const rowStep = (transposeA ? 1 : k) * size;
  const whole = m - (m % height);
  const [row, to] = f.locals("i32", 2);
  const steps = new StepEmitter(f, vector, unit.epilogue, unit.stored, surroundings, [unit.output]);
  for (let strip = 0; strip < n * size; strip += 2 * lanes * size) {
    const tiles = new TileStrip(f, vector, unit, sizes, surroundings, transposeB ? work : b, strip, steps);
    f.set(to, i32.constant(0));
    f.loop(row, 0, whole * rowStep, height * rowStep, () => {
      tiles.emit(height, row, to);
      f.increment(to, height * n * size);
    });
    if (whole < m) tiles.emit(m - whole, i32.constant(whole * rowStep), i32.constant(whole * n * size));
    tiles.finish();
  }
  steps.release();
  f.release(row, to);
}

/** The tiles of two vectors of columns, one below the other. */
class TileStrip {
  /** What sums start from: the bias, which then need not be added to each tile. */
  readonly #start: Vectors;
  /** All rows of B, where they are few. */
  readonly #held: Vectors;
  readonly #columnSums: readonly ColumnSums[];

  constructor(
    readonly f: FunctionBuilder,
    readonly vector: FloatVector,
    readonly unit: ProductUnit,
    readonly sizes: ProductSizes,
    readonly surroundings: Surroundings,
    readonly b: number,
    readonly strip: number,
    readonly steps: StepEmitter,
  ) {
    const { bias, sums } = unit;
    const pair = (address: number): Local<"v128">[] =>
      [0, 16].map((shift) => f.keep(v128.load(i32.constant(0), address + strip + shift)));
    this.#start = bias === null ? [] : pair(surroundings.addressOf(bias));
    const rows = Array.from({ length: sizes.k <= MOST_HELD_ROWS ? sizes.k : 0 }, (_, t) => t);
    this.#held = rows.flatMap((t) => pair(b + t * sizes.n * vector.size));
    this.#columnSums = sums.map((sum) => new ColumnSums(f, vector, sum, 2));
  }

  /** Emits the tile of `rows` rows whose first element of op(A) and of C are these bytes from their first of all. */
  emit(rows: number, firstA: I32, firstC: I32): void {
    const { f, vector, strip, steps } = this;
    const { relu, output } = this.unit;
    const sums = f.locals("v128", 2 * rows);
    sums.forEach((sum, index) => {
      f.set(sum, this.#start.length === 0 ? vector.constant(0) : this.#start[index % 2]);
    });
    const from = f.keep(firstA);
    if (this.#held.length > 0) {
      for (let t = 0; t < this.sizes.k; t++) this.#addProducts(sums, from, this.#held.slice(2 * t, 2 * t + 2));
    } else this.#multiply(sums, from);
    f.release(from);
    sums.forEach((sum, index) => {
      if (relu) f.set(sum, vector.pmax(sum, vector.constant(0)));
      const rowShift = strip + 16 * (index % 2);
      const fullShift = Math.floor(index / 2) * this.sizes.n * vector.size + rowShift;
      const place = { full: firstC, fullShift, row: i32.constant(0), rowShift };
      steps.compute([place], [[output, sum]], (registers) => {
        for (const one of this.#columnSums) one.add(index % 2, registers.of(one.unit.step.inputs[0].root));
      });
    });
    f.release(...sums);
  }

  /** The loop over k. As in the general kernels, a turn may end after each step, which keeps V8 from mixing the steps. */
  #multiply(sums: Vectors, from: Local<"i32">): void {
    const { f } = this;
    const { n, k } = this.sizes;
    const [fromB, left] = f.locals("i32", 2);
    const columns = f.locals("v128", 2);
    const rowOfB = n * this.vector.size;
    f.set(fromB, i32.constant(0));
    f.set(left, i32.constant(k));
    const turn = (exit: (condition: I32) => void) => {
      for (let t = 0; t < UNROLL; t++) {
        columns.forEach((column, j) => {
          f.set(column, v128.load(fromB, this.b + t * rowOfB + this.strip + 16 * j));
        });
        this.#addProducts(sums, from, columns);
        if (t + 1 < UNROLL) exit(i32.eq(left, t + 1));
      }
      f.increment(fromB, UNROLL * rowOfB);
      f.increment(left, -UNROLL);
    };
    f.repeat(turn, i32.gtS(left, 0));
    f.release(fromB, left, ...columns);
  }

  /** Adds the products of one column of op(A) and a row of B, two vectors of it. */
  #addProducts(sums: Vectors, from: Local<"i32">, columns: readonly V128[]): void {
    const { f, vector, surroundings } = this;
    const { m, k, transposeA } = this.sizes;
    const a = surroundings.addressOf(this.unit.step.inputs[0]);
    for (let i = 0; i < sums.length / 2; i++) {
      const broadcast = f.keep(vector.loadSplat(from, a + i * (transposeA ? 1 : k) * vector.size));
      columns.forEach((column, j) => {
        const sum = sums[2 * i + j];
        f.set(sum, multiplyAdd(vector, surroundings.relaxed, broadcast, column, sum));
      });
      f.release(broadcast);
    }
    f.increment(from, (transposeA ? m : 1) * vector.size);
  }

  /** Writes the sums of rows, and gives the registers back. */
  finish(): void {
    for (const one of this.#columnSums) {
      one.store(this.surroundings.addressOf(one.unit.step.output) + this.strip);
    }
    this.f.release(...this.#held, ...this.#start);
  }
}

/** Steps of k in one turn of the loop: few, since k is small. */
const UNROLL = 4;

/** So many rows of B stay in registers. */
const MOST_HELD_ROWS = 2;

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
