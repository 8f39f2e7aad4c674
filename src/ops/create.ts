import { checkDtype, type DataArray, type DType, dtypeOf, newArray } from "../array/dtype.js";
import { checkShape, formatShape, SCALAR, type Shape, sizeOf } from "../array/shape.js";
import { DtypeError, OptionError, ShapeError, ValueError } from "../base/errors.js";
import { checkOptions } from "../base/options.js";
import { fromArray, newTensor, scalarTensor } from "../graph/new-tensor.js";
import { type NestedArray, Tensor } from "../graph/tensor.js";

export { checkOptions };

/** Makes tensors of numbers; nothing here is recorded. */

/** What a new tensor is: float32 unless told, not differentiated unless told. */
export interface TensorOptions {
  dtype?: DType;
  /** Whether `backward` computes its gradient. */
  requiresGrad?: boolean;
  /** Shown in drawings, text and errors. */
  name?: string;
}

const KNOWN_OPTIONS = ["dtype", "requiresGrad", "name"];

/** A buffer of `dtype` filled with numbers; int32 holds integers of 32 bits, and what it would cut off is refused. */
function bufferOf(dtype: DType, size: number, where: string, fill: (buffer: DataArray) => void): DataArray {
  const buffer = newArray(dtype === "int32" ? "float64" : dtype, size);
  fill(buffer);
  if (dtype !== "int32") return buffer;
  const wrong = buffer.findIndex((value) => (value | 0) !== value);
  if (wrong >= 0) {
    throw new ValueError(
      `${where}: ${buffer[wrong]} (element ${wrong}) is no 32-bit integer; round it, or use float32 or float64`,
    );
  }
  return Int32Array.from(buffer);
}

/** Sets what the options ask for on a new tensor. */
export function finish(tensor: Tensor, options: TensorOptions, where: string, more: readonly string[] = []): Tensor {
  checkOptions(options, [...KNOWN_OPTIONS, ...more], where);
  if (options.requiresGrad) {
    if (tensor.dtype === "int32") {
      throw new DtypeError(`${where}: int32 tensors are indices and have no gradient; use float32 or float64`);
    }
    tensor.requiresGrad = true;
  }
  if (options.name !== undefined) tensor.name = options.name;
  return tensor;
}

function filled(shape: Shape, options: TensorOptions, where: string, fill: (buffer: DataArray) => void): Tensor {
  const dtype = options.dtype === undefined ? "float32" : checkDtype(options.dtype, where);
  const buffer = bufferOf(dtype, sizeOf(checkShape(shape, where)), where, fill);
  return finish(fromArray(buffer, dtype, Object.freeze([...shape])), options, where);
}

function nestedShape(values: NestedArray): number[] {
  const shape: number[] = [];
  for (let level = values; Array.isArray(level); level = level[0]) {
    shape.push(level.length);
    if (level.length === 0) break;
  }
  return shape;
}

function flattenInto(buffer: DataArray, values: NestedArray, shape: Shape): void {
  let at = 0;
  const visit = (level: NestedArray, axis: number, path: string): void => {
    if (axis === shape.length) {
      if (typeof level !== "number") {
        throw new ValueError(
          `tensor: expected a number at ${path || "the top"}, got ${Array.isArray(level) ? `an array of ${level.length}` : String(level)}; nested arrays must be equally deep and long everywhere`,
        );
      }
      buffer[at++] = level;
      return;
    }
    if (!Array.isArray(level) || level.length !== shape[axis]) {
      throw new ValueError(
        `tensor: ragged array: ${path || "the top"} has ${Array.isArray(level) ? `${level.length} elements` : `the value ${String(level)}`} where ${shape[axis]} elements are expected; nested arrays must be equally deep and long everywhere`,
      );
    }
    for (let i = 0; i < level.length; i++) visit(level[i], axis + 1, `${path}[${i}]`);
  };
  visit(values, 0, "");
}

/**
 * A tensor of a number (0-d), nested arrays, or a typed array (1-d unless `shape` is given; copied).
 * @throws ValueError for ragged arrays and things that are not numbers.
 */
