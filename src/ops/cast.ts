import type { DType } from "../array/dtype.js";
import { setConversion } from "../graph/apply.js";
import { mode } from "../graph/modes.js";
import { sharedView } from "../graph/new-tensor.js";
import { defineOp, type OpFunction, type Unary } from "../graph/op.js";
import type { Tensor } from "../graph/tensor.js";

export const cast: OpFunction<Unary, { dtype: DType }> = defineOp<Unary, { dtype: DType }>({
  name: "cast",
  doc: "the same values in float32 or float64",
  kind: "affine",
  shape: ([shape]) => shape,
  dtype: (_, { dtype }) => dtype,
  overwrites: true,
  forward: (out, [x]) => {
    for (let i = 0; i < x.size; i++) out.buffer[out.offset + i] = x.buffer[x.offset + i];
  },
  vjp: [(dy, x) => convert(dy, x.dtype)],
  samples: [
    { inputs: [[2, 3]], attrs: { dtype: "float64" } },
    { inputs: [[0]], attrs: { dtype: "float64" } },
  ],
});

const truncated: OpFunction<Unary> = defineOp<Unary>({
  name: "toInt32",
  doc: "x rounded towards 0, as an index; no gradient",
  kind: "step",
  shape: ([shape]) => shape,
  dtype: () => "int32",
  forward: (out, [x]) => {
    for (let i = 0; i < x.size; i++) out.buffer[out.offset + i] = x.buffer[x.offset + i];
  },
  vjp: [null],
  samples: [{ inputs: [[2, 3]] }, { inputs: [[0]] }],
});

/** x in `dtype`; x itself where it is that already. */
export function convert(x: Tensor, dtype: DType): Tensor {
  if (x.dtype === dtype) return x;
  return dtype === "int32" ? truncated(x) : cast(x, { dtype });
}

setConversion(convert);

const stopGradient: OpFunction<Unary> = defineOp<Unary>({
  name: "detach",
  doc: "x, cut from its gradient",
  kind: "affine",
  shape: ([shape]) => shape,
  dtype: ([x]) => x.dtype,
  forward: (out, [x]) => {
    for (let i = 0; i < x.size; i++) out.buffer[out.offset + i] = x.buffer[x.offset + i];
  },
  vjp: [null],
  samples: [{ inputs: [[2, 3]] }],
});

/** The same values, sharing memory, without the history; recorded only where everything is (trace, lower). */
export function detach(x: Tensor): Tensor {
  if (mode.observer?.recordsAll) return stopGradient(x);
  const view = sharedView(x, x.shape);
  view.name = x.name;
  return view;
}

/** Every record of this file, for the table-driven tests. */
export const castOps = [cast.op, truncated.op, stopGradient.op];
