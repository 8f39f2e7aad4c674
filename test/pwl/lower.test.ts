import { describe, expect, test } from "vitest";
import { sizeOf } from "../../src/array/shape.js";
import { OptionError, PiecewiseLinearError, ShapeError } from "../../src/base/errors.js";
import { apply } from "../../src/graph/apply.js";
import type { Op, OpSample } from "../../src/graph/making.js";
import { noGrad } from "../../src/graph/modes.js";
import { copyOf } from "../../src/graph/new-tensor.js";
import type { Tensor } from "../../src/graph/tensor.js";
import { trace } from "../../src/graph/trace.js";
import { mlp } from "../../src/nn/mlp.js";
import { detach } from "../../src/ops/cast.js";
import {
  abs,
  add,
  allOps,
  batchNorm,
  clamp,
  concat,
  conv2d,
  div,
  dropout,
  matmul,
  max,
  maximum,
  maxPool2d,
  mul,
  pad,
  relu,
  softmax,
  sub,
  tensor,
  where,
  zeros,
} from "../../src/ops/index.js";
import { evaluate } from "../../src/pwl/evaluate.js";
import { linearize } from "../../src/pwl/linearize.js";
import { lower } from "../../src/pwl/read.js";
import { countsOf, formatNet } from "../../src/pwl/text.js";
import { distance, stream, vector } from "./nets.js";

describe.each(allOps.map((op) => [op.name, op] as const))("the record of %s", (_, op) => {
  const cases = op.samples.flatMap((sample, s) =>
    sample.inputs.flatMap((_input, i): [string, OpSample, number][] => [[`sample ${s}, input ${i}`, sample, i]]),
  );
  test.each(cases.length > 0 ? cases : [])("reads as what it computes: %s", (_name, sample, index) => {
    const inputs = sampleInputs(sample);
    const x = inputs[index];
    if (x.dtype === "int32") return;
    const fn = (one: Tensor) =>
      apply(
        op,
        inputs.map((input, i) => (i === index ? one : input)),
        sample.attrs ?? {},
      );
    const spec = { shape: x.shape, dtype: x.dtype };
    if (mustLower(op, index)) {
      const net = lower(fn, spec);
      for (let seed = 1; seed <= 5; seed++) {
        const point = tensor(vector(stream(seed), x.size, 2), { shape: x.shape, dtype: x.dtype });
        expect(distance(evaluate(net, copyOf(point)).output, copyOf(fn(point)))).toBeLessThan(1e-10);
      }
    } else if (x.size > 0 && !isConstantIn(fn, x)) expect(() => lower(fn, spec)).toThrow(PiecewiseLinearError);
  });
});

/** Inputs of a sample: float64, so that lowering can be compared to the last digits. */
function sampleInputs({ inputs, range = [-2, 2] }: OpSample): Tensor[] {
  return inputs.map((input, i) => {
    if (typeof input === "function") return input();
    const next = stream(i + 1);
    const values = Float64Array.from({ length: sizeOf(input) }, () => range[0] + next() * (range[1] - range[0]));
    return tensor(values, { shape: input, dtype: "float64" });
  });
}

/** Affine, bilinear and gate ops are piecewise linear in every input but conditions; division in its first. */
function mustLower(op: Op, index: number): boolean {
  if (op.name === "where") return index > 0;
  if (op.name === "div") return index === 0;
  return ["affine", "bilinear", "gate"].includes(op.kind);
}

function isConstantIn(fn: (x: Tensor) => Tensor, x: Tensor): boolean {
  const [a, b] = [fn(x), fn(mul(x, 0.9))].map(copyOf);
  return distance(a, b) === 0 && a.length > 0 ? distance(copyOf(fn(mul(x, 0.1))), a) === 0 : a.length === 0;
}

const w = tensor([
  [1, -2],
  [0.5, 0.25],
  [3, 1],
]);

