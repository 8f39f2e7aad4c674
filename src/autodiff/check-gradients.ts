import { DtypeError, GradientError } from "../base/errors.js";
import { Generator } from "../base/random.js";
import { checkFunction, noGrad, synchronous } from "../graph/modes.js";
import { newTensor } from "../graph/new-tensor.js";
import type { Tensor } from "../graph/tensor.js";
import { add, mul } from "../ops/arithmetic.js";
import { detach } from "../ops/cast.js";
import { checkOptions } from "../ops/create.js";
import { randn } from "../ops/random.js";
import { sum } from "../ops/reduce.js";
import { gradients } from "./backward.js";

export interface CheckOptions {
  /** 1, or 2 (default) to check the gradient of the gradient too. */
  order?: 1 | 2;
  /** Half the distance between the two points of a difference, times the largest input if above 1; default 1e-5. */
  step?: number;
  /** Largest accepted difference, relative to the larger of 1 and the derivative; default 1e-6. */
  tolerance?: number;
  /** How many random directions; default 2. */
  directions?: number;
  seed?: number;
}

/**
 * Checks the gradients of `fn` at `inputs` against central differences along random directions, and the gradients of
 * those gradients. Inputs must be float64, and stay away from kinks by more than the step.
 * @throws GradientError naming the order, the direction, and both numbers.
 */
export function checkGradients(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options: CheckOptions = {},
): void {
  checkFunction(fn, "checkGradients");
  checkOptions(options, ["order", "step", "tolerance", "directions", "seed"], "checkGradients");
  const { order = 2, tolerance = 1e-6, directions = 2, seed = 1 } = options;
  if (inputs.length === 0) {
    throw new GradientError("checkGradients: got no inputs; give the list of tensors to differentiate with respect to");
  }
  inputs.forEach((input, i) => {
    if (input.dtype !== "float64") {
      throw new DtypeError(
        `checkGradients: input ${i} is ${input.dtype}; differences need float64: create it with { dtype: "float64" }`,
      );
    }
  });
  let largest = 1;
  for (const input of inputs) for (const value of input.data) largest = Math.max(largest, Math.abs(value));
  const step = (options.step ?? 1e-5) * largest;
  const generator = new Generator(seed);
  // A random weighting makes one number of any output, so that every element is checked in one go.
  let weights: Tensor | null = null;
  const value = (...points: Tensor[]): Tensor => {
    const output = synchronous(fn(...points), "checkGradients");
    weights ??= randn(output.shape, { dtype: "float64", generator });
    return sum(mul(output, weights));
  };
  for (let direction = 0; direction < directions; direction++) {
    const along = inputs.map((input) => randn(input.shape, { dtype: "float64", generator }));
    compare(value, inputs, along, step, tolerance, "first-order gradient");
    if (order === 2) {
      const inner = inputs.map((input) => randn(input.shape, { dtype: "float64", generator }));
      const slope = (...points: Tensor[]): Tensor => slopeAlong(value, points, inner);
      compare(slope, inputs, along, step, tolerance, "second-order gradient");
    }
  }
}

/** Σ gradient · direction, recorded. */
function slopeAlong(fn: (...inputs: Tensor[]) => Tensor, points: readonly Tensor[], along: readonly Tensor[]): Tensor {
  const output = fn(...points);
  if (!output.requiresGrad) return mul(sum(points[0]), 0);
  const found = gradients(output, points, { createGraph: true });
  let total: Tensor | null = null;
  found.forEach((gradient, i) => {
    const part = sum(mul(gradient, along[i]));
    total = total === null ? part : add(total, part);
  });
  return total ?? newTensor("float64", [], 1);
}

function compare(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  along: readonly Tensor[],
  step: number,
  tolerance: number,
  what: string,
): void {
  const points = inputs.map(leafOf);
  const computed = slopeAlong(fn, points, along).item();
  const at = (distance: number): number => {
    const moved = noGrad(() => inputs.map((input, i) => leafOf(add(detach(input), mul(distance, along[i])))));
    return fn(...moved).item();
  };
  const difference = (at(step) - at(-step)) / (2 * step);
  const scale = Math.max(1, Math.abs(computed), Math.abs(difference));
  if (!(Math.abs(computed - difference) <= tolerance * scale * (1 + 1e-11 / (step * tolerance)))) {
    throw new GradientError(
      `checkGradients: the ${what} gives slope ${computed} along a random direction, central differences give ${difference}; the rule is wrong, or a kink lies within ${step} of the inputs`,
    );
  }
}

function leafOf(values: Tensor): Tensor {
  const leaf = detach(values);
  leaf.requiresGrad = true;
  return leaf;
}
