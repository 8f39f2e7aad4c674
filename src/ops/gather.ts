import { promote } from "../array/dtype.js";
import { gatherInto, scatterAddInto } from "../array/move.js";
import { formatShape, normalizeAxis, type Shape } from "../array/shape.js";
import type { ArrayView } from "../array/storage.js";
import { AxisError, ShapeError } from "../base/errors.js";
import { newTensor } from "../graph/new-tensor.js";
import { type Binary, defineOp, type OpFunction, type Ternary, type Unary } from "../graph/op.js";
import type { NestedArray, Tensor } from "../graph/tensor.js";
import { convert } from "./cast.js";
import { asIndex } from "./create.js";

/** gather and scatterAdd are each other's adjoints. */

function checkIndexShape(x: Shape, index: Shape, axis: number, where: string): void {
  const fits = x.length === index.length && x.every((length, k) => k === axis || index[k] === length);
  if (!fits) {
    throw new ShapeError(
      `${where}: index ${formatShape(index)} must have the shape of the tensor ${formatShape(x)} except along axis ${axis}`,
    );
  }
}

/** @throws AxisError at the first index that is not from 0 to length - 1. */
function checkRange(index: ArrayView, length: number, where: string): void {
  for (let i = 0; i < index.size; i++) {
    const at = index.buffer[index.offset + i];
    if (at < 0 || at >= length) {
      throw new AxisError(`${where}: index ${at} (element ${i}) is out of range; the axis has length ${length}`);
    }
  }
}

const indexSample = (values: NestedArray) => () => asIndex(values, "sample");

const gathered: OpFunction<Binary, { axis: number }> = defineOp<Binary, { axis: number }>({
  name: "gather",
  doc: "out[i, k, j] = x[i, index[i, k, j], j]",
  kind: "affine",
  shape: ([x, index], { axis }) => {
    checkIndexShape(x, index, axis, "gather");
    return index;
  },
  dtype: ([x]) => x.dtype,
  forward: (out, [x, index], { axis }) => {
    checkRange(index, x.shape[axis], "gather");
    gatherInto(out, x, index, axis);
  },
  vjp: [(dy, x, index, _y, { axis }) => scattered(newTensor(dy.dtype, x.shape, x.size), index, dy, { axis }), null],
  samples: [
    {
      inputs: [
        [2, 3],
        indexSample([
          [2, 0, 0, 1],
          [1, 1, 2, 0],
        ]),
      ],
      attrs: { axis: 1 },
    },
    { inputs: [[3], indexSample([])], attrs: { axis: 0 } },
  ],
});

const scattered: OpFunction<Ternary, { axis: number }> = defineOp<Ternary, { axis: number }>({
  name: "scatterAdd",
  doc: "x with out[i, index[i, k, j], j] += source[i, k, j]",
  kind: "affine",
  shape: ([x, index, source], { axis }) => {
    checkIndexShape(x, index, axis, "scatterAdd");
    if (source.length !== index.length || source.some((length, k) => length !== index[k])) {
      throw new ShapeError(
        `scatterAdd: source ${formatShape(source)} must have the shape of the index ${formatShape(index)}`,
      );
    }
    return x;
  },
  dtype: ([x]) => x.dtype,
  forward: (out, [x, index, source], { axis }) => {
    checkRange(index, x.shape[axis], "scatterAdd");
    for (let i = 0; i < x.size; i++) out.buffer[out.offset + i] = x.buffer[x.offset + i];
    scatterAddInto(out, index, source, axis);
  },
  vjp: [(dy) => dy, null, (dy, _x, index, _source, _y, { axis }) => gathered(dy, index, { axis })],
  samples: [
    {
      inputs: [
        [2, 3],
        indexSample([
          [2, 0, 0, 1],
          [1, 1, 2, 0],
        ]),
        [2, 4],
      ],
      attrs: { axis: 1 },
    },
    { inputs: [[3], indexSample([]), [0]], attrs: { axis: 0 } },
  ],
});

/** out[i, k, j] = x[i, index[i, k, j], j] for axis 1 of 3; the index (int32) has x's shape except along `axis`. */
export function gather(x: Tensor, axis: number, index: Tensor | NestedArray): Tensor {
  return gathered(x, asIndex(index, "gather"), { axis: normalizeAxis(axis, x.ndim, "gather") });
}

/** x with source[i, k, j] added at [i, index[i, k, j], j], for axis 1 of 3. */
export function scatterAdd(x: Tensor, axis: number, index: Tensor | NestedArray, source: Tensor): Tensor {
  const dtype = promote(x.dtype, source.dtype, "scatterAdd");
  return scattered(convert(x, dtype), asIndex(index, "scatterAdd"), convert(source, dtype), {
    axis: normalizeAxis(axis, x.ndim, "scatterAdd"),
  });
}

/** A list of indices as an index of `shape`, the same along `axis` wherever it is read: an op, so that a list may be data. */
const spread: OpFunction<Unary, { axis: number; shape: Shape }> = defineOp<Unary, { axis: number; shape: Shape }>({
  name: "spreadIndex",
  doc: "out[i, k, j] = index[k]",
  kind: "step",
  shape: (_, { shape }) => shape,
  dtype: () => "int32",
  forward: (out, [index], { axis, shape }) => {
    let inner = 1;
    for (let k = axis + 1; k < shape.length; k++) inner *= shape[k];
    for (let i = 0; i < out.size; i++) {
      out.buffer[out.offset + i] = index.buffer[index.offset + (Math.floor(i / inner) % index.size)];
    }
  },
  vjp: [null],
  samples: [{ inputs: [indexSample([2, 0, 1])], attrs: { axis: 1, shape: [2, 3, 2] } }],
});

/** The slices of x along `axis` that the 1-d index (int32) names, in its order. */
export function indexSelect(x: Tensor, axis: number, index: Tensor | readonly number[]): Tensor {
  const along = normalizeAxis(axis, x.ndim, "indexSelect");
  const list = asIndex(index, "indexSelect");
  if (list.ndim !== 1) {
    throw new ShapeError(
      `indexSelect: the index is a list, got shape ${formatShape(list.shape)}; for more axes use gather`,
    );
  }
  checkRange(list, x.shape[along], "indexSelect");
  const shape = x.shape.map((length, k) => (k === along ? list.size : length));
  return gathered(x, spread(list, { axis: along, shape }), { axis: along });
}

/** Every record of this file, for the table-driven tests. */
export const gatherOps = [gathered.op, scattered.op, spread.op];
