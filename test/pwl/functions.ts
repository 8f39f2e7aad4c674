/** Random piecewise-linear functions of tensors, drawn step by step from one seed, with what each is made of. */

import type { DType } from "../../src/array/dtype.js";
import { type Shape, sizeOf } from "../../src/array/shape.js";
import type { Tensor } from "../../src/graph/tensor.js";
import {
  abs,
  add,
  avgPool2d,
  batchNorm,
  broadcastTo,
  clamp,
  concat,
  conv2d,
  cumsum,
  div,
  flatten,
  hardtanh,
  indexSelect,
  leakyRelu,
  matmul,
  max,
  maximum,
  maxPool2d,
  mean,
  min,
  minimum,
  mul,
  pad,
  permute,
  prelu,
  relu,
  relu6,
  reshape,
  slice,
  sub,
  sum,
  tensor,
  where,
} from "../../src/ops/index.js";
import { integer, stream, vector } from "./nets.js";

/** A random function with one or two inputs (without batch axis), and the words that describe it. */
export interface RandomFunction {
  readonly fn: (...inputs: Tensor[]) => Tensor;
  readonly shapes: readonly Shape[];
  readonly dtype: DType;
  readonly features: ReadonlySet<string>;
  /** Inputs for a point. */
  inputs(seed: number, scale?: number): Tensor[];
}

/** A step takes the values so far and gives one more; `shape` is that of its result. */
interface Step {
  readonly shape: Shape;
  readonly run: (values: readonly Tensor[]) => Tensor;
}

class FunctionBuilder {
  readonly features = new Set<string>();
  readonly shapes: Shape[] = [];
  readonly steps: Step[] = [];
  /** The last matrix for vectors of each length. */
  readonly shared = new Map<number, Tensor>();

  constructor(
    readonly next: () => number,
    readonly dtype: DType,
  ) {}

  pick<T>(values: readonly T[]): T {
    return values[integer(this.next, 0, values.length - 1)];
  }

  weights(shape: Shape, scale = 1): Tensor {
    return tensor(vector(this.next, sizeOf(shape), scale), { shape, dtype: this.dtype });
  }

  push(feature: string, shape: Shape, run: Step["run"]): void {
    this.features.add(feature);
    this.shapes.push(shape);
    this.steps.push({ shape, run });
  }

