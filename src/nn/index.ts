/** Modules, initializers, and networks made of them. */
export * as init from "./init.js";
export {
  ELU,
  GELU,
  Hardtanh,
  Identity,
  LeakyReLU,
  PReLU,
  ReLU,
  ReLU6,
  Sigmoid,
  SiLU,
  Softplus,
  Tanh,
} from "./layers/activation.js";
export { Dropout } from "./layers/dropout.js";
export { Flatten } from "./layers/flatten.js";
export {
  AvgPool2d,
  type AvgPool2dOptions,
  Conv2d,
  type Conv2dLayerOptions,
  MaxPool2d,
  type MaxPool2dOptions,
} from "./layers/images.js";
export { Linear, type LinearOptions } from "./layers/linear.js";
export {
  BatchNorm1d,
  BatchNorm2d,
  type BatchNormLayerOptions,
  LayerNorm,
  type LayerNormLayerOptions,
} from "./layers/normalization.js";
export { Sequential } from "./layers/sequential.js";
export { type Activation, type MlpOptions, mlp, mlpFromWeights, type WeightRows } from "./mlp.js";
export { buffer, type Layer, Module, parameter } from "./module.js";
export type { LoadOptions, LoadResult, SavedState, StateDict } from "./state.js";
