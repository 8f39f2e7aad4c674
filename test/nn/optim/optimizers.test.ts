import { Generator, nn, optim, StateError, type Tensor, tensor, zeros } from "crease";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { withMode } from "../../../src/graph/modes.js";

/** One parameter's way through a list of gradients, in plain numbers, by PyTorch's documented algorithms. */
type Reference = (start: number, gradients: readonly number[]) => number[];

function sgd(rate: number, momentum = 0, dampening = 0, nesterov = false, weightDecay = 0): Reference {
  return (start, gradients) => {
    let p = start;
    let b: number | null = null;
    return gradients.map((given) => {
      let g = given + weightDecay * p;
      if (momentum !== 0) {
        b = b === null ? g : momentum * b + (1 - dampening) * g;
        g = nesterov ? g + momentum * b : b;
      }
      p -= rate * g;
      return p;
    });
  };
}

function adam(rate: number, b1: number, b2: number, eps: number, weightDecay: number, decoupled: boolean): Reference {
  return (start, gradients) => {
    let [p, m, v] = [start, 0, 0];
    return gradients.map((given, i) => {
      if (decoupled) p -= rate * weightDecay * p;
      const g = decoupled ? given : given + weightDecay * p;
      m = b1 * m + (1 - b1) * g;
      v = b2 * v + (1 - b2) * g * g;
      const mHat = m / (1 - b1 ** (i + 1));
      const vHat = v / (1 - b2 ** (i + 1));
      p -= (rate * mHat) / (Math.sqrt(vHat) + eps);
      return p;
    });
  };
}

const cases: [string, (parameters: Tensor[]) => optim.Optimizer, Reference][] = [
  ["SGD", (p) => new optim.SGD(p, { learningRate: 0.1 }), sgd(0.1)],
  ["SGD, weight decay", (p) => new optim.SGD(p, { learningRate: 0.1, weightDecay: 0.3 }), sgd(0.1, 0, 0, false, 0.3)],
  ["SGD, momentum", (p) => new optim.SGD(p, { learningRate: 0.1, momentum: 0.9 }), sgd(0.1, 0.9)],
  [
    "SGD, momentum, dampening, weight decay",
    (p) => new optim.SGD(p, { learningRate: 0.05, momentum: 0.8, dampening: 0.4, weightDecay: 0.2 }),
    sgd(0.05, 0.8, 0.4, false, 0.2),
  ],
  [
    "SGD, Nesterov, weight decay",
    (p) => new optim.SGD(p, { learningRate: 0.05, momentum: 0.8, nesterov: true, weightDecay: 0.2 }),
    sgd(0.05, 0.8, 0, true, 0.2),
  ],
  ["Adam", (p) => new optim.Adam(p), adam(1e-3, 0.9, 0.999, 1e-8, 0, false)],
  [
    "Adam, all options",
    (p) => new optim.Adam(p, { learningRate: 0.05, betas: [0.7, 0.9], eps: 1e-2, weightDecay: 0.3 }),
    adam(0.05, 0.7, 0.9, 1e-2, 0.3, false),
  ],
  ["AdamW", (p) => new optim.AdamW(p), adam(1e-3, 0.9, 0.999, 1e-8, 0.01, true)],
  [
    "AdamW, all options",
    (p) => new optim.AdamW(p, { learningRate: 0.05, betas: [0.7, 0.9], eps: 1e-2, weightDecay: 0.3 }),
    adam(0.05, 0.7, 0.9, 1e-2, 0.3, true),
  ],
];

const values = (count: number, seed: number): number[] => {
  const generator = new Generator(seed);
  return Array.from({ length: count }, () => generator.normal());
};

