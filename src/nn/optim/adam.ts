import { OptionError } from "../../base/errors.js";
import { add } from "../../ops/arithmetic.js";
import { checkOptions } from "../../ops/create.js";
import type { Tensor } from "../../tensor/tensor.js";
import { checkNumber } from "../checks.js";
import { Optimizer } from "./optimizer.js";
import { adamCorrection, adamDescent, adamRate, adamWDescent, movingAverage, secondMoment } from "./updates.js";

export interface AdamOptions {
  /** Default 0.001. */
  learningRate?: number;
  /** What the two moments keep at each step; default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the root of the second moment; default 1e-8. */
  eps?: number;
  /** Adam adds weightDecay · p to the gradient (default 0), AdamW shrinks p by it (default 0.01). */
  weightDecay?: number;
}

/** The two moments of each parameter, and how they are corrected at its step t. */
abstract class MomentOptimizer extends Optimizer {
  protected readonly eps: number;
  protected readonly weightDecay: number;
  private readonly betas: readonly [number, number];
  private readonly first: readonly Tensor[];
  private readonly second: readonly Tensor[];
  private readonly firstAttrs: { readonly keep: number; readonly share: number; readonly weightDecay: number };
  private readonly secondAttrs: { readonly keep: number; readonly weightDecay: number };
  private readonly steps: readonly Tensor[];

  constructor(
    parameters: Iterable<Tensor>,
    options: AdamOptions,
    where: string,
    defaultDecay: number,
    decaysGradient: boolean,
  ) {
    checkOptions(options, ["learningRate", "betas", "eps", "weightDecay"], where);
    super(parameters, options.learningRate ?? 1e-3);
    const betas: unknown = options.betas ?? [0.9, 0.999];
    if (!Array.isArray(betas) || betas.length !== 2) {
      throw new OptionError(`${where}: betas is a pair such as [0.9, 0.999], got ${JSON.stringify(betas)}`);
    }
    this.betas = [checkNumber(betas[0], "betas[0]", where, 0, 1), checkNumber(betas[1], "betas[1]", where, 0, 1)];
    this.eps = checkNumber(options.eps ?? 1e-8, "eps", where);
    this.weightDecay = checkNumber(options.weightDecay ?? defaultDecay, "weightDecay", where);
    const weightDecay = decaysGradient ? this.weightDecay : 0;
    this.firstAttrs = { keep: this.betas[0], share: 1 - this.betas[0], weightDecay };
    this.secondAttrs = { keep: this.betas[1], weightDecay };
    this.first = this.stateTensors("firstMoment");
    this.second = this.stateTensors("secondMoment");
    this.steps = this.stepCounts();
  }

  protected override update(parameter: Tensor, gradient: Tensor, index: number): void {
    const first = this.first[index];
    const second = this.second[index];
    first.assign_(movingAverage(first, gradient, parameter, this.firstAttrs));
    second.assign_(secondMoment(second, gradient, parameter, this.secondAttrs));
    const steps = this.steps[index];
    steps.assign_(add(steps, 1));
    const rate = adamRate(this.scalarFor(parameter, this.rate), steps, { beta: this.betas[0] });
    const correction = adamCorrection(steps, { beta: this.betas[1] });
    parameter.assign_(this.descend(parameter, first, second, rate, correction));
  }

  protected abstract descend(p: Tensor, first: Tensor, second: Tensor, rate: Tensor, correction: Tensor): Tensor;
}

/**
 * Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm 1:
 * m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; p ← p − rate / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + eps).
 */
export class Adam extends MomentOptimizer {
  private readonly attrs: { readonly eps: number };

  constructor(parameters: Iterable<Tensor>, options: AdamOptions = {}) {
    super(parameters, options, "Adam", 0, true);
    this.attrs = { eps: this.eps };
  }

  protected override descend(p: Tensor, first: Tensor, second: Tensor, rate: Tensor, correction: Tensor): Tensor {
    return adamDescent(p, first, second, rate, correction, this.attrs);
  }
}

/**
 * Adam with weight decay that does not pass through the moments: p ← (1 − learningRate · weightDecay) · p before each
 * step. Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019, algorithm 2.
 */
export class AdamW extends MomentOptimizer {
  private readonly attrs: { readonly eps: number; readonly weightDecay: number };

  constructor(parameters: Iterable<Tensor>, options: AdamOptions = {}) {
    super(parameters, options, "AdamW", 0.01, false);
    this.attrs = { eps: this.eps, weightDecay: this.weightDecay };
  }

  protected override descend(p: Tensor, first: Tensor, second: Tensor, rate: Tensor, correction: Tensor): Tensor {
    return adamWDescent(p, first, second, rate, correction, this.scalarFor(p, this.rate), this.attrs);
  }
}
