/**
 * micrograd's algorithm as plain JavaScript, the baseline of graphs of scalars: one object per number, a set of
 * children, a closure per op for the gradient, and a depth-first order found recursively at each backward.
 * (github.com/karpathy/micrograd; written anew after its design.)
 */
import type { ScalarsWorkload } from "../workloads.js";
import { type Peer, Unavailable } from "./contestant.js";

class Value {
  data: number;
  grad = 0;
  propagate: () => void = () => {};
  readonly children: Set<Value>;
  readonly op: string;

  constructor(data: number, children: readonly Value[] = [], op = "") {
    this.data = data;
    this.children = new Set(children);
    this.op = op;
  }

  add(operand: Value | number): Value {
    const other = operand instanceof Value ? operand : new Value(operand);
    const out = new Value(this.data + other.data, [this, other], "+");
    out.propagate = () => {
      this.grad += out.grad;
      other.grad += out.grad;
    };
    return out;
  }

  mul(operand: Value | number): Value {
    const other = operand instanceof Value ? operand : new Value(operand);
    const out = new Value(this.data * other.data, [this, other], "*");
    out.propagate = () => {
      this.grad += other.data * out.grad;
      other.grad += this.data * out.grad;
    };
    return out;
  }

  relu(): Value {
    const out = new Value(this.data < 0 ? 0 : this.data, [this], "ReLU");
    out.propagate = () => {
      this.grad += out.data > 0 ? out.grad : 0;
    };
    return out;
  }

  backward(): void {
    const order: Value[] = [];
    const visited = new Set<Value>();
    function visit(value: Value): void {
      if (visited.has(value)) return;
      visited.add(value);
      for (const child of value.children) visit(child);
      order.push(value);
    }
    visit(this);
    this.grad = 1;
    for (let i = order.length - 1; i >= 0; i--) order[i].propagate();
  }
}

class Neuron {
  readonly weights: readonly Value[];
  readonly bias: Value;
  readonly nonlinear: boolean;

  constructor(weights: ArrayLike<number>, bias: number, nonlinear: boolean) {
    this.weights = Array.from(weights, (weight) => new Value(weight));
    this.bias = new Value(bias);
    this.nonlinear = nonlinear;
  }

  call(x: readonly Value[]): Value {
    let sum = this.bias;
    for (let i = 0; i < this.weights.length; i++) sum = sum.add(this.weights[i].mul(x[i]));
    return this.nonlinear ? sum.relu() : sum;
  }
}

function network(
  { widths }: ScalarsWorkload,
  arrays: Readonly<Record<string, { values: ArrayLike<number> }>>,
): Neuron[][] {
  return widths.slice(1).map((width, i) => {
    const weights = Array.from(arrays[`weight${i}`].values);
    return Array.from({ length: width }, (_, j) => {
      const row = weights.slice(j * widths[i], (j + 1) * widths[i]);
      return new Neuron(row, arrays[`bias${i}`].values[j], i < widths.length - 2);
    });
  });
}

export const peer: Peer = {
  describe: async () => "micrograd's algorithm in JavaScript",
  async prepare(workload, arrays) {
    if (workload.kind !== "scalars") throw new Unavailable("scalars only");
    const { widths, points, learningRate } = workload;
    const layers = network(workload, arrays);
    const parameters = layers.flat().flatMap(({ weights, bias }) => [...weights, bias]);
    const inputs = arrays.inputs.values;
    const labels = arrays.targets.values;
    const step = (): number => {
      let hinges = new Value(0);
      for (let point = 0; point < points; point++) {
        let x = Array.from(inputs.subarray(point * widths[0], (point + 1) * widths[0]), (one) => new Value(one));
        for (const layer of layers) x = layer.map((neuron) => neuron.call(x));
        hinges = hinges.add(x[0].mul(-labels[point]).add(1).relu());
      }
      let squares = new Value(0);
      for (const one of parameters) squares = squares.add(one.mul(one));
      const loss = hinges.mul(1 / points).add(squares.mul(1e-4));
      for (const one of parameters) one.grad = 0;
      loss.backward();
      for (const one of parameters) one.data -= learningRate * one.grad;
      return loss.data;
    };
    let last = Number.NaN;
    return {
      run(count) {
        for (let i = 0; i < count; i++) last = step();
      },
      values: () => [last],
    };
  },
};
