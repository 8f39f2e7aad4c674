import type { FunctionBuilder } from "../array/wasm/assembler.js";
import { i32 } from "../array/wasm/instructions.js";
import { type FloatType, vectorOf } from "../array/wasm/vectors.js";
import { StepEmitter, type Surroundings } from "./emit-steps.js";
import { ColumnSums, DoubleSum } from "./emit-sum.js";
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

/**
 * Rows of a few vectors, whose sums stay in registers: two vectors of all rows at a time, or all of them where the last
 * is written past the row's end.
 */
function emitNarrowRows(
  f: FunctionBuilder,
  { size, columns, sums }: LoopUnit,
  emitter: StepEmitter,
  addTotals: () => void,
): void {
  const { vector } = emitter;
  const vectors = Math.ceil(columns / vector.lanes);
  const width = columns % vector.lanes === 0 ? 2 : vectors;
  const row = f.local("i32");
  const start = f.local("i32");
  const zero = i32.constant(0);
  for (let first = 0; first < vectors; first += width) {
    const count = Math.min(width, vectors - first);
    const columnSums = sums.filter(sumsRows).map((sum) => new ColumnSums(f, vector, sum, count));
    f.set(start, zero);
    f.loop(row, 0, (size / columns) * vector.size, vector.size, () => {
      emitter.startRow(row);
      for (let i = 0; i < count; i++) {
        const shift = 16 * (first + i);
        emitter.compute({ full: start, fullShift: shift, row: zero, rowShift: shift }, () => {
          addTotals();
          for (const one of columnSums) one.add(i, emitter.register(one.unit.step.inputs[0].root));
        });
      }
      f.increment(start, columns * vector.size);
      emitter.endRow();
    });
    for (const one of columnSums) one.store(emitter.addressOf(one.unit.step.output) + 16 * first);
  }
  f.release(row, start);
}
