import { elementwiseInto } from "../array/kernels.js";
import { expressionOf } from "../graph/apply.js";
import { newTensor } from "../graph/new-tensor.js";
import { mul } from "../ops/arithmetic.js";
import { summed } from "../ops/reduce.js";
import { reshaped } from "../ops/reshape.js";
import type { Pass, Source, Step, Value } from "./program.js";
import { replaceSteps } from "./replace-steps.js";

/** Computes single numbers that depend on nothing else: a count of elements, a sign, a share of one. */
export const foldConstants: Pass = (program) =>
  replaceSteps(program, (step) => {
    const { op, attrs, inputs, output } = step;
    if (op.scalar === null || op.kind === "random" || output.size !== 1) return [step];
    const tensors = inputs.flatMap(({ source, dtype, size }) =>
      source.kind === "constant" && size === 1 && dtype === output.dtype ? [source.tensor] : [],
    );
    if (tensors.length < inputs.length || output.dtype === "int32") return [step];
    const tensor = newTensor(output.dtype, output.shape, 1);
    elementwiseInto(expressionOf(op, attrs, inputs.length), tensor, tensors);
    return ownValue({ ...output, source: { kind: "constant", tensor } });
  });

/**
 * Makes products of which one side is a single row or column elementwise: they then run along with what follows. An
 * outer product a · bᵀ is a column times a row. A product Aᵀ · B with one column in A, the gradient of the weights of a
 * layer of one output, is a sum over the rows of B, each times a number; with few columns in B, the sum stays in
 * registers.
 */
export const narrowProducts: Pass = (program) => {
  let next = 1 + program.values.reduce((last, { id }) => Math.max(last, id), -1);
  const value = ({ dtype }: Value, shape: readonly number[], source: Source, root?: Value): Value =>
    ownValue({ id: next++, dtype, shape, size: shape.reduce((size, length) => size * length, 1), source }, root);
  return replaceSteps(program, (step) => {
    const { op, attrs, inputs, output } = step;
    if (op.name !== "matmul" || output.size === 0 || inputs.some(({ shape }) => shape.length !== 2)) return [step];
    const [a, b] = inputs;
    const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
    const [m, n] = output.shape;
    const k = a.shape[transposeA ? 0 : 1];
    const before: Step[] = [];
    /** The same numbers under another shape. */
    const shaped = (one: Value, shape: readonly number[]): Value => {
      if (one.shape.every((length, axis) => length === shape[axis])) return one;
      const view = value(one, shape, { kind: "step" }, one.root);
      before.push({ op: reshaped.op, attrs: { shape }, inputs: [one], output: view });
      return view;
    };
    if (k === 1) {
      const factors = [shaped(a, [m, 1]), shaped(b, [1, n])];
      return [...before, { op: mul.op, attrs: {}, inputs: factors, output }];
    }
    if (m === 1 && transposeA && !transposeB && n > 1 && n <= MOST_COLUMNS) {
      const terms = value(output, [k, n], { kind: "step" });
      return [
        { op: mul.op, attrs: {}, inputs: [a, b], output: terms },
        { op: summed.op, attrs: { axis: [0], keepdims: true }, inputs: [terms], output },
      ];
    }
    return [step];
  });
};

/** Four vectors of float32. */
const MOST_COLUMNS = 16;

function ownValue(parts: Omit<Value, "root">, root?: Value): Value {
  const value = { ...parts, root: root as Value };
  value.root ??= value;
  return value;
}
