/** Crease, eager: the steps as users write them. */

import * as crease from "../../src/index.js";
import { losses, nn, optim, type Tensor, tensor } from "../../src/index.js";
import type { Arrays, ConvolutionWorkload, MlpWorkload, NamedArray, ScalarsWorkload, Workload } from "../workloads.js";
import { type Contestant, type Peer, sampleOf } from "./contestant.js";

/** The work as a function without arguments: what it gives is the loss, or the result. */
export type Work = () => Tensor;

function toTensor({ shape, values }: NamedArray, requiresGrad = false): Tensor {
  const dtype = values instanceof Float32Array ? "float32" : values instanceof Float64Array ? "float64" : "int32";
  return tensor(Array.from(values), { dtype, requiresGrad }).reshape(shape).detach();
}

function leaf(array: NamedArray): Tensor {
  const made = toTensor(array);
  made.requiresGrad = true;
  return made;
}

function rows({ shape, values }: NamedArray): Float32Array[] {
  return Array.from({ length: shape[0] }, (_, i) => values.slice(i * shape[1], (i + 1) * shape[1]) as Float32Array);
}

function mlpStep({ widths, loss: kind, learningRate }: MlpWorkload, arrays: Arrays): Work {
  const layers = widths.slice(1).map((_, i) => i);
  const net = nn.mlpFromWeights(
    layers.map((i) => rows(arrays[`weight${i}`])),
    layers.map((i) => arrays[`bias${i}`].values),
  );
  const optimizer = new optim.SGD(net.parameters(), { learningRate });
  const inputs = toTensor(arrays.inputs);
  const targets = toTensor(arrays.targets);
  const criterion = kind === "mse" ? losses.mseLoss : losses.crossEntropy;
  return () => {
    optimizer.zeroGrad();
    const loss = criterion(net.forward(inputs), targets);
    loss.backward();
    optimizer.step();
    return loss;
  };
}

function convolutionStep({ batch, learningRate }: ConvolutionWorkload, arrays: Arrays): Work {
  const names = ["kernels0", "bias0", "kernels1", "bias1", "weight2", "bias2"];
  const parameters = names.map((name) => leaf(arrays[name]));
  const [kernels0, bias0, kernels1, bias1, weight2, bias2] = parameters;
  const optimizer = new optim.SGD(parameters, { learningRate });
  const inputs = toTensor(arrays.inputs);
  const targets = toTensor(arrays.targets);
  return () => {
    optimizer.zeroGrad();
    const first = crease.maxPool2d(crease.conv2d(inputs, kernels0, bias0).relu(), { kernel: 2 });
    const second = crease.maxPool2d(crease.conv2d(first, kernels1, bias1).relu(), { kernel: 2 });
    const logits = crease.matmul(second.reshape([batch, -1]), weight2, { transposeB: true }).add(bias2);
    const loss = losses.crossEntropy(logits, targets);
    loss.backward();
    optimizer.step();
    return loss;
  };
}

interface Neuron {
  readonly weights: readonly Tensor[];
  readonly bias: Tensor;
}

function scalarStep({ widths, points, learningRate }: ScalarsWorkload, arrays: Arrays): Work {
  const number = (value: number): Tensor => tensor(value, { dtype: "float64" });
  const parameter = (value: number): Tensor => tensor(value, { dtype: "float64", requiresGrad: true });
  const layers: Neuron[][] = widths.slice(1).map((width, i) =>
    Array.from({ length: width }, (_, j) => ({
      weights: Array.from({ length: widths[i] }, (_, k) => parameter(arrays[`weight${i}`].values[j * widths[i] + k])),
      bias: parameter(arrays[`bias${i}`].values[j]),
    })),
  );
  const parameters = layers.flat().flatMap(({ weights, bias }) => [...weights, bias]);
  const inputs = arrays.inputs.values;
  const labels = arrays.targets.values;
  const activate = ({ weights, bias }: Neuron, x: readonly Tensor[]): Tensor => {
    let sum = bias;
    for (let i = 0; i < weights.length; i++) sum = sum.add(weights[i].mul(x[i]));
    return sum;
  };
  const score = (point: number): Tensor => {
    let x: Tensor[] = [];
    for (let i = 0; i < widths[0]; i++) x.push(number(inputs[point * widths[0] + i]));
    layers.forEach((layer, depth) => {
      x = layer.map((neuron) => (depth < layers.length - 1 ? activate(neuron, x).relu() : activate(neuron, x)));
    });
    return x[0];
  };
  const optimizer = new optim.SGD(parameters, { learningRate });
  return () => {
    let hinges = number(0);
    for (let point = 0; point < points; point++) hinges = hinges.add(score(point).mul(-labels[point]).add(1).relu());
    let squares = number(0);
    for (const one of parameters) squares = squares.add(one.mul(one));
    const loss = hinges.mul(1 / points).add(squares.mul(1e-4));
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  };
}

/** The work of a workload, from its initial weights. */
export function workOf(workload: Workload, arrays: Arrays): Work {
  switch (workload.kind) {
    case "mlp":
      return mlpStep(workload, arrays);
    case "convolution":
      return convolutionStep(workload, arrays);
    case "scalars":
      return scalarStep(workload, arrays);
    case "matmul": {
      const a = toTensor(arrays.a);
      const b = toTensor(arrays.b);
      return () => a.matmul(b);
    }
    case "chain": {
      const [x, w, b] = ["x", "w", "b"].map((name) => toTensor(arrays[name]));
      return () => x.mul(w).add(b).tanh().mul(0.5).add(0.25).relu().square().exp();
    }
  }
}

/** A contestant of work, eager or compiled. */
export function contestant(work: Work): Contestant {
  let last: Tensor | null = null;
  return {
    run(count) {
      for (let i = 0; i < count; i++) last = work();
    },
    values: () => (last === null ? [] : sampleOf(last.data)),
  };
}

/** The kernels chosen, by the library's own account. */
export async function describe(): Promise<string> {
  const { simd, kernels, threads } = crease.backendInfo();
  const chosen = Object.entries(kernels).map(([name, kernel]) => `${name} by ${kernel}`);
  return `SIMD level ${simd}, threads ${threads}; ${chosen.join("; ")}`;
}

export const peer: Peer = {
  describe,
  prepare: async (workload, arrays) => contestant(workOf(workload, arrays)),
};