describe("structure", () => {
  test("Linear and relu alternate as they were written: matrices unchanged, nothing rounded", () => {
    const v = tensor([[1, 2, 3]]);
    const net = lower((x) => matmul(v, relu(add(matmul(w, x), 0.1))), { shape: [2] });
    expect(net.rounded).toEqual([]);
    expect(formatNet(net)).toBe(
      [
        "PwlNet x[2] → [1]: 3 gates in 1 layer, depth 1, 12 parameters",
        '  h1 = 3 × relu(dense[3, 2]·x + bias)  "relu"',
        "  y = dense[1, 3]·h1",
      ].join("\n"),
    );
    expect(Array.from(net.layers[0].argument.bias)).toEqual(Array(3).fill(Math.fround(0.1))); // widened, not 0.1
  });

  test("a convolution stays one, also under reshape, inference batch norm and a gate", () => {
    const kernels = tensor(vector(stream(1), 18), { shape: [2, 1, 3, 3] });
    const spread = { runningMean: tensor([0.5, -1]), runningVariance: tensor([2, 3]) };
    const net = lower((x) => relu(batchNorm(conv2d(x, kernels, null, { stride: 2, padding: 1 }), spread)), {
      shape: [1, 6, 6],
    });
    expect(formatNet(net)).toContain(
      "h1 = 18 × relu(conv[1×6×6 → 2×3×3; kernel 3×3, stride 2×2, padding 1×1]·x + bias)",
    );
    expect(net.outputShape).toEqual([2, 3, 3]);
    expect(net.rounded.length).toBeGreaterThan(0);
    expect(net.rounded[0]).toMatch(
      /^div \(%\d+, \[1, 2, 3, 3\] in batchNorm at .*lower\.test\.ts:\d+:\d+\): \d+ numbers, by at most/,
    );
  });

  test("maximum and max over windows are gates of several arguments, never pairs of hinges", () => {
    const two = lower((x) => maximum(x, mul(2, x)), { shape: [3] });
    expect(countsOf(two)).toMatchObject({ hinges: 0, maxima: 3 });
    const pool = lower((x) => maxPool2d(x, { kernel: 2, stride: 1, padding: 1 }), { shape: [1, 2, 2] });
    const layer = pool.layers[0];
    if (layer.kind !== "max") throw new Error("a max pool is a max layer");
    expect(Array.from(layer.starts)).toEqual([0, 1, 3, 4, 6, 10, 12, 13, 15, 16]); // padding is no argument
    const all = lower((x) => max(x), { shape: [2, 2] });
    expect(countsOf(all)).toMatchObject({ gates: 1, maxima: 1 });
  });

  test("infinite bounds, padding with -∞ and -∞ masks make no gate arguments", () => {
    expect(countsOf(lower((x) => clamp(x, { max: 1 }), { shape: [4] })).gates).toBe(4);
    expect(countsOf(lower((x) => clamp(x), { shape: [4] })).gates).toBe(0);
    const masked = tensor([0, Number.NEGATIVE_INFINITY, 1]);
    const net = lower((x) => maximum(x, masked), { shape: [3] });
    expect(countsOf(net).gates).toBe(2);
    expect(Array.from(evaluate(net, [-5, -6, -7]).output)).toEqual([0, -6, 1]);
    const padded = lower((x) => max(pad(x, [[1, 1]], Number.NEGATIVE_INFINITY)), { shape: [2] });
    expect(padded.layers[0].argument.size).toBe(2);
  });

  test("constants fold before anything is read: smooth functions of constants are constants", () => {
    const net = lower((x) => mul(x, softmax(tensor([1, 2]))), { shape: [2] });
    expect(net.layers.length).toBe(0);
    const dead = lower((x) => add(mul(x, 0), 3), { shape: [2] });
    expect(dead.output.terms).toEqual([]);
  });

  test("what does not reach the output is left out", () => {
    const net = lower(
      (x) => {
        softmax(x);
        return relu(x);
      },
      { shape: [2] },
    );
    expect(countsOf(net).gates).toBe(2);
  });

  test("several inputs stand one after the other in the input vector", () => {
    const net = lower((x, u) => concat([relu(x), matmul(w, u)]), [{ shape: [1] }, { shape: [2], name: "control" }]);
    expect(net.inputs).toEqual([
      { name: "x0", shape: [1] },
      { name: "control", shape: [2] },
    ]);
    expect(Array.from(evaluate(net, [-4, 1, 2]).output)).toEqual([0, -3, 1, 5]);
  });

  test("a graph of trace is taken as it is; two products in a row are multiplied and listed", () => {
    const double = { dtype: "float64" } as const;
    const v = tensor([[0.1, 0.2]], double);
    const u = tensor(
      [
        [0.3, 0.7],
        [-1.1, 0.9],
      ],
      double,
    );
    const graph = trace((x) => matmul(v, matmul(u, x)), tensor([1, 2], double));
    const net = lower(graph);
    expect(net.layers.length).toBe(0);
    expect(net.rounded.length).toBe(1);
    expect(net.rounded[0]).toMatch(/^matmul .*2 numbers, by at most/);
  });

  test("a product of integers is exact, and is not listed as rounded", () => {
    const net = lower((x) => matmul(tensor([[1, 2, 4]]), matmul(w, x)), { shape: [2] });
    expect(net.rounded).toEqual([]);
    expect(Array.from(evaluate(net, [1, 1]).output)).toEqual([1 * -1 + 2 * 0.75 + 4 * 4]);
  });
});

