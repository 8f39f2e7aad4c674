import type { Instruction } from "../array/expression.js";
import { isSuffix } from "../array/shape.js";
import type { FloatType } from "../array/wasm/vectors.js";
import { expressionOf } from "../graph/apply.js";
import type { Step, Value } from "./program.js";

/**
 * How an input of an elementwise step runs along its output: `column` has one number for each row, `cycle` too, and
 * starts again where its numbers end, as the channels of the next image do.
 */
export type Pattern = "full" | "scalar" | "row" | "column" | "cycle";

/** Elementwise steps of one size, computed together, one element (vector) after the other. */
export interface LoopUnit {
  readonly kind: "loop";
  readonly steps: readonly Step[];
  /** Elements in all. */
  readonly size: number;
  /** Length of a row where some input is a row or column of numbers; else `size`. */
  readonly columns: number;
  /** The results that are needed outside of the loop; the others stay in registers. */
  readonly stored: ReadonlySet<Value>;
  /** Sums of what the loop reads or computes, over all elements or over rows, added up as it runs. */
  readonly sums: readonly SumUnit[];
}

/** A matrix product, with what is done to it as it is written: first a bias and relu, then elementwise steps. */
export interface ProductUnit {
  readonly kind: "product";
  readonly step: Step;
  readonly bias: Value | null;
  readonly relu: boolean;
  /** The product with bias and relu. */
  readonly output: Value;
  readonly epilogue: readonly Step[];
  /** Sums over rows of `output`, or of what the epilogue makes. */
  readonly sums: readonly SumUnit[];
  /** The results that are needed outside; the others stay in registers. */
  readonly stored: ReadonlySet<Value>;
}

/** A sum over all elements, over the first axes, over the last ones, or over both. */
export interface SumUnit {
  readonly kind: "sum";
  readonly step: Step;
  readonly over: "all" | "rows" | "columns" | "both";
}

/** Whether a sum is over rows: one for each column. */
export function sumsRows({ over }: SumUnit): boolean {
  return over === "rows";
}

/** The largest element of each window, and its index where the gradient asks for it. */
export interface PoolUnit {
  readonly kind: "pool";
  readonly step: Step;
  readonly winners: Value | null;
}

/** scatterAdd along the last axis, at indices that a pooling found. */
export interface ScatterUnit {
  readonly kind: "scatter";
  readonly step: Step;
}

/** A step that is run by the op's own code. */
export interface CallUnit {
  readonly kind: "call";
  readonly step: Step;
}

export type ScheduledUnit = LoopUnit | ProductUnit | SumUnit | PoolUnit | ScatterUnit | CallUnit;

export function readsOf(unit: ScheduledUnit): readonly Value[] {
  if (unit.kind === "loop") return readsOfSteps([...unit.steps, ...unit.sums.map(({ step }) => step)], []);
  if (unit.kind !== "product") return unit.step.inputs;
  const { step, bias, epilogue, output } = unit;
  return [...step.inputs, ...(bias === null ? [] : [bias]), ...readsOfSteps(epilogue, [output])];
}

/** What steps read that they do not make, and that is not given. */
function readsOfSteps(steps: readonly Step[], given: readonly Value[]): Value[] {
  const inside = new Set([...given, ...steps.map(({ output }) => output.root)]);
  return steps.flatMap(({ inputs }) => inputs.filter(({ root }) => !inside.has(root)));
}

export function writesOf(unit: ScheduledUnit): readonly Value[] {
  if (unit.kind === "loop" || unit.kind === "product") {
    return [...unit.stored, ...unit.sums.map(({ step }) => step.output)];
  }
  if (unit.kind === "pool") return unit.winners === null ? [unit.step.output] : [unit.step.output, unit.winners];
  return [unit.step.output];
}

/** The pattern of an input, or null where it has none of these. */
export function patternOf(input: Value, output: Value): Pattern | null {
  if (input.size === output.size) return "full";
  if (input.size === 1) return "scalar";
  if (isSuffix(input.shape, output.shape)) return "row";
  // Axes before the input's first that is not 1, axes that run along, and axes after them, where the input has ones.
  const spread = output.shape.length - input.shape.length;
  let first = 0;
  while (input.shape[first] === 1) first++;
  let axis = first;
  while (axis < input.shape.length && input.shape[axis] === output.shape[axis + spread]) axis++;
  for (let k = axis; k < input.shape.length; k++) if (input.shape[k] !== 1) return null;
  const repeats = sizeOfFirst(output.shape, first + spread);
  if (repeats === 1) return "column";
  return repeats * input.size === output.size ? "row" : "cycle";
}

function sizeOfFirst(shape: readonly number[], count: number): number {
  let size = 1;
  for (let k = 0; k < count; k++) size *= shape[k];
  return size;
}

/** The unit of a sum that has code of its own; null for one that is run by the op's. */
export function sumUnit(step: Step): SumUnit | null {
  const { op, attrs, inputs, output } = step;
  if (op.name !== "sum" || output.dtype === "int32" || inputs[0].size === 0 || output.size === 0) return null;
  const [{ shape }] = inputs;
  const axes = attrs.axis as readonly number[];
  const kept = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis) && shape[axis] > 1);
  if (output.size === 1) return { kind: "sum", step, over: "all" };
  if (kept.every((axis, i) => axis === shape.length - kept.length + i)) return { kind: "sum", step, over: "rows" };
  if (kept.every((axis, i) => axis === i)) return { kind: "sum", step, over: "columns" };
  return kept.every((axis, i) => axis === kept[0] + i) ? { kind: "sum", step, over: "both" } : null;
}

/** Instructions of steps, more or less. */
export function codeLength(steps: readonly Step[]): number {
  let length = 0;
  for (const { op, attrs, inputs } of steps) {
    for (const { code } of expressionOf(op, attrs, inputs.length).instructions) {
      length += code === "input" || code === "constant" ? 0 : isShort(code) ? 1 : 30;
    }
  }
  return length;
}

function isShort(code: Instruction["code"]): boolean {
  return !["exp", "expm1", "log", "log1p", "sin", "cos", "tanh", "erf", "pow", "sign"].includes(code);
}

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
