import type { DType } from "../../array/dtype.js";
import { formatShape } from "../../array/shape.js";
import { ShapeError } from "../../base/errors.js";
import type { Generator } from "../../base/random.js";
import { relu } from "../../ops/activation.js";
import { checkOptions, zeros } from "../../ops/create.js";
import { linear, linearRelu } from "../../ops/linear.js";
import { matmul } from "../../ops/matmul.js";
import type { Tensor } from "../../tensor/tensor.js";
import { checkCount, checkInput, parameterDtype } from "../checks.js";
import { type InitOptions, kaimingUniform, uniform } from "../init.js";
import { Module, parameter } from "../module.js";
import { describeOptions, joinArguments } from "./describe.js";

export interface LinearOptions {
  /** Whether to add a learnt vector; default true. */
  bias?: boolean;
  dtype?: DType;
  /** Where the initial values come from; default: the stream that `manualSeed` restarts. */
  generator?: Generator;
}

/**
 * Weights and bias as PyTorch draws them: uniform in ±1 / √fanIn, which is kaiming with slope √5; the bias too.
 * `shape` is [out, in, ...window].
 */
export function drawParameters(
  shape: readonly number[],
  { bias = true, generator }: LinearOptions,
  dtype: DType,
): { weight: Tensor; bias: Tensor | null } {
  const from: InitOptions = generator === undefined ? {} : { generator };
  const weight = kaimingUniform(zeros(shape, { dtype }), { slope: Math.sqrt(5), ...from });
  const bound = 1 / Math.sqrt(weight.size / shape[0]);
  return {
    weight: parameter(weight),
    bias: bias ? parameter(uniform(zeros([shape[0]], { dtype }), -bound, bound, from)) : null,
  };
}

/** x Wᵀ + b over the last axis of x [..., in]; a vector [in] gives a vector [out]. */
export class Linear extends Module {
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** [out, in]. */
  readonly weight: Tensor;
  /** [out], or null. */
  readonly bias: Tensor | null;

  constructor(inFeatures: number, outFeatures: number, options: LinearOptions = {}) {
    super();
    const where = `Linear(${inFeatures}, ${outFeatures})`;
    checkOptions(options, ["bias", "dtype", "generator"], where);
    this.inFeatures = checkCount(inFeatures, "the number of input features", where);
    this.outFeatures = checkCount(outFeatures, "the number of output features", where);
    const drawn = drawParameters([outFeatures, inFeatures], options, parameterDtype(options.dtype, where));
    this.weight = drawn.weight;
    this.bias = drawn.bias;
  }

  forward(x: Tensor): Tensor {
    this.check(x);
    return this.bias === null ? matmul(x, this.weight, { transposeB: true }) : linear(x, this.weight, this.bias);
  }

  /** @internal relu of what `forward` gives. */
  rectified(x: Tensor): Tensor {
    this.check(x);
    return this.bias === null
      ? relu(matmul(x, this.weight, { transposeB: true }))
      : linearRelu(x, this.weight, this.bias);
  }

  private check(x: Tensor): void {
    checkInput(x, this);
    if (x.shape[x.ndim - 1] !== this.inFeatures) {
      throw new ShapeError(
        `Linear(${this.inFeatures}, ${this.outFeatures}): input ${formatShape(x.shape)} has ${x.ndim === 0 ? "no axes" : `${x.shape[x.ndim - 1]} features in its last axis`}, expected ${this.inFeatures}`,
      );
    }
  }

  override describe(): string {
    const options = { bias: this.bias !== null, dtype: this.weight.dtype };
    return joinArguments(this.inFeatures, this.outFeatures, describeOptions(options, { bias: true, dtype: "float32" }));
  }
}
