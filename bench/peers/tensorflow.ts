/** TensorFlow.js on its wasm backend, one thread. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type * as tensorflow from "@tensorflow/tfjs";
import {
  type Arrays,
  type ConvolutionWorkload,
  IMAGE_SIDE,
  type MlpWorkload,
  type NamedArray,
  pooledSide,
} from "../workloads.js";
import { type Contestant, type Peer, sampleOf, Unavailable } from "./contestant.js";

type TensorFlow = typeof tensorflow;

/** Loads the library and its wasm backend. */
export async function start(): Promise<TensorFlow> {
  const tf = await import("@tensorflow/tfjs");
  const wasm = await import("@tensorflow/tfjs-backend-wasm");
  if (tf.getBackend() !== "wasm") {
    const directory = dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm"));
    wasm.setWasmPaths(join(directory, "/"));
    wasm.setThreadsCount(1);
    await tf.setBackend("wasm");
    await tf.ready();
  }
  return tf;
}

function toTensor(tf: TensorFlow, { shape, values }: NamedArray): tensorflow.Tensor {
  return tf.tensor(values as Float32Array | Int32Array, [...shape]);
}

/** Training by the library's own optimizer; `lossOf` is called anew for each step. */
function training(tf: TensorFlow, learningRate: number, lossOf: () => tensorflow.Scalar): Contestant {
  const optimizer = tf.train.sgd(learningRate);
  let last: tensorflow.Scalar | null = null;
  return {
    run(count) {
      for (let i = 0; i < count; i++) {
        last?.dispose();
        last = optimizer.minimize(lossOf, true);
      }
    },
    values: () => (last === null ? [] : [last.dataSync()[0]]),
  };
}

/** Something computed again and again, without gradients. */
function computing(work: () => tensorflow.Tensor): Contestant {
  let last: tensorflow.Tensor | null = null;
  return {
    run(count) {
      for (let i = 0; i < count; i++) {
        last?.dispose();
        last = work();
      }
    },
    values: () => (last === null ? [] : sampleOf(last.dataSync())),
  };
}

function mlp(tf: TensorFlow, { widths, loss, learningRate }: MlpWorkload, arrays: Arrays): Contestant {
  const layers = widths.slice(1).map((_, i) => ({
    // [in, out], as the library's own dense layer has it
    kernel: tf.variable(toTensor(tf, arrays[`weight${i}`]).transpose()) as tensorflow.Tensor2D,
    bias: tf.variable(toTensor(tf, arrays[`bias${i}`])),
  }));
  const inputs = toTensor(tf, arrays.inputs) as tensorflow.Tensor2D;
  const targets = toTensor(tf, arrays.targets);
  const outputs = widths[widths.length - 1];
  const labels = loss === "mse" ? targets : tf.oneHot(targets.toInt(), outputs).toFloat();
  return training(tf, learningRate, () => {
    let x = inputs;
    layers.forEach(({ kernel, bias }, i) => {
      const activation = i < layers.length - 1 ? "relu" : "linear";
      x = tf.fused.matMul({ a: x, b: kernel, bias, activation }) as tensorflow.Tensor2D;
    });
    return loss === "mse" ? tf.losses.meanSquaredError(labels, x) : tf.losses.softmaxCrossEntropy(labels, x);
  });
}

/**
 * A convolution whose kernel gradient is a convolution too, batch and channels swapped: the wasm backend has no kernel
 * of its own for it (Conv2DBackpropFilter).
 */
function trainableConvolution(tf: TensorFlow): (x: tensorflow.Tensor4D, w: tensorflow.Tensor4D) => tensorflow.Tensor4D {
  return tf.customGrad((input, kernel, save) => {
    const x = input as tensorflow.Tensor4D;
    const w = kernel as tensorflow.Tensor4D;
    (save as (kept: tensorflow.Tensor[]) => void)([x, w]);
    return {
      value: tf.conv2d(x, w, 1, "valid"),
      gradFunc: (dy: tensorflow.Tensor, [keptX, keptW]: tensorflow.Tensor[]) => {
        const upstream = dy as tensorflow.Tensor4D;
        const dx = tf.conv2dTranspose(
          upstream,
          keptW as tensorflow.Tensor4D,
          keptX.shape as [number, number, number, number],
          1,
          "valid",
        );
        // [C, H, W, N] convolved with [h, w, N, O] gives [C, kernel, kernel, O].
        const swapped = tf.transpose(keptX, [3, 1, 2, 0]) as tensorflow.Tensor4D;
        const filter = tf.transpose(upstream, [1, 2, 0, 3]) as tensorflow.Tensor4D;
        const dw = tf.transpose(tf.conv2d(swapped, filter, 1, "valid"), [1, 2, 0, 3]);
        return [dx, dw];
      },
    };
  }) as (x: tensorflow.Tensor4D, w: tensorflow.Tensor4D) => tensorflow.Tensor4D;
}

function convolution(tf: TensorFlow, workload: ConvolutionWorkload, arrays: Arrays): Contestant {
  const { batch, channels, kernel, classes, learningRate } = workload;
  const side = pooledSide(kernel);
  // The library is fastest with channels last: kernels [h, w, in, out], features in the order [row, column, channel].
  const kernels = [0, 1].map((i) => tf.variable(toTensor(tf, arrays[`kernels${i}`]).transpose([2, 3, 1, 0])));
  const biases = [0, 1, 2].map((i) => tf.variable(toTensor(tf, arrays[`bias${i}`])));
  const dense = tf.variable(
    toTensor(tf, arrays.weight2)
      .reshape([classes, channels[1], side, side])
      .transpose([2, 3, 1, 0])
      .reshape([side * side * channels[1], classes]),
  );
  const inputs = toTensor(tf, arrays.inputs).reshape([batch, IMAGE_SIDE, IMAGE_SIDE, 1]) as tensorflow.Tensor4D;
  const labels = tf.oneHot(toTensor(tf, arrays.targets).toInt(), classes).toFloat();
  const convolve = trainableConvolution(tf);
  return training(tf, learningRate, () => {
    let x = inputs;
    kernels.forEach((one, i) => {
      const features = convolve(x, one as unknown as tensorflow.Tensor4D);
      x = tf.maxPool(tf.relu(tf.add(features, biases[i])) as tensorflow.Tensor4D, 2, 2, "valid");
    });
    const logits = tf.add(tf.matMul(x.reshape([batch, -1]), dense as unknown as tensorflow.Tensor2D), biases[2]);
    return tf.losses.softmaxCrossEntropy(labels, logits);
  });
}

export const peer: Peer = {
  async describe() {
    const tf = await start();
    return `@tensorflow/tfjs ${tf.version.tfjs}, ${tf.getBackend()} backend`;
  },
  async prepare(workload, arrays) {
    const tf = await start();
    switch (workload.kind) {
      case "mlp":
        return mlp(tf, workload, arrays);
      case "convolution":
        return convolution(tf, workload, arrays);
      case "matmul": {
        const a = toTensor(tf, arrays.a);
        const b = toTensor(tf, arrays.b);
        return computing(() => tf.matMul(a, b));
      }
      case "chain": {
        const [x, w, b] = ["x", "w", "b"].map((name) => toTensor(tf, arrays[name]));
        return computing(() => tf.tidy(() => x.mul(w).add(b).tanh().mul(0.5).add(0.25).relu().square().exp()));
      }
      case "scalars":
        throw new Unavailable("not measured on scalars");
    }
  },
};
