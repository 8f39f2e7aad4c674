import { type Op, type OpSample, rand, type Tensor, tensor } from "crease";
import { Generator } from "../../src/base/random.js";
import { apply } from "../../src/graph/apply.js";

/** The samples of an op; an op without any cannot be held to the rules that all ops keep. */
export function samplesOf(op: Op): readonly OpSample[] {
  if (op.samples.length === 0) {
    throw new Error(`${op.name} has no samples: give its record some, so that the table-driven tests run on it`);
  }
  return op.samples;
}

/** Random float64 inputs for a sample; tensors that it brings itself (indices) are taken as they are. */
export function inputsOf({ inputs, range = [-2, 2] }: OpSample, seed: number): Tensor[] {
  const generator = new Generator(seed);
  return inputs.map((input) => {
    if (typeof input === "function") return input();
    const [low, high] = range;
    return rand(input, { dtype: "float64", generator })
      .mul(high - low)
      .add(low);
  });
}

export function run(op: Op, { attrs = {} }: OpSample, inputs: readonly Tensor[]): Tensor {
  return apply(op, inputs, attrs);
}

/** A leaf with the values of `x` in another dtype that requires a gradient; indices stay what they are. */
export function leaf(x: Tensor, dtype: "float32" | "float64" = "float64"): Tensor {
  if (x.dtype === "int32") return x;
  return tensor(Float64Array.from(x.data), { shape: x.shape, dtype, requiresGrad: true });
}

/** Whether the input of that number has a gradient rule. */
export function isDifferentiable(op: Op, index: number): boolean {
  return typeof op.rules === "function" || op.rules[index] !== null;
}

/** Whether op sees the dtype of its inputs only (and does not change it). */
export function keepsDtype(op: Op): boolean {
  return !["cast", "toInt32", "spreadIndex"].includes(op.name) && !op.name.startsWith("argmax");
}
