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
export { Linear, type LinearOptions } from "./layers/linear.js";
export { Sequential } from "./layers/sequential.js";
export { type Activation, type MlpOptions, mlp, mlpFromWeights, type WeightRows } from "./mlp.js";
export { buffer, type Layer, Module, parameter } from "./module.js";
export type { LoadOptions, LoadResult, StateDict } from "./state.js";
