/**
 * The class people hold, with its ops as methods: importing this file puts them on the class, so everything that
 * hands tensors to users imports Tensor from here.
 */
import { type BackwardOptions, backward } from "../autodiff/backward.js";
import "../autodiff/trace-gradients.js";
import { checkDtype, type DType } from "../array/dtype.js";
import { formatValues } from "../array/print.js";
import type { Shape } from "../array/shape.js";
import { ValueError } from "../base/errors.js";
import { INSPECT } from "../base/shown.js";
import type { Operand } from "../graph/apply.js";
import { type GradientHook, Tensor } from "../graph/tensor.js";
import * as activation from "../ops/activation.js";
import * as arithmetic from "../ops/arithmetic.js";
import { assign } from "../ops/assign.js";
import { convert, detach } from "../ops/cast.js";
import * as compare from "../ops/compare.js";
import * as gathering from "../ops/gather.js";
import { type MatmulOptions, matmul } from "../ops/matmul.js";
import * as reduce from "../ops/reduce.js";
import * as reshaping from "../ops/reshape.js";
import * as slicing from "../ops/slice.js";
import { type TensorJson, tensorToJson } from "./json.js";

type Axis = reduce.Axis;
type ReduceOptions = reduce.ReduceOptions;

declare module "../graph/tensor.js" {
  interface Tensor {
    /** a + b, elementwise with broadcasting. */
    add(other: Operand): Tensor;
    /** a − b, elementwise with broadcasting. */
    sub(other: Operand): Tensor;
    /** a · b, elementwise with broadcasting. */
    mul(other: Operand): Tensor;
    /** a / b, elementwise with broadcasting. */
    div(other: Operand): Tensor;
    /** x to a power, a number or a tensor. */
    pow(exponent: Operand): Tensor;
    neg(): Tensor;
    /** The larger of two, elementwise; the other where they are equal. */
    maximum(other: Operand): Tensor;
    /** The smaller of two, elementwise; the other where they are equal. */
    minimum(other: Operand): Tensor;
    exp(): Tensor;
    log(): Tensor;
    /** log(1 + x), accurate near 0. */
    log1p(): Tensor;
    sqrt(): Tensor;
    /** 1 / √x. */
    rsqrt(): Tensor;
    /** 1 / x. */
    reciprocal(): Tensor;
    square(): Tensor;
    /** |x|; derivative 0 at 0. */
    abs(): Tensor;
    sign(): Tensor;
    floor(): Tensor;
    sin(): Tensor;
    cos(): Tensor;
    erf(): Tensor;
    sigmoid(): Tensor;
    tanh(): Tensor;
    /** log(1 + eˣ). */
    softplus(): Tensor;
    elu(options?: { alpha?: number }): Tensor;
    /** x · Φ(x), exactly. */
    gelu(): Tensor;
    silu(): Tensor;
    /** max(x, 0); derivative 0 at 0. */
    relu(): Tensor;
    leakyRelu(options?: { slope?: number }): Tensor;
    prelu(slope: Tensor): Tensor;
    clamp(options?: { min?: number; max?: number }): Tensor;
    relu6(): Tensor;
    hardtanh(options?: { min?: number; max?: number }): Tensor;
    /** 1 where x < other, else 0. */
    less(other: Operand): Tensor;
    lessEqual(other: Operand): Tensor;
    greater(other: Operand): Tensor;
    greaterEqual(other: Operand): Tensor;
    equal(other: Operand): Tensor;
    notEqual(other: Operand): Tensor;
    /** Sum over axes (all unless told). */
    sum(axis?: Axis | ReduceOptions, options?: ReduceOptions): Tensor;
    mean(axis?: Axis | ReduceOptions, options?: ReduceOptions): Tensor;
    /** The largest element over axes; the gradient goes to the first of equal ones. */
    max(axis?: Axis | ReduceOptions, options?: ReduceOptions): Tensor;
    min(axis?: Axis | ReduceOptions, options?: ReduceOptions): Tensor;
    variance(axis?: Axis | reduce.VarianceOptions, options?: reduce.VarianceOptions): Tensor;
    std(axis?: Axis | reduce.VarianceOptions, options?: reduce.VarianceOptions): Tensor;
    logsumexp(axis?: Axis | ReduceOptions, options?: ReduceOptions): Tensor;
    softmax(axis?: number | { axis?: number }): Tensor;
    logSoftmax(axis?: number | { axis?: number }): Tensor;
    cumsum(axis: number): Tensor;
    /** Index (int32) of the first largest element. */
    argmax(axis?: number | null | reduce.ArgOptions, options?: reduce.ArgOptions): Tensor;
    argmin(axis?: number | null | reduce.ArgOptions, options?: reduce.ArgOptions): Tensor;
    /** The matrix product by NumPy's rule. */
    matmul(other: Tensor, options?: MatmulOptions): Tensor;
    /** Axes i and j swapped; the last two unless told. */
    transpose(i?: number, j?: number): Tensor;
    permute(axes: readonly number[]): Tensor;
    /** The same values under another shape; one length may be -1. */
    reshape(shape: Shape): Tensor;
    flatten(start?: number, end?: number): Tensor;
    squeeze(axis?: Axis): Tensor;
    unsqueeze(axis: number): Tensor;
    broadcastTo(shape: Shape): Tensor;
    /** One `[start, stop, step]` per axis, null for open. */
    slice(ranges: readonly (slicing.Range | null)[]): Tensor;
    split(size: number | readonly number[], axis?: number): Tensor[];
    indexSelect(axis: number, index: Tensor | readonly number[]): Tensor;
    gather(axis: number, index: Tensor | NestedArray): Tensor;
    scatterAdd(axis: number, index: Tensor | NestedArray, source: Tensor): Tensor;
    tile(counts: readonly number[]): Tensor;
    pad(pads: readonly (readonly [number, number])[], value?: number): Tensor;
    /** The same values in another dtype; differentiable. */
    to(dtype: DType): Tensor;
    /** The same values without the history. */
    detach(): Tensor;
    /** Accumulates gradients into `.grad` of the leaves that require one. */
    backward(options?: BackwardOptions): void;
    /** Calls `hook` with the gradient when backward has it; what it returns, if anything, replaces it. Returns the undoing. */
    onGradient(hook: GradientHook): () => void;
    /** Takes over the values of `source`, in place. */
    assign_(source: Tensor): Tensor;
    toString(): string;
    /** dtype, shape and values as plain data, for `JSON.stringify`; `tensorFromJson` makes a tensor of it again. */
    toJSON(): TensorJson;
  }
}

