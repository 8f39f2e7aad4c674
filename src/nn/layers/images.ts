import type { DType } from "../../array/dtype.js";
import { formatShape } from "../../array/shape.js";
import { OptionError, ShapeError } from "../../base/errors.js";
import type { Generator } from "../../base/random.js";
import { avgPool2d, conv2d, maxPool2d, type Pair } from "../../ops/convolution.js";
import { checkOptions } from "../../ops/create.js";
import { squeeze, unsqueeze } from "../../ops/reshape.js";
import type { Tensor } from "../../tensor/tensor.js";
import { checkCount, checkInput, checkPair, parameterDtype } from "../checks.js";
import { Module } from "../module.js";
import { describeOptions, formatPair, joinArguments, shortPair } from "./describe.js";
import { drawParameters } from "./linear.js";

/** Layers for images [batch, channels, height, width]; one image [channels, height, width] gives one image. */

function onImages(x: Tensor, where: string, fn: (images: Tensor) => Tensor): Tensor {
  if (x.ndim === 4) return fn(x);
  if (x.ndim === 3) return squeeze(fn(unsqueeze(x, 0)), 0);
  throw new ShapeError(
    `${where}: input ${formatShape(x.shape)} is neither [batch, channels, height, width] nor [channels, height, width]; add missing axes with reshape`,
  );
}

type Both = readonly [height: number, width: number];

export interface Conv2dLayerOptions {
  /** Distance between windows; default 1. */
  stride?: Pair;
  /** Zeros around the image; default 0. */
  padding?: Pair;
  /** Distance between the pixels of a window; default 1. */
  dilation?: Pair;
  /** Into how many groups channels are divided that do not mix; default 1. */
  groups?: number;
  bias?: boolean;
  dtype?: DType;
  /** Where the initial values come from; default: the stream that `manualSeed` restarts. */
  generator?: Generator;
}

/** Cross-correlation with learnt kernels, plus a learnt number per output channel. */
export class Conv2d extends Module {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernel: Both;
  readonly stride: Both;
  readonly padding: Both;
  readonly dilation: Both;
  readonly groups: number;
  /** [out, in / groups, height, width]. */
  readonly weight: Tensor;
  /** [out], or null. */
  readonly bias: Tensor | null;

  constructor(inChannels: number, outChannels: number, kernel: Pair, options: Conv2dLayerOptions = {}) {
    super();
    const where = `Conv2d(${inChannels}, ${outChannels}, ${JSON.stringify(kernel)})`;
    checkOptions(options, ["stride", "padding", "dilation", "groups", "bias", "dtype", "generator"], where);
    const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
    this.inChannels = checkCount(inChannels, "the number of input channels", where);
    this.outChannels = checkCount(outChannels, "the number of output channels", where);
    this.kernel = checkPair(kernel, 1, "the kernel", where);
    this.stride = checkPair(stride, 1, "stride", where);
    this.padding = checkPair(padding, 0, "padding", where);
    this.dilation = checkPair(dilation, 1, "dilation", where);
    this.groups = checkCount(groups, "groups", where);
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new OptionError(
        `${where}: ${groups} groups must divide both ${inChannels} input and ${outChannels} output channels`,
      );
    }
    const dtype = parameterDtype(options.dtype, where);
    const drawn = drawParameters([outChannels, inChannels / groups, ...this.kernel], options, dtype);
    this.weight = drawn.weight;
    this.bias = drawn.bias;
  }

  private get title(): string {
    return `Conv2d(${joinArguments(this.inChannels, this.outChannels, formatPair(shortPair(this.kernel)))})`;
  }

  forward(x: Tensor): Tensor {
    checkInput(x, this);
    return onImages(x, this.title, (images) => {
      if (images.shape[1] !== this.inChannels) {
        throw new ShapeError(
          `${this.title}: input ${formatShape(x.shape)} has ${images.shape[1]} channels, expected ${this.inChannels}`,
        );
      }
      const { stride, padding, dilation, groups } = this;
      return conv2d(images, this.weight, this.bias, { stride, padding, dilation, groups });
    });
  }

  override describe(): string {
    const options = {
      stride: shortPair(this.stride),
      padding: shortPair(this.padding),
      dilation: shortPair(this.dilation),
      groups: this.groups,
      bias: this.bias !== null,
      dtype: this.weight.dtype,
    };
    const defaults = { stride: 1, padding: 0, dilation: 1, groups: 1, bias: true, dtype: "float32" };
    return joinArguments(
      this.inChannels,
      this.outChannels,
      formatPair(shortPair(this.kernel)),
      describeOptions(options, defaults),
    );
  }
}

export interface AvgPool2dOptions {
  /** Default: the kernel, so that windows do not overlap. */
  stride?: Pair;
  padding?: Pair;
}

export interface MaxPool2dOptions extends AvgPool2dOptions {
  dilation?: Pair;
}

/** The largest element of each window, per channel. */
export class MaxPool2d extends Module {
  readonly kernel: Both;
  readonly stride: Both;
  readonly padding: Both;
  readonly dilation: Both;

  constructor(kernel: Pair, options: MaxPool2dOptions = {}) {
    super();
    const where = `MaxPool2d(${JSON.stringify(kernel)})`;
    checkOptions(options, ["stride", "padding", "dilation"], where);
    this.kernel = checkPair(kernel, 1, "the kernel", where);
    this.stride = checkPair(options.stride ?? kernel, 1, "stride", where);
    this.padding = checkPoolPadding(options.padding ?? 0, this.kernel, where);
    this.dilation = checkPair(options.dilation ?? 1, 1, "dilation", where);
  }

  forward(x: Tensor): Tensor {
    const { kernel, stride, padding, dilation } = this;
    return onImages(x, "MaxPool2d", (images) => maxPool2d(images, { kernel, stride, padding, dilation }));
  }

  override describe(): string {
    return describePool(this, { dilation: shortPair(this.dilation) });
  }
}

/** The mean of each window, per channel; padding counts as zeros. */
export class AvgPool2d extends Module {
  readonly kernel: Both;
  readonly stride: Both;
  readonly padding: Both;

  constructor(kernel: Pair, options: AvgPool2dOptions = {}) {
    super();
    const where = `AvgPool2d(${JSON.stringify(kernel)})`;
    checkOptions(options, ["stride", "padding"], where);
    this.kernel = checkPair(kernel, 1, "the kernel", where);
    this.stride = checkPair(options.stride ?? kernel, 1, "stride", where);
    this.padding = checkPoolPadding(options.padding ?? 0, this.kernel, where);
  }

  forward(x: Tensor): Tensor {
    const { kernel, stride, padding } = this;
    return onImages(x, "AvgPool2d", (images) => avgPool2d(images, { kernel, stride, padding }));
  }

  override describe(): string {
    return describePool(this, {});
  }
}

function checkPoolPadding(padding: Pair, kernel: Both, where: string): Both {
  const both = checkPair(padding, 0, "padding", where);
  if (both[0] * 2 > kernel[0] || both[1] * 2 > kernel[1]) {
    throw new OptionError(
      `${where}: padding ${formatPair(padding)} is more than half of the kernel, so that a window could lie outside the image`,
    );
  }
  return both;
}

function describePool(pool: { kernel: Both; stride: Both; padding: Both }, more: Record<string, Pair>): string {
  const options = { stride: shortPair(pool.stride), padding: shortPair(pool.padding), ...more };
  const kernel = shortPair(pool.kernel);
  return joinArguments(formatPair(kernel), describeOptions(options, { stride: kernel, padding: 0, dilation: 1 }));
}
