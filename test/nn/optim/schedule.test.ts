import { optim, type Tensor, tensor } from "crease";
import { describe, expect, it } from "vitest";

const optimizerOf = (learningRate: number): optim.SGD =>
  new optim.SGD([tensor([1], { dtype: "float64", requiresGrad: true })], { learningRate });

const ratesOf = (optimizer: optim.Optimizer, schedule: optim.Schedule, steps: number): number[] =>
  Array.from({ length: steps }, () => {
    schedule.step();
    return optimizer.learningRate;
  });

describe("CosineSchedule", () => {
  it("follows half a cosine down to the minimum, and stays there", () => {
    const optimizer = optimizerOf(1);
    const rates = ratesOf(optimizer, new optim.CosineSchedule(optimizer, { steps: 4, minimum: 0.2 }), 6);
    const expected = [0.6 + 0.4 * Math.SQRT1_2, 0.6, 0.6 - 0.4 * Math.SQRT1_2, 0.2, 0.2, 0.2];
    rates.forEach((rate, i) => {
      expect(rate).toBeCloseTo(expected[i], 14);
    });
  });

  it("continues in another optimizer from its state", () => {
    const [first, second] = [optimizerOf(1), optimizerOf(0.5)];
    const schedule = new optim.CosineSchedule(first, { steps: 10 });
    ratesOf(first, schedule, 3);
    const resumed = new optim.CosineSchedule(second, { steps: 10 });
    resumed.setState(schedule.state);
    expect(second.learningRate).toBe(first.learningRate);
    expect(ratesOf(second, resumed, 4)).toEqual(ratesOf(first, schedule, 4));
  });
});

describe("StepSchedule", () => {
  it("multiplies by the factor after every so many steps", () => {
    const optimizer = optimizerOf(8);
    const schedule = new optim.StepSchedule(optimizer, { every: 2, factor: 0.5 });
    expect(ratesOf(optimizer, schedule, 6)).toEqual([8, 4, 4, 2, 2, 1]);
  });

  it("refuses a period that is no positive integer", () => {
    expect(() => new optim.StepSchedule(optimizerOf(1), { every: 0 })).toThrow(/every is an integer of at least 1/);
    expect(() => new optim.CosineSchedule(optimizerOf(1), {} as never)).toThrow(/steps is an integer of at least 1/);
  });
});

describe("gradient clipping", () => {
  const withGradients = (...gradients: number[][]): Tensor[] =>
    gradients.map((gradient) => {
      const p = tensor(gradient, { dtype: "float64", requiresGrad: true });
      p.grad = tensor(gradient, { dtype: "float64" });
      return p;
    });

  it("by norm scales all gradients together, and returns the norm before", () => {
    const parameters = withGradients([3, 0], [4]);
    expect(optim.clipGradientNorm(parameters, 1).item()).toBe(5);
    expect(parameters[0].grad?.data[0]).toBeCloseTo(3 / (5 + 1e-6), 14);
    expect(parameters[1].grad?.data[0]).toBeCloseTo(4 / (5 + 1e-6), 14);
  });

  it("by norm leaves small gradients, parameters without one, and dtypes as they are", () => {
    const single = tensor([1], { requiresGrad: true });
    single.grad = tensor([1]);
    const parameters = [...withGradients([3, 0], [4]), single, tensor([9], { requiresGrad: true })];
    expect(optim.clipGradientNorm(parameters, 100).item()).toBeCloseTo(Math.sqrt(26), 12);
    expect(parameters.map((one) => one.grad?.toArray() ?? null)).toEqual([[3, 0], [4], [1], null]);
    expect(single.grad?.dtype).toBe("float32");
    expect(optim.clipGradientNorm([], 1).item()).toBe(0);
    const still = withGradients([0, 0]);
    optim.clipGradientNorm(still, 0);
    expect(still[0].grad?.toArray()).toEqual([0, 0]);
  });

  it("by value clamps each element", () => {
    const parameters = withGradients([3, -0.5, -7]);
    optim.clipGradientValue(parameters, 2);
    expect(parameters[0].grad?.toArray()).toEqual([2, -0.5, -2]);
    expect(() => optim.clipGradientValue(parameters, -1)).toThrow(/maximum is a finite number of at least 0, got -1/);
  });
});
