import type { AffineBlock, Competition } from "../array/affine-block.js";
import type { DType } from "../array/dtype.js";
import type { Scalars } from "../array/expression.js";
import type { Shape } from "../array/shape.js";
import type { ArrayView } from "../array/storage.js";
import { OptionError } from "../base/errors.js";
import { apply, applyBinary, applyTernary, applyUnary, type Operand } from "./apply.js";
import {
  type Attributes,
  type GradientRule,
  type GradientTarget,
  type Kind,
  NO_ATTRIBUTES,
  type Op,
  type OpSample,
} from "./making.js";
import { Tensor } from "./tensor.js";

export type Unary = readonly [x: Tensor];
export type Binary = readonly [a: Tensor, b: Tensor];
export type Ternary = readonly [a: Tensor, b: Tensor, c: Tensor];
export type Variadic = readonly Tensor[];

// biome-ignore lint/complexity/noBannedTypes: the empty record is what "no attributes" means
export type NoAttributes = {};

type Each<Inputs extends readonly Tensor[], T> = { [K in keyof Inputs]: T };
type WithAttributes<Attrs> = keyof Attrs extends never ? [] : [attrs: Attrs];

/** A gradient rule: `(dy, ...inputs, y, attrs) => gradient`, built of ops, so that higher orders are free. */
export type Rule<Inputs extends readonly Tensor[], Attrs> = (
  dy: Tensor,
  ...rest: [...Inputs, y: Tensor, attrs: Attrs]
) => Tensor;

/** An op is one record. Give `scalar` (elementwise) or `shape` and `forward`. */
export interface OpRecord<Inputs extends readonly Tensor[], Attrs> {
  readonly name: string;
  /** One line with the formula. */
  readonly doc: string;
  readonly kind: Kind;
  /**
   * The value of one element, stated once; shapes broadcast. It is run once for each set of attributes, and kept: what
   * it depends on beside its arguments are attributes.
   */
  readonly scalar?: <T>(e: Scalars<T>, ...rest: [...Each<Inputs, T>, attrs: Attrs]) => T;
  /** The output's shape; raises ShapeError where inputs do not fit. */
  readonly shape?: (shapes: readonly Shape[], attrs: Attrs) => Shape;
  /** The output's dtype, where it is not that of the (promoted) inputs. Inputs are then not promoted. */
  readonly dtype?: (inputs: Inputs, attrs: Attrs) => DType;
  /** Writes the value to `out`, which holds zeros, or anything where `overwrites` is true. */
  readonly forward?: (out: ArrayView, inputs: Inputs, attrs: Attrs) => void;
  /** Whether `forward` writes every element, whatever the inputs are. */
  readonly overwrites?: boolean;
  /**
   * How an affine or bilinear op is linear in input `index` while the others are constant, where that has structure
   * worth keeping or is costly to find out; null (or no rule) leaves it to be found by running the op.
   */
  readonly block?: (index: number, inputs: Inputs, attrs: Attrs) => AffineBlock | null;
  /** For a gate that is no elementwise op: which elements of its input compete for each output. */
  readonly competition?: (shape: Shape, attrs: Attrs) => Competition;
  /**
   * One rule per input, asked only when needed; null where there is no gradient. The engine un-broadcasts. A rule of a
   * user's op is run at each backward, and may read values.
   */
  readonly vjp: Inputs extends readonly [] | Unary | Binary | Ternary
    ? Each<Inputs, Rule<Inputs, Attrs> | null>
    : (index: number) => Rule<Inputs, Attrs>;
  /**
   * Writes all gradients that are wanted at once, each whole, where that costs less than the rules one by one. `vjp`
   * stays the definition: it is what is recorded and differentiated.
   */
  readonly pullback?: (dy: Tensor, node: Tensor, target: GradientTarget) => void;
  /**
   * The ops that it is short for: applied in its place where somebody watches (trace, lower, compile, detectAnomaly), so
   * that nobody else has to know it.
   */
  readonly expansion?: (...inputs: [...Inputs]) => Tensor;
  /** Whether inputs broadcast, so that the engine sums their gradients back; elementwise ops always do. */
  readonly broadcasts?: boolean;
  /** What the table-driven tests run it on. */
  readonly samples: readonly OpSample[];
}

