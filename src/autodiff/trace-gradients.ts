import { setGradientFiller } from "../graph/trace.js";
import { add } from "../ops/arithmetic.js";
import { sum } from "../ops/reduce.js";
import { gradients } from "./backward.js";

/** Lets `trace(..., { gradients: true })` fill in the gradient of the summed outputs at every node. */
setGradientFiller((outputs, nodes) => {
  const differentiable = outputs.filter((output) => output.requiresGrad);
  const targets = nodes.filter((node) => node.requiresGrad);
  if (differentiable.length === 0) return new Map();
  const total = differentiable
    .map((output) => (output.ndim === 0 ? output : sum(output)))
    .reduce((all, one) => add(all, one));
  const found = gradients(total, targets);
  return new Map(targets.map((target, i) => [target, found[i]]));
});
