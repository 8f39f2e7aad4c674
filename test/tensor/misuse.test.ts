import {
  checkGradients,
  conv2d,
  detectAnomaly,
  grad,
  hessian,
  jacobian,
  jvp,
  nn,
  noGrad,
  ones,
  tensor,
  trace,
  valueAndGrad,
  vjp,
  zeros,
} from "crease";
import { AxisError, GradientError, OptionError, ShapeError, TraceError, ValueError } from "../../src/base/errors.js";
import { testBadCalls, wrong } from "./bad-calls.js";

/** What users of plain JavaScript, or of other libraries' conventions, write. */
const x = zeros([2, 3]);
const net = wrong(nn.mlp([3, 1]));
const images = ones([1, 3, 5, 5]);
const kernels = ones([2, 3, 3, 3]);

testBadCalls({
  "a module where a function is expected": [
    ["trace", () => trace(net, x), TraceError, /^trace: expected a function, got an object \(Sequential\); .*forward/],
    ["noGrad", () => noGrad(net), TraceError, /^noGrad: expected a function/],
    ["detectAnomaly", () => detectAnomaly(net), TraceError, /^detectAnomaly: expected a function/],
    ["grad", () => grad(net), TraceError, /^grad: expected a function/],
    ["valueAndGrad", () => valueAndGrad(net), TraceError, /^valueAndGrad: expected a function/],
    ["vjp", () => vjp(net, x), TraceError, /^vjp: expected a function/],
    ["jvp", () => jvp(net, [x], [x]), TraceError, /^jvp: expected a function/],
    ["jacobian", () => jacobian(net, x), TraceError, /^jacobian: expected a function/],
    ["hessian", () => hessian(net, x), TraceError, /^hessian: expected a function/],
    ["checkGradients", () => checkGradients(net, [x]), TraceError, /^checkGradients: expected a function/],
  ],
  "one where a list is expected": [
    ["tangents", () => jvp((y) => y, wrong(x), wrong(x)), GradientError, /jvp\(fn, \[x\], \[dx\]\)/],
    ["a shape as arguments", () => x.reshape(wrong(3)), ShapeError, /a shape is one list such as \[2, 3\], got 3/],
    ["a slice as arguments", () => x.slice(wrong(0)), OptionError, /slice: got 0; .*\[\[0, 2\], null\]/],
    ["a slice as one range", () => x.slice(wrong([0, 2])), OptionError, /slice: got \[0,2\]/],
    ["an axis as text", () => x.sum(wrong("0")), AxisError, /sum: an axis is a number or a list of numbers, got "0"/],
  ],
  "sizes that no host has": [
    ["of zeros", () => zeros([1e6, 1e6]), ValueError, /1000000000000 float32 numbers, 4\.00e\+3 GB, is more than/],
    [
      "by broadcasting",
      () => zeros([1e6, 1], { dtype: "float64" }).add(zeros([1, 1e6], { dtype: "float64" })),
      ValueError,
      /float64 numbers, 8\.00e\+3 GB.*check shapes that broadcast/,
    ],
  ],
  "one in the place of another": [
    [
      "options in the place of the bias",
      () => conv2d(images, kernels, wrong({ stride: 2 })),
      ValueError,
      /conv2d: the bias is a tensor or null.*conv2d\(x, w, null, \{ stride: 2 \}\)/,
    ],
    ["numbers to assign", () => tensor([1, 2]).assign_(wrong([3, 4])), ValueError, /assign_: the source is a tensor/],
  ],
});
