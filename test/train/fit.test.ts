import {
  AnomalyError,
  accuracy,
  data,
  evaluate,
  type FitProgress,
  fit,
  Generator,
  losses,
  manualSeed,
  nn,
  optim,
  type Tensor,
  tensor,
  zeros,
} from "crease";
import { describe, expect, it } from "vitest";

const netOf = (widths: readonly number[], seed: number, activation: "relu" | "none" = "relu"): nn.Sequential =>
  nn.mlp(widths, { generator: new Generator(seed), activation });

describe("fit", () => {
  it("leaves the net in inference mode also where it throws", async () => {
    const net = netOf([2, 3, 2], 1);
    const onProgress = () => {
      throw new Error("enough");
    };
    await expect(fit(net, data.xor(), { epochs: 2, onProgress })).rejects.toThrow("enough");
    expect(net.training).toBe(false);
  });

  it("says where data are not numbers, and that classes are int32", async () => {
    const inputs = tensor([
      [0, 1],
      [1, Number.NaN],
    ]);
    const labels = tensor([0, 1], { dtype: "int32" });
    await expect(fit(netOf([2, 3, 2], 1), { inputs, labels }, { epochs: 1 })).rejects.toThrow(
      /the loss is NaN at epoch 1, batch 0; the data of the batch have NaN/,
    );
    await expect(
      fit(netOf([2, 3, 3], 1), { inputs: zeros([4, 2]), labels: zeros([4]) }, { epochs: 1 }),
    ).rejects.toThrow(/labels are float32\[4\], one number for each example, .*\[4, 3\]: pass classes as int32/);
  });

  it("learns xor completely, with two logits and with one", async () => {
    for (const outputs of [2, 1]) {
      const net = netOf([2, 8, outputs], 1);
      const optimizer = new optim.Adam(net.parameters(), { learningRate: 0.05 });
      const { history, stopped } = await fit(net, data.xor(), { epochs: 200, optimizer, seed: 1 });
      expect(stopped).toBe(false);
      expect(history.length).toBe(200);
      expect(history.at(-1)?.accuracy).toBe(1);
      expect(evaluate(net, data.xor()).accuracy).toBe(1);
    }
  });

  it("cannot learn xor without activations: no affine map has more than 3 of 4 right", async () => {
    const net = netOf([2, 8, 8, 2], 1, "none");
    await fit(net, data.xor(), { epochs: 200, seed: 1 });
    expect(evaluate(net, data.xor()).accuracy).toBeLessThanOrEqual(0.75);
  });

  it("learns moons to more than 97 % on points that it has not seen", async () => {
    const { train, test } = data.split(data.moons({ samples: 400, noise: 0.1, seed: 5 }), 0.75, { seed: 6 });
    const net = netOf([2, 16, 16, 2], 2);
    const { history } = await fit(net, train, { epochs: 60, validation: test, seed: 3 });
    expect(history.at(-1)?.accuracy).toBeGreaterThan(0.97);
    expect(history.at(-1)?.validation?.accuracy).toBeGreaterThan(0.97);
    expect(evaluate(net, test)).toEqual(history.at(-1)?.validation);
  });

  it("gives the same history and parameters for the same seeds", async () => {
    const run = async (): Promise<unknown> => {
      manualSeed(9);
      const net = new nn.Sequential(new nn.Linear(2, 6), new nn.ReLU(), new nn.Dropout(0.2), new nn.Linear(6, 2));
      const { history } = await fit(net, data.moons({ samples: 40, noise: 0.1 }), { epochs: 5, batchSize: 7 });
      return [history, net.parameters().map((one) => one.toArray())];
    };
    expect(await run()).toEqual(await run());
  });

  it.each([
    ["exactly, step by step", false],
    ["within rounding, compiled", true],
  ])("does what a loop written by hand does: %s", async (_, compile) => {
    const set = data.circles({ samples: 30, noise: 0.05, seed: 2 });
    const [net, byHand] = [netOf([2, 5, 2], 4), netOf([2, 5, 2], 4)];
    const optimizer = new optim.SGD(net.parameters(), { learningRate: 0.1, momentum: 0.9 });
    const schedule = new optim.StepSchedule(optimizer, { every: 1, factor: 0.5 });
    const { history } = await fit(net, set, {
      epochs: 2,
      batchSize: 8,
      optimizer,
      schedule,
      shuffle: false,
      compile,
    });
    const other = new optim.SGD(byHand.parameters(), { learningRate: 0.1, momentum: 0.9 });
    for (const rate of [0.1, 0.05]) {
      other.learningRate = rate;
      for (const { inputs, labels } of data.batches(set, 8)) {
        other.zeroGrad();
        losses.crossEntropy(byHand.forward(inputs), labels).backward();
        other.step();
      }
    }
    const values = (one: nn.Module) => one.parameters().flatMap((parameter) => [...parameter.data]);
    const expected = values(byHand);
    if (!compile) expect(values(net)).toEqual(expected);
    values(net).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 5);
    });
    expect(history.map((one) => one.learningRate)).toEqual([0.1, 0.05]);
  });

  it("fits numbers by mean squared error, without accuracy", async () => {
    const inputs = tensor([[-1], [0], [1], [2]]);
    const set = { inputs, labels: inputs.mul(3).add(1) };
    const net = netOf([1, 1], 1);
    const optimizer = new optim.SGD(net.parameters(), { learningRate: 0.2 });
    const { history } = await fit(net, set, { epochs: 200, batchSize: 4, optimizer });
    expect(history.at(-1)?.accuracy).toBe(null);
    expect(net.forward(tensor([10])).item()).toBeCloseTo(31, 3);
  });

  it("reports progress at least once per epoch, and the epoch's record with its last batch", async () => {
    const seen: FitProgress[] = [];
    const set = data.moons({ samples: 10 });
    const { history } = await fit(netOf([2, 3, 2], 1), set, {
      epochs: 3,
      batchSize: 4,
      onProgress: (progress) => {
        seen.push(progress);
      },
    });
    const ends = seen.filter((one) => one.record !== null);
    expect(ends.map((one) => one.record)).toEqual(history);
    expect(ends.map(({ epoch, epochs, batch, batches }) => [epoch, epochs, batch, batches])).toEqual([
      [1, 3, 3, 3],
      [2, 3, 3, 3],
      [3, 3, 3, 3],
    ]);
  });

  it("gives way to the event loop, and stops after the batch in which it is told to", async () => {
    const controller = new AbortController();
    const net = netOf([2, 16, 16, 2], 1);
    const started = performance.now();
    setTimeout(() => controller.abort(), 60);
    const result = await fit(net, data.moons({ samples: 200 }), { epochs: 1e9, signal: controller.signal });
    expect(result.stopped).toBe(true);
    expect(performance.now() - started).toBeLessThan(5000);
    expect(net.training).toBe(false);
  });

  it("trains in training mode, also where a callback used the net, and leaves it in inference mode", async () => {
    const modes: boolean[] = [];
    class Slow extends nn.Module {
      forward(x: Tensor): Tensor {
        modes.push(this.training);
        // Longer than a turn, so that there is progress to report within an epoch.
        const end = performance.now() + 35;
        while (performance.now() < end);
        return x;
      }
    }
    const net = new nn.Sequential(new nn.Linear(2, 2), new Slow());
    let within = 0;
    await fit(net, data.xor(), {
      epochs: 2,
      batchSize: 2,
      compile: false,
      onProgress: ({ record }) => {
        if (record === null) within++;
        net.eval();
      },
    });
    expect(within).toBe(2);
    expect(modes).toEqual([true, true, true, true]);
    expect(net.namedModules().some(([, module]) => module.training)).toBe(false);
  });

  it("runs the code of the net twice for each shape of batch, and replays it", async () => {
    let runs = 0;
    class Counted extends nn.Module {
      forward(x: Tensor): Tensor {
        runs++;
        return x;
      }
    }
    const net = new nn.Sequential(new nn.Linear(2, 2), new Counted());
    await fit(net, data.moons({ samples: 20 }), { epochs: 10, batchSize: 8 });
    // Batches of 8, and a last one of 4.
    expect(runs).toBe(4);
  });

  it("runs a net that reads values step by step, with the same result as without compiling", async () => {
    class Reading extends nn.Module {
      forward(x: Tensor): Tensor {
        return x.sum().item() > 0 ? x.mul(2) : x.neg();
      }
    }
    const run = async (compile: boolean) => {
      const net = new nn.Sequential(
        new nn.Dropout(0.3, { generator: new Generator(1) }),
        new Reading(),
        netOf([2, 3, 2], 1),
      );
      const { history } = await fit(net, data.moons({ samples: 30, seed: 1 }), {
        epochs: 3,
        batchSize: 8,
        seed: 1,
        compile,
      });
      return [history, net.parameters().map((one) => one.toArray())];
    };
    expect(await run(true)).toEqual(await run(false));
  });

  it("follows parameters that are frozen between epochs", async () => {
    const net = netOf([2, 3, 2], 1);
    const [first, , last] = net.parameters();
    const seen: unknown[] = [];
    await fit(net, data.moons({ samples: 16 }), {
      epochs: 3,
      onProgress: () => {
        seen.push([first.toArray(), last.toArray()]);
        first.requiresGrad = false;
      },
    });
    const [[start, lastStart], , [end, lastEnd]] = seen as [number[][], number[][]][];
    expect(end).toEqual(start);
    expect(lastEnd).not.toEqual(lastStart);
  });

  it("leaves out smaller batches where told to, so that batch norm can train", async () => {
    const net = new nn.Sequential(new nn.Linear(2, 4), new nn.BatchNorm1d(4), new nn.ReLU(), new nn.Linear(4, 2));
    const set = data.moons({ samples: 33, seed: 1 });
    await expect(fit(net, set, { epochs: 1, batchSize: 8 })).rejects.toThrow(/at least two values per channel/);
    const { history } = await fit(net, set, { epochs: 1, batchSize: 8, dropLast: true });
    expect(history.length).toBe(1);
  });

  it("stops at the first loss that is not finite", async () => {
    const net = netOf([2, 4, 1], 1);
    const optimizer = new optim.SGD(net.parameters(), { learningRate: 1e30 });
    const set = { inputs: tensor([[1, 2]]), labels: tensor([[3]]) };
    const run = fit(net, set, { optimizer, epochs: 50 });
    await expect(run).rejects.toThrow(AnomalyError);
    await expect(run).rejects.toThrow(/the loss is (NaN|Infinity) at epoch \d+, batch 0; lower the learning rate/);
  });

  it("refuses bad options, empty data and an optimizer of another net", async () => {
    const net = netOf([2, 2], 1);
    const set = data.xor();
    const other = new optim.Adam(netOf([2, 2], 1).parameters());
    await expect(fit(net, set, { epoch: 3 } as never)).rejects.toThrow(/unknown option "epoch"; known are epochs/);
    await expect(fit(net, set, { epochs: 0 })).rejects.toThrow(/epochs is an integer of at least 1, got 0/);
    await expect(fit(net, data.xor({ samples: 0 }))).rejects.toThrow(/no examples/);
    await expect(fit(net, set, { dropLast: true })).rejects.toThrow(/4 examples fill no batch of 32/);
    await expect(fit(net, set, { optimizer: other })).rejects.toThrow(/none of the net's parameters/);
  });
});

