import { checkGradients, DtypeError, Generator, losses, ShapeError, type Tensor, tensor, trace } from "crease";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

const f64 = (values: unknown): Tensor => tensor(values as number[], { dtype: "float64" });

const draw = (count: number, seed: number): number[] => {
  const generator = new Generator(seed);
  return Array.from({ length: count }, () => 3 * generator.normal());
};

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

const cases = fc.record({
  batch: fc.integer({ min: 1, max: 6 }),
  width: fc.integer({ min: 1, max: 4 }),
  seed: fc.nat(99),
});

describe("losses are means over the batch", () => {
  it("crossEntropy: −log of the softmax of the right class", () => {
    fc.assert(
      fc.property(cases, ({ batch, width, seed }) => {
        const logits = Array.from({ length: batch }, (_, i) => draw(width, seed + i));
        const classes = logits.map((_, i) => (seed + i) % width);
        const expected = mean(
          logits.map((row, i) => -Math.log(Math.exp(row[classes[i]]) / row.reduce((sum, z) => sum + Math.exp(z), 0))),
        );
        expect(losses.crossEntropy(f64(logits), classes).item()).toBeCloseTo(expected, 10);
        expect(losses.crossEntropy(f64(logits), tensor(classes, { dtype: "int32" })).item()).toBeCloseTo(expected, 10);
      }),
    );
  });

  it("mseLoss, bceWithLogits and hingeLoss: by their formulas", () => {
    fc.assert(
      fc.property(cases, ({ batch, width, seed }) => {
        const z = draw(batch * width, seed);
        const t = draw(batch * width, seed + 1);
        const shape = [batch, width];
        const [prediction, target] = [f64(z).reshape(shape), f64(t).reshape(shape)];
        expect(losses.mseLoss(prediction, target).item()).toBeCloseTo(mean(z.map((v, i) => (v - t[i]) ** 2)), 10);
        const share = t.map((v) => 1 / (1 + Math.exp(-v)));
        const log = (v: number): number => Math.log(1 / (1 + Math.exp(-v)));
        expect(losses.bceWithLogits(prediction, f64(share).reshape(shape)).item()).toBeCloseTo(
          mean(z.map((v, i) => -share[i] * log(v) - (1 - share[i]) * log(-v))),
          10,
        );
        const labels = t.map((v) => (v > 0 ? 1 : -1));
        expect(losses.hingeLoss(prediction, f64(labels).reshape(shape)).item()).toBeCloseTo(
          mean(z.map((v, i) => Math.max(0, 1 - v * labels[i]))),
          10,
        );
      }),
    );
  });

  it("have gradients that agree with finite differences, of both orders", () => {
    const z = f64([
      [0.3, -1.2, 2],
      [0.1, 0.2, -0.7],
    ]);
    const target = f64([
      [0.2, 0.5, 1],
      [0, 0.9, 0.4],
    ]);
    checkGradients((x) => losses.crossEntropy(x, [2, 0]), [z]);
    checkGradients(losses.mseLoss, [z, target]);
    checkGradients(losses.bceWithLogits, [z, target]);
    checkGradients(
      (x) =>
        losses.hingeLoss(
          x,
          f64([
            [1, -1, 1],
            [-1, 1, -1],
          ]),
        ),
      [z],
    );
  });

  it("stay finite for logits of any size", () => {
    expect(losses.bceWithLogits(tensor([1000, -1000]), tensor([0, 0])).item()).toBe(500);
    expect(losses.crossEntropy(tensor([[1e4, -1e4]]), [1]).item()).toBe(2e4);
  });

  it("fold into one call in traces", () => {
    const graph = trace((x) => losses.crossEntropy(x, [0]), tensor([[1, 2]]));
    expect(graph.outputs[0].scope[0]).toBe("crossEntropy");
  });
});

describe("losses refuse", () => {
  it("shapes that would broadcast", () => {
    for (const loss of [losses.mseLoss, losses.bceWithLogits, losses.hingeLoss]) {
      expect(() => loss(tensor([[1], [2]]), tensor([1, 2]))).toThrow(ShapeError);
      expect(() => loss(tensor([[1], [2]]), tensor([1, 2]))).toThrow(/\[2, 1\] and target \[2\] must have one shape/);
    }
  });

  it("classes that are no indices, out of range, or too few", () => {
    const logits = tensor([[1, 2]]);
    expect(() => losses.crossEntropy(logits, tensor([1]))).toThrow(DtypeError);
    expect(() => losses.crossEntropy(logits, [2])).toThrow(
      /example 0 has class 2, but logits \[1, 2\] are of 2 classes/,
    );
    expect(() => losses.crossEntropy(logits, [0, 1])).toThrow(/\[batch, classes\]/);
    expect(() => losses.crossEntropy(tensor([1, 2]), [0, 1])).toThrow(ShapeError);
  });

  it("int32 labels for hinge and squared error", () => {
    const labels = tensor([1], { dtype: "int32" });
    expect(() => losses.hingeLoss(tensor([1]), labels)).toThrow(/convert with .to\("float32"\)/);
    expect(() => losses.mseLoss(tensor([1]), labels)).toThrow(DtypeError);
  });
});
