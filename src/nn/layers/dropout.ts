import { OptionError } from "../../base/errors.js";
import type { Generator } from "../../base/random.js";
import { checkOptions } from "../../ops/create.js";
import { dropout } from "../../ops/normalize.js";
import type { Tensor } from "../../tensor/tensor.js";
import { Module } from "../module.js";

/** Zeroes each element with probability p and scales the others by 1 / (1 − p); the identity after `eval()`. */
export class Dropout extends Module {
  readonly p: number;
  private readonly generator: Generator | null;

  /** @param options `generator`: where the zeroes come from; default: the stream that `manualSeed` restarts. */
  constructor(p = 0.5, options: { generator?: Generator } = {}) {
    super();
    checkOptions(options, ["generator"], "Dropout");
    if (!(p >= 0 && p <= 1)) throw new OptionError(`Dropout: p is a probability from 0 to 1, got ${String(p)}`);
    this.p = p;
    this.generator = options.generator ?? null;
  }

  forward(x: Tensor): Tensor {
    const from = this.generator === null ? {} : { generator: this.generator };
    return dropout(x, { p: this.p, training: this.training, ...from });
  }

  override describe(): string {
    return String(this.p);
  }
}
