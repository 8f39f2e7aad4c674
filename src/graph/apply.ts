import { type DType, promote } from "../array/dtype.js";
import { type Expression, numbers, recorded, type Scalars } from "../array/expression.js";
import { elementwiseInto } from "../array/kernels.js";
import { isInNursery } from "../array/nursery.js";
import { broadcastShapes, type Shape, sizeOf } from "../array/shape.js";
import { DtypeError, OptionError, ValueError } from "../base/errors.js";
import { type Attributes, attributesKey, type Making, type Op, sameAttributes } from "./making.js";
import { mode } from "./modes.js";
import { newResult, newTensor, numberBeside, Scalar, scalarTensor, settle } from "./new-tensor.js";
import { Tensor } from "./tensor.js";

/** Applies ops: computes, and notes on results how they were made. */

/** What an op takes for a tensor: a number adopts the dtype of the others. */
export type Operand = Tensor | number;

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

/** The expression of an elementwise op of so many inputs under these attributes; made once for each of the last few. */
export function expressionOf(op: Op, attrs: Attributes, arity: number): Expression {
  const last = op.expression;
  if (last !== null && last.inputs === arity && sameAttributes(op.expressionAttrs, attrs)) return last;
  const key = `${arity} ${attributesKey(attrs)}`;
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

export function applyUnary(op: Op, operand: Operand, attrs: Attributes): Tensor {
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

export function applyBinary(op: Op, first: Operand, second: Operand, attrs: Attributes): Tensor {
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
export function applyTernary(op: Op, a: Operand, b: Operand, c: Operand, attrs: Attributes): Tensor {
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
    if (op.foreign) inputs.forEach(settle);
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
