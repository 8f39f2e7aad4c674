/** Inputs as users give them: tensors, nested numbers, typed arrays; one point, or a batch of them. */

import { formatShape, sizeOf } from "../array/shape.js";
import { PiecewiseLinearError, ShapeError } from "../base/errors.js";
import { checkIndex } from "../base/options.js";
import { copyOf, fromArray } from "../graph/new-tensor.js";
import { type NestedArray, Tensor } from "../graph/tensor.js";
import { tensor } from "../ops/create.js";
import type { PwlNet } from "./net.js";

/** One point: a tensor, numbers, or a list of tensors for a function of several inputs. */
export type Point = Tensor | NestedArray | Float32Array | Float64Array | readonly Tensor[];

function isTensorList(x: Point): x is readonly Tensor[] {
  return Array.isArray(x) && x.length > 0 && x.every((one) => one instanceof Tensor);
}

/** A point as the inputs of a function; plain numbers become float32. Every number must be finite. */
export function tensorsOf(x: Point): readonly Tensor[] {
  const tensors = x instanceof Tensor ? [x] : isTensorList(x) ? x : [tensor(x as NestedArray)];
  requireNumbers(flattened(tensors));
  return tensors;
}

/** A point as the input vector of a net, after checking shape (of tensors) and size (of numbers). */
export function pointOf(net: PwlNet, x: Point): Float64Array {
  const declared = net.inputs.map(({ shape }) => formatShape(shape)).join(", ");
  const fail = (given: string): never => {
    throw new ShapeError(
      `the net reads one input of shape ${declared}, got ${given}: pass one point, without a batch axis; for a batch use linearizeAll`,
    );
  };
  const tensors = x instanceof Tensor ? [x] : isTensorList(x) ? x : null;
  if (tensors !== null) {
    const shapes = tensors.map(({ shape }) => formatShape(shape)).join(", ");
    // a single vector of all numbers is a point of any net
    const isVector = tensors.length === 1 && tensors[0].ndim === 1 && tensors[0].size === net.inputSize;
    if (shapes !== declared && !isVector) fail(shapes);
    return requireNumbers(flattened(tensors));
  }
  const values = ArrayBuffer.isView(x) ? Float64Array.from(x) : copyOf(tensor(x as NestedArray, { dtype: "float64" }));
  if (values.length !== net.inputSize) fail(`${values.length} numbers`);
  return requireNumbers(Float64Array.from(values));
}

export function flattened(tensors: readonly Tensor[]): Float64Array {
  const out = new Float64Array(tensors.reduce((sum, { size }) => sum + size, 0));
  let at = 0;
  for (const one of tensors) {
    out.set(copyOf(one), at);
    at += one.size;
  }
  return out;
}

function requireNumbers(values: Float64Array): Float64Array {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new PiecewiseLinearError(
      `the point's element ${bad} is ${values[bad]}: only at a point of finite numbers is there one affine map; remove or clamp it`,
    );
  }
  return values;
}

/** Row i of a batch, as a tensor of its own. */
export function rowsOf(batch: Tensor): (i: number) => Tensor {
  if (batch.ndim === 0 || batch.shape[0] === 0) {
    throw new ShapeError(
      `a batch has at least one row along its first axis, got shape ${formatShape(batch.shape)}; for one point use linearize`,
    );
  }
  const shape = batch.shape.slice(1);
  const size = sizeOf(shape);
  return (i) => {
    checkIndex(i, batch.shape[0], "row");
    const start = batch.offset + i * size;
    return fromArray(batch.buffer.slice(start, start + size), batch.dtype, shape);
  };
}
