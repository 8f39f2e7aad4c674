import type { FunctionBuilder } from "../array/wasm/assembler.js";
import { i32 } from "../array/wasm/instructions.js";
import { type FloatType, vectorOf } from "../array/wasm/vectors.js";
import { type Registers, StepEmitter, type Surroundings } from "./emit-steps.js";
import { ColumnSums, DoubleSum } from "./emit-sum.js";
import { MOST_INTERLEAVED } from "./memory-plan.js";
import { codeLength, type LoopUnit, type SumUnit, sumsRows } from "./units.js";

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
  const addTotals = (registers: Registers) => {
    for (const total of totals) total.add(registers);
  };
  if (columns === size) {
    const offset = f.local("i32");
    const shifts = interleaved(unit, Math.ceil(size / vector.lanes));
    const places = shifts.map((shift) => ({ full: offset, fullShift: shift, row: offset, rowShift: shift }));
    f.loop(offset, 0, size * vector.size, 16 * shifts.length, () => emitter.compute(places, [], addTotals));
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

  add(registers: Registers): void {
    this.#sum.add(registers.of(this.unit.step.inputs[0].root));
  }

  finish(): void {
    this.#sum.store(i32.constant(0), this.emitter.addressOf(this.unit.step.output));
  }
}

function emitRows(
  f: FunctionBuilder,
  unit: LoopUnit,
  emitter: StepEmitter,
  addTotals: (registers: Registers) => void,
): void {
  const { size, columns } = unit;
  const { vector } = emitter;
  const shifts = interleaved(unit, Math.ceil(columns / vector.lanes));
  const [offset, row, start, column] = f.locals("i32", 4);
  const places = shifts.map((shift) => ({ full: offset, fullShift: shift, row: column, rowShift: shift }));
  f.set(start, i32.constant(0));
  f.loop(row, 0, (size / columns) * vector.size, vector.size, () => {
    emitter.startRow(row);
    f.set(offset, start);
    f.loop(column, 0, columns * vector.size, 16 * shifts.length, () => {
      emitter.compute(places, [], addTotals);
      f.increment(offset, 16 * shifts.length);
    });
    f.increment(start, columns * vector.size);
    emitter.endRow();
  });
  f.release(offset, row, start, column);
}

/**
 * The vectors that are computed in one turn, in bytes from the first. The steps of one vector wait for each other, and
 * the processor does not look ahead far enough to find the next one behind long code: five at a time are 1.7 times as
 * fast for tanh and exp.
 */
function interleaved({ steps, sums }: LoopUnit, vectors: number): number[] {
  const length = codeLength(steps);
  let count = 1;
  for (let more = 2; length >= LONG && more <= MOST_INTERLEAVED && more * length <= MOST_CODE; more++) {
    const wasted = Math.ceil(vectors / more) * more - vectors;
    // What is past the end does not count in a sum.
    if (sums.length === 0 ? 8 * wasted <= vectors : wasted === 0) count = more;
  }
  return Array.from({ length: count }, (_, i) => 16 * i);
}

/** About one function such as exp. */
const LONG = 30;

const MOST_CODE = 800;

/**
 * Rows of a few vectors, whose sums stay in registers: two vectors of all rows at a time, or all of them where the last
 * is written past the row's end.
 */
function emitNarrowRows(
  f: FunctionBuilder,
  { size, columns, sums }: LoopUnit,
  emitter: StepEmitter,
  addTotals: (registers: Registers) => void,
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
        emitter.compute([{ full: start, fullShift: shift, row: zero, rowShift: shift }], [], (registers) => {
          addTotals(registers);
          for (const one of columnSums) one.add(i, registers.of(one.unit.step.inputs[0].root));
        });
      }
      f.increment(start, columns * vector.size);
      emitter.endRow();
    });
    for (const one of columnSums) one.store(emitter.addressOf(one.unit.step.output) + 16 * first);
  }
  f.release(row, start);
}
