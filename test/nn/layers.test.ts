import { Generator, nn, optim, ShapeError, type Tensor, tensor } from "crease";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

const draw = (seed: number, count: number): number[] => {
  const generator = new Generator(seed);
  return Array.from({ length: count }, () => generator.normal());
};

const f64 = (values: readonly number[], shape: readonly number[]): Tensor =>
  tensor(Float64Array.from(values), { shape, dtype: "float64" });

const numbersOf = (x: Tensor): number[] => Array.from(x.data);

const close = (actual: readonly number[], expected: readonly number[]): void => {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i], 10);
  });
};

describe("Linear", () => {
  it("is x Wᵀ + b, for one vector as for rows and for more axes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }), fc.nat(99), (width, height, seed) => {
        const layer = new nn.Linear(width, height, { dtype: "float64", generator: new Generator(seed) });
        const x = draw(seed, 6 * width);
        const weight = numbersOf(layer.weight);
        const bias = numbersOf(layer.bias as Tensor);
        const expected = Array.from({ length: 6 * height }, (_, k) => {
          const [row, unit] = [Math.floor(k / height), k % height];
          let sum = bias[unit];
          for (let i = 0; i < width; i++) sum += x[row * width + i] * weight[unit * width + i];
          return sum;
        });
        close(numbersOf(layer.forward(f64(x, [6, width]))), expected);
        const stacked = layer.forward(f64(x, [2, 3, width]));
        expect(stacked.shape).toEqual([2, 3, height]);
        close(numbersOf(stacked), expected);
        const single = layer.forward(f64(x.slice(0, width), [width]));
        expect(single.shape).toEqual([height]);
        close(numbersOf(single), expected.slice(0, height));
      }),
    );
  });

  it("takes an empty batch", () => {
    expect(new nn.Linear(2, 3).forward(tensor(new Float32Array(0), { shape: [0, 2] })).shape).toEqual([0, 3]);
  });

  it("says what it got and what it expects", () => {
    const layer = new nn.Linear(2, 16);
    expect(() => layer.forward(tensor([1, 2, 3]))).toThrow(
      "Linear(2, 16): input [3] has 3 features in its last axis, expected 2",
    );
    expect(() => layer.forward(tensor(1))).toThrow(ShapeError);
    expect(() => new nn.Linear(0, 3)).toThrow(/input features is an integer of at least 1, got 0/);
    expect(() => new nn.Linear(2, 3, { biass: false } as never)).toThrow(/unknown option "biass"/);
    expect(() => new nn.Linear(2, 3, { dtype: "int32" })).toThrow(/float32 or float64, got int32/);
  });
});

describe("Conv2d", () => {
  it("is the sum over its window, with stride, padding, dilation and groups", () => {
    const layer = new nn.Conv2d(4, 6, [2, 3], {
      stride: [2, 1],
      padding: [1, 0],
      dilation: [1, 2],
      groups: 2,
      dtype: "float64",
      generator: new Generator(3),
    });
    expect(layer.weight.shape).toEqual([6, 2, 2, 3]);
    const [height, width] = [5, 7];
    const x = draw(4, 4 * height * width);
    const weight = numbersOf(layer.weight);
    const bias = numbersOf(layer.bias as Tensor);
    const rows = Math.floor((height + 2 - 2) / 2) + 1;
    const columns = width - 4;
    const expected: number[] = [];
    for (let o = 0; o < 6; o++) {
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          let sum = bias[o];
          for (let c = 0; c < 2; c++) {
            const channel = (o < 3 ? 0 : 2) + c;
            for (let k = 0; k < 2; k++) {
              for (let l = 0; l < 3; l++) {
                const [row, column] = [2 * i + k - 1, j + 2 * l];
                if (row < 0 || row >= height) continue;
                sum += x[(channel * height + row) * width + column] * weight[((o * 2 + c) * 2 + k) * 3 + l];
              }
            }
          }
          expected.push(sum);
        }
      }
    }
    const y = layer.forward(f64(x, [1, 4, height, width]));
    expect(y.shape).toEqual([1, 6, rows, columns]);
    close(numbersOf(y), expected);
    const single = layer.forward(f64(x, [4, height, width]));
    expect(single.shape).toEqual([6, rows, columns]);
    close(numbersOf(single), expected);
  });

  it("refuses channels, ranks and groups that do not fit", () => {
    const layer = new nn.Conv2d(3, 8, 3);
    expect(() => layer.forward(tensor(new Float32Array(16), { shape: [1, 1, 4, 4] }))).toThrow(
      "Conv2d(3, 8, 3): input [1, 1, 4, 4] has 1 channels, expected 3",
    );
    expect(() => layer.forward(tensor([[1]]))).toThrow(/neither \[batch, channels, height, width\]/);
    expect(() => layer.forward(tensor(new Float32Array(12), { shape: [1, 3, 2, 2] }))).toThrow(/does not fit an image/);
    expect(() => new nn.Conv2d(3, 8, 3, { groups: 2 })).toThrow(/2 groups must divide both 3 input and 8 output/);
    expect(() => new nn.Conv2d(3, 8, 0)).toThrow(/kernel is an integer of at least 1/);
    expect(() => new nn.Conv2d(3, 8, [1, 2, 3] as never)).toThrow(/pair/);
  });

  it("prints as the call that makes it", () => {
    expect(String(new nn.Conv2d(1, 8, 3, { padding: 1, stride: [2, 1] }))).toBe(
      "Conv2d(1, 8, 3, { stride: [2, 1], padding: 1 })",
    );
    expect(String(new nn.MaxPool2d(2))).toBe("MaxPool2d(2)");
    expect(String(new nn.AvgPool2d([2, 3], { stride: 1 }))).toBe("AvgPool2d([2, 3], { stride: 1 })");
  });
});

