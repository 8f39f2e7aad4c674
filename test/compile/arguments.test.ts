import { compile, gradients, losses, nn, type Tensor, tensor } from "crease";
import { describe, expect, it } from "vitest";

const leaf = (values: number[]): Tensor => tensor(values, { requiresGrad: true });

describe("a compiled function changes the arguments of each call", () => {
  it("by writing to them", () => {
    const update = compile((p: Tensor, g: Tensor) => {
      p.assign_(p.sub(g.mul(0.5)));
      return p.sum();
    });
    const parameters = [1, 2, 3, 4].map((i) => tensor([i, 10 * i]));
    for (let round = 1; round <= 3; round++) {
      parameters.forEach((p, k) => {
        const result = update(p, tensor([2, 4]));
        expect(p.toArray()).toEqual([k + 1 - round, 10 * (k + 1) - 2 * round]);
        expect(result.item()).toBe(11 * (k + 1) - 3 * round);
      });
    }
    expect(update.programs.length).toBe(1);
  });

  it("by leaving gradients on them, which later calls let be", () => {
    const square = compile((a: Tensor) => {
      const total = a.square().sum();
      total.backward();
      return total;
    });
    const leaves = [1, 2, 3, 4].map((i) => leaf([i, -i]));
    for (const one of leaves) square(one);
    for (const one of leaves) square(one);
    for (const one of leaves) expect(one.grad?.toArray()).toEqual(one.mul(4).toArray());
    expect(square.programs.length).toBe(2);
  });

  it("by writing to their gradients", () => {
    const halve = compile((a: Tensor) => {
      const { grad } = a;
      if (grad !== null) grad.assign_(grad.mul(0.5));
      return a.add(0);
    });
    for (const i of [1, 2, 3, 4]) {
      const one = leaf([i]);
      one.grad = tensor([8 * i]);
      halve(one);
      expect(one.grad.toArray()).toEqual([4 * i]);
    }
  });

  it("refuses a gradient that flows on into how an argument was made", () => {
    const w = leaf([3]);
    const step = compile((h: Tensor) => {
      const total = h.square().sum();
      total.backward();
      return total;
    });
    expect(() => step(w.mul(2))).toThrow(/backward goes through argument 0 into how it was made \(mul\)/);
    expect(step(leaf([6])).item()).toBe(36);
  });
});

describe("arguments that are one tensor, or one that the function reaches by itself", () => {
  it("are one tensor in that call only", () => {
    const difference = compile((a: Tensor, b: Tensor) => a.sub(b));
    const x = tensor([3, 4]);
    for (let i = 0; i < 3; i++) {
      expect(difference(x, x).toArray()).toEqual([0, 0]);
      expect(difference(tensor([1, 2]), tensor([5, 7])).toArray()).toEqual([-4, -5]);
    }
  });

  it("are the parameter in that call only", () => {
    const w = tensor([2, 3]);
    const product = compile((a: Tensor) => a.mul(w));
    for (let i = 0; i < 4; i++) {
      expect(product(w).toArray()).toEqual([4, 9]);
      expect(product(tensor([10, 10])).toArray()).toEqual([20, 30]);
      expect(product(tensor([1, 2])).toArray()).toEqual([2, 6]);
    }
    expect(product.programs.length).toBe(2);
  });

  it("are the parameter also where they become it later", () => {
    const w = tensor([2, 3]);
    const other = tensor([5, 5]);
    const step = compile((a: Tensor) => {
      a.assign_(a.add(1));
      return w.mul(1);
    });
    for (let i = 0; i < 3; i++) step(other);
    for (let i = 0; i < 3; i++) expect(step(tensor([0, i])).toArray()).toEqual([2, 3]);
    for (let i = 1; i < 4; i++) expect(step(w).toArray()).toEqual([2 + i, 3 + i]);
    expect(other.toArray()).toEqual([8, 8]);
  });

  it("are a gradient in that call only", () => {
    const w = leaf([2, 3]);
    w.grad = tensor([1, 1]);
    const product = compile((a: Tensor) => a.mul(w.grad as Tensor));
    for (let i = 1; i < 4; i++) {
      w.grad = tensor([i, i]);
      expect(product(w.grad).toArray()).toEqual([i * i, i * i]);
      expect(product(tensor([10, 20])).toArray()).toEqual([10 * i, 20 * i]);
    }
  });

  it("are differentiated as the one tensor that they are", () => {
    const w = leaf([2, 3]);
    const found = compile((a: Tensor) => gradients(a.mul(w).sum(), [w])[0]);
    for (let i = 0; i < 3; i++) {
      expect(found(w).toArray()).toEqual([4, 6]);
      expect(found(leaf([7, 8])).toArray()).toEqual([7, 8]);
    }
  });

  it("may be a module's weight", () => {
    const net = new nn.Linear(2, 1, { bias: false });
    const loss = compile((weight: Tensor, x: Tensor) =>
      losses.mseLoss(net.forward(x), x.sum(1, { keepdims: true })).add(weight.sum()),
    );
    const [x, other] = [tensor([[1, 2]]), tensor([[5, 6]], { requiresGrad: true })];
    const plain = (weight: Tensor) =>
      losses
        .mseLoss(net.forward(x), tensor([[3]]))
        .add(weight.sum())
        .item();
    for (let i = 0; i < 3; i++) {
      expect(loss(net.weight, x).item()).toBeCloseTo(plain(net.weight), 4);
      expect(loss(other, x).item()).toBeCloseTo(plain(other), 4);
      net.weight.assign_(net.weight.detach().mul(0.5).detach());
    }
  });
});

describe("the function is run", () => {
  const counted = () => {
    let runs = 0;
    const compiled = compile((a: Tensor) => {
      runs++;
      return a.add(1);
    });
    return { compiled, runs: () => runs };
  };

  it("once where it is always called with the same tensors", () => {
    const { compiled, runs } = counted();
    const x = tensor([1]);
    for (let i = 0; i < 5; i++) compiled(x);
    expect(runs()).toBe(1);
  });

  it("twice for tensors of one shape, and leaves one program", () => {
    const { compiled, runs } = counted();
    for (let i = 0; i < 5; i++) expect(compiled(tensor([i])).toArray()).toEqual([i + 1]);
    expect(runs()).toBe(2);
    expect(compiled.programs.length).toBe(1);
  });
});
