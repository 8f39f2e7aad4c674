import {
  avgPool2d,
  batchNorm,
  clamp,
  conv2d,
  dropout,
  elu,
  hardtanh,
  layerNorm,
  leakyRelu,
  maxPool2d,
  ones,
  zeros,
} from "crease";
import { AxisError, OptionError, ShapeError } from "../../src/base/errors.js";
import { testBadCalls, wrong } from "../tensor/bad-calls.js";

const x = zeros([2, 3]);
const image = zeros([1, 2, 4, 4]);
const kernels = zeros([3, 2, 3, 3]);

testBadCalls({
  images: [
    [
      "no batch",
      () => conv2d(zeros([2, 4, 4]), kernels),
      ShapeError,
      /conv2d: images are \[batch, channels, height, width\], got \[2, 4, 4\]/,
    ],
    [
      "kernels of another rank",
      () => conv2d(image, zeros([3, 3])),
      ShapeError,
      /conv2d: kernels are \[out, in \/ groups, height, width\], got \[3, 3\]/,
    ],
    [
      "channels that differ",
      () => conv2d(image, zeros([3, 5, 3, 3])),
      ShapeError,
      /has 2 channels, kernels \[3, 5, 3, 3\] with groups 1 need 5/,
    ],
    [
      "groups that do not divide",
      () => conv2d(image, zeros([3, 1, 3, 3]), null, { groups: 2 }),
      ShapeError,
      /the 3 kernels must divide into the groups/,
    ],
    [
      "half a group",
      () => conv2d(image, kernels, null, { groups: 0.5 }),
      OptionError,
      /conv2d: groups is an integer of at least 1, got 0\.5/,
    ],
    [
      "a bias of another length",
      () => conv2d(image, kernels, zeros([2])),
      ShapeError,
      /conv2d: bias \[2\] must have one number for each of 3 kernels/,
    ],
    [
      "a kernel that is too large",
      () => conv2d(image, zeros([1, 2, 5, 5])),
      ShapeError,
      /kernel \[5, 5\].*does not fit an image of 4 × 4.*smaller kernel or more padding/,
    ],
    [
      "a stride of 0",
      () => conv2d(image, kernels, null, { stride: 0 }),
      OptionError,
      /conv2d: stride is an integer of at least 1 or a pair of them, got 0/,
    ],
    [
      "three paddings",
      () => conv2d(image, kernels, null, { padding: [1, 1, 1] as never }),
      OptionError,
      /conv2d: padding is .*got \[1,1,1\]/,
    ],
    [
      "an unknown option",
      () => conv2d(image, kernels, null, wrong({ pad: 1 })),
      OptionError,
      /conv2d: unknown option "pad"/,
    ],
    [
      "pooling without a kernel",
      () => maxPool2d(image, wrong({})),
      OptionError,
      /maxPool2d: kernel is an integer of at least 1/,
    ],
    [
      "pooling with much padding",
      () => maxPool2d(image, { kernel: 2, padding: 2 }),
      OptionError,
      /padding \[2, 2\] is more than half of the kernel \[2, 2\]/,
    ],
    [
      "averaging with a dilation",
      () => avgPool2d(image, wrong({ kernel: 2, dilation: 2 })),
      OptionError,
      /avgPool2d: unknown option "dilation"/,
    ],
    ["averaging without a batch", () => avgPool2d(zeros([4, 4]), { kernel: 2 }), ShapeError, /avgPool2d: images are/],
  ],
  "activations and layers": [
    [
      "an unknown option of leakyRelu",
      () => leakyRelu(x, wrong({ negativeSlope: 1 })),
      OptionError,
      /leakyRelu: unknown option "negativeSlope"; known are slope/,
    ],
    [
      "no slope",
      () => leakyRelu(x, { slope: Number.NaN }),
      OptionError,
      /leakyRelu: slope is a finite number, got NaN/,
    ],
    ["an unknown option of elu", () => elu(x, wrong({ a: 1 })), OptionError, /elu: unknown option "a"/],
    [
      "an unknown option of clamp",
      () => clamp(x, wrong({ low: 1 })),
      OptionError,
      /clamp: unknown option "low"; known are min, max/,
    ],
    [
      "bounds the wrong way round",
      () => clamp(x, { min: 1, max: 0 }),
      OptionError,
      /clamp: min 1 and max 0 must be numbers, min not above max/,
    ],
    ["a bound that is none", () => hardtanh(x, { min: Number.NaN }), OptionError, /hardtanh: min NaN and max 1/],
    [
      "a probability above 1",
      () => dropout(x, { p: 1.5 }),
      OptionError,
      /dropout: p is a probability from 0 to 1, got 1\.5/,
    ],
    [
      "an unknown option of dropout",
      () => dropout(x, wrong({ rate: 0.5 })),
      OptionError,
      /dropout: unknown option "rate"/,
    ],
    [
      "a weight of another shape",
      () => layerNorm(x, ones([2])),
      ShapeError,
      /layerNorm: weight \[2\] must have the last 1 lengths of \[2, 3\]/,
    ],
    [
      "a bias of another shape",
      () => layerNorm(x, null, ones([4, 2, 3])),
      ShapeError,
      /layerNorm: bias \[4, 2, 3\] must have the last 1 lengths of \[2, 3\]/,
    ],
    ["more axes than there are", () => layerNorm(x, null, null, { axes: 3 }), AxisError, /axis -3 is out of range/],
    [
      "inference without statistics",
      () => batchNorm(x),
      OptionError,
      /batchNorm: inference needs runningMean and runningVariance; give both, or training: true/,
    ],
    [
      "a batch of one",
      () => batchNorm(zeros([1, 3]), { training: true }),
      ShapeError,
      /training needs at least two values per channel, \[1, 3\] has 1/,
    ],
    [
      "no channels",
      () => batchNorm(zeros([3]), { training: true }),
      ShapeError,
      /batchNorm: needs \[batch, channels, …\], got \[3\]/,
    ],
    [
      "statistics of another length",
      () => batchNorm(x, { runningMean: zeros([2]), runningVariance: zeros([3]) }),
      ShapeError,
      /batchNorm: \[2\] must hold one number for each of the 3 channels of \[2, 3\]/,
    ],
  ],
});
