import type { DataArray } from "./dtype.js";
import { type BinaryCode, type Expression, numbers, type UnaryCode } from "./expression.js";
import type { ArrayView } from "./storage.js";

/**
 * The plain loops: an expression is evaluated block by block, one monomorphic loop per instruction, intermediate
 * results in double precision. This is the definition; it needs neither WebAssembly nor code made at run time.
 */

/** A run of numbers: `array[offset + stride · i]`; stride 0 repeats one number. */
interface Run {
  array: DataArray;
  offset: number;
  stride: number;
}

type Loop = (out: Run, a: Run, b: Run, count: number) => void;

/* Each loop is written out, not made by a factory: closures of one factory share their type feedback, and a loop that
   calls its function through shared feedback costs five times as much. */
const loops: Record<UnaryCode | BinaryCode, Loop> = {
  add({ array: o, offset: p }, { array: x, offset: i, stride: s }, { array: y, offset: j, stride: t }, count) {
    for (let end = p + count; p < end; p++, i += s, j += t) o[p] = x[i] + y[j];
  },
  sub({ array: o, offset: p }, { array: x, offset: i, stride: s }, { array: y, offset: j, stride: t }, count) {
    for (let end = p + count; p < end; p++, i += s, j += t) o[p] = x[i] - y[j];
  },
  mul({ array: o, offset: p }, { array: x, offset: i, stride: s }, { array: y, offset: j, stride: t }, count) {
    for (let end = p + count; p < end; p++, i += s, j += t) o[p] = x[i] * y[j];
  },
  div({ array: o, offset: p }, { array: x, offset: i, stride: s }, { array: y, offset: j, stride: t }, count) {
    for (let end = p + count; p < end; p++, i += s, j += t) o[p] = x[i] / y[j];
  },
  pow({ array: o, offset: p }, { array: x, offset: i, stride: s }, { array: y, offset: j, stride: t }, count) {
    for (let end = p + count; p < end; p++, i += s, j += t) o[p] = x[i] ** y[j];
  },
  maximum({ array: o, offset: p }, { array: x, offset: i, stride: s }, { array: y, offset: j, stride: t }, count) {
    for (let end = p + count; p < end; p++, i += s, j += t) {
      const a = x[i];
      const b = y[j];
      o[p] = a > b || a !== a ? a : b;
    }
  },
  minimum({ array: o, offset: p }, { array: x, offset: i, stride: s }, { array: y, offset: j, stride: t }, count) {
    for (let end = p + count; p < end; p++, i += s, j += t) {
      const a = x[i];
      const b = y[j];
      o[p] = a < b || a !== a ? a : b;
    }
  },
  less({ array: o, offset: p }, { array: x, offset: i, stride: s }, { array: y, offset: j, stride: t }, count) {
    for (let end = p + count; p < end; p++, i += s, j += t) o[p] = x[i] < y[j] ? 1 : 0;
  },
  lessEqual({ array: o, offset: p }, { array: x, offset: i, stride: s }, { array: y, offset: j, stride: t }, count) {
    for (let end = p + count; p < end; p++, i += s, j += t) o[p] = x[i] <= y[j] ? 1 : 0;
  },
  equal({ array: o, offset: p }, { array: x, offset: i, stride: s }, { array: y, offset: j, stride: t }, count) {
    for (let end = p + count; p < end; p++, i += s, j += t) o[p] = x[i] === y[j] ? 1 : 0;
  },
  neg({ array: o, offset: p }, { array: x, offset: i, stride: s }, _, count) {
    for (let end = p + count; p < end; p++, i += s) o[p] = -x[i];
  },
  abs({ array: o, offset: p }, { array: x, offset: i, stride: s }, _, count) {
    for (let end = p + count; p < end; p++, i += s) o[p] = Math.abs(x[i]);
  },
  sign({ array: o, offset: p }, { array: x, offset: i, stride: s }, _, count) {
    for (let end = p + count; p < end; p++, i += s) o[p] = Math.sign(x[i]);
  },
  floor({ array: o, offset: p }, { array: x, offset: i, stride: s }, _, count) {
    for (let end = p + count; p < end; p++, i += s) o[p] = Math.floor(x[i]);
  },
  sqrt({ array: o, offset: p }, { array: x, offset: i, stride: s }, _, count) {
    for (let end = p + count; p < end; p++, i += s) o[p] = Math.sqrt(x[i]);
  },
  exp({ array: o, offset: p }, { array: x, offset: i, stride: s }, _, count) {
    for (let end = p + count; p < end; p++, i += s) o[p] = Math.exp(x[i]);
  },
  expm1({ array: o, offset: p }, { array: x, offset: i, stride: s }, _, count) {
    for (let end = p + count; p < end; p++, i += s) o[p] = Math.expm1(x[i]);
  },
  log({ array: o, offset: p }, { array: x, offset: i, stride: s }, _, count) {
    for (let end = p + count; p < end; p++, i += s) o[p] = Math.log(x[i]);
  },
  log1p({ array: o, offset: p }, { array: x, offset: i, stride: s }, _, count) {
    for (let end = p + count; p < end; p++, i += s) o[p] = Math.log1p(x[i]);
  },
  sin({ array: o, offset: p }, { array: x, offset: i, stride: s }, _, count) {
    for (let end = p + count; p < end; p++, i += s) o[p] = Math.sin(x[i]);
  },
  cos({ array: o, offset: p }, { array: x, offset: i, stride: s }, _, count) {
    for (let end = p + count; p < end; p++, i += s) o[p] = Math.cos(x[i]);
  },
  tanh({ array: o, offset: p }, { array: x, offset: i, stride: s }, _, count) {
    for (let end = p + count; p < end; p++, i += s) o[p] = Math.tanh(x[i]);
  },
  erf({ array: o, offset: p }, { array: x, offset: i, stride: s }, _, count) {
    for (let end = p + count; p < end; p++, i += s) o[p] = numbers.erf(x[i]);
  },
};

