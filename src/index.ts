export type { AffineBlock, Competition, ConvBlock, CsrBlock, DenseBlock } from "./array/affine-block.js";
export type { DataArray, DType } from "./array/dtype.js";
export type { Expression, Instruction, Scalars } from "./array/expression.js";
export type { Shape } from "./array/shape.js";
export type { ArrayView } from "./array/storage.js";
export { type BackendInfo, backendInfo } from "./array/wasm/backend-info.js";
export { limitSimd, type SimdLevel } from "./array/wasm/features.js";
export { setThreads } from "./array/wasm/threads.js";
export { detectAnomaly } from "./autodiff/anomaly.js";
export { type BackwardOptions, gradients } from "./autodiff/backward.js";
export { type CheckOptions, checkGradients } from "./autodiff/check-gradients.js";
export { type GradientOf, grad, hessian, jacobian, jvp, valueAndGrad, vjp } from "./autodiff/functional.js";
export * from "./base/errors.js";
export { Generator, type GeneratorState, manualSeed } from "./base/random.js";
export { type Compiled, compile, type Program, programText } from "./compile/index.js";
export { type DotOptions, dotLines, toDot } from "./draw/dot.js";
export * from "./geometry/index.js";
export type { Operand } from "./graph/apply.js";
export { checkGraph } from "./graph/check.js";
export type { Attributes, GradientRule, GradientTarget, Kind, Op, OpSample } from "./graph/making.js";
export { noGrad } from "./graph/modes.js";
export {
  type Binary,
  defineUserOp as defineOp,
  type NoAttributes,
  type OpFunction,
  type OpRecord,
  type Rule,
  type Ternary,
  type Unary,
  type Variadic,
} from "./graph/op.js";
export { composed } from "./graph/scope.js";
export type { GradientHook, NestedArray } from "./graph/tensor.js";
export { graphLines, graphText } from "./graph/text.js";
export {
  type Graph,
  type GraphNode,
  type Role,
  recordedGraph,
  type ScopeCall,
  type TraceOptions,
  type TraceResult,
  trace,
} from "./graph/trace.js";
export * as data from "./nn/data/index.js";
export * as nn from "./nn/index.js";
export * as losses from "./nn/losses.js";
export * as optim from "./nn/optim/index.js";
export * from "./ops/index.js";
export type * from "./pwl/index.js";
export {
  activationPatterns,
  bounds,
  collapse,
  countsOf,
  formatNet,
  linearize,
  linearizeAll,
  lower,
  reluNet,
} from "./pwl/index.js";
export { type TensorJson, tensorFromJson } from "./tensor/json.js";
export { Tensor } from "./tensor/tensor.js";
export {
  accuracy,
  defaultLoss,
  type EpochRecord,
  type EvaluateOptions,
  evaluate,
  type FitOptions,
  type FitProgress,
  type FitResult,
  fit,
  type Loss,
  type Score,
} from "./train/fit.js";
