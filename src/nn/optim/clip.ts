import { noGrad } from "../../graph/modes.js";
import { scalarTensor } from "../../graph/new-tensor.js";
import { clamp } from "../../ops/activation.js";
import { add, div, minimum, mul, sqrt, square } from "../../ops/arithmetic.js";
import { convert } from "../../ops/cast.js";
import { sum } from "../../ops/reduce.js";
import type { Tensor } from "../../tensor/tensor.js";
import { checkNumber } from "../checks.js";

/**
 * Scales the gradients of `parameters` together so that their euclidean norm, taken as one vector, is at most
 * `maxNorm` (by min(1, maxNorm / (norm + 1e-6)), as PyTorch does). Call it between backward and step.
 * @returns the norm before, a 0-d tensor.
 */
export function clipGradientNorm(parameters: Iterable<Tensor>, maxNorm: number): Tensor {
  checkNumber(maxNorm, "maxNorm", "clipGradientNorm");
  return noGrad(() => {
    const found = gradientsOf(parameters);
    let squares: Tensor | null = null;
    for (const [, gradient] of found) {
      const own = sum(square(gradient));
      squares = squares === null ? own : add(squares, own);
    }
    if (squares === null) return scalarTensor(0, "float32");
    const norm = sqrt(squares);
    const factor = minimum(div(maxNorm, add(norm, 1e-6)), 1);
    for (const [parameter, gradient] of found) parameter.grad = mul(gradient, convert(factor, gradient.dtype));
    return norm;
  });
}

/** Clamps every element of the gradients of `parameters` to [−maximum, maximum]. */
export function clipGradientValue(parameters: Iterable<Tensor>, maximum: number): void {
  checkNumber(maximum, "maximum", "clipGradientValue");
  noGrad(() => {
    for (const [parameter, gradient] of gradientsOf(parameters)) {
      parameter.grad = clamp(gradient, { min: -maximum, max: maximum });
    }
  });
}

function gradientsOf(parameters: Iterable<Tensor>): [parameter: Tensor, gradient: Tensor][] {
  return [...parameters].flatMap((one): [Tensor, Tensor][] => {
    const { grad } = one;
    return grad === null ? [] : [[one, grad]];
  });
}
