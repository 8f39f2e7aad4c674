import { Generator, randn, type Tensor, tensor, zeros } from "crease";
import { describe, expect, test } from "vitest";

/** What is held, with a copy of what it held then. */
interface Held {
  readonly tensor: Tensor;
  readonly values: readonly number[];
}

const hold = (one: Tensor): Held => ({ tensor: one, values: [...one.data] });

describe("what is held stays readable", () => {
  test("thousands of intermediates, through training steps that overwrite the parameters", () => {
    const generator = new Generator(8);
    const dtype = "float32";
    const parameters = [
      randn([16, 2], { generator, dtype, requiresGrad: true }),
      zeros([16], { requiresGrad: true }),
      randn([1, 16], { generator, dtype, requiresGrad: true }),
      tensor(0.5, { requiresGrad: true }),
    ];
    const [w1, b1, w2, b2] = parameters;
    const held: Held[] = [];
    for (let step = 0; step < 1500; step++) {
      const x = randn([1 + generator.integer(40), 2], { generator });
      const z = x.matmul(w1, { transposeB: true }).add(b1);
      const h = z.relu();
      const y = h.matmul(w2, { transposeB: true }).add(b2);
      const loss = y
        .sub(x.sum(1, { keepdims: true }))
        .square()
        .mean();
      loss.backward();
      const gradients = parameters.map((parameter) => parameter.grad as Tensor);
      const candidates = [x, z, h, y, loss, ...gradients, ...parameters.map((one) => one.detach()), w1.reshape([32])];
      for (const one of candidates) if (generator.integer(3) === 0) held.push(hold(one));
      parameters.forEach((parameter, i) => {
        parameter.assign_(parameter.detach().sub(gradients[i].mul(0.01)));
        parameter.grad = null;
      });
    }
    expect(held.length).toBeGreaterThan(5000);
    const changed = held.filter(({ tensor: one, values }) => {
      const now = one.data;
      return now.length !== values.length || now.some((value, i) => !Object.is(value, values[i]));
    });
    expect(changed.length).toBe(0);
  });

  test("a detached alias keeps the old values, another name of the tensor sees the new ones", () => {
    for (const size of [1, 5, 1000, 10_000]) {
      const x = tensor(new Float32Array(size).fill(1), { requiresGrad: true });
      const same = x;
      const alias = x.detach();
      const views = [x.reshape([size, 1]), x.squeeze(), x.to("float32"), alias.reshape([1, size])];
      x.assign_(tensor(new Float32Array(size).fill(2)));
      expect([same.data[0], alias.data[size - 1]]).toEqual([2, 1]);
      for (const view of views) if (view !== x) expect(view.data[0]).toBe(1);
      // What was assigned is not tied to x either.
      const source = tensor(new Float32Array(size).fill(3));
      x.assign_(source);
      source.assign_(tensor(new Float32Array(size).fill(4)));
      expect(x.data[0]).toBe(3);
    }
  });
});

describe("a loop that keeps one scalar of each step", () => {
  test("does not keep the steps: typed-array memory stays bounded", () => {
    const w = randn([32, 32], { generator: new Generator(1), requiresGrad: true });
    const x = randn([64, 32], { generator: new Generator(2) });
    const losses: Tensor[] = [];
    const step = () => {
      const loss = x.matmul(w).relu().mean();
      loss.backward();
      w.assign_(w.detach().sub((w.grad as Tensor).mul(0.1)));
      w.grad = null;
      losses.push(loss);
    };
    for (let i = 0; i < 500; i++) step();
    const before = process.memoryUsage();
    for (let i = 0; i < 5000; i++) step();
    const after = process.memoryUsage();
    // One step makes about 40 KB of values, so 5,000 make 200 MB.
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(100e6);
    expect(losses.length).toBe(5500);
    expect(losses.every((loss) => Number.isFinite(loss.item()))).toBe(true);
  });
});
