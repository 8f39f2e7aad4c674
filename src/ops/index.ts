/** Every op for users; `allOps` lists the records, so that tests can hold each to the same rules. */
import type { Op } from "../graph/making.js";
import { activationOps } from "./activation.js";
import { arithmeticOps } from "./arithmetic.js";
import { castOps } from "./cast.js";
import { equal, greater, greaterEqual, less, lessEqual, notEqual, where } from "./compare.js";
import { convolutionOps } from "./convolution.js";
import { gatherOps } from "./gather.js";
import { linearOps } from "./linear.js";
import { matmulOps } from "./matmul.js";
import { reduceOps } from "./reduce.js";
import { reshapeOps } from "./reshape.js";
import { sliceOps } from "./slice.js";
import { squaredErrorOps } from "./squared-error.js";

export {
  clamp,
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
} from "./activation.js";
export {
  abs,
  add,
  cos,
  div,
  erf,
  exp,
  floor,
  log,
  log1p,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  reciprocal,
  rsqrt,
  sign,
  sin,
  sqrt,
  square,
  sub,
} from "./arithmetic.js";
export { equal, greater, greaterEqual, less, lessEqual, notEqual, where } from "./compare.js";
export {
  avgPool2d,
  type Conv2dOptions,
  conv2d,
  type MaxPoolOptions,
  maxPool2d,
  type Pair,
  type PoolOptions,
} from "./convolution.js";
export {
  arange,
  eye,
  full,
  linspace,
  ones,
  type TensorOptions,
  tensor,
  zeros,
} from "./create.js";
export { gather, indexSelect, scatterAdd } from "./gather.js";
export { linear } from "./linear.js";
export { type MatmulOptions, matmul } from "./matmul.js";
export {
  type BatchNormOptions,
  batchNorm,
  type DropoutOptions,
  dropout,
  type LayerNormOptions,
  layerNorm,
} from "./normalize.js";
export { type RandomOptions, rand, randn } from "./random.js";
export {
  type ArgOptions,
  type Axis,
  argmax,
  argmin,
  broadcastTo,
  cumsum,
  logSoftmax,
  logsumexp,
  max,
  mean,
  min,
  type NormOptions,
  norm,
  type ReduceOptions,
  softmax,
  std,
  sum,
  type VarianceOptions,
  variance,
} from "./reduce.js";
export { flatten, permute, reshape, squeeze, transpose, unsqueeze } from "./reshape.js";
export { concat, pad, type Range, slice, split, stack, tile } from "./slice.js";

const comparisons = [less, lessEqual, greater, greaterEqual, equal, notEqual, where].map((fn) => fn.op);

export const allOps: readonly Op[] = [
  ...arithmeticOps,
  ...activationOps,
  ...comparisons,
  ...castOps,
  ...reduceOps,
  ...reshapeOps,
  ...gatherOps,
  ...sliceOps,
  ...matmulOps,
  ...linearOps,
  ...squaredErrorOps,
  ...convolutionOps,
];