describe("pooling and flattening", () => {
  const image = tensor([
    [
      [
        [1, 5, 2, 0],
        [3, -1, 4, 4],
      ],
    ],
  ]);

  it("take the largest, or the mean, of each window", () => {
    expect(new nn.MaxPool2d(2).forward(image).toArray()).toEqual([[[[5, 4]]]]);
    expect(new nn.AvgPool2d(2).forward(image).toArray()).toEqual([[[[2, 2.5]]]]);
    expect(new nn.MaxPool2d(2, { stride: 1 }).forward(image.reshape([1, 2, 4])).toArray()).toEqual([[[5, 5, 4]]]);
    expect(() => new nn.MaxPool2d(2, { padding: 2 })).toThrow(/more than half of the kernel/);
  });

  it("Flatten keeps the batch axis", () => {
    expect(new nn.Flatten().forward(image).shape).toEqual([1, 8]);
    expect(new nn.Flatten(0).forward(image).shape).toEqual([8]);
  });
});

describe("BatchNorm", () => {
  const [batch, features] = [5, 3];
  const values = draw(11, batch * features);
  const column = (k: number): number[] => values.filter((_, i) => i % features === k);
  const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
  const squares = (list: readonly number[]): number => list.reduce((a, b) => a + (b - mean(list)) ** 2, 0);

  it("normalizes by the batch in training, and moves the running statistics by momentum", () => {
    const layer = new nn.BatchNorm1d(features, { dtype: "float64", momentum: 0.3 });
    const y = numbersOf(layer.forward(f64(values, [batch, features])));
    for (let k = 0; k < features; k++) {
      const [centre, spread] = [mean(column(k)), squares(column(k))];
      close(
        y.filter((_, i) => i % features === k),
        column(k).map((v) => (v - centre) / Math.sqrt(spread / batch + 1e-5)),
      );
      expect(layer.runningMean.data[k]).toBeCloseTo(0.3 * centre, 12);
      expect(layer.runningVariance.data[k]).toBeCloseTo(0.7 + (0.3 * spread) / (batch - 1), 12);
    }
  });

  it("is affine in inference, by the running statistics, weight and bias, also for one example", () => {
    const layer = new nn.BatchNorm1d(2, { dtype: "float64", eps: 0 });
    layer.runningMean.assign_(f64([1, -2], [2]));
    layer.runningVariance.assign_(f64([4, 0.25], [2]));
    (layer.weight as Tensor).assign_(f64([3, 5], [2]));
    (layer.bias as Tensor).assign_(f64([0.5, 0], [2]));
    layer.eval();
    close(numbersOf(layer.forward(f64([3, -1], [1, 2]))), [3.5, 10]);
    const single = layer.forward(f64([3, -1], [2]));
    expect(single.shape).toEqual([2]);
    close(numbersOf(single), [3.5, 10]);
    expect(layer.runningMean.toArray()).toEqual([1, -2]);
  });

  it("2d normalizes each channel over batch, height and width", () => {
    const layer = new nn.BatchNorm2d(2, { dtype: "float64", affine: false });
    const x = draw(5, 3 * 2 * 4);
    const y = numbersOf(layer.forward(f64(x, [3, 2, 2, 2])));
    for (let channel = 0; channel < 2; channel++) {
      const own = y.filter((_, i) => Math.floor(i / 4) % 2 === channel);
      expect(mean(own)).toBeCloseTo(0, 10);
      expect(squares(own) / own.length).toBeCloseTo(1, 4);
    }
    expect(layer.parameters()).toEqual([]);
    expect(layer.namedBuffers().map(([name]) => name)).toEqual(["running_mean", "running_var"]);
  });

  it("refuses other feature counts, other ranks, and a batch of one in training", () => {
    const layer = new nn.BatchNorm1d(3);
    expect(() => layer.forward(tensor([[1, 2]]))).toThrow(
      "BatchNorm1d(3): input [1, 2] does not fit, expected [batch, 3] or [batch, 3, length]",
    );
    expect(() => layer.forward(tensor([[1, 2, 3]]))).toThrow(/at least two values per channel/);
    expect(() => layer.forward(tensor([1, 2, 3]))).toThrow(ShapeError);
    expect(() => new nn.BatchNorm2d(3).eval().forward(tensor([[1, 2, 3]]))).toThrow(ShapeError);
    expect(() => new nn.BatchNorm1d(3, { momentum: 2 })).toThrow(/share from 0 to 1, got 2/);
  });
});

