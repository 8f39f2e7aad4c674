import { compile, Generator, losses, nn, noGrad, optim, randn, type Tensor, tensor } from "crease";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const rows = (tensors: readonly (Tensor | null)[]): number[][] =>
  tensors.map((one) => (one === null ? [] : [...one.data].map((value) => Number(value.toFixed(4)))));

describe("a compiled function follows", () => {
  it("the mode of dropout, and comes back to its earlier program", () => {
    const layer = new nn.Dropout(0.5, { generator: new Generator(1) });
    const drop = compile((x: Tensor) => layer.forward(x));
    const x = tensor(new Array(64).fill(1));
    const zeros = () => [...drop(x).data].filter((value) => value === 0).length;
    for (let i = 0; i < 3; i++) {
      layer.train();
      expect(zeros()).toBeGreaterThan(10);
      layer.eval();
      expect(zeros()).toBe(0);
    }
    expect(drop.programs.length).toBe(2);
  });

  it("the mode of batch norm", () => {
    const layer = new nn.BatchNorm1d(2);
    const normalize = compile((x: Tensor) => layer.forward(x));
    for (let i = 0; i < 3; i++) normalize(randn([4, 2], { generator: new Generator(i) }));
    layer.eval();
    const statistics = rows([layer.runningMean, layer.runningVariance]);
    for (let i = 0; i < 3; i++) {
      const x = randn([4, 2], { generator: new Generator(i) });
      expect(rows([normalize(x)])).toEqual(rows([layer.forward(x)]));
    }
    expect(rows([layer.runningMean, layer.runningVariance])).toEqual(statistics);
  });

  it("which parameters are frozen", () => {
    const [v, w] = [tensor([2], { requiresGrad: true }), tensor([3], { requiresGrad: true })];
    const step = compile((x: Tensor) => {
      v.grad = null;
      w.grad = null;
      const y = x.mul(v).mul(w).sum();
      y.backward();
      return y;
    });
    for (const frozen of [false, true, false, true]) {
      v.requiresGrad = !frozen;
      for (let i = 1; i < 4; i++) {
        step(tensor([i]));
        expect(v.grad?.toArray()).toEqual(frozen ? undefined : [3 * i]);
        expect(w.grad?.toArray()).toEqual([2 * i]);
      }
    }
    expect(step.programs.length).toBe(2);
  });

  it("whether gradients are recorded", () => {
    const w = tensor([3], { requiresGrad: true });
    const isRecorded = compile((x: Tensor) => (x.mul(w).requiresGrad ? x.add(1) : x.add(0)));
    for (let i = 0; i < 3; i++) {
      expect(isRecorded(tensor([i])).toArray()).toEqual([i + 1]);
      expect(noGrad(() => isRecorded(tensor([i]))).toArray()).toEqual([i]);
    }
  });

  it("what it sets itself, without running for ever", () => {
    const net = new nn.Linear(2, 1);
    let runs = 0;
    const step = compile((x: Tensor) => {
      runs++;
      net.setRequiresGrad(false);
      net.eval();
      const frozen = net.forward(x).detach();
      net.setRequiresGrad(true);
      return frozen;
    });
    for (let i = 0; i < 4; i++) {
      net.train();
      net.setRequiresGrad(i % 2 === 0);
      step(tensor([[1, i]]));
      expect([net.training, net.weight.requiresGrad]).toEqual([false, true]);
    }
    expect(runs).toBe(2);
    const thaw = compile((x: Tensor) => {
      x.requiresGrad = true;
      x.grad = null;
      const total = x.square().sum();
      total.backward();
      return total;
    });
    for (let i = 0; i < 4; i++) {
      const x = tensor([i]);
      thaw(x);
      expect([x.requiresGrad, x.grad?.item()]).toEqual([true, 2 * i]);
    }
    expect(thaw.programs.length).toBe(1);
  });

  it("any change of modes and frozen parameters between its steps, as the plain function does", () => {
    const change = fc.tuple(fc.nat(7), fc.boolean());
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 2 }), { minLength: 3, maxLength: 9 }), (changes) => {
        const make = () => {
          const net = new nn.Sequential(
            new nn.Linear(2, 4, { generator: new Generator(3) }),
            new nn.BatchNorm1d(4),
            new nn.Dropout(0.3, { generator: new Generator(5) }),
            new nn.Linear(4, 1, { generator: new Generator(4) }),
          );
          const optimizer = new optim.SGD(net.parameters(), { learningRate: 0.05, momentum: 0.5 });
          const parameters = net.parameters();
          const step = (x: Tensor, y: Tensor) => {
            optimizer.zeroGrad();
            const loss = losses.mseLoss(net.forward(x), y);
            if (loss.requiresGrad) loss.backward();
            optimizer.step();
            return loss;
          };
          const turn = (which: number, on: boolean) => {
            if (which === 0) net.train(on);
            else if (which === 1) net.namedModules()[2][1].training = on;
            else parameters[which - 2].requiresGrad = on;
          };
          return { net, step, turn, parameters };
        };
        const [plain, replayed] = [make(), make()];
        const compiled = compile(replayed.step);
        const seen = new Set<string>();
        changes.forEach((list, i) => {
          for (const one of [plain, replayed]) for (const [which, on] of list) one.turn(which, on);
          const generator = new Generator(i);
          const [x, y] = [randn([6, 2], { generator }), randn([6, 1], { generator })];
          expect(Math.abs(plain.step(x, y).item() - compiled(x, y).item())).toBeLessThan(1e-3);
          const stateOf = ({ net, parameters }: typeof plain) => [
            ...rows(parameters),
            ...rows(net.namedBuffers().map(([, one]) => one)),
            ...rows(parameters.map(({ grad }) => grad)),
          ];
          stateOf(plain).forEach((row, k) => {
            const same = stateOf(replayed)[k];
            expect(same.length).toBe(row.length);
            for (const [j, value] of row.entries()) expect(Math.abs(value - same[j])).toBeLessThan(2e-3);
          });
          seen.add(
            plain.net.namedModules().map(([, { training }]) => training) +
              plain.parameters.map((one) => one.requiresGrad).join(),
          );
        });
        expect(compiled.programs.length).toBeLessThanOrEqual(2 * seen.size);
      }),
      { numRuns: 60, seed: 9 },
    );
  });
});
