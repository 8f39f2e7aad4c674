import type { Step, Value } from "./program.js";
import { formOf } from "./small-product.js";
import { codeLength, type ProductUnit, patternOf, productSizes, sumUnit } from "./units.js";

/** What is known of a program while it is put in order. */
export interface Neighbourhood {
  readonly uses: ReadonlyMap<Value, number>;
  readonly consumers: ReadonlyMap<Value, readonly Step[]>;
  readonly makers: ReadonlyMap<Value, Step>;
  /** Steps that are part of another one's unit. */
  readonly fused: Set<Step>;
  /** The units so far, by what they make. */
  readonly unitOf: ReadonlyMap<Value, number>;
}

/** A product with the bias and relu that follow it and nobody else's business. */
export function productUnit(step: Step, neighbourhood: Neighbourhood): ProductUnit {
  const { uses, consumers, fused } = neighbourhood;
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
  const unit = {
    kind: "product",
    step,
    bias,
    relu,
    output,
    epilogue: [],
    sums: [],
    stored: new Set([output]),
  } as const;
  return formOf(productSizes(step), bias !== null || relu) === "tiles" ? withEpilogue(unit, neighbourhood) : unit;
}

/** Adds the short elementwise steps that follow, and sums of their rows: as a gradient is masked and added up. */
function withEpilogue(unit: ProductUnit, neighbourhood: Neighbourhood): ProductUnit {
  const { consumers, fused } = neighbourhood;
  const columns = unit.output.shape[1];
  const epilogue: Step[] = [];
  const inside = [unit.output];
  for (let i = 0; i < inside.length; i++) {
    for (const step of consumers.get(inside[i]) ?? []) {
      if (fused.has(step) || step.op.kind === "step") continue;
      const steps = stepsFor(step, unit.output, inside, neighbourhood);
      if (steps === null || codeLength([...epilogue, ...steps]) > MOST_CODE) continue;
      for (const one of steps) {
        fused.add(one);
        epilogue.push(one);
        inside.push(one.output);
      }
    }
  }
  const sums = inside
    .flatMap((value) => consumers.get(value) ?? [])
    .flatMap((step) => {
      const sum = fused.has(step) ? null : sumUnit(step);
      return sum !== null && sum.over === "rows" && sum.step.output.size === columns ? [sum] : [];
    })
    .slice(0, MOST_SUMS);
  for (const { step } of sums) fused.add(step);
  return { ...unit, epilogue, sums, stored: new Set(inside) };
}

/** Code that is repeated for each vector of a tile. */
const MOST_CODE = 8;

const MOST_SUMS = 2;

/**
 * A step that could run along with a product, after those that nothing else needs and that could, too; null where it
 * reads what is not there yet.
 */
function stepsFor(
  step: Step,
  product: Value,
  inside: readonly Value[],
  neighbourhood: Neighbourhood,
  depth = 0,
): Step[] | null {
  const { op, inputs, output } = step;
  const { uses, makers, fused, unitOf } = neighbourhood;
  if (op.scalar === null || output.size !== product.size || output.dtype !== product.dtype) return null;
  const before: Step[] = [];
  for (const input of inputs) {
    if (input.dtype !== product.dtype) return null;
    if (inside.includes(input)) continue;
    if (input.source.kind !== "step" || unitOf.has(input)) {
      const pattern = patternOf(input, output);
      const runsAlong = pattern === "full" || pattern === "scalar";
      if (!runsAlong && !(pattern === "row" && input.size === product.shape[1])) return null;
      continue;
    }
    const maker = makers.get(input);
    if (maker === undefined || fused.has(maker) || uses.get(input) !== 1 || depth === DEEPEST) return null;
    const steps = stepsFor(maker, product, inside, neighbourhood, depth + 1);
    if (steps === null) return null;
    before.push(...steps);
  }
  return [...before, step];
}

/** How far back steps are looked for that are needed first. */
const DEEPEST = 2;
