import { type Window, windowCount, windowElements } from "../array/convolution.js";
import {
  argmaxWindowsInto,
  convolveInputGradientInto,
  convolveInto,
  convolveKernelGradientInto,
} from "../array/kernels.js";
import { formatShape, type Shape, sizeOf } from "../array/shape.js";
import { OptionError, ShapeError, ValueError } from "../base/errors.js";
import { copyOf, newTensor } from "../graph/new-tensor.js";
import { type Binary, defineOp, type OpFunction, type Unary } from "../graph/op.js";
import { composed } from "../graph/scope.js";
import { Tensor } from "../graph/tensor.js";
import { add, div } from "./arithmetic.js";
import { checkOptions, ones } from "./create.js";
import { scatterAdd } from "./gather.js";
import { reshape } from "./reshape.js";

/** Convolution with its two adjoints (each differentiable by the others), and pooling. Images are NCHW, kernels OIHW. */

interface Convolution extends Window {
  readonly groups: number;
}

/** A number for both sides, or (height, width). */
export type Pair = number | readonly [number, number];

function pair(value: Pair, least: number, name: string, where: string): readonly [number, number] {
  const both = typeof value === "number" ? ([value, value] as const) : value;
  if (!Array.isArray(both) || both.length !== 2 || both.some((one) => !Number.isInteger(one) || one < least)) {
    throw new OptionError(
      `${where}: ${name} is an integer of at least ${least} or a pair of them, got ${JSON.stringify(value)}`,
    );
  }
  return both;
}

function checkImages(shape: Shape, where: string): void {
  if (shape.length !== 4) {
    throw new ShapeError(
      `${where}: images are [batch, channels, height, width], got ${formatShape(shape)}; add missing axes with reshape`,
    );
  }
}

function windowedShape(shape: Shape, channels: number, window: Window, where: string): Shape {
  const height = windowCount(shape[2], window, 0);
  const width = windowCount(shape[3], window, 1);
  if (height < 1 || width < 1) {
    throw new ShapeError(
      `${where}: kernel ${formatShape(window.kernel)} with dilation ${formatShape(window.dilation)} does not fit an image of ${shape[2]} × ${shape[3]} with padding ${formatShape(window.padding)}; use a smaller kernel or more padding`,
    );
  }
  return [shape[0], channels, height, width];
}

const convolved: OpFunction<Binary, Convolution> = defineOp<Binary, Convolution>({
  name: "conv2d",
  doc: "y[n, o, i, j] = Σ x[n, c, s·i + d·k − p, s·j + d·l − p] · w[o, c, k, l]",
  kind: "bilinear",
  shape: ([x, w], attrs) => {
    checkImages(x, "conv2d");
    if (w.length !== 4) {
      throw new ShapeError(`conv2d: kernels are [out, in / groups, height, width], got ${formatShape(w)}`);
    }
    if (x[1] !== w[1] * attrs.groups || w[0] % attrs.groups !== 0) {
      throw new ShapeError(
        `conv2d: image ${formatShape(x)} has ${x[1]} channels, kernels ${formatShape(w)} with groups ${attrs.groups} need ${w[1] * attrs.groups}, and the ${w[0]} kernels must divide into the groups`,
      );
    }
    return windowedShape(x, w[0], attrs, "conv2d");
  },
  forward: (out, [x, w], attrs) => convolveInto(out, x, w, attrs, attrs.groups),
  block: (index, [x, w], attrs) => {
    if (index !== 0 || x.shape[0] !== 1) return null;
    const [, channels, height, width] = x.shape;
    const outputShape = [w.shape[0], windowCount(height, attrs, 0), windowCount(width, attrs, 1)] as const;
    return {
      kind: "conv",
      rows: sizeOf(outputShape),
      columns: x.size,
      inputShape: [channels, height, width],
      outputShape,
      ...attrs,
      values: Float64Array.from(copyOf(w)),
    };
  },
  vjp: [
    (dy, x, w, _y, attrs) => inputGradient(dy, w, { ...attrs, shape: x.shape }),
    (dy, x, w, _y, attrs) => kernelGradient(x, dy, { ...attrs, shape: w.shape }),
  ],
  samples: [
    {
      inputs: [
        [2, 2, 4, 5],
        [3, 2, 3, 2],
      ],
      attrs: sampleWindow({ kernel: [3, 2] }),
    },
    {
      inputs: [
        [1, 4, 5, 4],
        [2, 2, 2, 2],
      ],
      attrs: sampleWindow({ kernel: [2, 2], groups: 2, stride: [2, 1], padding: [1, 2] }),
    },
    {
      inputs: [
        [1, 1, 5, 5],
        [1, 1, 2, 2],
      ],
      attrs: sampleWindow({ kernel: [2, 2], dilation: [2, 3], padding: [1, 1] }),
    },
    {
      inputs: [
        [0, 1, 3, 3],
        [2, 1, 2, 2],
      ],
      attrs: sampleWindow({ kernel: [2, 2] }),
    },
  ],
});

