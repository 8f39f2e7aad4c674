export type { DType } from "./array/dtype.js";
export type { Scalars } from "./array/expression.js";
export type { Shape } from "./array/shape.js";
export { type BackendInfo, backendInfo } from "./array/wasm/backend-info.js";
export { limitSimd, type SimdLevel } from "./array/wasm/features.js";
export { setThreads } from "./array/wasm/threads.js";
export { detectAnomaly } from "./autodiff/anomaly.js";
export { type BackwardOptions, gradients } from "./autodiff/backward.js";
export { type CheckOptions, checkGradients } from "./autodiff/check-gradients.js";
export { grad, hessian, jacobian, jvp, valueAndGrad, vjp } from "./autodiff/functional.js";
export * from "./base/errors.js";
export { Generator, type GeneratorState, manualSeed } from "./base/random.js";
export { type Compiled, compile, type Program, programText } from "./compile/index.js";
export { type DotOptions, dotLines, toDot } from "./draw/dot.js";
export {
  type Cell,
  type Cells,
  type Counts,
  counts,
  type DualGraph,
  dualGraph,
  dualGraphToDot,
  type EnumeratedCell,
  type EnumerateOptions,
  type Enumeration,
  enumerate,
  enumeratedPieces,
  type Frontier,
  type FrontierPart,
  type Partition,
  type PartitionOptions,
  partition,
  productBound,
  streamCells,
  type ValidationSummary,
  validate,
  validateEnumeration,
  zaslavsky,
} from "./geometry/index.js";
export { checkGraph } from "./graph/check.js";
export { noGrad } from "./graph/modes.js";
export {
  type Binary,
  defineUserOp as defineOp,
  type NoAttributes,
  type Operand,
  type OpFunction,
  type OpRecord,
  type Ternary,
  type Unary,
  type Variadic,
} from "./graph/op.js";
export { composed } from "./graph/scope.js";
export type { Attributes, GradientHook, Kind, NestedArray, Op, OpSample } from "./graph/tensor.js";
export { graphLines, graphText } from "./graph/text.js";
export { type Graph, type GraphNode, type Role, recordedGraph, type TraceOptions, trace } from "./graph/trace.js";
export * as data from "./nn/data/index.js";
export * as nn from "./nn/index.js";
export * as losses from "./nn/losses.js";
export * as optim from "./nn/optim/index.js";
export * from "./ops/index.js";
export {
  activationPatterns,
  bounds,
  collapse,
  countsOf,
  formatNet,
  type Linearization,
  linearize,
  linearizeAll,
  lower,
  type PwlNet,
  type Readable,
  reluNet,
} from "./pwl/index.js";
export { type TensorJson, tensorFromJson } from "./tensor/json.js";
export { Tensor } from "./tensor/tensor.js";
export {
  accuracy,
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
