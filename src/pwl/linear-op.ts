/**
 * How an affine op (or a bilinear one with the other factor constant) is linear in an input, without knowing any op: the
 * record's own block where it gives one, else found by running the op.
 *
 * Running finds, in this order: that every output is one input element or constant (reshape, slice, concat, gather: a few
 * runs on index numbers); that this holds for the adjoint (sum over axes); or else every column, or every row by the
 * gradient rule, of which there are fewer. What was found is checked on one more, random, vector.
 */

import { formatShape, type Shape } from "../array/shape.js";
import { apply as applyOp } from "../graph/apply.js";
import type { Attributes, GradientRule, Op } from "../graph/making.js";
import { withMode } from "../graph/modes.js";
import { copyOf, fromArray } from "../graph/new-tensor.js";
import type { Tensor } from "../graph/tensor.js";
import { apply, applyAbsolute } from "./blocks.js";
import { selection, sparseOrDense } from "./compose.js";
import type { AffineBlock, CsrBlock } from "./net.js";

/** More elementary steps than this for finding one block would take minutes. */
const MOST_STEPS = 2 ** 32;

/** Runs a function of one vector. */
type Run = (values: Float64Array) => Float64Array;

/** One application of an op; `varies[i]` says whether input i depends on the net's input. */
export class LinearOp {
  /** The op's value where all varying inputs are zero. */
  readonly offset: Float64Array;
  readonly #inputs: readonly Tensor[];
  readonly #out: Tensor;

