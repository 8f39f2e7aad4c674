import type { Window } from "../array/convolution.js";
import { type FloatType, vectorOf } from "../array/wasm/vectors.js";
import { isPooledHere } from "./emit-pooling.js";
import { type Neighbourhood, productUnit } from "./product-unit.js";
import type { Program, Step, Value } from "./program.js";
import {
  codeLength,
  type LoopUnit,
  type Pattern,
  type PoolUnit,
  patternOf,
  readsOf,
  type ScheduledUnit,
  type SumUnit,
  sumsRows,
  sumUnit,
  writesOf,
} from "./units.js";

/** Steps to units, in an order in which loops of one size stand together where they may. */
export function schedule(program: Program): ScheduledUnit[] {
  const fused = new Set<Step>();
  const consumers = new Map<Value, Step[]>();
  const makers = new Map<Value, Step>();
  for (const step of program.steps) {
    makers.set(step.output, step);
    for (const input of step.inputs) {
      const known = consumers.get(input);
      if (known === undefined) consumers.set(input, [step]);
      else known.push(step);
    }
  }
  const units: Draft[] = [];
  const unitOf = new Map<Value, number>();
  const uses = countUses(program);
  const neighbourhood = { uses, consumers, makers, fused, unitOf };
  /** Comparisons that one step needs: next to it they are masks in registers. */
  const deferred = new Set<Step>();
  const put = (step: Step): void => {
    if (fused.has(step)) return;
    for (const input of step.inputs) {
      const maker = makers.get(input);
      if (maker !== undefined && deferred.delete(maker)) put(maker);
    }
    if (step.output.root !== step.output) {
      // Shares memory: nothing to run, but later units must see where it comes from.
      const source = unitOf.get(step.inputs[0]);
      if (source !== undefined) unitOf.set(step.output, source);
      return;
    }
    const unit: Draft = scattersToWinners(step, makers) ? { kind: "scatter", step } : unitFor(step, neighbourhood);
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
  };
  for (const step of program.steps) {
    const { op, output } = step;
    if (op.kind === "step" && op.scalar !== null && output.size > 1 && uses.get(output) === 1) deferred.add(step);
    else put(step);
  }
  for (const step of deferred) put(step);
  return withStored(units, program);
}

/** Finds out which results of loops are needed outside of them. */
function withStored(units: readonly ScheduledUnit[], { results, effects }: Program): ScheduledUnit[] {
  const needed = new Set<Value>(results.map(({ root }) => root));
  for (const { value } of effects) if (value !== null) needed.add(value.root);
  for (const unit of units) for (const value of readsOf(unit)) needed.add(value.root);
  return units.map((unit) => {
    if (unit.kind !== "loop" && unit.kind !== "product") return unit;
    return { ...unit, stored: new Set([...unit.stored].filter((value) => needed.has(value))) };
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
    other.stored = new Set(other.steps.map((step) => step.output.root));
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
  const vectors = Math.ceil(output.size / lanes);
  for (let place = units.length - 1; place >= Math.max(0, earliest - 1, units.length - MOST_TRIES); place--) {
    const loop = units[place];
    if (loop.kind !== "loop" || loop.size !== input.size || loop.steps[0].output.dtype !== input.dtype) continue;
    if (unitOf.get(input) !== place && !readsOf(loop).some(({ root }) => root === input.root)) continue;
    if (loop.sums.length === MOST_SUMS) continue;
    if (unit.over === "all") {
      // The elements of whole vectors.
      if (loop.columns % lanes !== 0) continue;
    } else {
      if (loop.columns !== output.size && loop.columns !== loop.size) continue;
      if (loop.sums.length > 0 && loop.columns !== output.size && output.size % lanes !== 0) continue;
      if (vectors > (output.size % lanes === 0 ? MOST_VECTORS : 2)) continue;
      if (codeLength(loop.steps) * vectors > MOST_CODE) continue;
      loop.columns = output.size;
    }
    loop.sums.push(unit);
    return place;
  }
  return units.length;
}

/** Sums stay in registers, two each, beside what they add: there are 16. */
const MOST_SUMS = 3;

/** Longer rows are added up by code of their own. */
const MOST_VECTORS = 8;

/** Loops that add up columns have the code of their steps once for each vector of a row. */
const MOST_CODE = 200;

/** More would not fit the registers, and compile slowly. */
const MOST_STEPS = 24;

/** Single numbers are no loop, but straight code. */
const MOST_SCALAR_STEPS = 128;

/** How many units are looked at for one to join: programs may have thousands. */
const MOST_TRIES = 64;

/** A loop that still grows. */
type Draft =
  | Exclude<ScheduledUnit, LoopUnit>
  | (Omit<LoopUnit, "steps" | "columns" | "sums" | "stored"> & {
      steps: Step[];
      columns: number;
      sums: SumUnit[];
      stored: Set<Value>;
    });

function countUses({ steps, effects, results }: Program): Map<Value, number> {
  const uses = new Map<Value, number>();
  const use = (value: Value) => uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const { inputs } of steps) inputs.forEach(use);
  for (const { value } of effects) if (value !== null) use(value);
  results.forEach(use);
  return uses;
}

function unitFor(step: Step, neighbourhood: Neighbourhood): Draft {
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
    return productUnit(step, neighbourhood);
  }
  if (op.name === "maxPool2d" && output.size > 0 && isPooledHere(step.attrs as unknown as Window)) {
    return poolUnit(step, neighbourhood);
  }
  return sumUnit(step) ?? { kind: "call", step };
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
function poolUnit(step: Step, { consumers, fused }: Neighbourhood): PoolUnit {
  const attributes = JSON.stringify(step.attrs);
  const readers = consumers.get(step.inputs[0]) as readonly Step[];
  const asked = readers
    .slice(readers.indexOf(step) + 1)
    .find(({ op, attrs }) => op.name === "argmaxPool2d" && JSON.stringify(attrs) === attributes);
  if (asked !== undefined) fused.add(asked);
  return { kind: "pool", step, winners: asked?.output ?? null };
}
