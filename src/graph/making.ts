import type { AffineBlock, Competition } from "../array/affine-block.js";
import type { DType } from "../array/dtype.js";
import type { Expression, Scalars } from "../array/expression.js";
import type { Shape } from "../array/shape.js";
import type { ArrayView } from "../array/storage.js";
import type { Tensor } from "./tensor.js";

/** How tensors are made: ops, their attributes, and the records that tensors refer to. */

/** Named constants of one application of an op, such as `{ axis: 1 }`; plain data. */
export type Attributes = Readonly<Record<string, unknown>>;

/**
 * How an op depends on its inputs, read after constants are folded:
 * - affine: affine in all inputs together (sum, reshape, add);
 * - bilinear: affine in each input while the others are constant (mul, matmul, conv2d);
 * - gate: piecewise linear with a kink (relu, max);
 * - step: piecewise constant (sign, argmax, comparisons);
 * - random: drawn anew at every call;
 * - smooth: anything else.
 */
export type Kind = "affine" | "bilinear" | "gate" | "step" | "random" | "smooth";

/** An example on which the table-driven tests run an op: shapes of random inputs, or tensors, and attributes. */
export interface OpSample {
  readonly inputs: readonly (Shape | (() => Tensor))[];
  readonly attrs?: Attributes;
  /** Where random inputs are drawn from; default [-2, 2]. */
  readonly range?: readonly [number, number];
}

/** A gradient rule of one argument: gets the incoming gradient, the inputs, the output and the attributes. */
export type GradientRule = (dy: Tensor, ...rest: never[]) => Tensor;

/** Where the gradient of input `index` is to be written, in the input's shape; null where it is not wanted. */
export type GradientTarget = (index: number) => Tensor | null;

/** What the engine knows of an op: the record given to `defineOp`, with what is derived from it. */
export interface Op {
  readonly name: string;
  readonly doc: string;
  readonly kind: Kind;
  /** Elementwise ops only. */
  readonly scalar: ((e: Scalars<unknown>, ...rest: unknown[]) => unknown) | null;
  readonly shape: ((shapes: readonly Shape[], attrs: Attributes) => Shape) | null;
  readonly dtype: ((inputs: readonly Tensor[], attrs: Attributes) => DType) | null;
  readonly forward: ((out: ArrayView, inputs: readonly Tensor[], attrs: Attributes) => void) | null;
  readonly overwrites: boolean;
  readonly block: ((index: number, inputs: readonly Tensor[], attrs: Attributes) => AffineBlock | null) | null;
  readonly competition: ((shape: Shape, attrs: Attributes) => Competition) | null;
  /** One rule per input, or one function of the input's number for ops of any number of inputs. */
  readonly rules: readonly (GradientRule | null)[] | ((index: number) => GradientRule);
  /** All gradients at once, where that is faster than the rules one by one; null without. */
  readonly pullback: ((dy: Tensor, node: Tensor, target: GradientTarget) => void) | null;
  /** What it is short for, applied in its place where somebody watches; null for most. */
  readonly expansion: ((...inputs: Tensor[]) => Tensor) | null;
  /** Whether inputs broadcast, so that the engine sums their gradients back to their shapes. */
  readonly broadcasts: boolean;
  readonly samples: readonly OpSample[];
  readonly record: unknown;
  /** Whether a user defined it, whose rules may keep the gradients that they see. */
  foreign: boolean;
  /** The last expression made for it, and the attributes that it was made for. */
  expression: Expression | null;
  expressionAttrs: Attributes;
  /** Expressions made for other attributes. */
  expressions: Map<string, Expression>;
  /** What autodiff/ derived from the gradient rules, kept here because a look-up per edge would cost more. */
  derived: object | null;
  /** The instruction that is all that it computes; null where there is more, undefined before anybody asked. */
  instruction: string | null | undefined;
  /** The last record of how it makes tensors. */
  making: Making | null;
}

/** How tensors were made: all those that one op made, with the same attributes, may share one record. */
export interface Making {
  readonly op: Op | null;
  readonly attrs: Attributes;
  /** The dtype of what was made. */
  readonly dtype: DType;
  /** What autodiff/ makes of it for graphs of scalars. */
  plan: object | null;
}

export const NO_ATTRIBUTES: Attributes = Object.freeze({});

/** Attributes of a tensor whose graph was released after backward. */
const RELEASED_ATTRIBUTES: Attributes = Object.freeze({ released: true });

type MakingByDtype = Readonly<Record<DType, Making>>;

function madeByNone(attrs: Attributes): MakingByDtype {
  const making = (dtype: DType): Making => ({ op: null, attrs, dtype, plan: null });
  return { float32: making("float32"), float64: making("float64"), int32: making("int32") };
}

/** How leaves were made, and tensors whose graph was released: by no op. */
export const LEAF = madeByNone(NO_ATTRIBUTES);
export const RELEASED = madeByNone(RELEASED_ATTRIBUTES);

/** `makings[dtype]`, which costs more than comparing. */
export function ofDtype(makings: MakingByDtype, dtype: DType): Making {
  return dtype === "float32" ? makings.float32 : dtype === "float64" ? makings.float64 : makings.int32;
}

/** A text that is equal for equal attributes. */
export function attributesKey(attrs: Attributes): string {
  return JSON.stringify(
    Object.entries(attrs).map(([name, value]) => [name, Object.is(value, -0) ? "-0" : String(value)]),
  );
}

/** Whether two attribute records hold the same numbers and strings under the same names. */
export function sameAttributes(a: Attributes, b: Attributes): boolean {
  if (a === b) return true;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  for (const name of names) if (!Object.is(a[name], b[name])) return false;
  return true;
}
