import { OptionError } from "../../base/errors.js";
import { add } from "../../ops/arithmetic.js";
import { checkOptions } from "../../ops/create.js";
import type { Tensor } from "../../tensor/tensor.js";
import { checkNumber } from "../checks.js";
import { Optimizer } from "./optimizer.js";
import { dampenedGradient, gradientDescent, movingAverage, nesterovDescent } from "./updates.js";

export interface SGDOptions {
  learningRate: number;
  /** How much of the velocity is kept; default 0. */
  momentum?: number;
  /** How much of each gradient but the first is kept from the velocity; default 0. */
  dampening?: number;
  /** Look ahead along the velocity; needs momentum, and no dampening. */
  nesterov?: boolean;
  /** Adds weightDecay · p to the gradient; default 0. */
  weightDecay?: number;
}

/**
 * Stochastic gradient descent, as PyTorch computes it: g ← g + weightDecay · p; v ← momentum · v + (1 − dampening) · g
 * (v ← g at the first step); p ← p − learningRate · v, or with nesterov p − learningRate · (g + momentum · v).
 */
export class SGD extends Optimizer {
  private readonly decay: { readonly weightDecay: number };
  private readonly velocity: { readonly keep: number; readonly share: number; readonly weightDecay: number };
  private readonly lookahead: { readonly momentum: number; readonly weightDecay: number } | null;
  private readonly damp: { readonly dampening: number; readonly weightDecay: number } | null;
  private readonly velocities: readonly Tensor[] | null;
  private readonly steps: readonly Tensor[] | null;

  constructor(parameters: Iterable<Tensor>, options: SGDOptions) {
    checkOptions(options, ["learningRate", "momentum", "dampening", "nesterov", "weightDecay"], "SGD");
    super(parameters, options.learningRate);
    const momentum = checkNumber(options.momentum ?? 0, "momentum", "SGD");
    const dampening = checkNumber(options.dampening ?? 0, "dampening", "SGD");
    const weightDecay = checkNumber(options.weightDecay ?? 0, "weightDecay", "SGD");
    const { nesterov = false } = options;
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new OptionError(
        `SGD: nesterov needs momentum and no dampening, got momentum ${momentum} and dampening ${dampening}`,
      );
    }
    this.decay = { weightDecay };
    this.damp = dampening === 0 ? null : { dampening, weightDecay };
    this.velocity = { keep: momentum, share: 1, weightDecay: this.damp === null ? weightDecay : 0 };
    this.lookahead = nesterov ? { momentum, weightDecay } : null;
    this.velocities = momentum === 0 ? null : this.stateTensors("momentum");
    this.steps = momentum === 0 || this.damp === null ? null : this.stepCounts();
  }

  protected override update(parameter: Tensor, gradient: Tensor, index: number): void {
    const rate = this.scalarFor(parameter, this.rate);
    if (this.velocities === null) {
      parameter.assign_(gradientDescent(parameter, gradient, rate, this.decay));
      return;
    }
    const velocity = this.velocities[index];
    let pull = gradient;
    if (this.damp !== null && this.steps !== null) {
      const steps = this.steps[index];
      steps.assign_(add(steps, 1));
      pull = dampenedGradient(gradient, parameter, steps, this.damp);
    }
    velocity.assign_(movingAverage(velocity, pull, parameter, this.velocity));
    parameter.assign_(
      this.lookahead === null
        ? gradientDescent(parameter, velocity, rate, { weightDecay: 0 })
        : nesterovDescent(parameter, gradient, velocity, rate, this.lookahead),
    );
  }
}
