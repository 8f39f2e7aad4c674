import { type CheckOptions, checkGradients, defineOp, mul, randn, type Tensor, tensor, type Unary } from "crease";
import { describe, expect, test } from "vitest";
import { DtypeError, GradientError, OptionError, TraceError } from "../../src/base/errors.js";
import { Generator } from "../../src/base/random.js";

/** The square with a gradient rule to be planted. */
function squareWith(rule: (dy: Tensor, x: Tensor) => Tensor): (x: Tensor) => Tensor {
  return defineOp<Unary>({
    name: "planted",
    doc: "x²",
    kind: "smooth",
    scalar: (e, x) => e.mul(x, x),
    vjp: [rule],
    samples: [{ inputs: [[3]] }],
  });
}

/** The values of `a`, which differences see and no gradient does. */
const cut = (a: Tensor) => a.detach();

const x = randn([3], { dtype: "float64", generator: new Generator(2) });
const message = (call: () => void): string => {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(GradientError);
    return (error as Error).message;
  }
  return "no error";
};

describe("checkGradients", () => {
  test("passes the right rule", () => {
    checkGradients(
      squareWith((dy, a) => mul(dy, mul(2, a))),
      [x],
    );
  });

  test("fails a wrong first order, and names the order and both slopes", () => {
    for (const wrong of [
      squareWith((dy, a) => mul(dy, mul(2.0001, a))),
      squareWith((dy, a) => mul(dy, a)),
      squareWith((dy) => dy),
    ]) {
      expect(message(() => checkGradients(wrong, [x]))).toMatch(
        /the first-order gradient gives slope -?[\d.]+ along a random direction, central differences give -?[\d.]+/,
      );
    }
  });

  test("fails a rule that is right in value and wrong to differentiate", () => {
    const wrong = squareWith((dy, a) => mul(dy, mul(2, cut(a))));
    expect(message(() => checkGradients(wrong, [x]))).toMatch(/second-order gradient/);
    checkGradients(wrong, [x], { order: 1 });
  });

  test("fails a rule that is wrong for one element of many", () => {
    const mask = tensor([1, 1, 1.001], { dtype: "float64" });
    const wrong = defineOp<Unary>({
      name: "planted",
      doc: "3x",
      kind: "affine",
      shape: ([shape]) => shape,
      forward: (out, [a]) => {
        for (let i = 0; i < a.size; i++) out.buffer[out.offset + i] = 3 * a.buffer[a.offset + i];
      },
      vjp: [(dy) => mul(mul(dy, 3), mask)],
      samples: [{ inputs: [[3]] }],
    });
    expect(message(() => checkGradients(wrong, [x]))).toMatch(/first-order gradient/);
  });

  test("checks every input", () => {
    const f = (a: Tensor, b: Tensor) => a.mul(cut(b));
    expect(message(() => checkGradients(f, [x, x]))).toMatch(/first-order/);
  });

  test("takes inputs of any size, and none of influence", () => {
    checkGradients((a) => a.mul(a).sum(), [x.mul(1e6)]);
    checkGradients((a) => a.mul(a).sum(), [x.mul(1e-6)]);
    checkGradients((a) => a.detach().mul(0).sum(), [x]);
    checkGradients(() => tensor(3, { dtype: "float64" }), [x]);
    checkGradients((a) => a.exp(), [tensor(new Float64Array(0))]);
  });

  test("does not change its inputs", () => {
    const leaf = tensor([1, 2], { dtype: "float64", requiresGrad: true });
    checkGradients((a) => a.square(), [leaf]);
    expect([leaf.grad, leaf.toArray()]).toEqual([null, [1, 2]]);
  });

  test.each<[string, () => void, new (...args: never[]) => Error, RegExp]>([
    [
      "float32",
      () => checkGradients((a) => a, [tensor([1])]),
      DtypeError,
      /input 0 is float32; differences need float64/,
    ],
    [
      "an unknown option",
      () => checkGradients((a) => a, [x], { tol: 1 } as CheckOptions),
      OptionError,
      /unknown option "tol"/,
    ],
    ["a promise", () => checkGradients((async (a: Tensor) => a) as never, [x]), TraceError, /returned a promise/],
    ["no inputs", () => checkGradients(() => x, []), GradientError, /checkGradients: got no inputs/],
  ])("refuses %s", (_, call, Class, text) => {
    expect(call).toThrow(Class);
    expect(call).toThrow(text);
  });
});