describe("evaluate and accuracy", () => {
  it("are means over all examples, whatever the batches", () => {
    const net = netOf([2, 4, 3], 3);
    const set = data.blobs({ samples: 50, seed: 1 });
    const whole = evaluate(net, set);
    const parts = evaluate(net, set, { batchSize: 7 });
    expect(parts.accuracy).toBe(whole.accuracy);
    expect(parts.loss).toBeCloseTo(whole.loss, 5);
    const logits = net.forward(set.inputs).toArray() as number[][];
    const right = logits.filter((row, i) => row.indexOf(Math.max(...row)) === set.labels.data[i]).length;
    expect(whole.accuracy).toBe(right / 50);
  });

  it("restore the mode of every module, and record nothing", () => {
    const net = new nn.Sequential(new nn.Linear(2, 2), new nn.BatchNorm1d(2).eval());
    evaluate(net, data.xor());
    expect(net.namedModules().map(([, module]) => module.training)).toEqual([true, true, false]);
    expect(net.parameters().every((one) => one.grad === null)).toBe(true);
  });

  it("a single logit is class 1 above 0; the first of equal logits wins", () => {
    expect(accuracy(tensor([[0.1], [0], [-1]]), tensor([1, 0, 1], { dtype: "int32" }))).toBe(2 / 3);
    expect(accuracy(tensor([0.1, 0]), tensor([1, 1], { dtype: "int32" }))).toBe(0.5);
    expect(
      accuracy(
        tensor([
          [2, 2],
          [1, 2],
        ]),
        tensor([0, 1], { dtype: "int32" }),
      ),
    ).toBe(1);
    expect(() => accuracy(zeros([2, 2]), zeros([3]))).toThrow(/must be \[n, classes\]/);
  });
});