  /** A vector step on value `at`. */
  vectorStep(at: number): void {
    const [n] = this.shapes[at];
    const { dtype } = this;
    const of = (run: (x: Tensor) => Tensor) => (values: readonly Tensor[]) => run(values[at]);
    const others = this.shapes.flatMap((shape, i) => (shape.length === 1 && shape[0] === n && i !== at ? [i] : []));
    const choice = integer(this.next, 0, 21);
    if (choice <= 3) {
      const known = this.shared.get(n);
      const isShared = known !== undefined && this.next() < 0.7;
      const w = isShared ? known : this.weights([integer(this.next, 1, 6), n]);
      this.shared.set(n, w);
      const [out] = w.shape;
      const bias = this.weights([out]);
      this.push(
        isShared ? "shared weights" : "linear",
        [out],
        of((x) => add(matmul(w, x), bias)),
      );
    } else if (choice <= 5) this.push("relu", [n], of(relu));
    else if (choice === 6)
      this.push(
        "leaky relu",
        [n],
        of((x) => leakyRelu(x, { slope: this.pickSlope(at) })),
      );
    else if (choice === 7) {
      const slopes = tensor(
        Array.from({ length: n }, () => this.pick([0.5, 0, 1, -1, 0.1])),
        { dtype },
      );
      this.push(
        "prelu",
        [n],
        of((x) => prelu(x, slopes)),
      );
    } else if (choice === 8) {
      const min = this.pick([-1, -0.5, Number.NEGATIVE_INFINITY]);
      const max = this.pick([0.5, 2, Number.POSITIVE_INFINITY]);
      this.push(
        "clamp",
        [n],
        of((x) => clamp(x, { min, max })),
      );
    } else if (choice === 9) this.push("relu6 or hardtanh", [n], of(this.next() < 0.5 ? relu6 : hardtanh));
    else if (choice === 10) this.push("abs", [n], of(abs));
    else if (choice === 11) {
      const bound = this.weights([n]);
      const run = this.next() < 0.5 ? maximum : minimum;
      const first = this.next() < 0.5;
      this.push(
        "bound by constants",
        [n],
        of((x) => (first ? run(bound, x) : run(x, bound))),
      );
    } else if (choice <= 14 && others.length > 0) {
      const other = this.pick(others);
      const kind = integer(this.next, 0, 2);
      if (kind === 0) this.push("maximum of two", [n], (values) => maximum(values[at], values[other]));
      else if (kind === 1) this.push("minimum of two", [n], (values) => minimum(values[at], values[other]));
      else this.push("residual", [n], (values) => add(values[at], mul(0.5, values[other])));
    } else if (choice === 15) {
      const other = integer(this.next, 0, this.shapes.length - 1);
      if (this.shapes[other].length !== 1) return;
      this.push("concat", [n + this.shapes[other][0]], (values) => concat([values[at], values[other]]));
    } else if (choice === 16) {
      const mask = tensor(
        Array.from({ length: n }, () => integer(this.next, 0, 1)),
        { dtype },
      );
      const constant = this.weights([n]);
      this.push(
        "where on constants",
        [n],
        of((x) => where(mask, x, constant)),
      );
    } else if (choice === 17 && n % 2 === 0) {
      const axis = integer(this.next, 0, 1);
      const kind = integer(this.next, 0, 3);
      const reduce = [max, min, sum, mean][kind];
      this.push(
        ["max over an axis", "min over an axis", "sum", "mean"][kind],
        [axis === 0 ? n / 2 : 2],
        of((x) => reduce(reshape(x, [2, n / 2]), axis)),
      );
    } else if (choice === 18) {
      const [runningMean, weight, bias] = [0, 1, 2].map(() => this.weights([n]));
      const runningVariance = tensor(
        Array.from({ length: n }, () => 0.2 + this.next()),
        { dtype },
      );
      this.push(
        "batch norm",
        [n],
        of((x) => reshape(batchNorm(reshape(x, [1, n]), { runningMean, runningVariance, weight, bias }), [n])),
      );
    } else if (choice === 19) {
      const kind = integer(this.next, 0, 4);
      if (kind === 0)
        this.push(
          "pad and slice",
          [n + 1],
          of((x) => slice(pad(x, [[2, 1]], 0.25), [[2, null]])),
        );
      else if (kind === 1)
        this.push(
          "reversal",
          [n],
          of((x) => slice(x, [[null, null, -1]])),
        );
      else if (kind === 2)
        this.push(
          "gather",
          [n],
          of((x) =>
            indexSelect(
              x,
              0,
              Array.from({ length: n }, (_, i) => (i * 2) % n),
            ),
          ),
        );
      else if (kind === 3)
        this.push(
          "broadcast",
          [2 * n],
          of((x) => reshape(permute(broadcastTo(x, [2, n]), [1, 0]), [2 * n])),
        );
      else
        this.push(
          "cumulative sum",
          [n],
          of((x) => cumsum(x, 0)),
        );
    } else if (choice === 20) {
      const factor = this.weights([1]);
      this.push(
        "scale",
        [n],
        of((x) => div(mul(sub(x, 0.5), factor), 3)),
      );
    } else
      this.push(
        "relu",
        [n],
        of((x) => relu(mul(x, 1.5))),
      );
  }

  pickSlope(at: number): number {
    return [0.1, 0.25, -0.5][at % 3];
  }