function sampleWindow(changes: Partial<Convolution>): Record<string, unknown> {
  return { kernel: [1, 1], stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1, ...changes };
}

const inputGradient: OpFunction<Binary, Convolution & { shape: Shape }> = defineOp<
  Binary,
  Convolution & { shape: Shape }
>({
  name: "conv2dInputGradient",
  doc: "the adjoint of conv2d in the image",
  kind: "bilinear",
  shape: (_, { shape }) => shape,
  forward: (out, [dy, w], attrs) => convolveInputGradientInto(out, dy, w, attrs, attrs.groups),
  vjp: [
    (dx, _dy, w, _y, { shape: _, ...attrs }) => convolved(dx, w, attrs),
    (dx, dy, w, _y, { shape: _, ...attrs }) => kernelGradient(dx, dy, { ...attrs, shape: w.shape }),
  ],
  samples: [
    {
      inputs: [
        [2, 3, 2, 4],
        [3, 2, 3, 2],
      ],
      attrs: { ...sampleWindow({ kernel: [3, 2] }), shape: [2, 2, 4, 5] },
    },
  ],
});

const kernelGradient: OpFunction<Binary, Convolution & { shape: Shape }> = defineOp<
  Binary,
  Convolution & { shape: Shape }
>({
  name: "conv2dKernelGradient",
  doc: "the adjoint of conv2d in the kernels",
  kind: "bilinear",
  shape: (_, { shape }) => shape,
  forward: (out, [x, dy], attrs) => convolveKernelGradientInto(out, x, dy, attrs, attrs.groups),
  vjp: [
    (dw, x, dy, _y, { shape: _, ...attrs }) => inputGradient(dy, dw, { ...attrs, shape: x.shape }),
    (dw, x, _dy, _y, { shape: _, ...attrs }) => convolved(x, dw, attrs),
  ],
  samples: [
    {
      inputs: [
        [2, 2, 4, 5],
        [2, 3, 2, 4],
      ],
      attrs: { ...sampleWindow({ kernel: [3, 2] }), shape: [3, 2, 3, 2] },
    },
  ],
});

export interface Conv2dOptions {
  stride?: Pair;
  padding?: Pair;
  dilation?: Pair;
  groups?: number;
}

/**
 * Cross-correlation of images x [N, C, H, W] with kernels w [O, C / groups, h, w], plus a bias [O] per output channel.
 * @throws ShapeError where channels, kernels and groups do not fit.
 */
export const conv2d = composed(
  "conv2d",
  (x: Tensor, w: Tensor, bias: Tensor | null = null, options: Conv2dOptions = {}): Tensor => {
    if (bias !== null && !(bias instanceof Tensor)) {
      throw new ValueError(
        "conv2d: the bias is a tensor or null; options come after it: conv2d(x, w, null, { stride: 2 })",
      );
    }
    checkOptions(options, ["stride", "padding", "dilation", "groups"], "conv2d");
    const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
    if (!Number.isInteger(groups) || groups < 1) {
      throw new OptionError(`conv2d: groups is an integer of at least 1, got ${groups}`);
    }
    const y = convolved(x, w, {
      kernel: [w.shape[2], w.shape[3]],
      stride: pair(stride, 1, "stride", "conv2d"),
      padding: pair(padding, 0, "padding", "conv2d"),
      dilation: pair(dilation, 1, "dilation", "conv2d"),
      groups,
    });
    if (bias === null) return y;
    if (bias.ndim !== 1 || bias.size !== w.shape[0]) {
      throw new ShapeError(
        `conv2d: bias ${formatShape(bias.shape)} must have one number for each of ${w.shape[0]} kernels`,
      );
    }
    return add(y, reshape(bias, [bias.size, 1, 1]));
  },
);

const winners: OpFunction<Unary, Window> = defineOp<Unary, Window>({
  name: "argmaxPool2d",
  doc: "flat index in its channel of the first largest element of each window",
  kind: "step",
  shape: ([x], attrs) => pooledShape(x, attrs),
  dtype: () => "int32",
  forward: (out, [x], attrs) => argmaxWindowsInto(out, x, attrs),
  vjp: [null],
  samples: [{ inputs: [[1, 2, 4, 4]], attrs: sampleWindow({ kernel: [2, 2] }) }],
});

