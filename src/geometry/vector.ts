/** Points and directions as users give them: lists of numbers, typed arrays, tensors of any shape. */

import { GeometryError } from "../base/errors.js";
import { counted, shown } from "../base/shown.js";
import { copyOf } from "../graph/new-tensor.js";
import { Tensor } from "../graph/tensor.js";

export type Vector = ArrayLike<number> | Tensor;

/** How many numbers a vector has; undefined where it is none. */
export function widthOf(vector: unknown): number | undefined {
  if (vector instanceof Tensor) return vector.size;
  const isList = Array.isArray(vector) || (ArrayBuffer.isView(vector) && "length" in vector);
  return isList ? (vector as ArrayLike<number>).length : undefined;
}

/** Checks that a vector has `size` finite numbers, and copies it; `of` says whose size that is. */
export function readVector(vector: unknown, size: number, name: string, of: string): Float64Array {
  const width = widthOf(vector);
  if (width === undefined) throw new GeometryError(`${name} is ${shown(vector)}: pass ${counted(size, "number")}`);
  if (width !== size) {
    throw new GeometryError(
      `${name} has ${counted(width, "number")}, but ${of}: pass ${size === 1 ? "one" : "one for each"}`,
    );
  }
  const values: ArrayLike<number> = vector instanceof Tensor ? copyOf(vector) : (vector as ArrayLike<number>);
  for (let i = 0; i < size; i++) {
    if (Number.isFinite(values[i])) continue;
    throw new GeometryError(`${name}[${i}] is ${shown(values[i])}: pass a finite number`);
  }
  return Float64Array.from(values);
}
