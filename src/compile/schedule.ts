import type { Window } from "../array/convolution.js";
import type { Instruction } from "../array/expression.js";
import { type FloatType, vectorOf } from "../array/wasm/vectors.js";
import { expressionOf } from "../graph/op.js";
import { isPooledHere } from "./emit-pooling.js";
import type { Program, Step, Value } from "./program.js";
import {
  type LoopUnit,
  type Pattern,
  type PoolUnit,
  type ProductUnit,
  patternOf,
  readsOf,
  type ScheduledUnit,
  type SumUnit,
  sumsRows,
  writesOf,
} from "./units.js";

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
    const place =
      unit.kind === "loop"
        ? joinLoop(units, unit, earliest, unitOf)
        : unit.kind === "sum"
          ? joinSum(units, unit, earliest, unitOf)
          : units.length;
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
    if (other.sums.length > 0 && !mayGrow(other, columns, unit.steps)) continue;
    other.columns = columns;
    other.steps.push(...unit.steps);
    return place;
  }
  return units.length;
}

/** Whether a loop that has sums may get shorter rows and more steps. */
function mayGrow(loop: Draft & { readonly kind: "loop" }, columns: number, steps: readonly Step[]): boolean {
  const { lanes } = vectorOf(steps[0].output.dtype as FloatType);
  if (columns !== loop.columns && columns % lanes !== 0) return false;
  return !loop.sums.some(sumsRows) || codeLength([...loop.steps, ...steps]) * Math.ceil(columns / lanes) <= MOST_CODE;
}

/** Lets a sum run along with the loop that makes what it adds, or reads it; else it goes to the end. */
function joinSum(units: readonly Draft[], unit: SumUnit, earliest: number, unitOf: ReadonlyMap<Value, number>): number {
  const { inputs, output } = unit.step;
  const [input] = inputs;
  const { lanes } = vectorOf(output.dtype as FloatType);
  if (output.size === input.size || (unit.over !== "all" && unit.over !== "rows")) return units.length;
  const vectors = unit.over === "rows" ? Math.ceil(output.size / lanes) : 2;
  for (let place = units.length - 1; place >= Math.max(0, earliest - 1, units.length - MOST_TRIES); place--) {
    const loop = units[place];
    if (loop.kind !== "loop" || loop.size !== input.size || loop.steps[0].output.dtype !== input.dtype) continue;
    if (unitOf.get(input) !== place && !readsOf(loop).some(({ root }) => root === input.root)) continue;
    const width = Math.ceil(loop.columns / lanes);
    const taken = loop.sums.reduce((all, { over }) => all + (over === "rows" ? width : 2), 0);
    if (taken + vectors > MOST_SUM_VECTORS) continue;
    if (unit.over === "all") {
      // The elements of whole vectors.
      if (loop.columns % lanes !== 0) continue;
    } else {
      if (loop.columns !== output.size && loop.columns !== loop.size) continue;
      if (loop.sums.length > 0 && loop.columns !== output.size && output.size % lanes !== 0) continue;
      if (codeLength(loop.steps) * vectors > MOST_CODE) continue;
      loop.columns = output.size;
    }
    loop.sums.push(unit);
    return place;
  }
  return units.length;
}

/** Sums stay in registers, of which there are 16. */
const MOST_SUM_VECTORS = 8;

/** Loops that add up columns have the code of their steps once for each vector of a row. */
const MOST_CODE = 200;

/** Instructions of steps, more or less. */
function codeLength(steps: readonly Step[]): number {
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

/** More would not fit the registers, and compile slowly. */
const MOST_STEPS = 24;

/** Single numbers are no loop, but straight code. */
const MOST_SCALAR_STEPS = 128;

/** How many units are looked at for one to join: programs may have thousands. */
const MOST_TRIES = 64;

/** A loop that still grows. */
type Draft =
  | Exclude<ScheduledUnit, LoopUnit>
  | (Omit<LoopUnit, "steps" | "columns" | "sums"> & { steps: Step[]; columns: number; sums: SumUnit[] });

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
      return { kind: "loop", steps: [step], size: output.size, columns, stored: new Set([output]), sums: [] };
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
