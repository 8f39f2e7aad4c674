import {
  defineOp,
  GradientError,
  gather,
  gradients,
  mul,
  noGrad,
  ones,
  recordedGraph,
  relu,
  type Tensor,
  tensor,
  trace,
  zeros,
} from "crease";
import { describe, expect, test } from "vitest";
import { ShapeError, TraceError } from "../../src/base/errors.js";

const leaf = (values: number | number[], name = "") => tensor(values, { requiresGrad: true, dtype: "float64", name });

/** Forgets the gradient; a function, so that the type of `x.grad` is not narrowed. */
function clear(x: Tensor): void {
  x.grad = null;
}

describe("backward", () => {
  test("fills in the gradients of the leaves, and of nothing else", () => {
    const a = leaf(2);
    const b = leaf(-3);
    const constant = tensor(5, { dtype: "float64" });
    const product = a.mul(b);
    const y = product.add(a.pow(3)).mul(constant);
    y.backward();
    expect(y.item()).toBe(10);
    expect(a.grad?.item()).toBe(5 * (-3 + 12));
    expect(b.grad?.item()).toBe(10);
    expect([constant.grad, product.grad, y.grad]).toEqual([null, null, null]);
  });

  test("adds to the gradients that are there", () => {
    const x = leaf([1, 2]);
    x.square().sum().backward();
    x.mul(3).sum().backward();
    expect(x.grad?.toArray()).toEqual([5, 7]);
    clear(x);
    x.sum().backward();
    expect(x.grad?.toArray()).toEqual([1, 1]);
  });

  test("counts every use of a tensor, also twice by one op", () => {
    const x = leaf(3);
    x.mul(x).add(x).add(x.relu()).backward();
    expect(x.grad?.item()).toBe(8);
  });

  test("is its own gradient for a leaf", () => {
    const x = leaf(3);
    x.backward();
    expect(x.grad?.item()).toBe(1);
  });

  test("sums gradients back over broadcast axes", () => {
    const row = leaf([1, 2, 3]);
    const column = tensor([[1], [2]], { requiresGrad: true, dtype: "float64" });
    const scalar = leaf(2);
    row.mul(column).mul(scalar).sum().backward();
    expect(row.grad?.toArray()).toEqual([6, 6, 6]);
    expect(column.grad?.toArray()).toEqual([[12], [12]]);
    expect(scalar.grad?.item()).toBe(18);
  });

  test("takes a seed for an output of any shape", () => {
    const x = leaf([1, 2]);
    x.square().backward({ seed: tensor([10, 100]) });
    expect(x.grad?.toArray()).toEqual([20, 400]);
    expect(x.grad?.dtype).toBe("float64");
    const one = leaf([4]);
    one.square().backward();
    expect(one.grad?.toArray()).toEqual([8]);
  });

  test("goes through conversions of dtype, each gradient in the dtype of its tensor", () => {
    const single = tensor([1, 2], { requiresGrad: true });
    const double = leaf([0.1, 0.2]);
    single.mul(double).sum().backward();
    expect([single.grad?.dtype, double.grad?.dtype]).toEqual(["float32", "float64"]);
    expect(single.grad?.toArray()).toEqual([Math.fround(0.1), Math.fround(0.2)]);
    expect(double.grad?.toArray()).toEqual([1, 2]);
  });

  test("gives each leaf a gradient of its own: writing one leaves the others alone", () => {
    for (const shape of [[], [3]]) {
      const a = zeros(shape, { requiresGrad: true });
      const b = zeros(shape, { requiresGrad: true });
      const seed = ones(shape);
      a.add(b).backward({ seed });
      expect(a.grad).not.toBe(b.grad);
      a.grad?.assign_(zeros(shape));
      expect([...(b.grad as Tensor).data]).toEqual([...seed.data]);
      expect(seed.data[0]).toBe(1);
      const [first, second] = gradients(a.add(b), [a, b], { seed });
      first.assign_(zeros(shape));
      expect(second.data[0]).toBe(1);
    }
  });

  test("does not record gradients unless asked, whatever the seed", () => {
    const x = leaf([1, 2]);
    const seed = leaf([3, 4]);
    x.mul(2).add(x).backward({ seed });
    expect(x.grad?.requiresGrad).toBe(false);
    clear(x);
    x.add(1).backward({ seed });
    expect(x.grad?.requiresGrad).toBe(false);
    expect(seed.grad).toBeNull();
  });

  test("records them with createGraph, so that they can be differentiated", () => {
    const x = leaf(2);
    x.pow(3).backward({ createGraph: true });
    const slope = x.grad as Tensor;
    expect(slope.item()).toBe(12);
    clear(x);
    slope.backward();
    expect(x.grad?.item()).toBe(12);
  });
});