describe.each(cases)("%s", (_, make, reference) => {
  it("goes the way that PyTorch's algorithm goes in plain numbers", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.nat(1000), (steps, seed) => {
        const size = 5;
        const start = values(size, seed);
        const gradients = Array.from({ length: steps }, (__, t) => values(size, seed + t + 1));
        const p = tensor(start, { dtype: "float64", requiresGrad: true });
        const scalar = tensor(start[0], { dtype: "float64", requiresGrad: true });
        const optimizer = make([p, scalar]);
        const expected = start.map((one, i) =>
          reference(
            one,
            gradients.map((g) => g[i]),
          ),
        );
        gradients.forEach((g, t) => {
          p.grad = tensor(g, { dtype: "float64" });
          scalar.grad = tensor(g[0], { dtype: "float64" });
          optimizer.step();
          p.data.forEach((value, i) => {
            expect(value).toBeCloseTo(expected[i][t], 11);
          });
          expect(scalar.item()).toBeCloseTo(expected[0][t], 11);
        });
        expect(optimizer.stepCount).toBe(steps);
      }),
      { numRuns: 20 },
    );
  });

  it("keeps float32 parameters float32, near the same way, also next to a float64 one", () => {
    const start = values(6, 1);
    const gradients = Array.from({ length: 20 }, (__, t) => values(6, t + 2));
    const single = tensor(start, { requiresGrad: true });
    const double = tensor(start, { dtype: "float64", requiresGrad: true });
    const optimizers = [make([single]), make([double])];
    const both = [tensor(start, { requiresGrad: true }), tensor(start, { dtype: "float64", requiresGrad: true })];
    const mixed = make(both);
    for (const g of gradients) {
      for (const p of [single, double, ...both]) p.grad = tensor(g, { dtype: p.dtype });
      for (const optimizer of [...optimizers, mixed]) optimizer.step();
    }
    expect(single.dtype).toBe("float32");
    expect(both[0].dtype).toBe("float32");
    expect(both[1].toArray()).toEqual(double.toArray());
    for (let i = 0; i < 6; i++) {
      expect(single.data[i]).toBeCloseTo(double.data[i], 5);
      expect(both[0].data[i]).toBeCloseTo(double.data[i], 5);
    }
  });

  it("continues from its saved state as if nothing had happened", () => {
    const gradients = Array.from({ length: 8 }, (__, t) => tensor(values(3, t)));
    const run = (p: Tensor, optimizer: optim.Optimizer, from: number, to: number): void => {
      for (const gradient of gradients.slice(from, to)) {
        p.grad = gradient;
        optimizer.step();
      }
    };
    const whole = tensor([1, 2, 3], { requiresGrad: true });
    const first = make([whole]);
    run(whole, first, 0, 4);
    const resumed = tensor(whole.data, { requiresGrad: true });
    const second = make([resumed]);
    second.loadStateDict(first.stateDict());
    run(whole, first, 4, 8);
    run(resumed, second, 4, 8);
    expect(resumed.toArray()).toEqual(whole.toArray());
    expect(second.stepCount).toBe(8);
  });

  it("moves a parameter whose first gradient comes late as if it were at its first step", () => {
    const gradients = Array.from({ length: 4 }, (__, t) => tensor(values(3, t), { dtype: "float64" }));
    const start = { dtype: "float64", requiresGrad: true } as const;
    const [late, other, alone] = [tensor([1, 2, 3], start), tensor([1, 2, 3], start), tensor([1, 2, 3], start)];
    const [together, single] = [make([late, other]), make([alone])];
    for (let t = 0; t < 9; t++) {
      // from the sixth step on; it misses the eighth
      const gradient = t < 5 || t === 7 ? null : gradients[t - 5];
      other.grad = gradients[t % 4];
      late.grad = gradient;
      together.step();
      if (gradient === null) continue;
      alone.grad = gradient;
      single.step();
      expect(late.toArray()).toEqual(alone.toArray());
    }
  });

  it("leaves a parameter without gradient as it is, and records nothing", () => {
    const [moved, still] = [tensor([1], { requiresGrad: true }), tensor([1], { requiresGrad: true })];
    const optimizer = make([moved, still]);
    moved.mul(3).sum().backward();
    optimizer.step();
    expect(moved.item()).toBeLessThan(1);
    expect(still.item()).toBe(1);
    expect([moved.isLeaf, moved.requiresGrad]).toEqual([true, true]);
    expect(Object.values(optimizer.stateDict()).some((one) => one.requiresGrad)).toBe(false);
    optimizer.zeroGrad();
    expect(moved.grad).toBe(null);
  });
});

