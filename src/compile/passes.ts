import { broadcastShapes, SCALAR, type Shape, sameShape } from "../array/shape.js";
import type { Attributes, Op } from "../graph/making.js";
import { numberOf, type Pass, type Program, type Step, type Value } from "./program.js";
import { replaceSteps } from "./replace-steps.js";
import { foldConstants, narrowProducts } from "./rewrites.js";

/** Values that are needed after the last step. */
function keptValues({ effects, results }: Program): Value[] {
  return [...results, ...effects.flatMap(({ value }) => (value === null ? [] : [value]))];
}

/** Removes steps that nothing needs, but for random ones: each draws from its generator, which others share. */
export const removeUnused: Pass = (program) => {
  const needed = new Set<Value>(keptValues(program));
  const steps: Step[] = [];
  for (let i = program.steps.length - 1; i >= 0; i--) {
    const step = program.steps[i];
    if (!needed.has(step.output) && step.op.kind !== "random") continue;
    steps.push(step);
    for (const input of step.inputs) needed.add(input);
  }
  steps.reverse();
  return { ...program, steps, values: valuesOf(program, steps) };
};

/**
 * Reads relu's mask from its result: x > 0 exactly where relu(x) > 0. The value before relu is then not needed for the
 * gradient, and the product before it can apply relu as it is written.
 */
export const maskByResult: Pass = (program) => {
  const reluOf = new Map<Value, Value>();
  const steps = program.steps.map((step): Step => {
    if (step.op.name === "relu") reluOf.set(step.inputs[0], step.output);
    if (step.op.name !== "greater") return step;
    const [x, bound] = step.inputs;
    const result = reluOf.get(x);
    return result !== undefined && numberOf(bound) === 0 ? { ...step, inputs: [result, bound] } : step;
  });
  return { ...program, steps };
};

/** Lets elementwise steps repeat an operand themselves, where it was spread out for them. */
export const broadcastLate: Pass = (program) => {
  const spreadFrom = new Map<Value, Value>();
  for (const { op, inputs, output } of program.steps) {
    if (op.name === "broadcastTo") spreadFrom.set(output, inputs[0]);
  }
  const steps = program.steps.map((step): Step => {
    if (step.op.scalar === null || !step.inputs.some((input) => spreadFrom.has(input))) return step;
    const inputs = step.inputs.map((input) => spreadFrom.get(input) ?? input);
    const shape = inputs.reduce((all: Shape, { shape: one }) => broadcastShapes(all, one, "compile"), SCALAR);
    return sameShape(shape, step.output.shape) ? { ...step, inputs } : step;
  });
  return { ...program, steps };
};

/** Shares steps that do the same to the same: the same op on the same values, but for random ones. */
export const shareEqual: Pass = (program) => {
  const known = new Map<Op, Map<string, Value>>();
  return replaceSteps(program, (step) => {
    if (step.op.kind === "random") return [step];
    let ofOp = known.get(step.op);
    if (ofOp === undefined) {
      ofOp = new Map();
      known.set(step.op, ofOp);
    }
    let key = attributesKey(step.attrs) + step.output.dtype;
    for (const input of step.inputs) key += ` ${keyOf(input)}`;
    const same = ofOp.get(key);
    if (same !== undefined) return same;
    ofOp.set(key, step.output);
    return [step];
  });
};

/** Equal scalar constants are one value to `shareEqual`. */
function keyOf(value: Value): string {
  const number = numberOf(value);
  if (number !== null) return `${Object.is(number, -0) ? "-0" : number}:${value.dtype}:${value.shape.length}`;
  return `%${value.id}`;
}

function attributesKey(attrs: Attributes): string {
  for (const _ in attrs) return JSON.stringify(attrs, specialNumbers);
  return "";
}

function specialNumbers(_: string, value: unknown): unknown {
  return typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
    ? `${1 / value} ${value}`
    : value;
}

/** The values that are still used. */
function valuesOf(program: Program, steps: readonly Step[]): Value[] {
  const used = new Set<Value>();
  const use = (value: Value): void => {
    used.add(value);
    used.add(value.root);
  };
  for (const value of keptValues(program)) use(value);
  for (const step of steps) {
    use(step.output);
    for (const input of step.inputs) use(input);
  }
  return program.values.filter((value) => used.has(value));
}

/** What every program goes through, in order. */
export const passes: readonly (readonly [name: string, pass: Pass])[] = [
  ["remove unused", removeUnused],
  ["mask by result", maskByResult],
  ["broadcast late", broadcastLate],
  ["fold constants", foldConstants],
  ["share equal", shareEqual],
  ["narrow products", narrowProducts],
  ["remove unused", removeUnused],
];

/** Raises an Error (a bug of ours) where a step reads what is not there before it. */
export function checkProgram({ values, steps, effects, results }: Program): void {
  const listed = new Set(values);
  const there = new Set(values.filter(({ source }) => source.kind !== "step"));
  const need = (value: Value, where: string) => {
    if (!listed.has(value)) throw new Error(`${where} uses %${value.id}, which is not listed`);
    if (!there.has(value)) throw new Error(`${where} uses %${value.id} before it is made`);
  };
  for (const { op, inputs, output } of steps) {
    for (const input of inputs) need(input, op.name);
    if (there.has(output)) throw new Error(`${op.name} makes %${output.id} a second time`);
    there.add(output);
  }
  for (const { value } of effects) if (value !== null) need(value, "an effect");
  for (const value of results) need(value, "a result");
}
