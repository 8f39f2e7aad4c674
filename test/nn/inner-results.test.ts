import { describe, expect, test, vi } from "vitest";
import { linear, losses, nn, noGrad, randn, type Tensor, trace } from "../../src/index.js";
import { lower } from "../../src/pwl/index.js";

/** Enough results of ops, small and large, for the nursery to be used all over again. */
function disturb(): void {
  for (let i = 0; i < 2000; i++) randn([i % 2 === 0 ? 100 : 1000]).mul(2);
}

describe("what only a graph holds between two layers", () => {
  const net = nn.mlp([3, 20, 20, 2]);
  const x = randn([30, 3]);
  const y = randn([30, 2]);

  test("is kept where somebody asked for it before backward released it", () => {
    const output = net.forward(x);
    const hidden = output.inputs[0];
    const first = hidden.inputs[0];
    const kept = [...hidden.data, ...first.data];
    losses.mseLoss(output, y).backward();
    disturb();
    expect([...hidden.data, ...first.data]).toEqual(kept);
    expect(Math.max(...kept)).toBeGreaterThan(0);
  });

  test("is there for every backward of a graph that is retained, much later, too", () => {
    const gradients = () => net.parameters().map((one) => [...(one.grad as Tensor).data]);
    // Kernels are compiled when an expression is met again; they round otherwise than the plain loops.
    for (let i = 0; i < 5; i++) losses.mseLoss(net.forward(x), y).backward();
    net.zeroGrad();
    const loss = losses.mseLoss(net.forward(x), y);
    loss.backward({ retainGraph: true });
    const once = gradients();
    disturb();
    net.zeroGrad();
    loss.backward();
    expect(gradients()).toEqual(once);
  });

  test("does not change what the net gives, with and without a graph", () => {
    const results = Array.from({ length: 50 }, (_, i) => {
      const result = i % 2 === 0 ? net.forward(x) : noGrad(() => net.forward(x));
      randn([50]).mul(i);
      return result;
    });
    for (const one of results) expect([...one.data]).toEqual([...results[0].data]);
  });

  test("is the same as layer by layer, to the bit, and its gradients too", () => {
    const layered = (input: Tensor) => net.layers.reduce((value, layer) => layer.forward(value), input);
    const run = (forward: (input: Tensor) => Tensor) => {
      net.zeroGrad();
      const input = x.detach();
      input.requiresGrad = true;
      const output = forward(input);
      output.mul(y).sum().backward();
      return [output, input.grad as Tensor, ...net.parameters().map((one) => one.grad as Tensor)].map((one) => [
        ...one.data,
      ]);
    };
    expect(run((input) => net.forward(input))).toEqual(run(layered));
  });

  test("is seen by trace and lower as layers of their own", () => {
    const ops = trace((input) => net.forward(input), x).nodes.map((node) => node.op?.name);
    expect(ops.filter((name) => name === "relu")).toHaveLength(2);
    expect(lower((input) => net.forward(input), { shape: [3] }).layers.length).toBe(2);
  });

  test("is not taken together where a layer was given another method", () => {
    const changed = nn.mlp([3, 20, 20, 2]);
    const seen: Tensor[] = [];
    const linear = changed.layers[0];
    const forward = linear.forward.bind(linear);
    linear.forward = (input: Tensor) => {
      const output = forward(input);
      seen.push(output);
      return output;
    };
    changed.forward(x);
    expect(seen).toHaveLength(1);
    expect(Math.min(...seen[0].data)).toBeLessThan(0);
  });

  test("is not taken together, and is kept, where the class was given another method", () => {
    const seen: Tensor[] = [];
    const forward = vi.spyOn(nn.Linear.prototype, "forward").mockImplementation(function (this: nn.Linear, input) {
      seen.push(input);
      return linear(input, this.weight, this.bias as Tensor);
    });
    noGrad(() => net.forward(x));
    forward.mockRestore();
    const kept = seen.map((one) => [...one.data]);
    disturb();
    expect(seen.map((one) => [...one.data])).toEqual(kept);
    expect(kept).toHaveLength(3);
  });

  test("is there for the layers behind it where those before it are frozen", () => {
    const gradientsOf = (forward: (input: Tensor) => Tensor) => {
      const loss = forward(x).mul(y).sum();
      disturb();
      net.zeroGrad();
      loss.backward();
      return net.parameters().map((one) => [...(one.grad?.data ?? [])]);
    };
    const first = net.layers[0].parameters();
    for (const one of first) one.requiresGrad = false;
    const layered = gradientsOf((input) => net.layers.reduce((value, layer) => layer.forward(value), input));
    expect(gradientsOf((input) => net.forward(input))).toEqual(layered);
    for (const one of first) one.requiresGrad = true;
  });

  test("is kept where somebody got hold of another view of it", () => {
    const output = net.forward(randn([2, 15, 3]));
    // The matrix that the last layer's product is of, which shares the values of the layer before.
    const rows = output.inputs[0].inputs[0].inputs[0];
    const kept = [...rows.data];
    output.sum().backward();
    disturb();
    expect([...rows.data]).toEqual(kept);
    expect(Math.max(...kept)).toBeGreaterThan(0);
  });

  test("is kept where gradients that were recorded are differentiated, and their graph is released", () => {
    const output = net.forward(x);
    net.zeroGrad();
    output.sum().backward({ createGraph: true });
    const weights = net.layers[4].parameters()[0].grad as Tensor;
    const kept = [...noGrad(() => net.layers.slice(0, 4).reduce((value, layer) => layer.forward(value), x)).data];
    weights.square().sum().backward();
    disturb();
    expect([...output.inputs[0].data]).toEqual(kept);
  });
});
