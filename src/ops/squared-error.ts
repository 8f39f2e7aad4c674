import { recorded } from "../array/expression.js";
import { elementwiseInto, sumInto } from "../array/kernels.js";
import { SCALAR, sameShape } from "../array/shape.js";
import { type ArrayView, zerosView } from "../array/storage.js";
import { newTensor } from "../graph/new-tensor.js";
import { type Binary, defineOp, type OpFunction } from "../graph/op.js";
import type { Tensor } from "../graph/tensor.js";
import { mul, square, sub } from "./arithmetic.js";
import { mean } from "./reduce.js";

const squaredDifference = recorded(2, (e, a, b) => {
  const difference = e.sub(a, b);
  return e.mul(difference, difference);
});

/** dy · 2 (a − b) / n of (a, b, dy, 2 / n), in the order of roundings that the ops one by one have. */
const slope = recorded(4, (e, a, b, dy, factor) => e.mul(e.mul(dy, factor), e.sub(a, b)));

/** Few numbers are added up in one plain loop, which costs less than two calls of kernels. */
const LEAST_FOR_KERNELS = 256;

function meanOfSquares(out: ArrayView, a: ArrayView, b: ArrayView): void {
  let sum = 0;
  if (a.size < LEAST_FOR_KERNELS) {
    for (let i = 0; i < a.size; i++) sum += (a.buffer[a.offset + i] - b.buffer[b.offset + i]) ** 2;
    out.buffer[out.offset] = sum / a.size;
    return;
  }
  const squares = zerosView(a.dtype, a.shape);
  elementwiseInto(squaredDifference, squares, [a, b]);
  sumInto(out, squares);
  out.buffer[out.offset] /= a.size;
}

const fused: OpFunction<Binary> = defineOp<Binary>({
  name: "meanSquaredError",
  doc: "mean of (a − b)², of one shape",
  kind: "smooth",
  expansion: (a, b) => mean(square(sub(a, b))),
  shape: () => SCALAR,
  overwrites: true,
  forward: (out, [a, b]) => meanOfSquares(out, a, b),
  vjp: [(dy, a, b) => mul(mul(dy, 2 / a.size), sub(a, b)), (dy, a, b) => mul(mul(dy, 2 / a.size), sub(b, a))],
  pullback: (dy, node, target) => {
    const [a, b] = [node.inputAt(0), node.inputAt(1)];
    const factor = newTensor(dy.dtype, SCALAR, 1);
    factor.buffer[factor.offset] = 2 / a.size;
    const [toA, toB] = [target(0), target(1)];
    if (toA !== null) elementwiseInto(slope, toA, [a, b, dy, factor]);
    if (toB !== null) elementwiseInto(slope, toB, [b, a, dy, factor]);
  },
  samples: [
    {
      inputs: [
        [2, 3],
        [2, 3],
      ],
    },
    { inputs: [[100], [100]] },
    { inputs: [[], []] },
  ],
});

/** The mean of (a − b)² of two tensors of one shape. One op, but where somebody watches (trace, lower, compile). */
export function meanSquaredError(a: Tensor, b: Tensor): Tensor {
  return sameShape(a.shape, b.shape) ? fused(a, b) : mean(square(sub(a, b)));
}

/** Every record of this file, for the table-driven tests. */
export const squaredErrorOps = [fused.op];