/** Methods whose subject is the first argument of the function of the same name. */
const methods = {
  ...pick(arithmetic, ["add", "sub", "mul", "div", "pow", "neg", "maximum", "minimum", "exp", "log", "log1p", "sqrt"]),
  ...pick(arithmetic, ["rsqrt", "reciprocal", "square", "abs", "sign", "floor", "sin", "cos", "erf"]),
  ...pick(activation, ["sigmoid", "tanh", "softplus", "elu", "gelu", "silu", "relu", "leakyRelu", "prelu", "clamp"]),
  ...pick(activation, ["relu6", "hardtanh"]),
  ...pick(compare, ["less", "lessEqual", "greater", "greaterEqual", "equal", "notEqual"]),
  ...pick(reduce, ["sum", "mean", "max", "min", "variance", "std", "logsumexp", "softmax", "logSoftmax", "cumsum"]),
  ...pick(reduce, ["argmax", "argmin", "broadcastTo"]),
  ...pick(reshaping, ["transpose", "permute", "reshape", "flatten", "squeeze", "unsqueeze"]),
  ...pick(slicing, ["slice", "split", "tile", "pad"]),
  ...pick(gathering, ["indexSelect", "gather", "scatterAdd"]),
  matmul,
  detach,
  backward,
  assign_: assign,
  to: (x: Tensor, dtype: DType): Tensor => convert(x, checkDtype(dtype, "to")),
  onGradient(x: Tensor, hook: GradientHook): () => void {
    if (!x.requiresGrad) {
      throw new ValueError("onGradient: the tensor does not require a gradient; create it with { requiresGrad: true }");
    }
    x.hooks ??= [];
    x.hooks.push(hook);
    return () => {
      x.hooks = (x.hooks ?? []).filter((one) => one !== hook);
    };
  },
  toString: (x: Tensor): string => describe(x),
  toJSON: tensorToJson,
};

function pick<Source, Name extends keyof Source>(source: Source, names: readonly Name[]): Pick<Source, Name> {
  return Object.fromEntries(names.map((name) => [name, source[name]])) as Pick<Source, Name>;
}

/** `tensor([1., 2.], requiresGrad)`, as NumPy and PyTorch print. */
function describe(x: Tensor): string {
  const notes = [
    ...(x.dtype === "float32" ? [] : [x.dtype]),
    ...(x.requiresGrad ? [x.op === null ? "requiresGrad" : `by ${x.op.name}`] : []),
    ...(x.name === "" ? [] : [`name ${JSON.stringify(x.name)}`]),
  ];
  return `tensor(${formatValues(x, " ".repeat(7))}${notes.map((note) => `, ${note}`).join("")})`;
}

for (const [name, fn] of Object.entries(methods) as [string, (...args: unknown[]) => unknown][]) {
  Object.defineProperty(Tensor.prototype, name, {
    value: function method(this: Tensor, ...args: unknown[]) {
      return fn(this, ...args);
    },
    writable: true,
    configurable: true,
  });
}

/* The methods that graphs of scalars consist of, written out: through a shared wrapper a call costs 20 ns more. */
Tensor.prototype.add = function plus(other) {
  return arithmetic.add(this, other);
};
Tensor.prototype.sub = function minus(other) {
  return arithmetic.sub(this, other);
};
Tensor.prototype.mul = function times(other) {
  return arithmetic.mul(this, other);
};
Tensor.prototype.div = function over(other) {
  return arithmetic.div(this, other);
};
Tensor.prototype.relu = function rectified() {
  return activation.relu(this);
};
Tensor.prototype.tanh = function hyperbolic() {
  return activation.tanh(this);
};

/** What `console.log` shows in Node. */
Object.defineProperty(Tensor.prototype, INSPECT, {
  value: function inspect(this: Tensor) {
    return describe(this);
  },
});

export { Tensor };
