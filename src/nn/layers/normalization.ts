import type { DType } from "../../array/dtype.js";
import { formatShape, type Shape } from "../../array/shape.js";
import { OptionError, ShapeError } from "../../base/errors.js";
import { checkOptions, ones, zeros } from "../../ops/create.js";
import { batchNorm, layerNorm } from "../../ops/normalize.js";
import { squeeze, unsqueeze } from "../../ops/reshape.js";
import type { Tensor } from "../../tensor/tensor.js";
import { checkCount, parameterDtype } from "../checks.js";
import { buffer, Module, parameter } from "../module.js";
import { describeOptions, joinArguments } from "./describe.js";

export interface BatchNormLayerOptions {
  /** Added to the variance; default 1e-5. */
  eps?: number;
  /** Share of each batch in the running statistics; default 0.1. */
  momentum?: number;
  /** Whether to learn a scale and a shift per feature; default true. */
  affine?: boolean;
  dtype?: DType;
}

/**
 * Normalizes each feature (axis 1), in training by the batch's statistics, after `eval()` by running ones, which makes
 * it affine. After `eval()` it also takes one example without the batch axis.
 */
abstract class BatchNorm extends Module {
  readonly features: number;
  readonly eps: number;
  readonly momentum: number;
  readonly weight: Tensor | null;
  readonly bias: Tensor | null;
  readonly runningMean: Tensor;
  readonly runningVariance: Tensor;

  constructor(features: number, options: BatchNormLayerOptions = {}) {
    super();
    const where = `${this.constructor.name}(${features})`;
    checkOptions(options, ["eps", "momentum", "affine", "dtype"], where);
    const { eps = 1e-5, momentum = 0.1, affine = true } = options;
    if (!(eps >= 0)) throw new OptionError(`${where}: eps is at least 0, got ${eps}`);
    if (!(momentum >= 0 && momentum <= 1)) {
      throw new OptionError(`${where}: momentum is a share from 0 to 1, got ${momentum}`);
    }
    const shape = [checkCount(features, "the number of features", where)];
    const dtype = parameterDtype(options.dtype, where);
    this.features = features;
    this.eps = eps;
    this.momentum = momentum;
    this.weight = affine ? parameter(ones(shape, { dtype })) : null;
    this.bias = affine ? parameter(zeros(shape, { dtype })) : null;
    this.runningMean = buffer(zeros(shape, { dtype, name: "running_mean" }));
    this.runningVariance = buffer(ones(shape, { dtype, name: "running_var" }));
  }

  /** What shapes it takes, for errors. */
  protected abstract readonly expected: string;

  /** How many axes a batch may have. */
  protected abstract readonly ranks: readonly number[];

  forward(x: Tensor): Tensor {
    const single = !this.training && x.ndim === this.ranks[0] - 1;
    const batch = single ? unsqueeze(x, 0) : x;
    if (!this.ranks.includes(batch.ndim) || batch.shape[1] !== this.features) {
      throw new ShapeError(
        `${this.constructor.name}(${this.features}): input ${formatShape(x.shape)} does not fit, expected ${this.expected.replaceAll("C", String(this.features))}`,
      );
    }
    const { weight, bias, runningMean, runningVariance, training, momentum, eps } = this;
    const y = batchNorm(batch, { weight, bias, runningMean, runningVariance, training, momentum, eps });
    return single ? squeeze(y, 0) : y;
  }

  /** Running statistics have PyTorch's names, so that states can be exchanged. */
  override fields(): Iterable<readonly [string, unknown]> {
    return [
      ["weight", this.weight],
      ["bias", this.bias],
      ["running_mean", this.runningMean],
      ["running_var", this.runningVariance],
    ];
  }

  override describe(): string {
    const options = {
      eps: this.eps,
      momentum: this.momentum,
      affine: this.weight !== null,
      dtype: this.runningMean.dtype,
    };
    const defaults = { eps: 1e-5, momentum: 0.1, affine: true, dtype: "float32" };
    return joinArguments(this.features, describeOptions(options, defaults));
  }
}

/** Batch normalization of [batch, features] or [batch, features, length]. */
export class BatchNorm1d extends BatchNorm {
  protected override readonly expected = "[batch, C] or [batch, C, length]";
  protected override readonly ranks = [2, 3];
}

/** Batch normalization of images, per channel. */
export class BatchNorm2d extends BatchNorm {
  protected override readonly expected = "[batch, C, height, width]";
  protected override readonly ranks = [4];
}

export interface LayerNormLayerOptions {
  /** Added to the variance; default 1e-5. */
  eps?: number;
  /** Whether to learn a scale and a shift per element; default true. */
  affine?: boolean;
  dtype?: DType;
}

/** Normalizes each example over its last axes, whose lengths are `shape`. */
export class LayerNorm extends Module {
  readonly shape: Shape;
  readonly eps: number;
  readonly weight: Tensor | null;
  readonly bias: Tensor | null;

  constructor(shape: number | Shape, options: LayerNormLayerOptions = {}) {
    super();
    const where = `LayerNorm(${JSON.stringify(shape)})`;
    checkOptions(options, ["eps", "affine", "dtype"], where);
    this.shape = typeof shape === "number" ? [shape] : [...shape];
    if (this.shape.length === 0) throw new OptionError(`${where}: name at least one axis to normalize over`);
    for (const length of this.shape) checkCount(length, "each length", where);
    this.eps = options.eps ?? 1e-5;
    if (!(this.eps >= 0)) throw new OptionError(`${where}: eps is at least 0, got ${this.eps}`);
    const dtype = parameterDtype(options.dtype, where);
    const affine = options.affine ?? true;
    this.weight = affine ? parameter(ones(this.shape, { dtype })) : null;
    this.bias = affine ? parameter(zeros(this.shape, { dtype })) : null;
  }

  forward(x: Tensor): Tensor {
    const last = x.shape.slice(-this.shape.length);
    if (x.ndim < this.shape.length || last.some((length, i) => length !== this.shape[i])) {
      throw new ShapeError(
        `LayerNorm(${formatShape(this.shape)}): input ${formatShape(x.shape)} ends in ${formatShape(last)}, expected ${formatShape(this.shape)}`,
      );
    }
    return layerNorm(x, this.weight, this.bias, { axes: this.shape.length, eps: this.eps });
  }

  override describe(): string {
    const shape = this.shape.length === 1 ? String(this.shape[0]) : formatShape(this.shape);
    const options = { eps: this.eps, affine: this.weight !== null, dtype: this.weight?.dtype ?? "float32" };
    return joinArguments(shape, describeOptions(options, { eps: 1e-5, affine: true, dtype: "float32" }));
  }
}
