import type { FunctionBuilder, Local } from "../array/wasm/assembler.js";
import { type I32, i32, type V128, v128 } from "../array/wasm/instructions.js";
import { type FloatType, type FloatVector, f64x2, lanes, vectorOf } from "../array/wasm/vectors.js";
import type { Step, Value } from "./program.js";
import type { SumUnit } from "./units.js";

/** Sums with every length and address in the code. */

type AddressOf = (value: Value) => number;

/** Emits a sum. */
export function emitSum(f: FunctionBuilder, { step, over }: SumUnit, addressOf: AddressOf): void {
  const [input] = step.inputs;
  const { output } = step;
  const vector = vectorOf(output.dtype as FloatType);
  if (over === "all") sumRun(f, vector, input.size, addressOf(input), null, addressOf(output), null);
  else if (over === "columns") sumColumns(f, addressOf, vector, input, output);
  else if (over === "both") sumBoth(f, addressOf, vector, step);
  else sumRows(f, addressOf, vector, input, output);
}

/**
 * Adds up `count` consecutive elements, or `runs` of them that begin `step` bytes apart, in double precision, into one.
 * `base` and `to` are added to the addresses where given.
 */
function sumRun(
  f: FunctionBuilder,
  vector: FloatVector,
  count: number,
  from: number,
  base: Local<"i32"> | null,
  result: number,
  to: Local<"i32"> | null,
  runs: { readonly count: number; readonly step: number } | null = null,
): void {
  const sum = new DoubleSum(f, vector);
  const whole = Math.floor(count / vector.lanes) * vector.lanes;
  const addUp = (start: Local<"i32"> | null) => {
    const offset = f.local("i32");
    const at = start === null ? offset : i32.add(offset, start);
    if (whole > 0) {
      f.loop(offset, 0, whole * vector.size, 16, () => {
        const x = f.keep(v128.load(at, from));
        sum.add(x);
        f.release(x);
      });
    }
    for (let i = whole; i < count; i++) {
      f.set(offset, i32.constant(i * vector.size));
      sum.addFirst(vector.loadZero(at, from));
    }
    f.release(offset);
  };
  if (runs === null) addUp(base);
  else {
    const start = f.local("i32");
    const turn = f.local("i32");
    f.set(start, base ?? i32.constant(0));
    f.loop(turn, 0, runs.count, 1, () => {
      addUp(start);
      f.increment(start, runs.step);
    });
    f.release(start, turn);
  }
  sum.store(to ?? i32.constant(0), result);
}

/** A sum in double precision, of vectors. */
export class DoubleSum {
  readonly #even: Local<"v128">;
  readonly #odd: Local<"v128">;

  constructor(
    readonly f: FunctionBuilder,
    readonly vector: FloatVector,
  ) {
    [this.#even, this.#odd] = f.locals("v128", 2);
    for (const sum of [this.#even, this.#odd]) f.set(sum, f64x2.constant(0));
  }

  /** Adds all elements of a vector. */
  add(x: Local<"v128">): void {
    this.addFirst(x);
    if (this.vector.lanes === 2) return;
    const high = lanes.promoteLow(this.vector.shuffle(x, x, [2, 3, 2, 3]));
    this.f.set(this.#odd, f64x2.add(this.#odd, high));
  }

  /** Adds the first two elements. */
  addFirst(x: V128): void {
    this.f.set(this.#even, f64x2.add(this.#even, this.vector.lanes === 4 ? lanes.promoteLow(x) : x));
  }

  /** Writes the sum in the vectors' type, and gives the registers back. */
  store(to: I32, address: number): void {
    const { f, vector } = this;
    const both = f.keep(f64x2.add(this.#even, this.#odd));
    const total = f64x2.add(both, f64x2.shuffle(both, both, [1, 0]));
    f.add(vector.storeLane(to, vector.lanes === 4 ? lanes.demoteZero(total) : total, 0, address));
    f.release(this.#even, this.#odd, both);
  }
}

/** One sum for each row. */
function sumColumns(f: FunctionBuilder, addressOf: AddressOf, vector: FloatVector, input: Value, output: Value): void {
  const columns = input.size / output.size;
  const row = f.local("i32");
  const start = f.local("i32");
  f.set(start, i32.constant(0));
  f.loop(row, 0, output.size * vector.size, vector.size, () => {
    sumRun(f, vector, columns, addressOf(input), start, addressOf(output), row);
    f.increment(start, columns * vector.size);
  });
  f.release(row, start);
}

/** One sum for each of the rows in the middle, over the first axes and the last. */
function sumBoth(
  f: FunctionBuilder,
  addressOf: AddressOf,
  vector: FloatVector,
  { inputs: [input], output, attrs }: Step,
): void {
  const axes = attrs.axis as readonly number[];
  let inner = 1;
  for (let axis = input.shape.length - 1; axes.includes(axis) || input.shape[axis] === 1; axis--) {
    inner *= input.shape[axis];
  }
  const row = f.local("i32");
  const start = f.local("i32");
  f.set(start, i32.constant(0));
  f.loop(row, 0, output.size * vector.size, vector.size, () => {
    const runs = { count: input.size / output.size / inner, step: output.size * inner * vector.size };
    sumRun(f, vector, inner, addressOf(input), start, addressOf(output), row, runs);
    f.increment(start, inner * vector.size);
  });
  f.release(row, start);
}

/** Adds up rows, four vectors of columns at a time. */
function sumRows(f: FunctionBuilder, addressOf: AddressOf, vector: FloatVector, input: Value, output: Value): void {
  const width = output.size * vector.size;
  const from = addressOf(input);
  const to = addressOf(output);
  const row = f.local("i32");
  for (let start = 0; start < width; start += 64) {
    const vectors = Math.min(4, Math.ceil((width - start) / 16));
    const sums = f.locals("v128", vectors);
    for (const sum of sums) f.set(sum, vector.constant(0));
    f.loop(row, 0, input.size * vector.size, width, () => {
      sums.forEach((sum, i) => {
        f.set(sum, vector.add(sum, v128.load(row, from + start + 16 * i)));
      });
    });
    sums.forEach((sum, i) => {
      f.add(v128.store(i32.constant(0), sum, to + start + 16 * i));
    });
    f.release(...sums);
  }
  f.release(row);
}

/** One sum for each column, in registers. */
export class ColumnSums {
  readonly #sums: Local<"v128">[];

  constructor(
    readonly f: FunctionBuilder,
    readonly vector: FloatVector,
    readonly unit: SumUnit,
    vectors: number,
  ) {
    this.#sums = f.locals("v128", vectors);
    for (const sum of this.#sums) f.set(sum, vector.constant(0));
  }

  add(index: number, value: Local<"v128">): void {
    this.f.set(this.#sums[index], this.vector.add(this.#sums[index], value));
  }

  /** Writes the sums, and gives their registers back. */
  store(address: number): void {
    this.#sums.forEach((sum, i) => {
      this.f.add(v128.store(i32.constant(0), sum, address + 16 * i));
    });
    this.f.release(...this.#sums);
  }
}
