import { checkOptions } from "../../ops/create.js";
import { checkCount, checkNumber } from "../checks.js";
import type { Optimizer } from "./optimizer.js";

/** Where a schedule stands; plain data, so that a training can be continued. */
export interface ScheduleState {
  /** The learning rate it began with. */
  readonly initial: number;
  /** How often `step()` was called. */
  readonly taken: number;
}

/** Sets an optimizer's learning rate by the number of steps taken; call `step()` after each epoch (or batch). */
export abstract class Schedule {
  private readonly optimizer: Optimizer;
  private initial: number;
  private taken = 0;

  constructor(optimizer: Optimizer) {
    this.optimizer = optimizer;
    this.initial = optimizer.learningRate;
  }

  /** The learning rate after `taken` steps from `initial`. */
  protected abstract rateAfter(taken: number, initial: number): number;

  step(): void {
    this.taken++;
    this.optimizer.learningRate = this.rateAfter(this.taken, this.initial);
  }

  get state(): ScheduleState {
    return { initial: this.initial, taken: this.taken };
  }

  /** Continues where `state` was taken, also for a new optimizer. */
  setState({ initial, taken }: ScheduleState): void {
    this.initial = checkNumber(initial, "initial", this.constructor.name);
    this.taken = checkNumber(taken, "taken", this.constructor.name);
    this.optimizer.learningRate = this.rateAfter(taken, initial);
  }
}

/**
 * Half a cosine from the initial learning rate down to `minimum` in `steps` steps, where it stays.
 * Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, equation 5.
 */
export class CosineSchedule extends Schedule {
  private readonly steps: number;
  private readonly minimum: number;

  constructor(optimizer: Optimizer, options: { steps: number; minimum?: number }) {
    super(optimizer);
    checkOptions(options, ["steps", "minimum"], "CosineSchedule");
    this.steps = checkCount(options.steps, "steps", "CosineSchedule");
    this.minimum = checkNumber(options.minimum ?? 0, "minimum", "CosineSchedule");
  }

  protected override rateAfter(taken: number, initial: number): number {
    const share = Math.min(taken / this.steps, 1);
    return this.minimum + ((initial - this.minimum) * (1 + Math.cos(Math.PI * share))) / 2;
  }
}

/** Multiplies the learning rate by `factor` after every `every` steps. */
export class StepSchedule extends Schedule {
  private readonly every: number;
  private readonly factor: number;

  constructor(optimizer: Optimizer, options: { every: number; factor?: number }) {
    super(optimizer);
    checkOptions(options, ["every", "factor"], "StepSchedule");
    this.every = checkCount(options.every, "every", "StepSchedule");
    this.factor = checkNumber(options.factor ?? 0.1, "factor", "StepSchedule");
  }

  protected override rateAfter(taken: number, initial: number): number {
    return initial * this.factor ** Math.floor(taken / this.every);
  }
}