  /** A step on images [1, C, H, W]. */
  imageStep(at: number): void {
    const [, channels, height, width] = this.shapes[at];
    const of = (run: (x: Tensor) => Tensor) => (values: readonly Tensor[]) => run(values[at]);
    const choice = integer(this.next, 0, 5);
    const after = (size: number, kernel: number, stride: number, padding: number, dilation: number) =>
      Math.floor((size + 2 * padding - (kernel - 1) * dilation - 1) / stride) + 1;
    if (choice <= 1) {
      const kernel = integer(this.next, 1, 3);
      const [stride, padding, dilation] = [
        integer(this.next, 1, 2),
        integer(this.next, 0, 1),
        integer(this.next, 1, 2),
      ];
      const groups = channels % 2 === 0 && this.next() < 0.5 ? 2 : 1;
      const out = 2 * integer(this.next, 1, 2);
      const size = [height, width].map((one) => after(one, kernel, stride, padding, dilation));
      if (size.some((one) => one < 1)) return;
      const w = this.weights([out, channels / groups, kernel, kernel], 0.6);
      const bias = this.weights([out]);
      if (groups > 1) this.features.add("grouped convolution");
      this.push(
        "convolution",
        [1, out, ...size],
        of((x) => conv2d(x, w, bias, { stride, padding, dilation, groups })),
      );
    } else if (choice <= 3) {
      const kernel = integer(this.next, 1, 3);
      const stride = integer(this.next, 1, 2);
      const padding = kernel > 1 ? integer(this.next, 0, 1) : 0;
      const size = [height, width].map((one) => after(one, kernel, stride, padding, 1));
      if (size.some((one) => one < 1)) return;
      const pool = choice === 2 ? maxPool2d : avgPool2d;
      this.push(
        choice === 2 ? "max pool" : "average pool",
        [1, channels, ...size],
        of((x) => pool(x, { kernel, stride, padding })),
      );
    } else if (choice === 4) {
      const [runningMean, weight, bias] = [0, 1, 2].map(() => this.weights([channels]));
      const runningVariance = tensor(
        Array.from({ length: channels }, () => 0.2 + this.next()),
        { dtype: this.dtype },
      );
      this.push(
        "batch norm",
        this.shapes[at],
        of((x) => batchNorm(x, { runningMean, runningVariance, weight, bias })),
      );
    } else this.push("relu", this.shapes[at], of(relu));
  }
}

/** A random function: vectors of at most a few numbers, in half of the cases from a small image; seldom two inputs. */
export function randomFunction(seed: number): RandomFunction {
  const next = stream(seed);
  const dtype: DType = next() < 0.5 ? "float64" : "float32";
  const builder = new FunctionBuilder(next, dtype);
  const { features, shapes, steps } = builder;
  const inputShapes: Shape[] = [];
  if (next() < 0.4) {
    const image = [integer(next, 1, 2), integer(next, 3, 5), integer(next, 3, 5)];
    inputShapes.push(image);
    shapes.push(image);
    features.add("image");
    builder.push("image", [1, ...image], (values) => reshape(values[0], [1, ...image]));
    for (let k = integer(next, 2, 5); k > 0; k--) builder.imageStep(shapes.length - 1);
    const last = shapes.length - 1;
    builder.push("image", [sizeOf(shapes[last])], (values) => flatten(values[last]));
  } else {
    const inputs = next() < 0.3 ? 2 : 1;
    if (inputs === 2) features.add("two inputs");
    for (let i = 0; i < inputs; i++) {
      inputShapes.push([integer(next, 1, 4)]);
      shapes.push(inputShapes[i]);
    }
  }
  for (let k = integer(next, 2, 9); k > 0; k--) {
    // mostly on the newest value, sometimes on an older one: branches
    const vectors = shapes.flatMap((shape, i) => (shape.length === 1 ? [i] : []));
    const newest = vectors[vectors.length - 1];
    const at = next() < 0.8 ? newest : builder.pick(vectors);
    if (at !== newest) features.add("branches");
    builder.vectorStep(at);
  }
  const vectors = shapes.flatMap((shape, i) => (shape.length === 1 ? [i] : []));
  const [first, second] = [vectors[vectors.length - 1], vectors[Math.max(0, vectors.length - 2)]];
  const mix = builder.weights([2, shapes[first][0] + shapes[second][0]]);
  return {
    shapes: inputShapes,
    dtype,
    features,
    fn: (...inputs) => {
      const values = [...inputs];
      for (const { run } of steps) values.push(run(values));
      return matmul(mix, concat([values[first], values[second]]));
    },
    inputs: (at, scale = 1) => {
      const point = stream(at);
      return inputShapes.map((shape) => tensor(vector(point, sizeOf(shape), scale), { shape, dtype }));
    },
  };
}