function selectLoop(out: Run, condition: Run, a: Run, b: Run, count: number): void {
  const o = out.array;
  for (let i = 0; i < count; i++) {
    o[out.offset + i] =
      condition.array[condition.offset + condition.stride * i] !== 0
        ? a.array[a.offset + a.stride * i]
        : b.array[b.offset + b.stride * i];
  }
}

function copyLoop(out: Run, a: Run, count: number): void {
  if (a.stride === 1) {
    const end = out.offset + count;
    for (let p = out.offset, i = a.offset; p < end; p++, i++) out.array[p] = a.array[i];
  } else out.array.fill(a.array[a.offset], out.offset, out.offset + count);
}

const BLOCK = 512;

/** Scratch blocks, one per live intermediate; reused by every call, as no two calls overlap. */
const scratch: Run[] = [];

function scratchRun(index: number): Run {
  while (scratch.length <= index) scratch.push({ array: new Float64Array(BLOCK), offset: 0, stride: 1 });
  return scratch[index];
}

/** Evaluates `count` consecutive elements; `inputs[k]` runs along with the output. */
function evaluateRun(expression: Expression, out: Run, inputs: readonly Run[], count: number): void {
  const { instructions } = expression;
  const last = instructions.length - 1;
  const runs: Run[] = new Array(instructions.length);
  const target: Run = { array: out.array, offset: out.offset, stride: 1 };
  const sources: Run[] = inputs.map(({ array, offset, stride }) => ({ array, offset, stride }));
  for (let i = 0; i <= last; i++) {
    const step = instructions[i];
    if (step.code === "input") runs[i] = sources[step.index];
    else if (step.code === "constant") runs[i] = { array: Float64Array.of(step.value), offset: 0, stride: 0 };
    else runs[i] = i === last ? target : scratchRun(i);
  }
  const width = last === 0 || instructions.every((_, i) => i === last || runs[i] !== scratch[i]) ? count : BLOCK;
  for (let start = 0; start < count; start += width) {
    const length = Math.min(width, count - start);
    for (let i = 0; i <= last; i++) {
      const step = instructions[i];
      if (step.code === "input" || step.code === "constant") continue;
      if (step.code === "select") selectLoop(runs[i], runs[step.a], runs[step.b], runs[step.c], length);
      else loops[step.code](runs[i], runs[step.a], "b" in step ? runs[step.b] : runs[step.a], length);
    }
    if (instructions[last].code === "input" || instructions[last].code === "constant") {
      copyLoop(target, runs[last], length);
    }
    target.offset += length;
    for (const source of sources) source.offset += source.stride * length;
  }
}

