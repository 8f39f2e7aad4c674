/** Tensors as plain data that JSON keeps to the last bit: so that weights can be written to a file and read again. */
import type { DType } from "../array/dtype.js";
import { newArray } from "../array/dtype.js";
import { ValueError } from "../base/errors.js";
import { shown } from "../base/shown.js";
import { Tensor } from "../graph/tensor.js";
import { tensor } from "../ops/create.js";

/** What `JSON.stringify` writes of a tensor. What JSON has no number for (NaN, infinities, −0) stands as text. */
export interface TensorJson {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Row-major. */
  readonly values: readonly (number | "NaN" | "Infinity" | "-Infinity" | "-0")[];
}

/** The values of a tensor as plain data; neither name nor history. */
export function tensorToJson(x: Tensor): TensorJson {
  const values = Array.from({ length: x.size }, (_, i) => {
    const value = x.buffer[x.offset + i];
    if (Number.isFinite(value) && !Object.is(value, -0)) return value;
    return (Object.is(value, -0) ? "-0" : String(value)) as TensorJson["values"][number];
  });
  return { dtype: x.dtype, shape: x.shape, values };
}

/**
 * The tensor that `JSON.stringify` wrote, after `JSON.parse`.
 * @throws ValueError for anything else; DtypeError and ShapeError where its parts do not fit.
 */
export function tensorFromJson(data: TensorJson): Tensor {
  if (!isTensorJson(data)) {
    throw new ValueError(
      `tensorFromJson: expected { dtype, shape, values }, as JSON holds a tensor, got ${shown(data)}`,
    );
  }
  const values = newArray("float64", data.values.length);
  data.values.forEach((value, i) => {
    const number = typeof value === "string" && /^(NaN|-?Infinity|-0)$/.test(value) ? Number(value) : value;
    if (typeof number !== "number") throw new ValueError(`tensorFromJson: value ${i} is ${shown(value)}, not a number`);
    values[i] = number;
  });
  return tensor(values, { dtype: data.dtype, shape: data.shape });
}

/** Whether something has the three parts of a tensor in JSON. */
export function isTensorJson(data: unknown): data is TensorJson {
  if (typeof data !== "object" || data === null || data instanceof Tensor) return false;
  const { dtype, shape, values } = data as Partial<TensorJson>;
  return typeof dtype === "string" && Array.isArray(shape) && Array.isArray(values);
}
