/** jax-js on its wasm device: whole steps under `jit`. In Node it computes on one thread. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type * as jaxjs from "@jax-js/jax";
import type { Arrays, ConvolutionWorkload, MlpWorkload, NamedArray } from "../workloads.js";
import { type Contestant, type Peer, sampleOf, Unavailable } from "./contestant.js";

type Jax = typeof jaxjs;
type JaxArray = jaxjs.numpy.Array;

/** Loads the library and starts its wasm device. */
export async function start(): Promise<Jax> {
  // jax-js reads navigator while it loads; Node 20 has none.
  if (!("navigator" in globalThis)) Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
  const jax = await import("@jax-js/jax");
  await jax.init("wasm");
  jax.defaultDevice("wasm");
  return jax;
}

function toArray(jax: Jax, { shape, values }: NamedArray): JaxArray {
  return jax.numpy.array(values as Float32Array<ArrayBuffer>).reshape([...shape]);
}

/** One row per label, 1 at its class. */
function oneHot(jax: Jax, { shape, values }: NamedArray, classes: number): JaxArray {
  const encoded = new Float32Array(shape[0] * classes);
  values.forEach((label, i) => {
    encoded[i * classes + label] = 1;
  });
  return toArray(jax, { shape: [shape[0], classes], values: encoded });
}

/**
 * Training: loss, gradient and update as one jitted function. The library counts references: `ref` keeps an array
 * that is used again.
 */
function training(
  jax: Jax,
  initial: JaxArray[],
  data: readonly [JaxArray, JaxArray],
  learningRate: number,
  lossOf: (parameters: JaxArray[], inputs: JaxArray, targets: JaxArray) => JaxArray,
): Contestant {
  const step = jax.jit((parameters: JaxArray[], inputs: JaxArray, targets: JaxArray) => {
    const [loss, gradients] = jax.valueAndGrad(lossOf)(
      parameters.map((one) => one.ref),
      inputs,
      targets,
    ) as unknown as [JaxArray, JaxArray[]];
    return [loss, parameters.map((one, i) => one.sub(gradients[i].mul(learningRate)))] as [JaxArray, JaxArray[]];
  });
  let parameters = initial;
  let last: JaxArray | null = null;
  return {
    async run(count) {
      for (let i = 0; i < count; i++) {
        last?.dispose();
        [last, parameters] = step(parameters, data[0].ref, data[1].ref);
        await last.blockUntilReady();
      }
      await jax.blockUntilReady(parameters);
    },
    values: () => (last === null ? [] : [...last.ref.dataSync()]),
  };
}

function computing(jax: Jax, inputs: readonly JaxArray[], work: (...inputs: JaxArray[]) => JaxArray): Contestant {
  const jitted = jax.jit(work);
  let last: JaxArray | null = null;
  return {
    async run(count) {
      for (let i = 0; i < count; i++) {
        last?.dispose();
        last = jitted(...inputs.map((one) => one.ref));
        // What is disposed of before it was waited for is never computed.
        await last.blockUntilReady();
      }
    },
    values: () => (last === null ? [] : sampleOf(last.ref.dataSync())),
  };
}

function crossEntropy(jax: Jax, logits: JaxArray, labels: JaxArray): JaxArray {
  const { numpy: np, nn } = jax;
  return np.mean(np.sum(nn.logSoftmax(logits, 1).mul(labels), 1)).neg();
}

function mlp(jax: Jax, { widths, loss, learningRate }: MlpWorkload, arrays: Arrays): Contestant {
  const { numpy: np, nn } = jax;
  const depth = widths.length - 1;
  // [in, out], as JAX has it
  const initial = widths
    .slice(1)
    .flatMap((_, i) => [np.transpose(toArray(jax, arrays[`weight${i}`])), toArray(jax, arrays[`bias${i}`])]);
  const outputs = widths[depth];
  const targets = loss === "mse" ? toArray(jax, arrays.targets) : oneHot(jax, arrays.targets, outputs);
  return training(jax, initial, [toArray(jax, arrays.inputs), targets], learningRate, (parameters, inputs, labels) => {
    let x = inputs;
    for (let i = 0; i < depth; i++) {
      x = np.matmul(x, parameters[2 * i]).add(parameters[2 * i + 1]);
      if (i < depth - 1) x = nn.relu(x);
    }
    return loss === "mse" ? np.mean(np.square(x.sub(labels))) : crossEntropy(jax, x, labels);
  });
}

function convolution(jax: Jax, workload: ConvolutionWorkload, arrays: Arrays): Contestant {
  const { numpy: np, nn, lax } = jax;
  const { batch, classes, channels, learningRate } = workload;
  const initial = ["kernels0", "bias0", "kernels1", "bias1"].map((name) => toArray(jax, arrays[name]));
  initial.push(np.transpose(toArray(jax, arrays.weight2)), toArray(jax, arrays.bias2));
  const data = [toArray(jax, arrays.inputs), oneHot(jax, arrays.targets, classes)] as const;
  return training(jax, initial, data, learningRate, (parameters, inputs, labels) => {
    let x = inputs;
    for (let i = 0; i < 2; i++) {
      const features = lax.conv(x, parameters[2 * i], [1, 1], "VALID");
      const active = nn.relu(features.add(parameters[2 * i + 1].reshape([channels[i], 1, 1])));
      // Pooling by reshaping and np.max takes as long.
      x = lax.reduceWindow(active, (window) => np.max(window), [2, 2], [2, 2]);
    }
    return crossEntropy(jax, np.matmul(x.reshape([batch, -1]), parameters[4]).add(parameters[5]), labels);
  });
}

export const peer: Peer = {
  async describe() {
    await start();
    const path = createRequire(import.meta.url).resolve("@jax-js/jax");
    const { version } = JSON.parse(readFileSync(path.replace(/dist.*/, "package.json"), "utf8")) as { version: string };
    return `@jax-js/jax ${version}, wasm device, jit`;
  },
  async prepare(workload, arrays) {
    const jax = await start();
    const { numpy: np, nn } = jax;
    switch (workload.kind) {
      case "mlp":
        return mlp(jax, workload, arrays);
      case "convolution":
        return convolution(jax, workload, arrays);
      case "matmul":
        return computing(jax, [toArray(jax, arrays.a), toArray(jax, arrays.b)], (a, b) => np.matmul(a, b));
      case "chain": {
        const inputs = ["x", "w", "b"].map((name) => toArray(jax, arrays[name]));
        return computing(jax, inputs, (x, w, b) =>
          np.exp(np.square(nn.relu(np.tanh(x.mul(w).add(b)).mul(0.5).add(0.25)))),
        );
      }
      case "scalars":
        throw new Unavailable("not measured on scalars");
    }
  },
};