describe("LayerNorm", () => {
  it("normalizes each example over its last axes, then scales and shifts", () => {
    const layer = new nn.LayerNorm([2, 2], { dtype: "float64", eps: 0 });
    (layer.weight as Tensor).assign_(f64([1, 2, 3, 4], [2, 2]));
    (layer.bias as Tensor).assign_(f64([0, 0, 0, 1], [2, 2]));
    // Mean 3, variance 5.
    const root = Math.sqrt(5);
    close(numbersOf(layer.forward(f64([0, 2, 4, 6], [1, 2, 2]))), [-3 / root, -2 / root, 3 / root, 12 / root + 1]);
  });

  it("refuses other last axes", () => {
    expect(() => new nn.LayerNorm(4).forward(tensor([[1, 2]]))).toThrow(
      "LayerNorm([4]): input [1, 2] ends in [2], expected [4]",
    );
  });
});

describe("Dropout", () => {
  it("keeps a share of 1 − p in training, scaled so that the mean stays, and everything in inference", () => {
    const layer = new nn.Dropout(0.25, { generator: new Generator(1) });
    const count = 20_000;
    const ones = tensor(new Float32Array(count).fill(1));
    const y = numbersOf(layer.forward(ones));
    const kept = y.filter((value) => value !== 0);
    expect(new Set(kept)).toEqual(new Set([Math.fround(1 / 0.75)]));
    // Six standard deviations of a binomial share.
    expect(Math.abs(kept.length / count - 0.75)).toBeLessThan(6 * Math.sqrt((0.25 * 0.75) / count));
    expect(layer.eval().forward(ones)).toBe(ones);
  });

  it("repeats its zeroes from the same seed", () => {
    const run = (): unknown =>
      new nn.Dropout(0.5, { generator: new Generator(5) }).forward(tensor([1, 1, 1, 1, 1, 1])).toArray();
    expect(run()).toEqual(run());
    expect(() => new nn.Dropout(1.5)).toThrow(/from 0 to 1, got 1.5/);
  });
});