describe("the graph behind an output", () => {
  test("is released by backward: a second one is refused with the remedy", () => {
    for (const x of [leaf(2), leaf([1, 2])]) {
      const y = x.square().sum();
      y.backward();
      expect(() => y.backward()).toThrow(GradientError);
      expect(() => y.backward()).toThrow(
        /released by an earlier backward; keep it with backward\(\{ retainGraph: true \}\)/,
      );
      expect(y.isLeaf).toBe(false);
    }
  });

  test("stays with retainGraph", () => {
    const x = leaf(3);
    const y = x.square();
    y.backward({ retainGraph: true });
    y.backward({ retainGraph: true });
    expect(x.grad?.item()).toBe(12);
  });

  test("is refused also where only a part of it was released, and backward works afterwards", () => {
    const x = leaf([3, 4]);
    const shared = x.square();
    const first = shared.sum();
    const second = shared.mul(2).sum();
    first.backward();
    expect(() => second.backward()).toThrow(/released/);
    x.square().sum().backward();
    expect(x.grad?.toArray()).toEqual([12, 16]);
  });

  test("is not shown as a graph when it was released", () => {
    const y = leaf(3).square();
    expect(recordedGraph(y).nodes.length).toBe(3 - 1);
    y.backward();
    expect(() => recordedGraph(y)).toThrow(TraceError);
    expect(() => recordedGraph(y)).toThrow(/released.*retainGraph/);
  });

  test("is kept while a trace looks on, which needs it", () => {
    const w = leaf([1, 2], "w");
    const graph = trace(
      (x) => {
        const loss = x.mul(w).square().sum();
        loss.backward();
        return [loss, w.grad as Tensor];
      },
      tensor([3, 4], { dtype: "float64" }),
    );
    expect(graph.outputs.map((node) => node.op?.name)).toContain("sum");
    expect(w.grad?.toArray()).toEqual([18, 64]);
    const roles = new Set(graph.nodes.map((node) => node.role));
    expect(roles.has("input")).toBe(true);
    // The gradient, too, leads back to the input.
    const reached = new Set([graph.outputs[1]]);
    for (const node of reached) for (const input of node.inputs) reached.add(input);
    expect(reached.has(graph.inputs[0])).toBe(true);
  });

  test("lets what is held be read after backward", () => {
    const x = leaf([1, 2]);
    const hidden = x.exp();
    const loss = hidden.sum();
    loss.backward();
    expect(hidden.toArray()).toEqual([Math.exp(1), Math.exp(2)]);
    expect(loss.item()).toBeCloseTo(Math.exp(1) + Math.exp(2));
  });
});

