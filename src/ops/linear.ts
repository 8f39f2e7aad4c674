import { linearGradientsInto, multiplyAddInto } from "../array/kernels.js";
import { formatShape, type Shape, sameShape } from "../array/shape.js";
import { ShapeError } from "../base/errors.js";
import { copyOf } from "../graph/new-tensor.js";
import { defineOp, type OpFunction, type Ternary } from "../graph/op.js";
import type { Tensor } from "../graph/tensor.js";
import { relu } from "./activation.js";
import { add } from "./arithmetic.js";
import { greater, where } from "./compare.js";
import { AB, ATB, matmul, product } from "./matmul.js";
import { sumTo } from "./reduce.js";

function linearShape(x: Shape, weight: Shape, bias: Shape): Shape {
  if (x.length !== 2 || weight.length !== 2 || x[1] !== weight[1] || !sameShape(bias, [weight[0]])) {
    throw new ShapeError(
      `linear: x ${formatShape(x)}, weight ${formatShape(weight)} and bias ${formatShape(bias)} do not fit; they are [n, in], [out, in] and [out]`,
    );
  }
  return [x[0], weight[0]];
}

const samples = [
  { inputs: [[4, 3], [2, 3], [2]] },
  { inputs: [[1, 3], [2, 3], [2]] },
  { inputs: [[0, 3], [2, 3], [2]] },
  { inputs: [[9, 0], [5, 0], [5]] },
];

/** The bias is added as the product is written, so that no array is made and read for it. */
const affine: OpFunction<Ternary> = defineOp<Ternary>({
  name: "linear",
  doc: "x Wᵀ + b of rows x",
  kind: "bilinear",
  expansion: (x, weight, bias) => add(matmul(x, weight, { transposeB: true }), bias),
  shape: ([x, weight, bias]) => linearShape(x, weight, bias),
  overwrites: true,
  forward: (out, [x, weight, bias]) => multiplyAddInto(out, x, weight, bias, false),
  block: (index, [x, weight]) =>
    index === 0 && x.shape[0] === 1
      ? { kind: "dense", rows: weight.shape[0], columns: weight.shape[1], values: Float64Array.from(copyOf(weight)) }
      : null,
  vjp: [
    (dy, _x, weight) => product(dy, weight, AB),
    (dy, x) => product(dy, x, ATB),
    (dy, _x, _weight, bias) => sumTo(dy, bias.shape),
  ],
  pullback: (dy, node, target) => {
    linearGradientsInto(target(0), target(1), target(2), dy, node.inputAt(0), node.inputAt(1), null);
  },
  samples,
});

/** dy where y = relu(z) > 0, which is where z > 0. */
const passed = (dy: Tensor, y: Tensor): Tensor => where(greater(y, 0), dy, 0);

/** The rectified sums are written at once; their signs are all that the gradient needs. */
const rectified: OpFunction<Ternary> = defineOp<Ternary>({
  name: "linearRelu",
  doc: "max(x Wᵀ + b, 0) of rows x; derivative 0 at 0",
  kind: "gate",
  expansion: (x, weight, bias) => relu(affine(x, weight, bias)),
  shape: ([x, weight, bias]) => linearShape(x, weight, bias),
  overwrites: true,
  forward: (out, [x, weight, bias]) => multiplyAddInto(out, x, weight, bias, true),
  vjp: [
    (dy, _x, weight, _bias, y) => product(passed(dy, y), weight, AB),
    (dy, x, _weight, _bias, y) => product(passed(dy, y), x, ATB),
    (dy, _x, _weight, bias, y) => sumTo(passed(dy, y), bias.shape),
  ],
  pullback: (dy, node, target) => {
    linearGradientsInto(target(0), target(1), target(2), dy, node.inputAt(0), node.inputAt(1), node);
  },
  samples,
});

/**
 * x Wᵀ + b over the last axis of x [..., in], with weight [out, in] and bias [out]; a vector [in] gives a vector [out].
 *
 * One op for rows x [n, in]. Where somebody watches (trace, lower, compile), it is the product and the sum that it is
 * short for, which drawings show and compile fuses by itself.
 */
export function linear(x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  return x.ndim === 2 ? affine(x, weight, bias) : add(matmul(x, weight, { transposeB: true }), bias);
}

/** relu(linear(x, weight, bias)), one op where linear is one. */
export function linearRelu(x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  return x.ndim === 2 ? rectified(x, weight, bias) : relu(linear(x, weight, bias));
}

/** Every record of this file, for the table-driven tests. */
export const linearOps = [affine.op, rectified.op];
