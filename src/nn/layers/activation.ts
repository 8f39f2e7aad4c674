import type { DType } from "../../array/dtype.js";
import { formatShape } from "../../array/shape.js";
import { OptionError, ShapeError } from "../../base/errors.js";
import {
  elu,
  gelu,
  hardtanh,
  leakyRelu,
  prelu,
  relu,
  relu6,
  sigmoid,
  silu,
  softplus,
  tanh,
} from "../../ops/activation.js";
import { checkOptions, full } from "../../ops/create.js";
import { reshape } from "../../ops/reshape.js";
import type { Tensor } from "../../tensor/tensor.js";
import { checkCount, parameterDtype } from "../checks.js";
import { Module, parameter } from "../module.js";
import { describeOptions, joinArguments } from "./describe.js";

/** Activations as modules; what they compute, and their derivatives at kinks, is said in ops/activation.ts. */

export class ReLU extends Module {
  forward(x: Tensor): Tensor {
    return relu(x);
  }
}

export class LeakyReLU extends Module {
  readonly slope: number;

  constructor(options: { slope?: number } = {}) {
    super();
    checkOptions(options, ["slope"], "LeakyReLU");
    this.slope = options.slope ?? 0.01;
  }

  forward(x: Tensor): Tensor {
    return leakyRelu(x, { slope: this.slope });
  }

  override describe(): string {
    return describeOptions({ slope: this.slope }, { slope: 0.01 });
  }
}

/** A leaky ReLU whose slope is learnt: one for all, or one for each channel (axis 1; axis 0 of a vector). */
export class PReLU extends Module {
  /** The slopes, [count]. */
  readonly weight: Tensor;

  constructor(count = 1, options: { init?: number; dtype?: DType } = {}) {
    super();
    checkOptions(options, ["init", "dtype"], "PReLU");
    checkCount(count, "the number of slopes", `PReLU(${count})`);
    const dtype = parameterDtype(options.dtype, "PReLU");
    this.weight = parameter(full([count], options.init ?? 0.25, { dtype }));
  }

  forward(x: Tensor): Tensor {
    const count = this.weight.size;
    if (count === 1) return prelu(x, this.weight);
    const axis = x.ndim === 1 ? 0 : 1;
    if (x.shape[axis] !== count) {
      throw new ShapeError(
        `PReLU(${count}): input ${formatShape(x.shape)} has ${x.shape[axis] ?? "no"} channels, expected ${count}`,
      );
    }
    return prelu(x, reshape(this.weight, [count, ...x.shape.slice(axis + 1).map(() => 1)]));
  }

  override describe(): string {
    return joinArguments(this.weight.size, describeOptions({ dtype: this.weight.dtype }, { dtype: "float32" }));
  }
}

export class ReLU6 extends Module {
  forward(x: Tensor): Tensor {
    return relu6(x);
  }
}

export class Hardtanh extends Module {
  readonly min: number;
  readonly max: number;

  constructor(options: { min?: number; max?: number } = {}) {
    super();
    checkOptions(options, ["min", "max"], "Hardtanh");
    this.min = options.min ?? -1;
    this.max = options.max ?? 1;
    if (!(this.min <= this.max)) throw new OptionError(`Hardtanh: min ${this.min} must not be above max ${this.max}`);
  }

  forward(x: Tensor): Tensor {
    return hardtanh(x, { min: this.min, max: this.max });
  }

  override describe(): string {
    return describeOptions({ min: this.min, max: this.max }, { min: -1, max: 1 });
  }
}

export class ELU extends Module {
  readonly alpha: number;

  constructor(options: { alpha?: number } = {}) {
    super();
    checkOptions(options, ["alpha"], "ELU");
    this.alpha = options.alpha ?? 1;
  }

  forward(x: Tensor): Tensor {
    return elu(x, { alpha: this.alpha });
  }

  override describe(): string {
    return describeOptions({ alpha: this.alpha }, { alpha: 1 });
  }
}

export class Tanh extends Module {
  forward(x: Tensor): Tensor {
    return tanh(x);
  }
}

export class Sigmoid extends Module {
  forward(x: Tensor): Tensor {
    return sigmoid(x);
  }
}

export class GELU extends Module {
  forward(x: Tensor): Tensor {
    return gelu(x);
  }
}

export class SiLU extends Module {
  forward(x: Tensor): Tensor {
    return silu(x);
  }
}

export class Softplus extends Module {
  forward(x: Tensor): Tensor {
    return softplus(x);
  }
}

export class Identity extends Module {
  forward(x: Tensor): Tensor {
    return x;
  }
}
