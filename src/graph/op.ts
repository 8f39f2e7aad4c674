import type { AffineBlock, Competition } from "../array/affine-block.js";
import { type DType, promote } from "../array/dtype.js";
import { type Expression, numbers, recorded, type Scalars } from "../array/expression.js";
import { elementwiseInto } from "../array/kernels.js";
import { isInNursery } from "../array/nursery.js";
import { broadcastShapes, type Shape, sizeOf } from "../array/shape.js";
import type { ArrayView } from "../array/storage.js";
import { DtypeError, OptionError, ValueError } from "../base/errors.js";
import {
  type Attributes,
  type GradientRule,
  type GradientTarget,
  type Kind,
  type Making,
  NO_ATTRIBUTES,
  type Op,
  type OpSample,
} from "./making.js";
import { mode } from "./modes.js";
import { newResult, newTensor, numberBeside, Scalar, scalarTensor, Tensor } from "./tensor.js";

/** What an op takes for a tensor: a number adopts the dtype of the others. */
export type Operand = Tensor | number;

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

function notATensor(op: Op, value: unknown): never {
  throw new ValueError(
    `${op.name}: expected a tensor or a number, got ${Array.isArray(value) ? "an array" : String(value)}; make a tensor of it with tensor(...)`,
  );
}

/** The dtype that an elementwise or ordinary op computes in; int32 may be compared, not computed with. */
function commonDtype(op: Op, a: DType, b: DType): DType {
  if (a === b && (a !== "int32" || op.kind === "step")) return a;
  return promote(a, b, op.name);
}

/** Expressions that are kept for an op that is used with many different attributes. */
const KEPT_EXPRESSIONS = 64;

