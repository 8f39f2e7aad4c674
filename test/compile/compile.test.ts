import {
  batchNorm,
  type Compiled,
  compile,
  concat,
  data,
  dropout,
  Generator,
  grad,
  losses,
  manualSeed,
  matmul,
  nn,
  noGrad,
  ones,
  optim,
  rand,
  randn,
  type Tensor,
  tensor,
  where,
  zeros,
} from "crease";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkProgram, passes } from "../../src/compile/passes.js";
import { programText } from "../../src/compile/program.js";

/** The largest difference relative to the larger of 1 and the largest number. */
function difference(a: Tensor, b: Tensor): number {
  expect(a.shape).toEqual(b.shape);
  const [x, y] = [a.data, b.data];
  let worst = 0;
  let scale = 1;
  x.forEach((value, i) => {
    scale = Math.max(scale, Math.abs(value));
    if (!Object.is(value, y[i]) && value !== y[i])
      worst = Math.max(worst, Number.isNaN(value - y[i]) ? Infinity : Math.abs(value - y[i]));
  });
  return worst / scale;
}

/** A training set-up made twice, so that one copy is trained eagerly and one compiled. */
function twice<T>(make: () => T): [T, T] {
  manualSeed(7);
  const first = make();
  manualSeed(7);
  return [first, make()];
}

describe("a compiled function", () => {
  it("gives what the function gives, also for other values", () => {
    const fn = (x: Tensor, y: Tensor) => x.mul(y).add(x.exp()).sum(0).relu();
    const compiled = compile(fn);
    for (let i = 0; i < 4; i++) {
      const [x, y] = [randn([5, 3]), randn([3])];
      expect(difference(fn(x, y), compiled(x, y))).toBeLessThan(1e-6);
    }
    expect(compiled.programs.length).toBe(1);
  });

  it("records anew for another shape or dtype", () => {
    const compiled = compile((x: Tensor) => x.square().sum());
    for (const shape of [[3], [4], [3], [2, 2]]) compiled(ones(shape));
    compiled(ones([3], { dtype: "float64" }));
    expect(compiled.programs.length).toBe(4);
    expect(compiled(ones([4])).item()).toBe(4);
  });

  it("gives lists and records of tensors back as such", () => {
    const list = compile((x: Tensor) => [x.add(1), x.mul(2)]);
    const record = compile((x: Tensor) => ({ more: x.add(1), same: x }));
    for (let i = 0; i < 3; i++) {
      expect(list(tensor([1, 2])).map((one) => one.toArray())).toEqual([
        [2, 3],
        [2, 4],
      ]);
      const { more, same } = record(tensor([1, 2]));
      expect([more.toArray(), same.toArray()]).toEqual([
        [2, 3],
        [1, 2],
      ]);
    }
  });

  it("leaves tensors that are held as they were", () => {
    const net = nn.mlp([2, 8, 1]);
    const optimizer = new optim.SGD(net.parameters(), { learningRate: 0.1 });
    const step = compile((x: Tensor) => {
      optimizer.zeroGrad();
      const loss = net.forward(x).square().mean();
      loss.backward();
      optimizer.step();
      return loss;
    });
    const held: { tensor: Tensor; values: unknown }[] = [];
    const weight = net.parameters()[0];
    for (let i = 0; i < 20; i++) {
      const loss = step(randn([4, 2]));
      const copies = [loss, weight.detach(), weight.reshape([16]), weight.grad as Tensor, weight.mul(2)];
      for (const one of copies) held.push({ tensor: one, values: one.toArray() });
    }
    for (const { tensor: one, values } of held) expect(one.toArray()).toEqual(values);
  });

  it("raises when a graph recorded before it is differentiated after it has overwritten a value", () => {
    const weight = tensor([1, 2], { requiresGrad: true });
    const step = compile((x: Tensor) => {
      weight.assign_(noGrad(() => weight.add(x)));
      return weight.sum();
    });
    step(ones([2]));
    const y = weight.square().sum();
    step(ones([2]));
    expect(() => y.backward()).toThrow(/overwritten/);
    expect(weight.toArray()).toEqual([3, 4]);
  });

  it("follows what is assigned to a parameter between calls", () => {
    const weight = tensor([1, 1], { requiresGrad: true });
    const fn = compile((x: Tensor) => weight.mul(x).sum());
    expect(fn(ones([2])).item()).toBe(2);
    expect(fn(ones([2])).item()).toBe(2);
    weight.assign_(tensor([3, 4]));
    expect(fn(ones([2])).item()).toBe(7);
    weight.assign_(tensor([5, 5]));
    expect(fn(ones([2])).item()).toBe(10);
  });

  it("accumulates gradients where the function does not reset them", () => {
    const eager: Tensor = tensor(3, { requiresGrad: true });
    const compiledLeaf: Tensor = tensor(3, { requiresGrad: true });
    const run = (leaf: Tensor) => (x: Tensor) => {
      const y = leaf.mul(x);
      y.backward();
      return y;
    };
    const plain = run(eager);
    const compiled = compile(run(compiledLeaf));
    const gradientOf = (leaf: Tensor) => leaf.grad?.item();
    for (let i = 1; i < 6; i++) {
      plain(tensor(i));
      compiled(tensor(i));
      expect(gradientOf(compiledLeaf)).toBe(gradientOf(eager));
    }
    compiledLeaf.grad = null;
    eager.grad = null;
    plain(tensor(2));
    compiled(tensor(2));
    expect(gradientOf(compiledLeaf)).toBe(gradientOf(eager));
  });

  it("reads one tensor as a row and as a column, in one loop", () => {
    const plain = (x: Tensor) =>
      x
        .reshape([4, 1])
        .mul(x)
        .add(x)
        .sub(x.reshape([4, 1]).reshape([2, 2]).sum());
    const compiled = compile(plain);
    for (let i = 0; i < 3; i++) {
      const x = tensor([1, 2, 3, 4 + i]);
      expect(compiled(x).toArray()).toEqual(plain(x).toArray());
    }
  });

  it("differentiates functions inside", () => {
    const cubed = compile((x: Tensor) => grad((y: Tensor) => y.pow(3).sum())(x));
    for (let i = 0; i < 3; i++) expect(cubed(tensor([i, 2])).toArray()).toEqual([3 * i * i, 12]);
  });

  it("runs inside another one as part of it", () => {
    const inner = compile((x: Tensor) => x.mul(2));
    const outer = compile((x: Tensor) => inner(x).add(1));
    for (let i = 0; i < 3; i++) expect(outer(tensor(i)).item()).toBe(2 * i + 1);
  });
});