export function tensor(
  values: NestedArray | DataArray | Tensor,
  options: TensorOptions & { shape?: Shape } = {},
): Tensor {
  const { shape: given } = options;
  if (values instanceof Tensor) {
    throw new ValueError("tensor: got a tensor; use detach() for the same values, or .to(dtype) to convert");
  }
  let buffer: DataArray;
  let shape: Shape;
  if (ArrayBuffer.isView(values)) {
    if (!(values instanceof Float32Array || values instanceof Float64Array || values instanceof Int32Array)) {
      throw new DtypeError("tensor: typed arrays may be Float32Array, Float64Array or Int32Array; convert it first");
    }
    const dtype = options.dtype === undefined ? dtypeOf(values) : checkDtype(options.dtype, "tensor");
    buffer = bufferOf(dtype, values.length, "tensor", (buffer) => buffer.set(values));
    shape = [values.length];
  } else {
    const dtype = options.dtype === undefined ? "float32" : checkDtype(options.dtype, "tensor");
    shape = nestedShape(values);
    buffer = bufferOf(dtype, sizeOf(shape), "tensor", (buffer) => flattenInto(buffer, values, shape));
    if (shape.length > 1 && shape.includes(0)) {
      throw new ValueError(
        `tensor: empty nested arrays: the lengths are [${shape.join(", ")}], and nothing says what would follow; for a tensor without elements use zeros([${shape.join(", ")}])`,
      );
    }
  }
  if (given !== undefined) {
    if (sizeOf(checkShape(given, "tensor")) !== buffer.length) {
      throw new ShapeError(
        `tensor: ${buffer.length} values do not fill shape ${formatShape(given)}, which has ${sizeOf(given)}`,
      );
    }
    shape = given;
  }
  const frozen = shape.length === 0 ? SCALAR : Object.freeze([...shape]);
  const made =
    frozen === SCALAR
      ? scalarTensor(buffer[0], dtypeOf(buffer))
      : buffer.length <= 16
        ? intoArena(buffer, dtypeOf(buffer), frozen)
        : fromArray(buffer, dtypeOf(buffer), frozen);
  return finish(made, options, "tensor", ["shape"]);
}

function intoArena(values: DataArray, dtype: DType, shape: Shape): Tensor {
  const made = newTensor(dtype, shape, values.length);
  made.buffer.set(values, made.offset);
  return made;
}

/** A tensor of index or class numbers as int32; takes arrays where a caller may give either. */
export function asIndex(index: Tensor | NestedArray, where: string): Tensor {
  if (!(index instanceof Tensor)) return tensor(index, { dtype: "int32" });
  if (index.dtype !== "int32") {
    throw new DtypeError(`${where}: indices are int32, got ${index.dtype}; convert with .to("int32")`);
  }
  return index;
}

export function zeros(shape: Shape, options: TensorOptions = {}): Tensor {
  return filled(shape, options, "zeros", () => {});
}

export function ones(shape: Shape, options: TensorOptions = {}): Tensor {
  return filled(shape, options, "ones", (buffer) => buffer.fill(1));
}

export function full(shape: Shape, value: number, options: TensorOptions = {}): Tensor {
  return filled(shape, options, "full", (buffer) => buffer.fill(value));
}

/** `start`, `start + step`, … below `stop`; `arange(n)` counts from 0 to n − 1. */
export function arange(start: number, stop?: number, step = 1, options: TensorOptions = {}): Tensor {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  if (step === 0 || !Number.isFinite(from) || !Number.isFinite(to) || !Number.isFinite(step)) {
    throw new OptionError(`arange: needs finite bounds and a step other than 0, got (${from}, ${to}, ${step})`);
  }
  const count = Math.max(0, Math.ceil((to - from) / step));
  return filled([count], options, "arange", (buffer) => {
    for (let i = 0; i < count; i++) buffer[i] = from + i * step;
  });
}

/** `count` numbers from `start` to `stop`, both included, evenly spaced. */
export function linspace(start: number, stop: number, count: number, options: TensorOptions = {}): Tensor {
  return filled([count], options, "linspace", (buffer) => {
    for (let i = 0; i < count; i++)
      buffer[i] = i === count - 1 && i > 0 ? stop : start + ((stop - start) * i) / (count - 1 || 1);
  });
}

/** The identity matrix of `rows` × `columns` (square unless told). */
export function eye(rows: number, columns: number = rows, options: TensorOptions = {}): Tensor {
  return filled([rows, columns], options, "eye", (buffer) => {
    for (let i = 0; i < Math.min(rows, columns); i++) buffer[i * columns + i] = 1;
  });
}