export type OpFunction<Inputs extends readonly Tensor[], Attrs = NoAttributes> = ((
  ...args: [...Each<Inputs, Operand>, ...WithAttributes<Attrs>]
) => Tensor) & { readonly op: Op };

/**
 * Makes an op of a record: a function of tensors (and numbers) that computes, records and can be differentiated.
 * @throws OptionError where the record has neither scalar nor shape and forward.
 *
 * @example
 * const cube = defineOp<Unary>({
 *   name: "cube",
 *   doc: "x³",
 *   kind: "smooth",
 *   scalar: (e, x) => e.mul(x, e.mul(x, x)),
 *   vjp: [(dy, x) => mul(dy, mul(3, mul(x, x)))],
 *   samples: [{ inputs: [[2, 3]] }],
 * });
 */
export function defineUserOp<Inputs extends readonly Tensor[], Attrs = NoAttributes>(
  record: OpRecord<Inputs, Attrs>,
): OpFunction<Inputs, Attrs> {
  const made = defineOp(record);
  made.op.foreign = true;
  return made;
}

/** The same for the library's own ops, whose gradient rules keep nothing that they see. */
export function defineOp<Inputs extends readonly Tensor[], Attrs = NoAttributes>(
  record: OpRecord<Inputs, Attrs>,
): OpFunction<Inputs, Attrs> {
  if (record.scalar === undefined && (record.shape === undefined || record.forward === undefined)) {
    throw new OptionError(`defineOp(${record.name}): give scalar, or both shape and forward`);
  }
  const op: Op = {
    name: record.name,
    doc: record.doc,
    kind: record.kind,
    scalar: (record.scalar as Op["scalar"]) ?? null,
    shape: (record.shape as Op["shape"]) ?? null,
    dtype: (record.dtype as Op["dtype"]) ?? null,
    forward: (record.forward as Op["forward"]) ?? null,
    block: (record.block as Op["block"]) ?? null,
    competition: (record.competition as Op["competition"]) ?? null,
    overwrites: record.overwrites ?? false,
    rules: record.vjp as readonly (GradientRule | null)[] | ((index: number) => GradientRule),
    pullback: record.pullback ?? null,
    expansion: (record.expansion as Op["expansion"]) ?? null,
    broadcasts: record.broadcasts ?? record.scalar !== undefined,
    samples: record.samples,
    record,
    foreign: false,
    expression: null,
    expressionAttrs: NO_ATTRIBUTES,
    expressions: new Map(),
    derived: null,
    instruction: undefined,
    making: null,
  };
  const arity = Array.isArray(record.vjp) ? record.vjp.length : -1;
  const call =
    op.scalar !== null && arity === 1
      ? (a: Operand, attrs: Attributes = NO_ATTRIBUTES) => applyUnary(op, a, attrs)
      : op.scalar !== null && arity === 2
        ? (a: Operand, b: Operand, attrs: Attributes = NO_ATTRIBUTES) => applyBinary(op, a, b, attrs)
        : op.scalar === null && arity === 1
          ? (a: Operand, attrs: Attributes = NO_ATTRIBUTES) => apply(op, [a], attrs)
          : op.scalar === null && arity === 2
            ? (a: Operand, b: Operand, attrs: Attributes = NO_ATTRIBUTES) => apply(op, [a, b], attrs)
            : arity === 3
              ? op.scalar !== null && op.dtype === null
                ? (a: Operand, b: Operand, c: Operand, attrs: Attributes = NO_ATTRIBUTES) =>
                    applyTernary(op, a, b, c, attrs)
                : (a: Operand, b: Operand, c: Operand, attrs: Attributes = NO_ATTRIBUTES) => apply(op, [a, b, c], attrs)
              : (...args: (Operand | Attributes)[]) => {
                  const last = args[args.length - 1];
                  const hasAttributes = typeof last !== "number" && !(last instanceof Tensor);
                  const operands = (hasAttributes ? args.slice(0, -1) : args) as Operand[];
                  return apply(op, operands, hasAttributes ? (last as Attributes) : NO_ATTRIBUTES);
                };
  return Object.assign(call, { op }) as unknown as OpFunction<Inputs, Attrs>;
}
