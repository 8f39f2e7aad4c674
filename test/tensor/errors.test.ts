import { arange, type DType, eye, linspace, losses, noGrad, ones, randn, tensor, zeros } from "crease";
import {
  AxisError,
  DtypeError,
  GradientError,
  OptionError,
  ShapeError,
  TraceError,
  ValueError,
} from "../../src/base/errors.js";
import { testBadCalls, wrong } from "./bad-calls.js";

const x = zeros([2, 3]);

testBadCalls({
  construction: [
    [
      "ragged rows",
      () => tensor([[1, 2], [3]]),
      ValueError,
      /tensor: ragged array: \[1\] has 1 elements where 2 elements are expected.*equally deep and long/,
    ],
    [
      "rows of another depth",
      () => tensor([[1, 2], 3]),
      ValueError,
      /\[1\] has the value 3 where 2 elements are expected/,
    ],
    ["a row that is too deep", () => tensor([1, [2]]), ValueError, /expected a number at \[1\], got an array of 1/],
    [
      "a row beside an empty one",
      () => tensor([[], [1]]),
      ValueError,
      /\[1\] has 1 elements where 0 elements are expected/,
    ],
    ["a text", () => tensor("1" as never), ValueError, /expected a number at the top, got 1/],
    ["null inside", () => tensor([1, null] as never), ValueError, /expected a number at \[1\], got null/],
    ["a tensor", () => tensor(x as never), ValueError, /got a tensor; use detach\(\).*\.to\(dtype\)/],
    [
      "bytes",
      () => tensor(new Uint8Array(2) as never),
      DtypeError,
      /typed arrays may be Float32Array, Float64Array or Int32Array/,
    ],
    [
      "an unknown dtype",
      () => zeros([1], { dtype: "float16" as DType }),
      DtypeError,
      /zeros: unknown dtype "float16"; use one of float32, float64, int32/,
    ],
    [
      "an unknown option",
      () => tensor([1], wrong({ requiresgrad: true })),
      OptionError,
      /tensor: unknown option "requiresgrad"; known are dtype, requiresGrad, name/,
    ],
    [
      "a shape that does not fit",
      () => tensor([1, 2, 3], { shape: [2, 2] }),
      ShapeError,
      /3 values do not fill shape \[2, 2\], which has 4/,
    ],
    [
      "a negative length",
      () => ones([2, -1]),
      ShapeError,
      /ones: a shape is a list of non-negative integers, got \[2, -1\]; -1 is not one/,
    ],
    ["a number for a shape", () => zeros(3 as never), ShapeError, /zeros: a shape is a list/],
    [
      "a gradient of indices",
      () => tensor([1], { dtype: "int32", requiresGrad: true }),
      DtypeError,
      /int32 tensors are indices and have no gradient/,
    ],
    [
      "a step of 0",
      () => arange(0, 3, 0),
      OptionError,
      /arange: needs finite bounds and a step other than 0, got \(0, 3, 0\)/,
    ],
    ["an infinite range", () => arange(Number.POSITIVE_INFINITY), OptionError, /arange: needs finite bounds/],
    ["half a point", () => linspace(0, 1, 2.5), ShapeError, /linspace: .*2\.5 is not one/],
    ["a negative identity", () => eye(-1), ShapeError, /eye: .*-1 is not one/],
    [
      "item of several",
      () => x.item(),
      ValueError,
      /item\(\) reads a tensor of one element, this one has shape \[2, 3\]; use toArray\(\) or data/,
    ],
    ["a conversion to an unknown dtype", () => x.to("int8" as DType), DtypeError, /to: unknown dtype "int8"/],
  ],
  losses: [
    [
      "shapes that would broadcast",
      () => losses.mseLoss(zeros([3]), zeros([3, 1])),
      ShapeError,
      /mseLoss: prediction \[3\] and target \[3, 1\] must have one shape; broadcasting here would hide a mistake/,
    ],
    [
      "classes of another length",
      () => losses.crossEntropy(x, [0, 1, 2]),
      ShapeError,
      /crossEntropy: logits \[2, 3\] must be \[batch, classes\] and classes \[3\] \[batch\]/,
    ],
    [
      "a class that is not there",
      () => losses.crossEntropy(x, [0, 3]),
      AxisError,
      /crossEntropy: example 1 has class 3, but logits \[2, 3\] are of 3 classes/,
    ],
    [
      "classes as floats",
      () => losses.crossEntropy(x, zeros([2])),
      DtypeError,
      /crossEntropy: indices are int32, got float32/,
    ],
    [
      "integer labels",
      () => losses.hingeLoss(zeros([1]), tensor([1], { dtype: "int32" })),
      DtypeError,
      /hingeLoss: labels are −1 and 1 as float32 or float64, got int32/,
    ],
  ],
  writing: [
    [
      "another shape",
      () => x.assign_(zeros([3, 2])),
      ShapeError,
      /assign_: shape \[3, 2\] does not fit \[2, 3\]; reshape or broadcastTo first/,
    ],
    [
      "another dtype",
      () => x.assign_(zeros([2, 3], { dtype: "float64" })),
      DtypeError,
      /assign_: float64 values for a float32 tensor; convert with \.to\("float32"\)/,
    ],
    [
      "to what was computed",
      () =>
        randn([2], { requiresGrad: true })
          .mul(2)
          .assign_(zeros([2])),
      GradientError,
      /assign_: the target was computed by mul; only leaves/,
    ],
  ],
  promises: [
    ["in noGrad", () => noGrad(async () => 1), TraceError, /noGrad: the function returned a promise, .*await first/],
  ],
});