  constructor(
    readonly op: Op,
    readonly attrs: Attributes,
    inputs: readonly Tensor[],
    varies: readonly boolean[],
    readonly fail: (reason: string) => never,
  ) {
    this.#inputs = inputs.map((input, i) =>
      varies[i] ? asDouble(new Float64Array(input.size), input.shape) : widened(input),
    );
    this.#out = this.#apply(this.#inputs);
    this.offset = Float64Array.from(copyOf(this.#out));
  }

  /** How the output depends on input `index`. */
  block(index: number): AffineBlock {
    const input = this.#inputs[index];
    const run: Run = (values) => {
      const out = this.#apply(this.#inputs.map((one, i) => (i === index ? asDouble(values, input.shape) : one)));
      return Float64Array.from(copyOf(out));
    };
    const stated = withoutRecording(() => this.op.block?.(index, this.#inputs, this.attrs)) ?? null;
    if (stated === null) {
      const selected = findSelection(run, this.offset, input.size);
      if (selected !== null) return selection(selected, input.size);
    }
    const block = stated ?? this.#find(index, run);
    this.#verify(block, run);
    return block;
  }

  #find(index: number, run: Run): AffineBlock {
    const columns = this.#inputs[index].size;
    const rows = this.offset.length;
    const adjoint = this.#adjoint(index);
    if (adjoint !== null) {
      const selectedBack = findSelection(adjoint, new Float64Array(columns), rows);
      if (selectedBack !== null) return transpose(selection(selectedBack, rows));
    }
    const byRows = adjoint !== null && rows < columns;
    const steps = Math.min(rows, columns) * (rows + columns);
    if (steps > MOST_STEPS) {
      this.fail(
        `is linear from ${columns} to ${rows} numbers in a way that would take ${steps} steps to find out; give its record a block rule`,
      );
    }
    return sparseOrDense(
      byRows
        ? probeRows(adjoint, rows, columns)
        : transpose(probeRows((e) => difference(run(e), this.offset), columns, rows)),
    );
  }

  /** The gradient rule of an input as a function of the output's gradient, or null where it does not give one. */
  #adjoint(index: number): Run | null {
    const { rules } = this.op;
    const rule: GradientRule | null = typeof rules === "function" ? rules(index) : rules[index];
    if (rule === null) return null;
    const call = rule as unknown as (...args: unknown[]) => Tensor;
    const run: Run = (values) => {
      const dy = asDouble(values, this.#out.shape);
      return withoutRecording(() => Float64Array.from(copyOf(call(dy, ...this.#inputs, this.#out, this.attrs))));
    };
    return run(new Float64Array(this.offset.length)).length === this.#inputs[index].size ? run : null;
  }

  /** Compares the block with the op on one random vector; a record that misstates its kind is found out here. */
  #verify(block: AffineBlock, run: Run): void {
    const x = randomIntegers(block.columns, 5, 16);
    const expected = this.offset.slice();
    apply(block, x, expected);
    const size = this.offset.map(Math.abs);
    applyAbsolute(block, x.map(Math.abs), size);
    const value = run(x);
    const wrong = value.findIndex((y, i) => Math.abs(y - expected[i]) > 1e-4 * (1 + size[i]));
    if (wrong >= 0 || value.length !== block.rows) {
      this.fail(
        `is recorded as ${this.op.kind} but is not linear in its input ${formatShape([block.columns])}: at a random point its output ${wrong} is ${value[wrong]}, and ${expected[wrong]} if it were linear; correct its record`,
      );
    }
  }

  #apply(inputs: readonly Tensor[]): Tensor {
    return withoutRecording(() => applyOp(this.op, inputs, this.attrs));
  }
}

function withoutRecording<T>(fn: () => T): T {
  return withMode({ gradients: false, observer: null }, fn);
}

function asDouble(values: Float64Array, shape: Shape): Tensor {
  return fromArray(values, "float64", shape);
}

/** Indices stay what they are; numbers become doubles, unchanged. */
function widened(input: Tensor): Tensor {
  return input.dtype === "int32" ? input : asDouble(Float64Array.from(copyOf(input)), input.shape);
}

/**
 * For a function that may only select: which input element each output is, -1 where it is constant; null where it
 * computes something else. Two runs write the index in digits of base 4096, so that even a result in float32 is exact;
 * three runs on random integers below 2^23 confirm it, up to a chance of 2^-60 for each output.
 */
function findSelection(run: Run, offset: Float64Array, columns: number): Int32Array | null {
  if (columns > 2 ** 24) return null;
  const positions = Float64Array.from({ length: columns }, (_, j) => j);
  const low = run(positions.map((j) => (j & 4095) + 1));
  const high = run(positions.map((j) => (j >> 12) + 1));
  const index = new Int32Array(offset.length);
  for (let i = 0; i < index.length; i++) {
    if (low[i] === offset[i] && high[i] === offset[i]) index[i] = -1;
    else index[i] = Math.round(low[i] - offset[i]) - 1 + 4096 * (Math.round(high[i] - offset[i]) - 1);
    if (index[i] < -1 || index[i] >= columns) return null;
  }
  for (let trial = 0; trial < 3; trial++) {
    const x = randomIntegers(columns, 2 ** 22, trial);
    const value = run(x);
    for (let i = 0; i < index.length; i++) {
      const expected = index[i] < 0 ? offset[i] : offset[i] + x[index[i]];
      if (value[i] !== expected && value[i] !== Math.fround(expected)) return null;
    }
  }
  return index;
}

/** The rows of a linear function's transpose: row i is `run(e_i)`, of `columns` numbers. */
function probeRows(run: Run, rows: number, columns: number): CsrBlock {
  const starts = new Int32Array(rows + 1);
  const indices: number[] = [];
  const values: number[] = [];
  const unit = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    unit[i] = 1;
    const found = run(unit.slice());
    unit[i] = 0;
    for (let j = 0; j < columns; j++) {
      if (found[j] === 0) continue;
      indices.push(j);
      values.push(found[j]);
    }
    starts[i + 1] = indices.length;
  }
  return { kind: "csr", rows, columns, starts, indices: Int32Array.from(indices), values: Float64Array.from(values) };
}

function transpose({ rows, columns, starts, indices, values }: CsrBlock): CsrBlock {
  const counts = new Int32Array(columns + 1);
  for (const column of indices) counts[column + 1]++;
  for (let j = 0; j < columns; j++) counts[j + 1] += counts[j];
  const place = counts.slice();
  const turned = { indices: new Int32Array(indices.length), values: new Float64Array(indices.length) };
  for (let i = 0; i < rows; i++) {
    for (let at = starts[i]; at < starts[i + 1]; at++) {
      const to = place[indices[at]]++;
      turned.indices[to] = i;
      turned.values[to] = values[at];
    }
  }
  return { kind: "csr", rows: columns, columns: rows, starts: counts, ...turned };
}

function difference(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value - b[i]);
}

/** Repeatable integers from -bound to bound without zero (a multiplicative hash of the position). */
function randomIntegers(length: number, bound: number, stream: number): Float64Array {
  return Float64Array.from({ length }, (_, j) => {
    let hash = Math.imul(j + 1, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
    const magnitude = 1 + (((hash ^ (hash >>> 15)) >>> 1) % bound);
    return hash & 1 ? -magnitude : magnitude;
  });
}