/** As `windowedShape`, where every window must hold an element of the image: a maximum of nothing has no value. */
function pooledShape(shape: Shape, window: Window): Shape {
  checkImages(shape, "maxPool2d");
  const pooled = windowedShape(shape, shape[1], window, "maxPool2d");
  for (const side of [0, 1] as const) {
    for (let place = 0; place < pooled[2 + side]; place++) {
      const first = place * window.stride[side] - window.padding[side];
      const step = window.dilation[side];
      const inside = first < 0 ? first + Math.ceil(-first / step) * step : first;
      if (inside < shape[2 + side] && inside < first + window.kernel[side] * step) continue;
      throw new ShapeError(
        `maxPool2d: window ${place} along axis ${2 + side} of ${formatShape(shape)} lies wholly in the padding ${formatShape(window.padding)}; use less padding or dilation`,
      );
    }
  }
  return pooled;
}

/** Images with height and width as one axis. */
function planes(x: Tensor): Tensor {
  const [batch, channels, height, width] = x.shape;
  return reshape(x, [batch, channels, height * width]);
}

const maxPooled: OpFunction<Unary, Window> = defineOp<Unary, Window>({
  name: "maxPool2d",
  doc: "the first largest element of each window; padding never wins",
  kind: "gate",
  shape: ([x], attrs) => pooledShape(x, attrs),
  competition: windowElements,
  forward: (out, [x], attrs) => {
    const index = newTensor("int32", out.shape, out.size);
    argmaxWindowsInto(index, x, attrs);
    const plane = x.shape[2] * x.shape[3];
    const windows = out.shape[2] * out.shape[3];
    for (let i = 0; i < out.size; i++) {
      const channel = Math.floor(i / windows);
      out.buffer[out.offset + i] = x.buffer[x.offset + channel * plane + index.buffer[index.offset + i]];
    }
  },
  vjp: [
    (dy, x, _y, attrs) => {
      const flat = planes(x);
      const into = newTensor(dy.dtype, flat.shape, flat.size);
      return reshape(scatterAdd(into, 2, planes(winners(x, attrs)), planes(dy)), x.shape);
    },
  ],
  samples: [
    { inputs: [[1, 2, 4, 5]], attrs: sampleWindow({ kernel: [2, 2], stride: [2, 2] }) },
    { inputs: [[2, 1, 5, 5]], attrs: sampleWindow({ kernel: [3, 3], stride: [2, 2], padding: [1, 1] }) },
  ],
});

export interface PoolOptions {
  kernel: Pair;
  /** Default: the kernel, so that windows do not overlap. */
  stride?: Pair;
  padding?: Pair;
}

export interface MaxPoolOptions extends PoolOptions {
  dilation?: Pair;
}

function poolWindow(options: MaxPoolOptions, known: readonly string[], where: string): Window {
  checkOptions(options, known, where);
  const kernel = pair(options.kernel, 1, "kernel", where);
  const padding = pair(options.padding ?? 0, 0, "padding", where);
  if (padding[0] * 2 > kernel[0] || padding[1] * 2 > kernel[1]) {
    throw new OptionError(
      `${where}: padding ${formatShape(padding)} is more than half of the kernel ${formatShape(kernel)}, so that a window could lie outside the image`,
    );
  }
  return {
    kernel,
    stride: pair(options.stride ?? kernel, 1, "stride", where),
    padding,
    dilation: pair(options.dilation ?? 1, 1, "dilation", where),
  };
}

/** The largest element of each window, per channel; the gradient goes to the first of equal ones. */
export function maxPool2d(x: Tensor, options: MaxPoolOptions): Tensor {
  return maxPooled(x, poolWindow(options, ["kernel", "stride", "padding", "dilation"], "maxPool2d"));
}

/** The mean of each window, per channel; padding counts as zeros, as in PyTorch. */
export const avgPool2d = composed("avgPool2d", (x: Tensor, options: PoolOptions): Tensor => {
  checkImages(x.shape, "avgPool2d");
  const window = poolWindow(options, ["kernel", "stride", "padding"], "avgPool2d");
  const channels = x.shape[1];
  // Sums with kernels of ones, one group per channel: a bilinear op that is read and differentiated already.
  const kernel = ones([channels, 1, ...window.kernel], { dtype: x.dtype });
  return div(convolved(x, kernel, { ...window, groups: channels }), window.kernel[0] * window.kernel[1]);
});

/** Every record of this file, for the table-driven tests. */
export const convolutionOps = [convolved, inputGradient, kernelGradient, winners, maxPooled].map((fn) => fn.op);