/** How operands of broadcast shapes run along an output: loops outermost first, neighbours merged where possible. */
export interface BroadcastPlan {
  readonly lengths: readonly number[];
  /** `strides[operand][loop]`. */
  readonly strides: readonly (readonly number[])[];
}

/** Works out the plan; the last loop has stride 0 or 1 for every operand. */
export function broadcastPlan(shape: readonly number[], operands: readonly (readonly number[])[]): BroadcastPlan {
  const rank = shape.length;
  const strides = operands.map((operand) => {
    const own = new Array<number>(rank).fill(0);
    let stride = 1;
    for (let axis = operand.length - 1; axis >= 0; axis--) {
      if (operand[axis] !== 1) own[axis + rank - operand.length] = stride;
      stride *= operand[axis];
    }
    return own;
  });
  const lengths: number[] = [];
  const merged: number[][] = operands.map(() => []);
  for (let axis = 0; axis < rank; axis++) {
    if (shape[axis] === 1) continue;
    const previous = lengths.length - 1;
    const joins = previous >= 0 && strides.every((own, k) => merged[k][previous] === own[axis] * shape[axis]);
    if (joins) {
      lengths[previous] *= shape[axis];
      strides.forEach((own, k) => {
        merged[k][previous] = own[axis];
      });
    } else {
      lengths.push(shape[axis]);
      strides.forEach((own, k) => {
        merged[k].push(own[axis]);
      });
    }
  }
  if (lengths.length === 0) {
    lengths.push(1);
    for (const own of merged) own.push(0);
  }
  return { lengths, strides: merged };
}

/** Writes `expression(...inputs)` to `out`, with broadcasting. The plain definition of every elementwise op. */
export function evaluateElementwise(expression: Expression, out: ArrayView, inputs: readonly ArrayView[]): void {
  if (out.size === 0) return;
  if (inputs.every(({ size }) => size === out.size || size === 1)) {
    const run = { array: out.buffer, offset: out.offset, stride: 1 };
    const along = inputs.map(({ buffer, offset, size }) => ({
      array: buffer,
      offset,
      stride: size === out.size && size > 1 ? 1 : 0,
    }));
    evaluateRun(expression, run, along, out.size);
    return;
  }
  const { lengths, strides } = broadcastPlan(
    out.shape,
    inputs.map((input) => input.shape),
  );
  const depth = lengths.length - 1;
  const count = lengths[depth];
  const target: Run = { array: out.buffer, offset: out.offset, stride: 1 };
  const runs: Run[] = inputs.map((input, k) => ({
    array: input.buffer,
    offset: input.offset,
    stride: strides[k][depth],
  }));
  if (depth === 0) {
    evaluateRun(expression, target, runs, count);
    return;
  }
  const position = new Int32Array(depth);
  const end = out.offset + out.size;
  while (true) {
    evaluateRun(expression, target, runs, count);
    target.offset += count;
    if (target.offset >= end) return;
    let loop = depth - 1;
    for (let k = 0; k < runs.length; k++) runs[k].offset += strides[k][loop];
    while (++position[loop] === lengths[loop]) {
      for (let k = 0; k < runs.length; k++) runs[k].offset -= strides[k][loop] * lengths[loop];
      position[loop] = 0;
      loop--;
      for (let k = 0; k < runs.length; k++) runs[k].offset += strides[k][loop];
    }
  }
}
