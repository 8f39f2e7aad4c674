/**
 * Random initial values. He, Zhang, Ren and Sun, "Delving Deep into Rectifiers", 2015 (kaiming); Glorot and Bengio,
 * "Understanding the difficulty of training deep feedforward neural networks", 2010 (xavier). Weights are
 * [out, in, ...window], as in Linear and Conv2d.
 */
import { formatShape, type Shape } from "../array/shape.js";
import { OptionError, ShapeError } from "../base/errors.js";
import { defaultGenerator, type Generator } from "../base/random.js";
import { newTensor } from "../graph/new-tensor.js";
import { checkOptions } from "../ops/create.js";
import type { Tensor } from "../tensor/tensor.js";

export interface InitOptions {
  /** Where the numbers come from; default: the stream that `manualSeed` restarts. */
  generator?: Generator;
}

/** What follows the weights; with a slope where it is leakyRelu. */
export type Nonlinearity = "linear" | "sigmoid" | "tanh" | "relu" | "leakyRelu";

export interface KaimingOptions extends InitOptions {
  /** The slope of the leaky ReLU that follows; default 0. */
  slope?: number;
  /** Whether to keep the variance of values (fanIn, default) or of gradients (fanOut). */
  mode?: "fanIn" | "fanOut";
  /** Default leakyRelu. */
  nonlinearity?: Nonlinearity;
}

export interface XavierOptions extends InitOptions {
  /** A factor; default 1. See `gain`. */
  gain?: number;
}

/** By how much a nonlinearity shrinks what passes it, inverted, as PyTorch has it. */
export function gain(nonlinearity: Nonlinearity, slope = 0.01): number {
  switch (nonlinearity) {
    case "linear":
    case "sigmoid":
      return 1;
    case "tanh":
      return 5 / 3;
    case "relu":
      return Math.SQRT2;
    case "leakyRelu":
      return Math.sqrt(2 / (1 + slope * slope));
    default:
      throw new OptionError(
        `gain: unknown nonlinearity ${JSON.stringify(nonlinearity)}; use one of linear, sigmoid, tanh, relu, leakyRelu`,
      );
  }
}

/** How many inputs feed one output, and how many outputs one input feeds. */
export function fans(shape: Shape): { fanIn: number; fanOut: number } {
  if (shape.length < 2) {
    throw new ShapeError(
      `init: weights are [out, in, ...window], got ${formatShape(shape)}; for vectors use init.uniform or init.normal`,
    );
  }
  const window = shape.slice(2).reduce((product, length) => product * length, 1);
  return { fanIn: shape[1] * window, fanOut: shape[0] * window };
}

function fill(target: Tensor, draw: () => number): Tensor {
  const values = newTensor(target.dtype, target.shape, target.size);
  for (let i = 0; i < values.size; i++) values.buffer[values.offset + i] = draw();
  return target.assign_(values);
}

/** Fills a leaf with numbers from [low, high), in place; returns it. */
export function uniform(target: Tensor, low = 0, high = 1, options: InitOptions = {}): Tensor {
  checkOptions(options, ["generator"], "init.uniform");
  const { generator = defaultGenerator } = options;
  return fill(target, () => low + (high - low) * generator.uniform());
}

/** Fills a leaf with normal numbers, in place; returns it. */
export function normal(target: Tensor, mean = 0, deviation = 1, options: InitOptions = {}): Tensor {
  checkOptions(options, ["generator"], "init.normal");
  const { generator = defaultGenerator } = options;
  return fill(target, () => mean + deviation * generator.normal());
}

function kaimingDeviation(target: Tensor, options: KaimingOptions, where: string): number {
  checkOptions(options, ["slope", "mode", "nonlinearity", "generator"], where);
  const { slope = 0, mode = "fanIn", nonlinearity = "leakyRelu" } = options;
  const fan = fans(target.shape)[mode];
  if (fan === undefined) throw new OptionError(`${where}: mode is fanIn or fanOut, got ${JSON.stringify(mode)}`);
  return gain(nonlinearity, slope) / Math.sqrt(fan);
}

function xavierDeviation(target: Tensor, options: XavierOptions, where: string): number {
  checkOptions(options, ["gain", "generator"], where);
  const { fanIn, fanOut } = fans(target.shape);
  return (options.gain ?? 1) * Math.sqrt(2 / (fanIn + fanOut));
}

const fromGenerator = ({ generator }: InitOptions): InitOptions => (generator === undefined ? {} : { generator });

/** Uniform in ±gain · √(3 / fan), in place. */
export function kaimingUniform(target: Tensor, options: KaimingOptions = {}): Tensor {
  const bound = Math.sqrt(3) * kaimingDeviation(target, options, "init.kaimingUniform");
  return uniform(target, -bound, bound, fromGenerator(options));
}

/** Normal with standard deviation gain / √fan, in place. */
export function kaimingNormal(target: Tensor, options: KaimingOptions = {}): Tensor {
  return normal(target, 0, kaimingDeviation(target, options, "init.kaimingNormal"), fromGenerator(options));
}

/** Uniform in ±gain · √(6 / (fanIn + fanOut)), in place. */
export function xavierUniform(target: Tensor, options: XavierOptions = {}): Tensor {
  const bound = Math.sqrt(3) * xavierDeviation(target, options, "init.xavierUniform");
  return uniform(target, -bound, bound, fromGenerator(options));
}

/** Normal with standard deviation gain · √(2 / (fanIn + fanOut)), in place. */
export function xavierNormal(target: Tensor, options: XavierOptions = {}): Tensor {
  return normal(target, 0, xavierDeviation(target, options, "init.xavierNormal"), fromGenerator(options));
}