describe("an overwritten value", () => {
  const refuse = (x: Tensor, y: Tensor) => {
    x.assign_(zeros(x.shape, { dtype: x.dtype as "float64" }));
    expect(() => gradients(y, [y])).not.toThrow();
    expect(() => y.backward({ retainGraph: true })).toThrow(GradientError);
    expect(() => y.backward({ retainGraph: true })).toThrow(
      /w was overwritten \(assign_ at time \d+\) after \w+ recorded it/,
    );
    expect(() => y.backward({ createGraph: true })).toThrow(/w was overwritten/);
  };

  test("is refused where its old value is needed, of any size", () => {
    for (const values of [3, [3, 4], new Array(100).fill(3)]) {
      const w = tensor(values, { requiresGrad: true, dtype: "float64", name: "w" });
      refuse(w, w.square().sum());
      const v = tensor(values, { requiresGrad: true, dtype: "float64", name: "w" });
      refuse(v, v.mul(v).sum());
    }
    const matrix = tensor([[1, 2]], { requiresGrad: true, name: "w" });
    refuse(matrix, matrix.matmul(ones([2, 2], { requiresGrad: true })).sum());
    const pooled = tensor([1, 2], { requiresGrad: true, name: "w" });
    refuse(pooled, pooled.max());
  });

  test("is refused also where it is an index", () => {
    const x = leaf([1, 2, 3]);
    const index = tensor([0, 0], { dtype: "int32", name: "w" });
    const y = gather(x, 0, index).sum();
    index.assign_(tensor([2, 1], { dtype: "int32" }));
    expect(() => y.backward()).toThrow(/w was overwritten/);
  });

  test("does no harm where it is not needed", () => {
    const w = leaf([1, 2]);
    const y = w.add(1).mul(3).sum();
    w.assign_(leaf([7, 8]));
    y.backward();
    expect(w.grad?.toArray()).toEqual([3, 3]);
    // exp needs its result, which is no leaf and was not overwritten.
    const v = leaf([0, 0]);
    const e = v.exp().sum();
    v.assign_(tensor([5, 5], { dtype: "float64" }));
    e.backward();
    expect(v.grad?.toArray()).toEqual([1, 1]);
  });

  test("does not matter to what is recorded afterwards, or shared the values before", () => {
    const w = leaf([1, 2]);
    const alias = w.detach();
    const view = w.reshape([2, 1]);
    w.assign_(tensor([10, 20], { dtype: "float64" }));
    expect(alias.toArray()).toEqual([1, 2]);
    expect(view.toArray()).toEqual([[1], [2]]);
    w.square().sum().backward();
    expect(w.grad?.toArray()).toEqual([20, 40]);
  });
});

describe("gradients", () => {
  test("gives those of leaves and of intermediates, and touches no .grad", () => {
    const x = leaf([1, 2]);
    const hidden = x.square();
    const y = hidden.mul(3).sum();
    const [dx, dHidden, dy] = gradients(y, [x, hidden, y]);
    expect(dx.toArray()).toEqual([6, 12]);
    expect(dHidden.toArray()).toEqual([3, 3]);
    expect(dy.item()).toBe(1);
    expect(x.grad).toBeNull();
    expect(gradients(y, [x])[0].toArray()).toEqual([6, 12]);
  });

  test("gives zeros for what has no influence, in its shape and dtype", () => {
    const x = leaf([1, 2]);
    const other = tensor([[1], [2], [3]], { requiresGrad: true });
    const [zero, dx] = gradients(x.sum(), [other, x]);
    expect([zero.shape, zero.dtype, zero.sum().item()]).toEqual([[3, 1], "float32", 0]);
    expect(dx.toArray()).toEqual([1, 1]);
  });

  test("of gradients of gradients: x⁵ down to its fifth derivative", () => {
    const x = leaf(2);
    let y = x.pow(5);
    for (const expected of [80, 160, 240, 240, 120]) {
      [y] = gradients(y, [x], { createGraph: true });
      expect(y.item()).toBe(expected);
    }
    expect(y.requiresGrad ? gradients(y, [x])[0].item() : 0).toBe(0);
  });

  test("runs only the rules that lead to what is asked for", () => {
    let calls = 0;
    const counting = defineOp<readonly [Tensor]>({
      name: "counting",
      doc: "x",
      kind: "affine",
      shape: ([shape]) => shape,
      forward: (out, [x]) => {
        for (let i = 0; i < x.size; i++) out.buffer[out.offset + i] = x.buffer[x.offset + i];
      },
      vjp: [
        (dy) => {
          calls++;
          return dy;
        },
      ],
      samples: [{ inputs: [[2]] }],
    });
    const x = leaf([1, 2]);
    const w = leaf([3, 4]);
    const y = counting(x).mul(w).sum();
    gradients(y, [w]);
    expect(calls).toBe(0);
    gradients(y, [w, x]);
    expect(calls).toBe(1);
  });
});

