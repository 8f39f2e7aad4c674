import { formatShape, sameShape } from "../array/shape.js";
import { AxisError, DtypeError, ShapeError } from "../base/errors.js";
import { composed } from "../graph/scope.js";
import type { NestedArray } from "../graph/tensor.js";
import { softplus } from "../ops/activation.js";
import { maximum, mul, neg, sub } from "../ops/arithmetic.js";
import { asIndex } from "../ops/create.js";
import { gather } from "../ops/gather.js";
import { logSoftmax, mean } from "../ops/reduce.js";
import { unsqueeze } from "../ops/reshape.js";
import { meanSquaredError } from "../ops/squared-error.js";
import type { Tensor } from "../tensor/tensor.js";

/** Losses take (prediction, target) and give the mean over the batch. */

function checkShapes(prediction: Tensor, target: Tensor, where: string): void {
  if (!sameShape(prediction.shape, target.shape)) {
    throw new ShapeError(
      `${where}: prediction ${formatShape(prediction.shape)} and target ${formatShape(target.shape)} must have one shape; broadcasting here would hide a mistake: reshape one of them`,
    );
  }
}

/** Mean of −log softmax(logits)[class]: logits [batch, classes], classes [batch] as int32 or numbers. */
export const crossEntropy = composed("crossEntropy", (logits: Tensor, classes: Tensor | readonly number[]): Tensor => {
  const index = asIndex(classes as Tensor | NestedArray, "crossEntropy");
  if (logits.ndim !== 2 || index.ndim !== 1 || logits.shape[0] !== index.size) {
    throw new ShapeError(
      `crossEntropy: logits ${formatShape(logits.shape)} must be [batch, classes] and classes ${formatShape(index.shape)} [batch]`,
    );
  }
  const count = logits.shape[1];
  for (let i = 0; i < index.size; i++) {
    const given = index.buffer[index.offset + i];
    if (given >= 0 && given < count) continue;
    throw new AxisError(
      `crossEntropy: example ${i} has class ${given}, but logits ${formatShape(logits.shape)} are of ${count} classes, numbered from 0`,
    );
  }
  return neg(mean(gather(logSoftmax(logits, 1), 1, unsqueeze(index, 1))));
});

/** Mean of (prediction − target)². */
export const mseLoss = composed("mseLoss", (prediction: Tensor, target: Tensor): Tensor => {
  checkShapes(prediction, target, "mseLoss");
  return meanSquaredError(prediction, target);
});

/** Mean binary cross-entropy of sigmoid(logits) against targets in [0, 1], without overflow. */
export const bceWithLogits = composed("bceWithLogits", (logits: Tensor, target: Tensor): Tensor => {
  checkShapes(logits, target, "bceWithLogits");
  // −t log σ(z) − (1 − t) log(1 − σ(z)) = log(1 + eᶻ) − z t
  return mean(sub(softplus(logits), mul(logits, target)));
});

/** Mean of max(0, 1 − score · label) for labels −1 and 1. */
export const hingeLoss = composed("hingeLoss", (score: Tensor, label: Tensor): Tensor => {
  checkShapes(score, label, "hingeLoss");
  if (label.dtype === "int32") {
    throw new DtypeError(
      'hingeLoss: labels are −1 and 1 as float32 or float64, got int32; convert with .to("float32")',
    );
  }
  return mean(maximum(sub(1, mul(score, label)), 0));
});
