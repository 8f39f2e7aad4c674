import type { Window } from "../array/convolution.js";
import { isSuffix } from "../array/shape.js";
import { isPooledHere } from "./emit-pooling.js";
import type { Program, Step, Value } from "./program.js";

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
    return unit.steps.flatMap(({ inputs }) => inputs.filter((input) => !inside.has(input.root)));
  }
  if (unit.kind === "product" && unit.bias !== null) return [...unit.step.inputs, unit.bias];
  return unit.step.inputs;
}

export function writesOf(unit: ScheduledUnit): readonly Value[] {
  if (unit.kind === "loop") return [...unit.stored];
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

/** Steps to units, in an order in which loops of one size stand together where they may. */
export function schedule(program: Program): ScheduledUnit[] {
  const uses = countUses(program);
  const fused = new Set<Step>();
  const consumer = new Map<Value, Step[]>();
  const makers = new Map<Value, Step>();
  for (const step of program.steps) {
    makers.set(step.output, step);
    for (const input of step.inputs) {
      const known = consumer.get(input);
      if (known === undefined) consumer.set(input, [step]);
      else known.push(step);
    }
  }
  const units: Draft[] = [];
  const unitOf = new Map<Value, number>();
  for (const step of program.steps) {
    if (fused.has(step)) continue;
    if (step.output.root !== step.output) {
      // Shares memory: nothing to run, but later units must see where it comes from.
      const source = unitOf.get(step.inputs[0]);
      if (source !== undefined) unitOf.set(step.output, source);
      continue;
    }
    const unit: Draft = scattersToWinners(step, makers)
      ? { kind: "scatter", step }
      : unitFor(step, uses, consumer, fused);
    let earliest = 0;
    for (const value of readsOf(unit)) earliest = Math.max(earliest, 1 + (unitOf.get(value) ?? -1));
    const place = unit.kind === "loop" ? joinLoop(units, unit, earliest, unitOf) : units.length;
    if (place === units.length) units.push(unit);
    for (const value of writesOf(unit)) unitOf.set(value, place);
  }
  return withStored(units, program);
}

/** Finds out which results of loops are needed outside of them. */
function withStored(units: readonly ScheduledUnit[], { results, effects }: Program): ScheduledUnit[] {
  const needed = new Set<Value>(results.map(({ root }) => root));
  for (const { value } of effects) if (value !== null) needed.add(value.root);
  for (const unit of units) for (const value of readsOf(unit)) needed.add(value.root);
  return units.map((unit) => {
    if (unit.kind !== "loop") return unit;
    const stored = unit.steps.map(({ output }) => output.root).filter((value) => needed.has(value));
    return { ...unit, stored: new Set(stored) };
  });
}

/** Adds a loop's steps to an earlier loop of the same form that comes after all it reads; else it goes to the end. */
function joinLoop(
  units: readonly Draft[],
  unit: LoopUnit,
  earliest: number,
  unitOf: ReadonlyMap<Value, number>,
): number {
  const { output } = unit.steps[0];
  const most = unit.size === 1 ? MOST_SCALAR_STEPS : MOST_STEPS;
  for (let place = units.length - 1; place >= Math.max(0, earliest - 1, units.length - MOST_TRIES); place--) {
    const other = units[place];
    if (other.kind !== "loop" || other.size !== unit.size || other.steps[0].output.dtype !== output.dtype) continue;
    if (other.steps.length >= most) continue;
    // What it reads of the other loop itself must run along with it.
    const inside = unit.steps[0].inputs.filter((input) => unitOf.get(input) === place);
    if (inside.some((input) => patternOf(input, output) !== "full")) continue;
    if (place < earliest && inside.length === 0) continue;
    const columns = Math.min(other.columns, unit.columns);
    if (other.columns !== unit.columns && Math.max(other.columns, unit.columns) !== unit.size) continue;
    other.columns = columns;
    other.steps.push(...unit.steps);
    return place;
  }
  return units.length;
}

/** More would not fit the registers, and compile slowly. */
const MOST_STEPS = 24;

/** Single numbers are no loop, but straight code. */
const MOST_SCALAR_STEPS = 128;

/** How many units are looked at for one to join: programs may have thousands. */
const MOST_TRIES = 64;

/** A loop that still grows. */
type Draft =
  | Exclude<ScheduledUnit, LoopUnit>
  | (Omit<LoopUnit, "steps" | "columns"> & { steps: Step[]; columns: number });

function countUses({ steps, effects, results }: Program): Map<Value, number> {
  const uses = new Map<Value, number>();
  const use = (value: Value) => uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const { inputs } of steps) inputs.forEach(use);
  for (const { value } of effects) if (value !== null) use(value);
  results.forEach(use);
  return uses;
}

