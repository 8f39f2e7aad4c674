import { add, type DType, gradients, linear, matmul, randn, sum, type Tensor, tensor, trace } from "crease";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Generator } from "../../src/base/random.js";

const parts = (x: Tensor, weight: Tensor, bias: Tensor) => add(matmul(x, weight, { transposeB: true }), bias);

/** Layers on both sides of the sizes at which other kernels take over. */
const layer = fc.record({
  rows: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 90, max: 130 })),
  inputs: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 60, max: 70 })),
  outputs: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 60, max: 70 })),
  dtype: fc.constantFrom<DType>("float32", "float64"),
  seed: fc.nat(),
});

function draw({ rows, inputs, outputs, dtype, seed }: typeof layer extends fc.Arbitrary<infer T> ? T : never) {
  const generator = new Generator(seed);
  const one = (shape: number[]) => randn(shape, { dtype, generator, requiresGrad: true });
  return { x: one([rows, inputs]), weight: one([outputs, inputs]), bias: one([outputs]), generator };
}

describe("linear", () => {
  test("is the product with the transposed weight plus the bias, to the bit", () => {
    fc.assert(
      fc.property(layer, (shape) => {
        const { x, weight, bias } = draw(shape);
        expect(linear(x, weight, bias).data).toEqual(parts(x, weight, bias).data);
      }),
      { numRuns: 60 },
    );
  });

  test("finds all its gradients at once as one by one", () => {
    fc.assert(
      fc.property(layer, fc.subarray(["x", "weight", "bias"] as const, { minLength: 1 }), (shape, wanted) => {
        const given = draw(shape);
        const { generator, x, weight, bias } = given;
        const seed = randn([shape.rows, shape.outputs], { dtype: shape.dtype, generator });
        for (const name of ["x", "weight", "bias"] as const) given[name].requiresGrad = wanted.includes(name);
        const leaves = wanted.map((name) => given[name]);
        // A scaled x is no leaf, so that both kinds of memory are written.
        const doubled = x.mul(2);
        linear(doubled, weight, bias).backward({ seed });
        const expected = gradients(parts(x.mul(2), weight, bias), leaves, { seed, createGraph: true });
        leaves.forEach((one, i) => {
          const [got, due] = [(one.grad as Tensor).data, expected[i].data];
          const unit = shape.dtype === "float32" ? 2 ** -24 : 2 ** -53;
          const scale = (shape.rows + shape.outputs) * 40 * unit;
          const worst = Math.max(0, ...Array.from(got, (value, at) => Math.abs(value - due[at])));
          expect(worst).toBeLessThanOrEqual(scale);
        });
      }),
      { numRuns: 60 },
    );
  });

  test("takes vectors and batches of any shape over the last axis", () => {
    const weight = tensor([
      [1, 2],
      [0, -1],
      [3, 0],
    ]);
    const bias = tensor([10, 20, 30]);
    expect(linear(tensor([1, 1]), weight, bias).toArray()).toEqual([13, 19, 33]);
    expect(linear(tensor([[[1, 1]], [[0, 2]]]), weight, bias).toArray()).toEqual([[[13, 19, 33]], [[14, 18, 30]]]);
  });

  test("is the product and the sum where a trace looks on", () => {
    const [x, weight, bias] = [randn([4, 3]), randn([2, 3]), randn([2])];
    const ops = trace((input) => linear(input, weight, bias), x).nodes.flatMap(({ op }) =>
      op === null ? [] : op.name,
    );
    expect(ops).toEqual(["matmul", "add"]);
  });

  test("reads no bias for its gradient, and says where its weight was overwritten", () => {
    const leaf = (shape: number[]) => randn(shape, { requiresGrad: true });
    const [x, weight, bias] = [leaf([4, 3]), leaf([2, 3]), leaf([2])];
    const first = sum(linear(x, weight, bias));
    bias.assign_(tensor([1, 2]));
    first.backward();
    expect(bias.grad?.toArray()).toEqual([4, 4]);
    const second = sum(linear(x, weight, bias));
    weight.assign_(weight.detach().mul(2));
    expect(() => second.backward()).toThrow(/overwritten .* after linear recorded it/);
  });

  test.each([
    [[4, 3], [2, 4], [2]],
    [[4, 3], [2, 3], [3]],
    [
      [4, 3],
      [2, 3],
      [1, 2],
    ],
    [[4, 3], [3], [2]],
  ])("refuses x %j with weight %j and bias %j", (x, weight, bias) => {
    expect(() => linear(randn(x), randn(weight), randn(bias))).toThrow(
      /linear: x \[4, 3\], weight .* do not fit; they/,
    );
  });
});
