import type { FunctionBuilder, Local } from "../array/wasm/assembler.js";
import { i32, v128 } from "../array/wasm/instructions.js";
import { type FloatType, type FloatVector, vectorOf } from "../array/wasm/vectors.js";
import { StepEmitter, type Surroundings } from "./emit-steps.js";
import { DoubleSum } from "./emit-sum.js";
import { type LoopUnit, type SumUnit, sumsRows } from "./units.js";

/**
 * One pass over all elements: each outside value is read once, each result that is needed outside is written once.
 * Rows are written whole vectors at a time, past their end into the next row, which is written afterwards.
 */
export function emitLoop(f: FunctionBuilder, unit: LoopUnit, surroundings: Surroundings): void {
  const { steps, size, columns, stored, sums } = unit;
  const vector = vectorOf(steps[0].output.dtype as FloatType);
  const alsoRead = sums.map(({ step }) => step.inputs[0]);
  const emitter = new StepEmitter(f, vector, steps, stored, surroundings, [], alsoRead);
  const totals = sums.filter(({ over }) => over === "all").map((sum) => new Total(f, emitter, sum));
  const addTotals = () => {
    for (const total of totals) total.add();
  };
  if (columns === size) {
    const offset = f.local("i32");
    f.loop(offset, 0, size * vector.size, 16, () => {
      emitter.compute({ full: offset, fullShift: 0, row: offset, rowShift: 0 }, addTotals);
    });
    f.release(offset);
  } else if (sums.some(sumsRows)) emitNarrowRows(f, unit, emitter, addTotals);
  else emitRows(f, unit, emitter, addTotals);
  for (const total of totals) total.finish();
  emitter.release();
}

/** The sum of all elements of a value, added up vector by vector. */
class Total {
  readonly #sum: DoubleSum;

  constructor(
    f: FunctionBuilder,
    readonly emitter: StepEmitter,
    readonly unit: SumUnit,
  ) {
    this.#sum = new DoubleSum(f, emitter.vector);
  }

  add(): void {
    this.#sum.add(this.emitter.register(this.unit.step.inputs[0].root));
  }

  finish(): void {
    this.#sum.store(i32.constant(0), this.emitter.addressOf(this.unit.step.output));
  }
}

function emitRows(f: FunctionBuilder, { size, columns }: LoopUnit, emitter: StepEmitter, addTotals: () => void): void {
  const { vector } = emitter;
  const [offset, row, start, column] = f.locals("i32", 4);
  f.set(start, i32.constant(0));
  f.loop(row, 0, (size / columns) * vector.size, vector.size, () => {
    emitter.startRow(row);
    f.set(offset, start);
    f.loop(column, 0, columns * vector.size, 16, () => {
      emitter.compute({ full: offset, fullShift: 0, row: column, rowShift: 0 }, addTotals);
      f.increment(offset, 16);
    });
    f.increment(start, columns * vector.size);
    emitter.endRow();
  });
  f.release(offset, row, start, column);
}

/** Rows of a few vectors, whose sums stay in registers. */
function emitNarrowRows(
  f: FunctionBuilder,
  { size, columns, sums }: LoopUnit,
  emitter: StepEmitter,
  addTotals: () => void,
): void {
  const { vector } = emitter;
  const shifts = Array.from({ length: Math.ceil(columns / vector.lanes) }, (_, i) => 16 * i);
  const columnSums = sums.filter(sumsRows).map((sum) => new ColumnSums(f, vector, sum, shifts.length));
  const row = f.local("i32");
  const start = f.local("i32");
  const zero = i32.constant(0);
  f.set(start, zero);
  f.loop(row, 0, (size / columns) * vector.size, vector.size, () => {
    emitter.startRow(row);
    shifts.forEach((shift, i) => {
      emitter.compute({ full: start, fullShift: shift, row: zero, rowShift: shift }, () => {
        addTotals();
        for (const one of columnSums) one.add(i, emitter.register(one.unit.step.inputs[0].root));
      });
    });
    f.increment(start, columns * vector.size);
    emitter.endRow();
  });
  for (const one of columnSums) one.store(emitter.addressOf(one.unit.step.output));
  f.release(row, start);
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