function unitFor(
  step: Step,
  uses: ReadonlyMap<Value, number>,
  consumers: ReadonlyMap<Value, readonly Step[]>,
  fused: Set<Step>,
): Draft {
  const { op, inputs, output } = step;
  if (output.dtype === "int32" || inputs.some(({ dtype }) => dtype !== output.dtype)) return { kind: "call", step };
  if (op.scalar !== null && output.size > 0) {
    const patterns = inputs.map((input) => patternOf(input, output));
    const columns = columnsOf(inputs, patterns, output);
    if (columns !== null) {
      return { kind: "loop", steps: [step], size: output.size, columns, stored: new Set([output]) };
    }
  }
  if (
    op.name === "matmul" &&
    output.shape.length === 2 &&
    output.size > 0 &&
    inputs[0].size > 0 &&
    inputs[0].shape.length === 2 &&
    inputs[1].shape.length === 2
  ) {
    return productUnit(step, uses, consumers, fused);
  }
  if (op.name === "maxPool2d" && output.size > 0 && isPooledHere(step.attrs as unknown as Window)) {
    return poolUnit(step, consumers, fused);
  }
  if (op.name === "sum" && inputs[0].size > 0 && output.size > 0) {
    const axes = step.attrs.axis as readonly number[];
    const rank = inputs[0].shape.length;
    const kept = inputs[0].shape
      .map((_, axis) => axis)
      .filter((axis) => !axes.includes(axis) && inputs[0].shape[axis] > 1);
    if (output.size === 1) return { kind: "sum", step, over: "all" };
    if (kept.every((axis, i) => axis === rank - kept.length + i)) return { kind: "sum", step, over: "rows" };
    if (kept.every((axis, i) => axis === i)) return { kind: "sum", step, over: "columns" };
    const block = kept.length > 0 && kept.every((axis, i) => axis === kept[0] + i);
    if (block) return { kind: "sum", step, over: "both" };
  }
  return { kind: "call", step };
}

/** Length of the rows for each of which a column or cycle has one number. */
function rowLength(input: Value, output: Value): number {
  const spread = output.shape.length - input.shape.length;
  let size = output.size / input.size;
  for (let k = 0; k < output.shape.length && (k < spread || input.shape[k - spread] === 1); k++)
    size /= output.shape[k];
  return size;
}

/** The row length that all row and column inputs agree on; null where they do not. */
function columnsOf(inputs: readonly Value[], patterns: readonly (Pattern | null)[], output: Value): number | null {
  let columns = output.size;
  for (let k = 0; k < inputs.length; k++) {
    const pattern = patterns[k];
    if (pattern === null) return null;
    if (pattern === "full" || pattern === "scalar") continue;
    const own = pattern === "row" ? inputs[k].size : rowLength(inputs[k], output);
    if (columns !== output.size && columns !== own) return null;
    columns = own;
  }
  return columns;
}

/** Whether a step adds along the last axis, at the winners of a pooling of planes of this length. */
function scattersToWinners({ op, attrs, inputs: [x, index] }: Step, makers: ReadonlyMap<Value, Step>): boolean {
  if (op.name !== "scatterAdd" || x.dtype === "int32" || attrs.axis !== x.shape.length - 1 || index.size === 0) {
    return false;
  }
  const maker = makers.get(index.root);
  if (maker?.op.name !== "argmaxPool2d") return false;
  const [, , height, width] = maker.inputs[0].shape;
  return height * width === x.shape[x.shape.length - 1];
}

/** A pooling, with the indices that its gradient will ask for. */
function poolUnit(step: Step, consumers: ReadonlyMap<Value, readonly Step[]>, fused: Set<Step>): PoolUnit {
  const attributes = JSON.stringify(step.attrs);
  const readers = consumers.get(step.inputs[0]) as readonly Step[];
  const asked = readers
    .slice(readers.indexOf(step) + 1)
    .find(({ op, attrs }) => op.name === "argmaxPool2d" && JSON.stringify(attrs) === attributes);
  if (asked !== undefined) fused.add(asked);
  return { kind: "pool", step, winners: asked?.output ?? null };
}

/** A product with the bias and relu that follow it and nobody else's business. */
function productUnit(
  step: Step,
  uses: ReadonlyMap<Value, number>,
  consumers: ReadonlyMap<Value, readonly Step[]>,
  fused: Set<Step>,
): ProductUnit {
  let output = step.output;
  let bias: Value | null = null;
  let relu = false;
  const next = (): Step | null => (uses.get(output) === 1 ? (consumers.get(output)?.[0] ?? null) : null);
  const after = next();
  if (after !== null && after.op.name === "add" && after.inputs.length === 2) {
    const other = after.inputs[0] === output ? after.inputs[1] : after.inputs[0];
    // The bias must be there before the product: not made in between.
    if (
      other.size === output.shape[1] &&
      patternOf(other, output) === "row" &&
      other.source.kind !== "step" &&
      after.output.size === output.size
    ) {
      bias = other;
      output = after.output;
      fused.add(after);
    }
  }
  const last = next();
  if (last !== null && last.op.name === "relu") {
    relu = true;
    output = last.output;
    fused.add(last);
  }
  return { kind: "product", step, bias, relu, output };
}
