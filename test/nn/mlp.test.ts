import { Generator, manualSeed, nn, rand, type randn, ShapeError, tensor } from "crease";
import { describe, expect, it } from "vitest";

describe("mlp", () => {
  it("puts the activation between layers, not after the last", () => {
    const names = (net: nn.Sequential): string[] => [...net].map(String);
    expect(names(nn.mlp([2, 4, 3, 1]))).toEqual(["Linear(2, 4)", "ReLU()", "Linear(4, 3)", "ReLU()", "Linear(3, 1)"]);
    expect(names(nn.mlp([2, 4, 1], { activation: "none" }))).toEqual(["Linear(2, 4)", "Linear(4, 1)"]);
    expect(names(nn.mlp([2, 4, 1], { activation: () => new nn.LeakyReLU({ slope: 0.3 }) }))[1]).toBe(
      "LeakyReLU({ slope: 0.3 })",
    );
    expect(names(nn.mlp([2, 1]))).toEqual(["Linear(2, 1)"]);
  });

  it("without activation is one affine map", () => {
    const net = nn.mlp([2, 8, 8, 2], { activation: "none", dtype: "float64", generator: new Generator(1) });
    const at = (x: number, y: number): number[] => Array.from(net.forward(tensor([x, y], { dtype: "float64" })).data);
    const [origin, right, up, both] = [at(0, 0), at(1, 0), at(0, 1), at(3, -2)];
    both.forEach((value, i) => {
      expect(value).toBeCloseTo(origin[i] + 3 * (right[i] - origin[i]) - 2 * (up[i] - origin[i]), 12);
    });
  });

  it("refuses too few widths, bad widths and unknown activations", () => {
    expect(() => nn.mlp([2])).toThrow(/at least two widths/);
    expect(() => nn.mlp([2, 2.5, 1])).toThrow(/width 1 is an integer of at least 1, got 2.5/);
    expect(() => nn.mlp([2, 1], { activation: "swish" as never })).toThrow(
      /unknown activation "swish"; use one of none, relu/,
    );
  });
});

describe("mlpFromWeights", () => {
  const weights = [
    [
      [1, -1],
      [2, 0],
      [0, 1],
    ],
    [[1, 1, -2]],
  ];
  const biases = [[0, -1, 0.5], [10]];

  it("computes with the given weights, out x in", () => {
    const net = nn.mlpFromWeights(weights, biases, { dtype: "float64" });
    // relu([3 − 1, 6 − 1, 1 + 0.5]) = [2, 5, 1.5]; 2 + 5 − 3 + 10 = 14
    expect(net.forward(tensor([3, 1], { dtype: "float64" })).toArray()).toEqual([14]);
    expect(
      nn
        .mlpFromWeights(weights, biases, { activation: "none" })
        .forward(tensor([-3, 1]))
        .toArray(),
    ).toEqual([-4 - 7 - 3 + 10]);
    expect(net.parameters().every((one) => one.requiresGrad)).toBe(true);
  });

  it("takes typed arrays, and leaves the default stream of random numbers as it is", () => {
    manualSeed(3);
    const expected = rand([4]).toArray();
    manualSeed(3);
    const net = nn.mlpFromWeights([[Float32Array.of(1, 2)]], [Float64Array.of(3)]);
    expect(rand([4]).toArray()).toEqual(expected);
    expect(net.forward(tensor([1, 1])).toArray()).toEqual([6]);
  });

  it("lists everything that does not fit", () => {
    const wrong = (): nn.Sequential => nn.mlpFromWeights([[[1, 2], [3]], [[1, 2, 3]], []], [[1], [1]]);
    expect(wrong).toThrow(ShapeError);
    let message = "";
    try {
      wrong();
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain("3 layers of weights, but 2 of biases");
    expect(message).toContain("layer 0: row 1 has 1 weights, row 0 has 2");
    expect(message).toContain("layer 0: 2 rows of weights, but 1 biases");
    expect(message).toContain("layer 1: its rows have 3 weights, but layer 0 has 2 outputs");
    expect(message).toContain("layer 2: the weights are empty");
    expect(() => nn.mlpFromWeights([], [])).toThrow(/at least one layer/);
  });
});

describe("initial values", () => {
  const spread = (values: ArrayLike<number>): { mean: number; deviation: number; largest: number } => {
    const list = Array.from(values);
    const mean = list.reduce((a, b) => a + b, 0) / list.length;
    const deviation = Math.sqrt(list.reduce((a, b) => a + (b - mean) ** 2, 0) / list.length);
    return { mean, deviation, largest: Math.max(...list.map(Math.abs)) };
  };
  const generator = (): Generator => new Generator(9);
  const weight = (): ReturnType<typeof randn> => tensor(new Float32Array(200 * 50), { shape: [200, 50] });

  it("of Linear and Conv2d are uniform in ±1/√fanIn, bias too", () => {
    const linear = new nn.Linear(50, 400, { generator: generator() });
    expect(spread(linear.weight.data).largest).toBeLessThanOrEqual(Math.fround(1 / Math.sqrt(50)));
    expect(spread(linear.weight.data).deviation).toBeCloseTo(1 / Math.sqrt(3 * 50), 3);
    expect(spread(linear.bias?.data ?? []).deviation).toBeCloseTo(1 / Math.sqrt(3 * 50), 2);
    const conv = new nn.Conv2d(8, 64, [3, 2], { groups: 2, generator: generator() });
    expect(spread(conv.weight.data).deviation).toBeCloseTo(1 / Math.sqrt(3 * 24), 2);
    expect(spread(conv.weight.data).largest).toBeLessThanOrEqual(Math.fround(1 / Math.sqrt(24)));
  });

  it.each([
    [
      "kaimingUniform",
      nn.init.kaimingUniform(weight(), { generator: generator() }),
      Math.sqrt(2 / 50),
      Math.sqrt(6 / 50),
    ],
    [
      "kaimingNormal by fanOut for tanh",
      nn.init.kaimingNormal(weight(), { mode: "fanOut", nonlinearity: "tanh", generator: generator() }),
      5 / 3 / Math.sqrt(200),
      Infinity,
    ],
    [
      "xavierUniform",
      nn.init.xavierUniform(weight(), { generator: generator() }),
      Math.sqrt(2 / 250),
      Math.sqrt(6 / 250),
    ],
    [
      "xavierNormal",
      nn.init.xavierNormal(weight(), { gain: 2, generator: generator() }),
      2 * Math.sqrt(2 / 250),
      Infinity,
    ],
  ])("%s has its deviation and bound", (_, values, deviation, bound) => {
    const got = spread(values.data);
    expect(Math.abs(got.deviation / deviation - 1)).toBeLessThan(0.03);
    expect(Math.abs(got.mean)).toBeLessThan((5 * deviation) / 100);
    expect(got.largest).toBeLessThanOrEqual(bound * (1 + 1e-6));
  });

  it("are refused for vectors and unknown modes", () => {
    expect(() => nn.init.xavierNormal(tensor([1, 2]))).toThrow(/weights are \[out, in, ...window\], got \[2\]/);
    expect(() => nn.init.kaimingNormal(weight(), { mode: "fan_in" as never })).toThrow(/mode is fanIn or fanOut/);
    expect(() => nn.init.gain("swish" as never)).toThrow(/unknown nonlinearity "swish"/);
  });
});
