import { formatShape, type Shape, sameShape } from "../array/shape.js";
import { OptionError, ShapeError } from "../base/errors.js";
import { defaultGenerator, type Generator } from "../base/random.js";
import { composed } from "../graph/scope.js";
import type { Tensor } from "../graph/tensor.js";
import { add, div, mul, sqrt, square, sub } from "./arithmetic.js";
import { assign } from "./assign.js";
import { detach } from "./cast.js";
import { checkOptions } from "./create.js";
import { dropoutMask } from "./random.js";
import { mean, variance } from "./reduce.js";
import { reshape } from "./reshape.js";

export interface LayerNormOptions {
  /** How many of the last axes are normalized together; default: those of the weight, else 1. */
  axes?: number;
  eps?: number;
}

/** (x − mean) / √(variance + eps) · weight + bias over the last axes, the variance without correction. */
export const layerNorm = composed(
  "layerNorm",
  (x: Tensor, weight: Tensor | null = null, bias: Tensor | null = null, options: LayerNormOptions = {}): Tensor => {
    checkOptions(options, ["axes", "eps"], "layerNorm");
    const { axes = weight?.ndim ?? 1, eps = 1e-5 } = options;
    for (const [name, one] of [
      ["weight", weight],
      ["bias", bias],
    ] as const) {
      if (one !== null && !sameShape(one.shape, x.shape.slice(x.ndim - axes))) {
        throw new ShapeError(
          `layerNorm: ${name} ${formatShape(one.shape)} must have the last ${axes} lengths of ${formatShape(x.shape)}`,
        );
      }
    }
    const axis = Array.from({ length: axes }, (_, k) => k - axes);
    const centred = sub(x, mean(x, axis, { keepdims: true }));
    const scale = sqrt(add(mean(square(centred), axis, { keepdims: true }), eps));
    const normal = div(centred, scale);
    const scaled = weight === null ? normal : mul(normal, weight);
    return bias === null ? scaled : add(scaled, bias);
  },
);

export interface BatchNormOptions {
  weight?: Tensor | null;
  bias?: Tensor | null;
  /** Per channel; read in inference, updated in training. */
  runningMean?: Tensor | null;
  runningVariance?: Tensor | null;
  /** Normalize by the batch's own statistics (and update the running ones); default false. */
  training?: boolean;
  /** Share of the batch's statistics in the update; default 0.1. */
  momentum?: number;
  eps?: number;
}

/**
 * Normalizes each channel (axis 1) of x [N, C] or [N, C, …]. In training by the batch's mean and uncorrected variance,
 * the running variance being updated with the corrected one; in inference by the running statistics, which makes it
 * affine. Ioffe and Szegedy, 2015, algorithms 1 and 2.
 */
export const batchNorm = composed("batchNorm", (x: Tensor, options: BatchNormOptions = {}): Tensor => {
  checkOptions(
    options,
    ["weight", "bias", "runningMean", "runningVariance", "training", "momentum", "eps"],
    "batchNorm",
  );
  const { weight = null, bias = null, runningMean = null, runningVariance = null } = options;
  const { training = false, momentum = 0.1, eps = 1e-5 } = options;
  if (x.ndim < 2) {
    throw new ShapeError(`batchNorm: needs [batch, channels, …], got ${formatShape(x.shape)}`);
  }
  const channels = x.shape[1];
  const aligned: Shape = [channels, ...x.shape.slice(2).map(() => 1)];
  const along = (one: Tensor): Tensor => {
    if (one.ndim !== 1 || one.size !== channels) {
      throw new ShapeError(
        `batchNorm: ${formatShape(one.shape)} must hold one number for each of the ${channels} channels of ${formatShape(x.shape)}`,
      );
    }
    return reshape(one, aligned);
  };
  let centre: Tensor;
  let spread: Tensor;
  if (training) {
    const count = x.size / channels;
    if (count < 2) {
      throw new ShapeError(
        `batchNorm: training needs at least two values per channel, ${formatShape(x.shape)} has ${count}; use a larger batch, eval(), or leave the last batch out (dropLast of fit)`,
      );
    }
    const axis = x.shape.map((_, k) => k).filter((k) => k !== 1);
    centre = mean(x, axis, { keepdims: true });
    spread = mean(square(sub(x, centre)), axis, { keepdims: true });
    if (runningMean !== null && runningVariance !== null) {
      const corrected = variance(detach(x), axis);
      const newMean = add(mul(1 - momentum, detach(runningMean)), mul(momentum, reshape(detach(centre), [channels])));
      const newVariance = add(mul(1 - momentum, detach(runningVariance)), mul(momentum, corrected));
      assign(runningMean, newMean);
      assign(runningVariance, newVariance);
    }
  } else {
    if (runningMean === null || runningVariance === null) {
      throw new OptionError("batchNorm: inference needs runningMean and runningVariance; give both, or training: true");
    }
    centre = along(runningMean);
    spread = along(runningVariance);
  }
  const normal = div(sub(x, centre), sqrt(add(spread, eps)));
  const scaled = weight === null ? normal : mul(normal, along(weight));
  return bias === null ? scaled : add(scaled, along(bias));
});

export interface DropoutOptions {
  /** Probability of a zero; default 0.5. */
  p?: number;
  /** Whether to drop at all; default true. */
  training?: boolean;
  generator?: Generator;
}

/** Zeroes each element with probability p and divides the others by 1 − p; the identity outside training. */
export const dropout = composed("dropout", (x: Tensor, options: DropoutOptions = {}): Tensor => {
  checkOptions(options, ["p", "training", "generator"], "dropout");
  const { p = 0.5, training = true, generator = defaultGenerator } = options;
  if (!(p >= 0 && p <= 1)) throw new OptionError(`dropout: p is a probability from 0 to 1, got ${p}`);
  if (!training || p === 0) return x;
  return mul(x, dropoutMask(x.shape, x.dtype, p, generator));
});