describe("values", () => {
  test("huge and infinite inputs give what the forward pass gives", () => {
    const fn = (x: Tensor) => concat([clamp(x, { min: -1, max: 6 }), relu(sub(x, 1e-30)), abs(x), maximum(x, 2)]);
    const net = lower(fn, { shape: [1], dtype: "float64" });
    for (const value of [1e300, -1e300, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-300, 0]) {
      const x = tensor([value], { dtype: "float64" });
      expect(Array.from(evaluate(net, [value]).output)).toEqual(Array.from(copyOf(fn(x))));
    }
  });

  test("large activations keep their digits: 1e8 + 1 through relu6-like bounds and back", () => {
    const net = lower((x) => maximum(x, tensor([1], { dtype: "float64" })), { shape: [1], dtype: "float64" });
    expect(evaluate(net, [1e16 + 2]).output[0]).toBe(1e16 + 2);
  });
});

describe("what is refused, with op, line and remedy", () => {
  const refusal = (fn: (...xs: Tensor[]) => Tensor, shape: number[] = [2]): string => {
    try {
      lower(fn, { shape });
    } catch (error) {
      expect(error).toBeInstanceOf(PiecewiseLinearError);
      return (error as Error).message;
    }
    throw new Error("it was lowered");
  };

  test("ops that are not piecewise linear, by the name that their user knows", () => {
    const message = refusal((x) => softmax(matmul(w, x)));
    expect(message).toMatch(/^lower: softmax is not piecewise linear: .* in softmax at .*lower\.test\.ts:\d+:\d+\)/);
    expect(message).toContain("read the network up to the values before it (logits");
    expect(refusal((x) => mul(x, x))).toContain("multiplies two values that depend on the input");
    expect(refusal((x) => div(1, x))).toContain("divides by a value that depends on the input");
    expect(refusal((x) => matmul(x, x))).toContain("multiplies two values");
  });

  test("steps of the input", () => {
    expect(refusal((x) => where(relu(x), x, 0))).toContain("chooses by a value that depends on the input, a step");
    expect(allOps.filter(({ kind }) => kind === "step").length).toBeGreaterThan(5); // each is refused above
  });

  test("values that the function reads and decides by", () => {
    const message = refusal((x) => (max(x).item() > 0 ? x : mul(2, x)));
    expect(message).toMatch(
      /reads a value that depends on its input \(item\(\).* what max gave\) at .*lower\.test\.ts/,
    );
    expect(refusal((x) => add(x, x.toArray() as number[] as never))).toContain("of the input");
  });

  test("a value recorded before the function ran is refused: it may come from the same input, and be frozen", () => {
    const encoder = mlp([2, 3, 2]);
    const features = encoder.forward(tensor([0.3, -0.2]));
    const frozen =
      /^lower: add \(%\d+, \[2\] at .*lower\.test\.ts.*\) reads add \(%\d+, \[2\]\), which was computed before/;
    expect(refusal((x) => add(x, features))).toMatch(frozen);
    expect(refusal((x) => add(x, features))).toMatch(/compute it inside the function, .* detach\(\)/);
    expect(refusal((x) => mul(x, mul(features, 2)))).toMatch(/mul .* reads add .*computed before/);
    expect(refusal(() => features)).toMatch(/add .* was computed before/);
    expect(() => linearize((x) => add(x, features), [1, 2])).toThrow(frozen);
    expect(() => lower(trace((x) => add(x, features), tensor([1, 2])))).toThrow(/computed before/);
  });

  test("what is detached, or was never recorded, is a constant, and so are parameters", () => {
    const encoder = mlp([2, 3, 2]);
    const features = encoder.forward(tensor([0.3, -0.2]));
    const before = detach(features);
    const unrecorded = noGrad(() => encoder.forward(tensor([1, 2])));
    expect(lower((x) => add(x, detach(features)), { shape: [2] }).layers).toEqual([]);
    expect(lower((x) => add(x, before), { shape: [2] }).layers).toEqual([]);
    expect(lower((x) => add(x, unrecorded), { shape: [2] }).layers).toEqual([]);
    const both = lower((x) => add(encoder.forward(x), encoder.forward(detach(features))), { shape: [2] });
    expect(both.layers.length).toBe(1);
  });

  test("reading a constant is fine", () => {
    expect(countsOf(lower((x) => (tensor([1]).item() > 0 ? relu(x) : x), { shape: [2] })).gates).toBe(2);
  });

  test("functions that do not do the same twice", () => {
    let runs = 0;
    expect(refusal((x) => mul(x, ++runs))).toMatch(
      /two runs of the function differ: a constant has other values \(read by mul at .*lower\.test\.ts/,
    );
    expect(refusal((x) => (++runs % 2 === 0 ? relu(x) : abs(x)))).toMatch(
      /two runs of the function differ: step \d is/,
    );
  });

  test("dropout and batch norm that train", () => {
    expect(refusal((x) => dropout(x))).toMatch(/random .* in dropout at .* draws random numbers.*call eval\(\)/);
    const training = (x: Tensor) => batchNorm(x, { training: true });
    expect(refusal(training, [3, 2])).toContain("call eval() where batch norm is training");
  });

  test("NaN and infinite weights", () => {
    const bad = tensor([1, Number.NaN], { name: "scale" });
    expect(refusal((x) => mul(x, bad))).toMatch(/reads constant "scale", whose element 1 is NaN/);
    const infinite = tensor([[1, Number.POSITIVE_INFINITY]]);
    expect(refusal((x) => matmul(infinite, x))).toContain("has the weight Infinity");
    expect(refusal((x) => relu(add(x, Number.POSITIVE_INFINITY)))).toContain("has Infinity as bias 0");
  });

  test("inputs that are not declared, missing shapes, several outputs, indices", () => {
    expect(refusal((x, y) => add(x, y))).toMatch(/takes 2 inputs, 1 is declared/);
    expect(() => lower(((x: Tensor) => x) as never)).toThrow(
      /pass its shape, such as lower\(net, \{ shape: \[2\] \}\)/,
    );
    expect(() => lower((x) => [x, x], { shape: [2] })).toThrow(/has 2 outputs, a PwlNet has one: return concat/);
    expect(() => lower((x) => x, { shape: [2], dtype: "int32" })).toThrow(/is int32/);
  });

  test("things that are no functions", () => {
    for (const thing of [undefined, null, {}, 3, "net"]) {
      expect(() => lower(thing as never, { shape: [2] })).toThrow(PiecewiseLinearError);
      expect(() => lower(thing as never, { shape: [2] })).toThrow(/expected a function of tensors, a module/);
    }
  });

  test("inputs without a shape, or with an option that there is not", () => {
    expect(() => lower(relu, {} as never)).toThrow(/lower: input 0: a shape is a list of non-negative integers/);
    expect(() => lower(relu, { shapes: [2] } as never)).toThrow(/lower: input 0: unknown option "shapes"/);
    expect(() => lower(relu, [{ shape: [2] }, [3]] as never)).toThrow(OptionError);
  });

  test("a shape that the function does not take, with both attempts", () => {
    const attempt = () => lower((x) => conv2d(x, zeros([1, 3, 2, 2])), { shape: [1, 4, 4] });
    expect(attempt).toThrow(ShapeError);
    expect(attempt).toThrow(/declared shape \[1, 4, 4\]: conv2d.*\nnor with a batch axis of 1 in front: conv2d/);
  });
});