describe("noGrad and detach", () => {
  test("noGrad records nothing inside, and everything after", () => {
    const x = leaf(2);
    const y = noGrad(() => x.square());
    expect([y.requiresGrad, y.isLeaf, y.item()]).toEqual([false, true, 4]);
    expect(() => noGrad(() => mul(x, tensor([[1]]).matmul(tensor([[1], [2]]))))).toThrow(ShapeError);
    expect(x.square().requiresGrad).toBe(true);
  });

  test("detach cuts the way back", () => {
    const x = leaf(3);
    x.mul(x.detach()).backward();
    expect(x.grad?.item()).toBe(3);
    expect(x.detach().requiresGrad).toBe(false);
  });

  test("a conversion to int32 has no gradient, and neither has what comes of it", () => {
    const x = leaf([1.7, 2.2]);
    const index = x.to("int32");
    expect(index.toArray()).toEqual([1, 2]);
    expect(index.requiresGrad).toBe(false);
    expect(index.to("float64").mul(2).requiresGrad).toBe(false);
  });
});

describe("bad calls", () => {
  const x = leaf([1, 2]);
  test.each([
    [
      "a vector without a seed",
      () => x.mul(2).backward(),
      GradientError,
      /output has shape \[2\]; only a scalar.*\{ seed \}/,
    ],
    [
      "a seed of another shape",
      () => x.mul(2).backward({ seed: ones([3]) }),
      ShapeError,
      /seed has shape \[3\], the output \[2\]/,
    ],
    [
      "nothing to differentiate",
      () => tensor(1).backward(),
      GradientError,
      /does not depend on anything that requires a gradient/,
    ],
    ["a result of noGrad", () => noGrad(() => x.sum()).backward(), GradientError, /outside noGrad/],
    ["an index", () => x.argmax().backward(), GradientError, /int32 never does/],
    [
      "gradients for a constant",
      () => gradients(x.sum(), [x, tensor(1, { name: "c" })]),
      GradientError,
      /inputs\[1\] \(c\) does not require a gradient/,
    ],
  ])("%s", (_, call, Class, message) => {
    expect(call).toThrow(Class);
    expect(call).toThrow(message);
  });

  test("a rule that returns another shape or dtype is named", () => {
    const broken = (wrong: (dy: Tensor) => Tensor) =>
      defineOp<readonly [Tensor]>({
        name: "broken",
        doc: "x",
        kind: "affine",
        shape: ([shape]) => shape,
        forward: () => {},
        vjp: [wrong],
        samples: [{ inputs: [[2]] }],
      });
    expect(() =>
      broken((dy) => dy.sum())(x)
        .sum()
        .backward(),
    ).toThrow(/broken: its gradient rule returned shape \[\] for an input of shape \[2\]/);
    expect(() =>
      broken((dy) => dy.to("float32"))(x)
        .sum()
        .backward(),
    ).toThrow(/broken: its gradient rule returned float32 for a float64 input/);
  });
});

test("relu's dead side passes no gradient, and no NaN", () => {
  const x = leaf([-1, 1]);
  relu(x)
    .mul(tensor([Number.POSITIVE_INFINITY, 2], { dtype: "float64" }))
    .sum()
    .backward();
  expect(x.grad?.toArray()).toEqual([0, 2]);
});
