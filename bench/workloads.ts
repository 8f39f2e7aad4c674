/**
 * What is measured, as plain data, and the numbers that every contestant starts from: drawn once from a seed, written
 * to a file, read by each contestant's process, whatever its language.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** One training step of a ReLU network: forward, loss, backward, plain gradient descent. float32. */
export interface MlpWorkload {
  readonly kind: "mlp";
  readonly widths: readonly number[];
  readonly batch: number;
  readonly loss: "mse" | "crossEntropy";
  readonly learningRate: number;
}

/**
 * One training step of a small network for images [batch, 1, 28, 28]: twice convolution, ReLU and 2 x 2 max-pooling,
 * then one linear layer, cross-entropy and plain gradient descent. float32.
 */
export interface ConvolutionWorkload {
  readonly kind: "convolution";
  readonly batch: number;
  readonly channels: readonly [number, number];
  readonly kernel: number;
  readonly classes: number;
  readonly learningRate: number;
}

/** The product of two square matrices, float32. */
export interface MatmulWorkload {
  readonly kind: "matmul";
  readonly size: number;
}

/** exp(relu(0.5 tanh(x w + b) + 0.25)²): eight elementwise ops on vectors of `size` numbers, float32. */
export interface ChainWorkload {
  readonly kind: "chain";
  readonly size: number;
}

/**
 * micrograd's demonstration: every number is a node, the graph of all points is rebuilt at each step. ReLU network,
 * hinge loss, L2 penalty of 0.0001, gradient descent. float64.
 */
export interface ScalarsWorkload {
  readonly kind: "scalars";
  readonly widths: readonly number[];
  readonly points: number;
  readonly learningRate: number;
}

export type Workload = MlpWorkload | ConvolutionWorkload | MatmulWorkload | ChainWorkload | ScalarsWorkload;

export interface NamedArray {
  readonly shape: readonly number[];
  readonly values: Float32Array | Float64Array | Int32Array;
}

export type Arrays = Readonly<Record<string, NamedArray>>;

/** Side of the images of a ConvolutionWorkload. */
export const IMAGE_SIDE = 28;

/** Side of the feature maps after the second pooling. */
export function pooledSide(kernel: number): number {
  const once = Math.floor((IMAGE_SIDE - kernel + 1) / 2);
  return Math.floor((once - kernel + 1) / 2);
}

/** Uniform in [0, 1): mulberry32, a generator of ten lines that depends on nothing that is measured. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = state;
    word = Math.imul(word ^ (word >>> 15), word | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The weights and data of a workload. */
export function drawArrays(workload: Workload, seed: number): Arrays {
  const random = seeded(seed);
  const between = (shape: readonly number[], bound: number): NamedArray => {
    const values = new Float32Array(shape.reduce((size, length) => size * length, 1));
    for (let i = 0; i < values.length; i++) values[i] = (2 * random() - 1) * bound;
    return { shape, values };
  };
  const classLabels = (count: number, classes: number): NamedArray => ({
    shape: [count],
    values: Int32Array.from({ length: count }, () => Math.floor(random() * classes)),
  });
  const arrays: Record<string, NamedArray> = {};
  switch (workload.kind) {
    case "mlp": {
      const { widths, batch, loss } = workload;
      for (let i = 0; i + 1 < widths.length; i++) {
        // He's bound, which keeps the activations' scale from layer to layer.
        arrays[`weight${i}`] = between([widths[i + 1], widths[i]], Math.sqrt(6 / widths[i]));
        arrays[`bias${i}`] = between([widths[i + 1]], 0.1);
      }
      const outputs = widths[widths.length - 1];
      arrays.inputs = between([batch, widths[0]], 1);
      arrays.targets = loss === "mse" ? between([batch, outputs], 1) : classLabels(batch, outputs);
      return arrays;
    }
    case "convolution": {
      const { batch, channels, kernel, classes } = workload;
      const area = kernel * kernel;
      const features = channels[1] * pooledSide(kernel) ** 2;
      arrays.kernels0 = between([channels[0], 1, kernel, kernel], Math.sqrt(6 / area));
      arrays.bias0 = between([channels[0]], 0.1);
      arrays.kernels1 = between([channels[1], channels[0], kernel, kernel], Math.sqrt(6 / (channels[0] * area)));
      arrays.bias1 = between([channels[1]], 0.1);
      arrays.weight2 = between([classes, features], Math.sqrt(3 / features));
      arrays.bias2 = between([classes], 0.1);
      arrays.inputs = between([batch, 1, IMAGE_SIDE, IMAGE_SIDE], 1);
      arrays.targets = classLabels(batch, classes);
      return arrays;
    }
    case "matmul": {
      arrays.a = between([workload.size, workload.size], 1);
      arrays.b = between([workload.size, workload.size], 1);
      return arrays;
    }
    case "chain": {
      for (const name of ["x", "w", "b"]) arrays[name] = between([workload.size], 1.5);
      return arrays;
    }
    case "scalars": {
      const { widths, points } = workload;
      const doubles = (shape: readonly number[], bound: number): NamedArray => {
        const { values } = between(shape, bound);
        return { shape, values: Float64Array.from(values) };
      };
      for (let i = 0; i + 1 < widths.length; i++) {
        arrays[`weight${i}`] = doubles([widths[i + 1], widths[i]], 1);
        arrays[`bias${i}`] = doubles([widths[i + 1]], 0);
      }
      const inputs = doubles([points, widths[0]], 1.5);
      arrays.inputs = inputs;
      // Which side of a parabola: a border that takes a few folds.
      arrays.targets = {
        shape: [points],
        values: Float64Array.from({ length: points }, (_, i) => {
          const [x, y] = inputs.values.subarray(i * widths[0], (i + 1) * widths[0]);
          return y > x * x - 0.75 ? 1 : -1;
        }),
      };
      return arrays;
    }
  }
}

interface Manifest {
  readonly workload: Workload;
  readonly arrays: readonly { name: string; dtype: string; shape: readonly number[]; offset: number; size: number }[];
}

function dtypeOf(values: NamedArray["values"]): string {
  return values instanceof Float32Array ? "float32" : values instanceof Float64Array ? "float64" : "int32";
}

/** Writes `workload.json` and `arrays.bin` (little-endian, each array at a multiple of 8) into a folder. */
export function writeWorkload(folder: string, workload: Workload, seed: number): void {
  const arrays = Object.entries(drawArrays(workload, seed));
  let end = 0;
  const entries = arrays.map(([name, { shape, values }]) => {
    const offset = end;
    end = (offset + values.byteLength + 7) & ~7;
    return { name, dtype: dtypeOf(values), shape, offset, size: values.length };
  });
  const bytes = new Uint8Array(end);
  arrays.forEach(([, { values }], i) => {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), entries[i].offset);
  });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "arrays.bin"), bytes);
  writeFileSync(join(folder, "workload.json"), JSON.stringify({ workload, arrays: entries } satisfies Manifest));
}

/** Reads what `writeWorkload` wrote. */
export function readWorkload(folder: string): { workload: Workload; arrays: Arrays } {
  const manifest = JSON.parse(readFileSync(join(folder, "workload.json"), "utf8")) as Manifest;
  const { buffer } = new Uint8Array(readFileSync(join(folder, "arrays.bin")));
  const arrays = Object.fromEntries(
    manifest.arrays.map(({ name, dtype, shape, offset, size }) => {
      const Values = dtype === "float32" ? Float32Array : dtype === "float64" ? Float64Array : Int32Array;
      return [name, { shape, values: new Values(buffer, offset, size) }];
    }),
  );
  return { workload: manifest.workload, arrays };
}