/** The expression of an elementwise op under these attributes; made once for each of the last few. */
export function expressionOf(op: Op, attrs: Attributes, arity: number): Expression {
  if (op.expression !== null && sameAttributes(op.expressionAttrs, attrs)) return op.expression;
  const key = attributesKey(attrs);
  let expression = op.expressions.get(key);
  if (expression === undefined) {
    expression = recorded(
      arity,
      (recorder, ...inputs) => op.scalar?.(recorder as unknown as Scalars<unknown>, ...inputs, attrs) as number,
    );
    if (op.expressions.size >= KEPT_EXPRESSIONS) op.expressions.clear();
    op.expressions.set(key, expression);
  }
  op.expression = expression;
  op.expressionAttrs = attrs;
  return expression;
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

/** How `op` makes tensors with these attributes: one record for all that are made alike, one after the other. */
function makingOf(op: Op, attrs: Attributes, dtype: DType): Making {
  const last = op.making;
  if (last !== null && last.dtype === dtype && sameAttributes(last.attrs, attrs)) return last;
  op.making = { op, attrs, dtype, plan: null };
  return op.making;
}

const numberScalars = numbers as unknown as Scalars<unknown>;

/** Converts to another dtype; set by ops/cast.ts, which is itself an op. */
let convert: (x: Tensor, dtype: DType) => Tensor = () => {
  throw new OptionError("cast is not defined yet: import the ops before mixing dtypes");
};

export function setConversion(cast: (x: Tensor, dtype: DType) => Tensor): void {
  convert = cast;
}

function applyUnary(op: Op, operand: Operand, attrs: Attributes): Tensor {
  let a: Tensor;
  if (operand instanceof Tensor) a = operand;
  else if (typeof operand === "number") a = scalarTensor(operand, "float32");
  else notATensor(op, operand);
  if (a.dtype === "int32") commonDtype(op, a.dtype, a.dtype);
  let out: Tensor;
  if (a.size === 1 && op.scalar !== null) {
    const value = op.scalar(numberScalars, a.value, attrs) as number;
    if (a.shape.length === 0) out = numberBeside(value, a);
    else {
      out = newResult(a.dtype, a.shape, 1);
      out.buffer[out.offset] = value;
    }
  } else {
    out = newResult(a.dtype, a.shape, a.size);
    elementwiseInto(expressionOf(op, attrs, 1), out, [a]);
  }
  if (mode.observer !== null) record(op, out, [a], attrs);
  else if (a.tracked && mode.gradients && (op.rules as readonly unknown[])[0] !== null) {
    out.tracked = true;
    out.making = makingOf(op, attrs, out.dtype);
    out.first = a;
  }
  return out;
}

function applyBinary(op: Op, first: Operand, second: Operand, attrs: Attributes): Tensor {
  let a: Tensor;
  let b: Tensor;
  if (first instanceof Tensor) {
    a = first;
    if (second instanceof Tensor) b = second;
    else if (typeof second === "number") b = numberBeside(second, a);
    else notATensor(op, second);
  } else if (typeof first === "number") {
    if (second instanceof Tensor) b = second;
    else if (typeof second === "number") b = scalarTensor(second, "float32");
    else notATensor(op, second);
    a = numberBeside(first, b);
  } else notATensor(op, first);
  if (a.dtype !== b.dtype || a.dtype === "int32") {
    const dtype = commonDtype(op, a.dtype, b.dtype);
    const given = typeof first === "number" ? first : second;
    if (dtype === "int32" && typeof given === "number" && (given | 0) !== given) {
      throw new DtypeError(`${op.name}: int32 with ${given}; compare indices with integers, or convert them first`);
    }
    if (a.dtype !== dtype) a = convert(a, dtype);
    if (b.dtype !== dtype) b = convert(b, dtype);
  }
  let out: Tensor;
  if (a.shape.length === 0 && b.shape.length === 0 && op.scalar !== null) {
    out = numberBeside(binaryValue(op, a.value, b.value, attrs), a instanceof Scalar ? b : a);
  } else {
    const shape = broadcastShapes(a.shape, b.shape, op.name);
    out = newResult(a.dtype, shape, shape === a.shape ? a.size : sizeOf(shape));
    elementwiseInto(expressionOf(op, attrs, 2), out, [a, b]);
  }
  if (mode.observer !== null) record(op, out, [a, b], attrs);
  else if (mode.gradients) {
    const rules = op.rules as readonly unknown[];
    if ((a.tracked && rules[0] !== null) || (b.tracked && rules[1] !== null)) {
      out.tracked = true;
      out.making = makingOf(op, attrs, out.dtype);
      out.first = a;
      out.second = b;
    }
  }
  return out;
}

/** Elementwise ops of three tensors: choices, and the updates of optimizers. All others are for `apply`. */
function applyTernary(op: Op, a: Operand, b: Operand, c: Operand, attrs: Attributes): Tensor {
  if (!(a instanceof Tensor && b instanceof Tensor && c instanceof Tensor)) return apply(op, [a, b, c], attrs);
  const { dtype } = a;
  const isOrdinary = dtype === b.dtype && dtype === c.dtype && dtype !== "int32" && op.scalar !== null;
  if (!isOrdinary) return apply(op, [a, b, c], attrs);
  const shape = broadcastShapes(broadcastShapes(a.shape, b.shape, op.name), c.shape, op.name);
  if (shape.length === 0) return apply(op, [a, b, c], attrs);
  const out = newResult(dtype, shape, shape === a.shape ? a.size : sizeOf(shape));
  const inputs = [a, b, c];
  if (out.size === 1) {
    out.buffer[out.offset] = op.scalar?.(numberScalars, a.value, b.value, c.value, attrs) as number;
  } else elementwiseInto(expressionOf(op, attrs, 3), out, inputs);
  if (mode.observer !== null || mode.gradients) record(op, out, inputs, attrs);
  return out;
}

/**
 * The value of an elementwise op. What graphs of scalars mostly consist of is computed in place: a call of a function
 * that is known only then has its numbers allocated.
 */
function binaryValue(op: Op, a: number, b: number, attrs: Attributes): number {
  if (op.instruction === undefined) op.instruction = op.foreign ? null : onlyInstruction(expressionOf(op, attrs, 2));
  switch (op.instruction) {
    case "add":
      return a + b;
    case "sub":
      return a - b;
    case "mul":
      return a * b;
    case "div":
      return a / b;
    default:
      return op.scalar?.(numberScalars, a, b, attrs) as number;
  }
}

/** The instruction that is all there is to an expression of two inputs; null where there is more. */
function onlyInstruction({ instructions }: Expression): string | null {
  const [, , last] = instructions;
  return instructions.length === 3 && "b" in last && last.a === 0 && last.b === 1 ? last.code : null;
}

/** Applies any op to its operands. */
export function apply(op: Op, operands: readonly Operand[], attrs: Attributes): Tensor {
  const inputs = op.dtype === null ? promoted(op, operands) : tensorsOf(op, operands);
  if (op.expansion !== null && mode.observer !== null) return op.expansion(...inputs);
  if (op.scalar !== null && op.dtype === null && inputs[0].shape.length === 0 && inputs.every(isScalar)) {
    const values = inputs.map((input) => input.value);
    const made = scalarTensor(op.scalar(numberScalars, ...values, attrs) as number, inputs[0].dtype);
    recordIfNeeded(op, made, inputs, attrs);
    return made;
  }
  let shape: Shape;
  if (op.shape !== null) {
    const shapes: Shape[] = [];
    for (let i = 0; i < inputs.length; i++) shapes.push(inputs[i].shape);
    shape = op.shape(shapes, attrs);
  } else {
    shape = inputs[0].shape;
    for (let i = 1; i < inputs.length; i++) shape = broadcastShapes(shape, inputs[i].shape, op.name);
  }
  const dtype = op.dtype === null ? inputs[0].dtype : op.dtype(inputs, attrs);
  // A user's forward may apply ops, which may move what the nursery holds.
  const out = op.foreign ? newTensor(dtype, shape, sizeOf(shape)) : newResult(dtype, shape, sizeOf(shape));
  if (op.scalar !== null) elementwiseInto(expressionOf(op, attrs, inputs.length), out, inputs);
  else if (op.forward !== null) {
    if (!op.overwrites && isInNursery(out.buffer)) out.buffer.fill(0, out.offset, out.offset + out.size);
    op.forward(out, inputs, attrs);
  }
  recordIfNeeded(op, out, inputs, attrs);
  return out;
}

function isScalar(input: Tensor): boolean {
  return input instanceof Scalar;
}

/** The operands as tensors of one dtype; numbers adopt it. */
function promoted(op: Op, operands: readonly Operand[]): readonly Tensor[] {
  let dtype: DType | null = null;
  let uniform = true;
  for (const operand of operands) {
    if (operand instanceof Tensor) {
      if (dtype === null) dtype = operand.dtype;
      else if (dtype !== operand.dtype) {
        dtype = commonDtype(op, dtype, operand.dtype);
        uniform = false;
      }
    } else if (typeof operand === "number") uniform = false;
    else notATensor(op, operand);
  }
  if (dtype === "int32") commonDtype(op, dtype, dtype);
  if (uniform) return operands as readonly Tensor[];
  const common = dtype ?? "float32";
  return operands.map((operand) =>
    typeof operand === "number"
      ? scalarTensor(operand, common)
      : operand.dtype === common
        ? operand
        : convert(operand, common),
  );
}

function tensorsOf(op: Op, operands: readonly Operand[]): readonly Tensor[] {
  for (const operand of operands) {
    if (!(operand instanceof Tensor) && typeof operand !== "number") notATensor(op, operand);
  }
  return operands.map((operand) => (typeof operand === "number" ? scalarTensor(operand, "float32") : operand));
}

/** Notes on a result how it was made, where a gradient or an observer asks for it. */
export function recordIfNeeded(op: Op, out: Tensor, inputs: readonly Tensor[], attrs: Attributes): void {
  if (mode.observer !== null || mode.gradients) record(op, out, inputs, attrs);
}

function record(op: Op, out: Tensor, inputs: readonly Tensor[], attrs: Attributes): void {
  let requiresGrad = false;
  if (mode.gradients) {
    for (let i = 0; i < inputs.length; i++) {
      if (inputs[i].requiresGrad && (typeof op.rules === "function" || op.rules[i] !== null)) requiresGrad = true;
    }
  }
  const { observer } = mode;
  if (requiresGrad || observer?.recordsAll) {
    out.tracked = requiresGrad;
    out.record(makingOf(op, attrs, out.dtype), inputs);
  }
  if (observer !== null) observer.made(out, inputs, op);
}
