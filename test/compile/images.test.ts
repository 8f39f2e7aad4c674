/** What networks for images compute, compiled against eager: pooling, biases of channels, sums over images. */
import { compile, conv2d, Generator, maxPool2d, randn, type Tensor, tensor } from "crease";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const dtypes = ["float32", "float64"] as const;
const length = fc.integer({ min: 1, max: 11 });
const few = fc.integer({ min: 1, max: 3 });

/** Few different numbers, so that windows have ties, and now and then NaN, an infinity or a negative zero. */
const element = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: -2, max: 2 }) },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0) },
);

describe.each(dtypes)("compiled, in %s", (dtype) => {
  it("max-pooling and its gradient are those of eager ones, with ties, NaN and any window", () => {
    fc.assert(
      fc.property(
        few,
        few,
        length,
        length,
        fc.tuple(few, few),
        fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })),
        fc.tuple(few, few),
        fc.array(element, { minLength: 1, maxLength: 60 }),
        (batch, channels, height, width, kernel, stride, dilation, values) => {
          fc.pre((kernel[0] - 1) * dilation[0] < height && (kernel[1] - 1) * dilation[1] < width);
          const shape = [batch, channels, height, width];
          const size = batch * channels * height * width;
          const x = tensor(
            Array.from({ length: size }, (_, i) => values[i % values.length]),
            { dtype, shape },
          );
          const step = (leaf: Tensor) => (input: Tensor, factor: Tensor) => {
            leaf.grad = null;
            const pooled = maxPool2d(input.add(leaf), { kernel, stride, dilation });
            // Every window has a weight of its own, so that a gradient that goes elsewhere is seen.
            pooled
              .mul(
                factor
                  .reshape([-1])
                  .slice([[0, pooled.size]])
                  .reshape(pooled.shape),
              )
              .sum()
              .backward();
            return pooled.detach();
          };
          const factor = randn([size], { dtype, generator: new Generator(3) });
          fc.pre(size >= maxPool2d(x, { kernel, stride, dilation }).size);
          const leaves = [0, 1].map(() => tensor(new Array(size).fill(0), { dtype, shape, requiresGrad: true }));
          const [eager, compiled] = [step(leaves[0]), compile(step(leaves[1]))];
          for (let i = 0; i < 2; i++) {
            const expected = eager(x, factor);
            expect(Array.from(compiled(x, factor).data)).toEqual(Array.from(expected.data));
            expect(Array.from(leaves[1].grad!.data)).toEqual(Array.from(leaves[0].grad!.data));
          }
        },
      ),
      { numRuns: 60, seed: 5 },
    );
  });

  it("padded pooling is that of eager one", () => {
    const x = randn([2, 2, 7, 6], { dtype, generator: new Generator(1) });
    const pool = (input: Tensor) => maxPool2d(input, { kernel: 3, stride: 2, padding: 1 });
    expect(compile(pool)(x).toArray()).toEqual(pool(x).toArray());
  });

  it("numbers of channels are added to every image, and their gradients are sums over all images", () => {
    fc.assert(
      fc.property(few, few, length, length, fc.integer({ min: 0, max: 3 }), (batch, channels, height, width, lead) => {
        const generator = new Generator(2);
        const x = randn([batch, channels, height, width], { dtype, generator });
        // As [C, 1, 1], [1, C, 1, 1], [N, C, 1, 1] or [C, H, 1].
        const shape = [
          [channels, 1, 1],
          [1, channels, 1, 1],
          [batch, channels, 1, 1],
          [channels, height, 1],
        ][lead];
        const start = randn(shape, { dtype, generator });
        const step = (leaf: Tensor) => (input: Tensor) => {
          leaf.grad = null;
          const y = input.add(leaf).relu();
          y.mul(y).sum().backward();
          return [y.detach(), input.sum([0, 2, 3]), input.sum([0, 3])];
        };
        const leaves = [0, 1].map(() => tensor(start.data, { dtype, shape, requiresGrad: true }));
        const [eager, compiled] = [step(leaves[0]), compile(step(leaves[1]))];
        const bound = dtype === "float32" ? 5 : 12;
        const expectClose = (actual: Tensor, expected: Tensor) => {
          expect(actual.shape).toEqual(expected.shape);
          expected.data.forEach((value, i) => {
            expect(actual.data[i]).toBeCloseTo(value, bound - 1);
          });
        };
        const expected = eager(x);
        compiled(x).forEach((value, i) => {
          expectClose(value, expected[i]);
        });
        expectClose(leaves[1].grad!, leaves[0].grad!);
      }),
      { numRuns: 40, seed: 6 },
    );
  });

  it("a convolution, bias, relu and pooling have the gradients of eager ones", () => {
    const generator = new Generator(4);
    const x = randn([3, 2, 9, 10], { dtype, generator });
    const starts = [randn([4, 2, 3, 3], { dtype, generator }), randn([4], { dtype, generator })];
    const step = (leaves: readonly Tensor[]) => (input: Tensor) => {
      for (const leaf of leaves) leaf.grad = null;
      const y = maxPool2d(conv2d(input, leaves[0], leaves[1]).relu(), { kernel: 2 });
      const loss = y.mul(y).mean();
      loss.backward();
      return loss.detach();
    };
    const copies = [0, 1].map(() =>
      starts.map((one) => tensor(one.data, { dtype, shape: one.shape, requiresGrad: true })),
    );
    const [eager, compiled] = [step(copies[0]), compile(step(copies[1]))];
    const digits = dtype === "float32" ? 5 : 12;
    expect(compiled(x).item()).toBeCloseTo(eager(x).item(), digits);
    copies[0].forEach((leaf, k) => {
      const actual = copies[1][k].grad!.data;
      leaf.grad!.data.forEach((value, i) => {
        expect(actual[i]).toBeCloseTo(value, digits);
      });
    });
  });
});