describe("activations as modules", () => {
  const x = [-3, -0.5, 0, 0.25, 8];
  const cases: [nn.Layer, (v: number) => number][] = [
    [new nn.ReLU(), (v) => Math.max(v, 0)],
    [new nn.LeakyReLU({ slope: 0.2 }), (v) => (v > 0 ? v : 0.2 * v)],
    [new nn.PReLU(1, { dtype: "float64" }), (v) => (v > 0 ? v : 0.25 * v)],
    [new nn.ReLU6(), (v) => Math.min(Math.max(v, 0), 6)],
    [new nn.Hardtanh({ min: -2 }), (v) => Math.min(Math.max(v, -2), 1)],
    [new nn.ELU({ alpha: 0.5 }), (v) => (v > 0 ? v : 0.5 * (Math.exp(v) - 1))],
    [new nn.Tanh(), Math.tanh],
    [new nn.Sigmoid(), (v) => 1 / (1 + Math.exp(-v))],
    [new nn.SiLU(), (v) => v / (1 + Math.exp(-v))],
    [new nn.Softplus(), (v) => Math.log(1 + Math.exp(v))],
    [new nn.Identity(), (v) => v],
  ];

  it.each(cases.map(([layer, fn]) => [String(layer), layer, fn] as const))("%s", (_, layer, fn) => {
    close(numbersOf(layer.forward(f64(x, [5]))), x.map(fn));
  });

  it("GELU is x Φ(x), so that gelu(x) − gelu(−x) = x", () => {
    const layer = new nn.GELU();
    const [at, mirrored] = [layer.forward(f64(x, [5])), layer.forward(f64(x, [5]).neg())];
    close(numbersOf(at.sub(mirrored)), x);
    expect(layer.forward(f64([1], [1])).item()).toBeCloseTo(0.8413447460685429, 12);
  });

  it("PReLU has one slope for each channel, wherever the channels are", () => {
    const layer = new nn.PReLU(2);
    layer.weight.assign_(tensor([0.5, 2]));
    expect(layer.forward(tensor([-1, -1])).toArray()).toEqual([-0.5, -2]);
    expect(layer.forward(tensor([[-1, -1]])).toArray()).toEqual([[-0.5, -2]]);
    expect(layer.forward(tensor([[[[-1]], [[-1]]]])).toArray()).toEqual([[[[-0.5]], [[-2]]]]);
    expect(() => layer.forward(tensor([[1, 2, 3]]))).toThrow("PReLU(2): input [1, 3] has 3 channels, expected 2");
  });

  it("refuse unknown options and bounds the wrong way round", () => {
    expect(() => new nn.LeakyReLU({ negativeSlope: 1 } as never)).toThrow(/unknown option "negativeSlope"/);
    expect(() => new nn.Hardtanh({ min: 2 })).toThrow(/min 2 must not be above max 1/);
  });
});

describe("Sequential", () => {
  it("applies its layers in order", () => {
    const net = new nn.Sequential(new nn.ReLU(), new nn.Hardtanh({ max: 2, min: -2 }));
    expect(net.forward(tensor([-1, 1, 5])).toArray()).toEqual([0, 1, 2]);
    expect([...net].length).toBe(net.length);
    expect(net.at(-1)).toBeInstanceOf(nn.Hardtanh);
    expect(new nn.Sequential().forward(tensor([3])).toArray()).toEqual([3]);
  });

  it("refuses what is no module, saying where", () => {
    expect(() => new nn.Sequential(new nn.ReLU(), nn.Tanh as never)).toThrow(
      "Sequential: layer 1 is the function Tanh; give modules, such as new nn.ReLU()",
    );
    expect(() => new nn.Sequential().at(0)).toThrow(/no layer 0; it has 0/);
  });
});

describe("layers given other things than tensors", () => {
  it("name the layer, the thing, and what to pass", () => {
    expect(() => nn.mlp([2, 3, 1]).forward([[1, 2]] as never)).toThrow(
      /^Linear\(2, 3\): the input is a list of 1, not a tensor: pass tensor\(\.\.\.\)$/,
    );
    expect(() => new nn.Conv2d(1, 2, 3).forward(undefined as never)).toThrow(
      /^Conv2d\(1, 2, 3\): the input is undefined/,
    );
    expect(() => (nn.mlp as unknown as (...widths: number[]) => unknown)(2, 8, 1)).toThrow(
      /mlp: the widths are one list, such as mlp\(\[2, 16, 1\]\), got 2/,
    );
    expect(() => new optim.Adam(nn.mlp([1, 1]).parameters(), { learningRate: "0.1" as never })).toThrow(/got "0\.1"/);
  });
});