describe("optimizers", () => {
  it.each([
    ["SGD", 1, 1, (p: Tensor[]) => new optim.SGD(p, { learningRate: 0.1, weightDecay: 0.1 })],
    ["SGD with momentum", 2, 1, (p: Tensor[]) => new optim.SGD(p, { learningRate: 0.1, momentum: 0.9 })],
    ["SGD, Nesterov", 2, 1, (p: Tensor[]) => new optim.SGD(p, { learningRate: 0.1, momentum: 0.9, nesterov: true })],
    ["Adam", 6, 1, (p: Tensor[]) => new optim.Adam(p, { weightDecay: 0.1 })],
    ["AdamW", 6, 1, (p: Tensor[]) => new optim.AdamW(p)],
  ] as const)("%s applies %i ops per parameter and %i per step, and nothing else", (_, each, once, make) => {
    const parameters = [1, 2, 3].map((size) => zeros([size], { requiresGrad: true }));
    const optimizer = make(parameters);
    for (const one of parameters) one.grad = zeros(one.shape);
    let made = 0;
    withMode({ observer: { recordsAll: false, made: () => made++ } }, () => optimizer.step());
    expect(made).toBe(3 * each + once);
  });

  it("Adam's first step is the learning rate against the gradient's sign", () => {
    const p = tensor([0, 0], { dtype: "float64", requiresGrad: true });
    p.grad = tensor([123, -0.004], { dtype: "float64" });
    new optim.Adam(p.isLeaf ? [p] : [], { learningRate: 0.25, eps: 0 }).step();
    expect(p.data[0]).toBeCloseTo(-0.25, 14);
    expect(p.data[1]).toBeCloseTo(0.25, 14);
  });

  it("SGD on ½ a x² shrinks x by 1 − rate · a at each step", () => {
    const x = tensor([1, 1], { dtype: "float64", requiresGrad: true });
    const a = tensor([0.5, 3], { dtype: "float64" });
    const optimizer = new optim.SGD([x], { learningRate: 0.2 });
    for (let step = 0; step < 10; step++) {
      optimizer.zeroGrad();
      x.square().mul(a).mul(0.5).sum().backward();
      optimizer.step();
    }
    expect(x.data[0]).toBeCloseTo(0.9 ** 10, 13);
    expect(x.data[1]).toBeCloseTo(0.4 ** 10, 13);
  });

  it("give back the learning rate that was set, and use it", () => {
    const p = tensor([1], { requiresGrad: true });
    const optimizer = new optim.SGD([p], { learningRate: 0.1 });
    expect(optimizer.learningRate).toBe(0.1);
    optimizer.learningRate = 0.5;
    expect(optimizer.learningRate).toBe(0.5);
    p.grad = tensor([1]);
    optimizer.step();
    expect(p.item()).toBe(0.5);
  });

  it("list everything in a state that does not fit", () => {
    const p = tensor([1, 2], { requiresGrad: true });
    const optimizer = new optim.SGD([p], { learningRate: 0.1, momentum: 0.9 });
    const state = optimizer.stateDict();
    expect(Object.keys(state)).toEqual(["learningRate", "step", "momentum.0"]);
    const wrong = { learningRate: state.learningRate, "momentum.0": zeros([3]), "momentum.1": zeros([1]) };
    expect(() => optimizer.loadStateDict(wrong)).toThrow(StateError);
    expect(() => optimizer.loadStateDict(wrong)).toThrow(
      /missing: step float32\[\]\n {2}unexpected: momentum.1\n {2}wrong shape: momentum.0 is \[3\], expected \[2\]/,
    );
  });

  it("refuse what they cannot train, and options out of range", () => {
    const p = tensor([1], { requiresGrad: true });
    const sgdOf = (parameters: unknown, options: object = {}): optim.SGD =>
      new optim.SGD(parameters as Tensor[], { learningRate: 0.1, ...options });
    expect(() => sgdOf([])).toThrow(/there are no parameters/);
    expect(() => sgdOf(nn.mlp([1, 1]))).toThrow(/parameter 0 is Linear\(1, 1\), not a tensor; pass net.parameters\(\)/);
    expect(() => sgdOf([p, p])).toThrow(/parameters 0 and 1 are the same tensor/);
    expect(() => sgdOf([p.mul(2)])).toThrow(/was computed by mul/);
    expect(() => sgdOf([tensor([1], { dtype: "int32" })])).toThrow(/int32\[1\]\) has no gradient/);
    expect(() => sgdOf([p], { lr: 1 })).toThrow(/unknown option "lr"; known are learningRate/);
    expect(() => sgdOf([p], { learningRate: undefined })).toThrow(/learningRate is a finite number of at least 0/);
    expect(() => sgdOf([p], { learningRate: Number.NaN })).toThrow(/got NaN/);
    expect(() => sgdOf([p], { nesterov: true })).toThrow(/nesterov needs momentum and no dampening/);
    expect(() => new optim.Adam([p], { betas: [0.9, 1] })).toThrow(/betas\[1\] is a number from 0 to below 1, got 1/);
  });
});