describe("what cannot be compiled is named", () => {
  it("reading a value inside, with the line", () => {
    const compiled = compile((x: Tensor) => (x.sum().item() > 0 ? x : x.neg()));
    expect(() => compiled(ones([2]))).toThrow(/reads the values of a tensor at .*compile\.test\.ts:\d+/);
  });

  it("a function that returns a promise, or no tensors", () => {
    expect(() => compile((async (x: Tensor) => x) as never)(ones([2]) as never)).toThrow(/promise/);
    expect(() => compile((() => 3) as never)(ones([2]) as never)).toThrow(/something other than tensors/);
  });

  it("an argument that is no tensor", () => {
    const compiled = compile((x: Tensor) => x) as unknown as (x: number) => Tensor;
    expect(() => compiled(3)).toThrow(/argument 0 is 3/);
  });
});

interface Training {
  step: (x: Tensor, y: Tensor) => Tensor;
  parameters: readonly Tensor[];
  optimizer: optim.Optimizer;
}

const optimizers: Record<string, (parameters: Iterable<Tensor>) => optim.Optimizer> = {
  sgd: (p) => new optim.SGD(p, { learningRate: 0.05 }),
  nesterov: (p) => new optim.SGD(p, { learningRate: 0.02, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  adam: (p) => new optim.Adam(p, { learningRate: 0.01 }),
  adamw: (p) => new optim.AdamW(p, { learningRate: 0.01 }),
};

function training(
  net: nn.Layer,
  make: (parameters: Iterable<Tensor>) => optim.Optimizer,
  loss: typeof losses.mseLoss,
): Training {
  const optimizer = make(net.parameters());
  net.train();
  return {
    parameters: [...net.parameters()],
    optimizer,
    step: (x, y) => {
      optimizer.zeroGrad();
      const value = loss(net.forward(x), y);
      value.backward();
      optimizer.step();
      return value;
    },
  };
}

describe("products of few columns, and small ones", () => {
  it.each(["float32", "float64"] as const)(
    "are sums of products, turned or not, with bias and relu, in %s",
    (dtype) => {
      const generator = new Generator(11);
      const random = (shape: readonly number[]) => randn(shape, { dtype, generator });
      for (const [m, n, k] of [
        [7, 1, 4],
        [5, 1, 16],
        [3, 1, 32],
        [4, 1, 9],
        [16, 2, 5],
        [8, 3, 6],
        [4, 1, 100],
        [8, 1, 3],
        [12, 3, 2],
        [6, 2, 4],
      ]) {
        for (const transposeA of [false, true]) {
          for (const transposeB of [false, true]) {
            const a = random(transposeA ? [k, m] : [m, k]);
            const b = random(transposeB ? [n, k] : [k, n]);
            const bias = random([n]);
            const plain = (x: Tensor, y: Tensor, z: Tensor) => {
              const product = matmul(x, y, { transposeA, transposeB });
              return [product.mul(2), matmul(x, y.add(1), { transposeA, transposeB }).add(z).relu()];
            };
            const compiled = compile(plain);
            compiled(a, b, bias);
            const expected = plain(a, b, bias);
            compiled(a, b, bias).forEach((value, i) => {
              expect(difference(value, expected[i])).toBeLessThan(dtype === "float32" ? 1e-5 : 1e-13);
            });
          }
        }
      }
    },
  );
});

describe("graphs of single numbers", () => {
  it("read the old value of a state after the new one is known", () => {
    const make = () => {
      const p = tensor(2, { dtype: "float64" });
      const step = (x: Tensor) => {
        const next = p.mul(x).sub(1);
        const after = next.exp().add(p.mul(3));
        p.assign_(next);
        return after;
      };
      return { p, step };
    };
    const [eager, replayed] = [make(), make()];
    const compiled = compile(replayed.step);
    for (const number of [1.5, 0.25, -1, 2, 1]) {
      const x = tensor(number, { dtype: "float64" });
      expect(compiled(x).item()).toBeCloseTo(eager.step(x).item(), 14);
      expect(replayed.p.item()).toBe(eager.p.item());
    }
  });

  it.each(["float32", "float64"] as const)("of thousands of nodes give the gradients of eager ones, in %s", (dtype) => {
    const generator = new Generator(3);
    const numbers = (count: number) =>
      Array.from({ length: count }, () => rand([], { generator, dtype, requiresGrad: true }));
    const weights = numbers(60);
    const inputs = numbers(40);
    const step = () => {
      for (const one of [...weights, ...inputs]) one.grad = null;
      let total = weights[0];
      inputs.forEach((x, i) => {
        let sum = x;
        weights.forEach((w, j) => {
          sum = sum.add(w.mul(x).sub(j % 3 === 0 ? (inputs[(i + j) % 40] as Tensor) : 0.05));
        });
        total = total.add(sum.relu().mul(sum.tanh()));
      });
      total.backward();
      return total;
    };
    const value = step().item();
    const expected = [...weights, ...inputs].map((one) => (one.grad as Tensor).item());
    expect(expected.filter((gradient) => gradient !== 0).length).toBeGreaterThan(90);
    const compiled = compile(step);
    compiled();
    expect(compiled().item() / value).toBeCloseTo(1, dtype === "float32" ? 5 : 13);
    [...weights, ...inputs].forEach((one, i) => {
      const gradient = (one.grad as Tensor).item();
      expect((gradient - expected[i]) / (1 + Math.abs(expected[i]))).toBeCloseTo(0, dtype === "float32" ? 4 : 12);
    });
  });
});

describe("compiled training steps follow eager ones", () => {
  const nets: Record<string, () => nn.Layer> = {
    mlp: () => nn.mlp([3, 16, 5, 2]),
    tanh: () => nn.mlp([3, 7, 2], { activation: "tanh" }),
    "batch norm": () =>
      new nn.Sequential(
        new nn.Linear(3, 6, { bias: false }),
        new nn.BatchNorm1d(6),
        new nn.ReLU(),
        new nn.Linear(6, 2),
      ),
    "layer norm": () =>
      new nn.Sequential(new nn.Linear(3, 6), new nn.LayerNorm([6]), new nn.GELU(), new nn.Linear(6, 2)),
  };
  for (const [netName, makeNet] of Object.entries(nets)) {
    for (const [name, make] of Object.entries(optimizers)) {
      it(`${netName} with ${name}, also when the learning rate changes and the batch size does`, () => {
        const [eager, compiled] = twice(() => training(makeNet(), make, losses.mseLoss));
        const step = compile(compiled.step);
        const generator = new Generator(3);
        for (let i = 0; i < 25; i++) {
          const rows = i % 5 === 4 ? 6 : 10;
          const [x, y] = [randn([rows, 3], { generator }), randn([rows, 2], { generator })];
          expect(difference(eager.step(x, y), step(x, y))).toBeLessThan(2e-4);
          if (i === 10) {
            eager.optimizer.learningRate = 0.003;
            compiled.optimizer.learningRate = 0.003;
          }
        }
        eager.parameters.forEach((parameter, i) => {
          expect(difference(parameter, compiled.parameters[i])).toBeLessThan(2e-3);
          expect(difference(parameter.grad as Tensor, compiled.parameters[i].grad as Tensor)).toBeLessThan(2e-3);
        });
        expect(step.programs.length).toBe(2);
      });
    }
  }

  it("a convolutional net with pooling and cross-entropy", () => {
    const make = () =>
      new nn.Sequential(
        new nn.Conv2d(1, 4, 3, { padding: 1 }),
        new nn.ReLU(),
        new nn.MaxPool2d(2),
        new nn.Flatten(),
        new nn.Linear(4 * 16, 3),
      );
    const [eager, compiled] = twice(() => ({ net: make(), classes: tensor([0, 2, 1, 1, 0, 2], { dtype: "int32" }) }));
    const build = ({ net, classes }: typeof eager) =>
      training(net, optimizers.adam, ((z: Tensor) => losses.crossEntropy(z, classes)) as never).step;
    const plain = build(eager);
    const step = compile(build(compiled));
    for (let i = 0; i < 6; i++) {
      const x = randn([6, 1, 8, 8], { generator: new Generator(i) });
      expect(difference(plain(x, x), step(x, x))).toBeLessThan(1e-4);
    }
  });

  it("draws dropout's masks and other random numbers from the same stream", () => {
    const run = (generator: Generator) => (x: Tensor) =>
      dropout(x, { p: 0.4, generator }).add(rand([4], { generator }));
    const plain = run(new Generator(5));
    const compiled = compile(run(new Generator(5)));
    for (let i = 0; i < 5; i++) expect(compiled(ones([4])).toArray()).toEqual(plain(ones([4])).toArray());
  });

  it("keeps batch norm's running statistics", () => {
    const make = () => ({ mean: zeros([2]), variance: ones([2]) });
    const [a, b] = [make(), make()];
    const run =
      ({ mean, variance }: ReturnType<typeof make>) =>
      (x: Tensor) =>
        batchNorm(x, { runningMean: mean, runningVariance: variance, training: true });
    const plain = run(a);
    const compiled = compile(run(b));
    for (let i = 0; i < 4; i++) {
      const x = randn([6, 2], { generator: new Generator(i) });
      plain(x);
      compiled(x);
      expect(difference(a.mean, b.mean)).toBeLessThan(1e-6);
      expect(difference(a.variance, b.variance)).toBeLessThan(1e-6);
    }
  });

  it("on moons, to the same accuracy and loss", () => {
    const set = data.moons({ samples: 200, noise: 0.1, seed: 1 });
    const labels = set.labels.to("float32").reshape([200, 1]);
    const build = () => training(nn.mlp([2, 16, 16, 1]), optimizers.adam, losses.bceWithLogits);
    const [eager, compiled] = twice(build);
    const step = compile(compiled.step);
    let [last, lastCompiled] = [0, 0];
    for (let i = 0; i < 300; i++) {
      last = eager.step(set.inputs, labels).item();
      lastCompiled = step(set.inputs, labels).item();
    }
    expect(last).toBeLessThan(0.15);
    expect(Math.abs(last - lastCompiled)).toBeLessThan(0.02 * last + 1e-3);
  });
});

/** A random program of two matrices, from a list of choices. */
function randomProgram(choices: readonly number[]): (x: Tensor, y: Tensor) => Tensor[] {
  return (x, y) => {
    const pool: Tensor[] = [x, y, x.matmul(y, { transposeB: true })];
    for (const choice of choices) {
      const pick = (shift: number) => pool[Math.floor(choice / shift) % pool.length];
      const [a, b] = [pick(17), pick(3)];
      const same = a.shape.join() === b.shape.join();
      const makers: (() => Tensor)[] = [
        () => (same ? a.add(b) : a.add(1.5)),
        () => (same ? a.mul(b) : a.mul(0.5)),
        () => a.relu(),
        () => a.tanh(),
        () => a.sub(a.mean(-1, { keepdims: true })),
        () => a.div(a.abs().add(1).sum(0)),
        () => a.sum(0).add(a),
        () => a.softmax(-1),
        () => a.matmul(a, { transposeB: true }).tanh(),
        () => a.matmul(a, { transposeA: true }).add(a.sum(0)).relu(),
        () => a.transpose(),
        () =>
          a
            .reshape([-1])
            .mul(2)
            .reshape([...a.shape]),
        () => (same ? where(a.greater(b), a, b.neg()) : a.sigmoid()),
        () => (a.shape[0] === b.shape[0] ? concat([a, b], 1) : a.cumsum(1)),
        () => a.max(1, { keepdims: true }).mul(a),
        () => a.maximum(0.1).log(),
      ];
      pool.push(makers[choice % makers.length]());
    }
    const total = pool.map((one) => one.mean()).reduce((all, one) => all.add(one));
    return [total, pool[pool.length - 1]];
  };
}

describe("random programs", () => {
  const choices = fc.array(fc.nat(10_000), { minLength: 1, maxLength: 14 });

  it("agree compiled and eager, with their gradients, within 1e-4 (float32) and 1e-11 (float64)", () => {
    fc.assert(
      fc.property(
        choices,
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        (list, rows, columns, double) => {
          const dtype = double ? "float64" : "float32";
          const program = randomProgram(list);
          const leaves = [0, 1].map((seed) =>
            randn([rows, columns], { dtype, generator: new Generator(seed), requiresGrad: true }),
          );
          const run = (w: Tensor) => (x: Tensor, y: Tensor) => {
            w.grad = null;
            const [total, last] = program(x.mul(w), y);
            total.backward();
            return [total, last];
          };
          const [eagerLeaf, compiledLeaf] = [
            leaves[0],
            tensor(leaves[0].data, { shape: [rows, columns], requiresGrad: true }),
          ];
          const plain = run(eagerLeaf);
          const compiled = compile(run(compiledLeaf));
          for (let i = 0; i < 3; i++) {
            const generator = new Generator(10 + i);
            const [x, y] = [randn([rows, columns], { dtype, generator }), randn([rows, columns], { dtype, generator })];
            const expected = plain(x, y);
            const actual = compiled(x, y);
            const bound = double ? 1e-11 : 1e-4;
            expected.forEach((one, k) => {
              expect(difference(one.detach(), actual[k])).toBeLessThan(bound);
            });
            if (eagerLeaf.grad === null) expect(compiledLeaf.grad).toBeNull();
            else expect(difference(eagerLeaf.grad, compiledLeaf.grad as Tensor)).toBeLessThan(double ? 1e-9 : 1e-2);
          }
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });

  it("stay legal through every pass", () => {
    fc.assert(
      fc.property(choices, (list) => {
        const compiled = compile(randomProgram(list) as never) as unknown as Compiled<[Tensor, Tensor], Tensor[]>;
        compiled(randn([3, 4]), randn([3, 4]));
        let [program] = compiled.programs;
        checkProgram(program);
        for (const [, pass] of passes) {
          program = pass(program);
          checkProgram(program);
        }
        expect(programText(program)).toContain("results");
      }),
      { numRuns: 30, seed: 2 },
    );
  });
});
