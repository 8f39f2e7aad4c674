import { isSuffix } from "../array/shape.js";
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

/** A matrix product, with a bias and relu applied as it is written. */
export interface ProductUnit {
  readonly kind: "product";
  readonly step: Step;
  readonly bias: Value | null;
  readonly relu: boolean;
  /** The last of the fused steps' outputs. */
  readonly output: Value;
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
  if (unit.kind === "loop") {
    const inside = new Set(unit.steps.map(({ output }) => output.root));
    return [...unit.steps, ...unit.sums.map(({ step }) => step)].flatMap(({ inputs }) =>
      inputs.filter((input) => !inside.has(input.root)),
    );
  }
  if (unit.kind === "product" && unit.bias !== null) return [...unit.step.inputs, unit.bias];
  return unit.step.inputs;
}

export function writesOf(unit: ScheduledUnit): readonly Value[] {
  if (unit.kind === "loop") return [...unit.stored, ...unit.sums.map(({ step }) => step.output)];
  if (unit.kind === "pool") return unit.winners === null ? [unit.step.output] : [unit.step.output, unit.winners];
  return [unit.kind === "product" ? unit.output : unit.step.output];
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
