import {
  type Binary,
  checkGradients,
  defineOp,
  exp,
  matmul,
  mul,
  neg,
  type Tensor,
  tensor,
  type Unary,
  type Variadic,
} from "crease";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DtypeError, OptionError, ShapeError, ValueError } from "../../src/base/errors.js";

const f64 = (values: number[] | number) => tensor(values, { dtype: "float64" });

describe("an op of a user", () => {
  const cube = defineOp<Unary>({
    name: "cube",
    doc: "x³",
    kind: "smooth",
    scalar: (e, x) => e.mul(x, e.mul(x, x)),
    vjp: [(dy, x) => mul(dy, mul(3, mul(x, x)))],
    samples: [{ inputs: [[2, 3]] }],
  });

  test("is elementwise by its scalar statement, with derivatives of any order", () => {
    expect(cube(f64([1, 2, -3])).toArray()).toEqual([1, 8, -27]);
    expect(cube(2).item()).toBe(8);
    checkGradients(cube, [f64([0.3, -1.2])]);
  });

  test("has a gradient rule that may branch on values, and use variables that change", () => {
    const gradientOf = ({ grad }: Tensor) => grad?.data[0];
    let slope = 0.1;
    const leaky = defineOp<Unary>({
      name: "leaky",
      doc: "x, or slope · x below 0",
      kind: "gate",
      scalar: (e, x) => e.maximum(x, e.mul(x, e.constant(0.1))),
      vjp: [(dy, x) => (x.item() > 0 ? dy : mul(dy, slope))],
      samples: [{ inputs: [[1]] }],
    });
    const shapes = [[], [1], [1, 1]] as const;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: 0, max: 9 }), fc.constantFrom(...shapes))),
        (uses) => {
          for (const [value, now, shape] of uses) {
            slope = now;
            const x: Tensor = tensor([value], { shape, dtype: "float64", requiresGrad: true });
            // As a graph of single numbers, and as one with a reduction.
            for (const y of [leaky(x).mul(3), leaky(x).mul(3).sum()]) {
              x.grad = null;
              y.backward();
              expect(gradientOf(x)).toBe(value > 0 ? 3 : 3 * now);
            }
          }
        },
      ),
      { seed: 1 },
    );
  });

  test("broadcasts where it has two arguments, and numbers adopt the dtype", () => {
    const hypotenuse = defineOp<Binary>({
      name: "hypotenuse",
      doc: "√(a² + b²)",
      kind: "smooth",
      scalar: (e, a, b) => e.sqrt(e.add(e.mul(a, a), e.mul(b, b))),
      vjp: [(dy, a, _b, y) => mul(dy, a.div(y)), (dy, _a, b, y) => mul(dy, b.div(y))],
      samples: [{ inputs: [[2], [2]] }],
    });
    expect(hypotenuse(tensor([[3], [8]]), tensor([4, 6])).shape).toEqual([2, 2]);
    expect(hypotenuse(f64([3]), 4).toArray()).toEqual([5]);
    expect(hypotenuse(f64([3]), 4).dtype).toBe("float64");
    checkGradients(hypotenuse, [f64([1, 2]), f64(3)]);
  });

  test("takes attributes, and keeps apart what was derived for others", () => {
    const scaled = defineOp<Unary, { factor: number }>({
      name: "scaled",
      doc: "factor · x",
      kind: "affine",
      scalar: (e, x, { factor }) => e.mul(e.constant(factor), x),
      vjp: [(dy, _x, _y, { factor }) => mul(dy, factor)],
      samples: [{ inputs: [[2]], attrs: { factor: 2 } }],
    });
    for (const factor of [2, 5, 2, -1]) {
      for (const x of [tensor(3, { requiresGrad: true }), tensor([3, 4], { requiresGrad: true })]) {
        const y = scaled(x, { factor });
        expect(y.data[0]).toBe(3 * factor);
        y.sum().backward();
        expect(x.grad?.data[0]).toBe(factor);
      }
    }
  });

  test("takes any number of tensors, with a rule for each by its number", () => {
    const total = defineOp<Variadic>({
      name: "total",
      doc: "Σ (i + 1) · x_i",
      kind: "affine",
      shape: ([first]) => first,
      forward: (out, inputs) => {
        inputs.forEach((x, i) => {
          for (let k = 0; k < out.size; k++) out.buffer[out.offset + k] += (i + 1) * x.buffer[x.offset + k];
        });
      },
      vjp:
        (index) =>
        (dy, ..._) =>
          mul(dy, index + 1),
      samples: [{ inputs: [[2], [2]] }],
    });
    const parts = [1, 2, 3, 4].map((value) => f64([value]));
    expect(total(...parts).item()).toBe(30);
    checkGradients((...xs: Tensor[]) => total(...xs), parts);
  });

  test("takes another number of tensors at each call, also where it is elementwise", () => {
    const total = defineOp<Variadic>({
      name: "elementwiseTotal",
      doc: "Σ x_i",
      kind: "affine",
      scalar: (e, ...rest) => (rest.slice(0, -1) as never[]).reduce((sum, x) => e.add(sum, x) as never),
      vjp:
        () =>
        (dy, ..._) =>
          mul(dy, 3),
      samples: [{ inputs: [[2], [2]] }],
    });
    for (const values of [1, [1]]) {
      for (const count of [3, 6, 2, 5]) {
        const parts = Array.from({ length: count }, () => tensor(values, { requiresGrad: true }));
        const y = total(...parts);
        expect(y.item()).toBe(count);
        y.backward();
        expect(parts.map((one) => one.grad?.data[0])).toEqual(new Array(count).fill(3));
      }
    }
  });

  test("gives no gradient where it has no rule, to numbers as to arrays", () => {
    const scaled = defineOp<Binary>({
      name: "scaled",
      doc: "a b, where a is given",
      kind: "bilinear",
      scalar: (e, a, b) => e.mul(a, b),
      vjp: [null, (dy, a) => mul(dy, a)],
      samples: [{ inputs: [[2], [2]] }],
    });
    for (const values of [1, [1]]) {
      const [a, b] = [tensor(values, { requiresGrad: true }), tensor(values, { requiresGrad: true })];
      scaled(mul(a, 2), b).backward();
      expect(a.grad).toBeNull();
      expect(b.grad?.data[0]).toBe(2);
    }
  });

  test("may have a rule of other ops than elementwise ones", () => {
    const odd = defineOp<Unary>({
      name: "odd",
      doc: "−x",
      kind: "affine",
      scalar: (e, x) => e.neg(x),
      vjp: [(dy) => neg(dy.reshape([-1]).reshape(dy.shape))],
      samples: [{ inputs: [[2]] }],
    });
    for (const x of [tensor(3, { requiresGrad: true }), tensor([3, 4], { requiresGrad: true })]) {
      odd(x).sum().backward();
      expect(x.grad?.data[0]).toBe(-1);
    }
  });

  test("must say how it is computed", () => {
    const bare = () => defineOp<Unary>({ name: "bare", doc: "", kind: "smooth", vjp: [(dy) => dy], samples: [] });
    expect(bare).toThrow(OptionError);
    expect(bare).toThrow("defineOp(bare): give scalar, or both shape and forward");
  });
});

describe("operands", () => {
  test("numbers adopt the dtype of the tensor beside them", () => {
    expect(tensor([1]).add(0.1).dtype).toBe("float32");
    expect(f64([1]).add(0.1).toArray()).toEqual([1.1]);
    expect(mul(2, f64([1.5])).toArray()).toEqual([3]);
    expect(mul(2, 3).item()).toBe(6);
    expect(exp(0).dtype).toBe("float32");
  });

  test("float32 with float64 gives float64", () => {
    expect(
      tensor([0.1])
        .add(f64([0]))
        .toArray(),
    ).toEqual([Math.fround(0.1)]);
    expect(tensor([0.1]).add(f64([0])).dtype).toBe("float64");
  });

  test("indices may be compared, with integers only", () => {
    const index = tensor([1, 2, 3], { dtype: "int32" });
    expect(index.equal(2).toArray()).toEqual([0, 1, 0]);
    expect(index.less(tensor([2, 2, 2], { dtype: "int32" })).toArray()).toEqual([1, 0, 0]);
    const many = tensor(
      Int32Array.from({ length: 99 }, (_, i) => i - 50),
      { shape: [3, 33] },
    );
    const row = tensor(Int32Array.from({ length: 33 }, (_, i) => i - 17));
    expect([...many.less(0).data]).toEqual([...many.data].map((value) => Number(value < 0)));
    expect([...many.equal(row).data]).toEqual([...many.data].map((value, i) => Number(value === (i % 33) - 17)));
    expect([...many.equal(many).data].every((value) => value === 1)).toBe(true);
    expect(() => index.less(2.5)).toThrow(DtypeError);
    expect(() => index.less(2.5)).toThrow(/less: int32 with 2\.5/);
  });

  test.each<[string, () => unknown, new (...args: never[]) => Error, RegExp]>([
    [
      "int32 in arithmetic",
      () => tensor([1], { dtype: "int32" }).add(1),
      DtypeError,
      /add: got int32 and int32; int32 tensors are indices/,
    ],
    ["int32 in a function", () => exp(tensor([1], { dtype: "int32" })), DtypeError, /exp: got int32/],
    [
      "int32 in a product",
      () => matmul(tensor([[1]], { dtype: "int32" }), tensor([[1]])),
      DtypeError,
      /matmul: got int32 and float32/,
    ],
    ["int32 in a sum", () => tensor([1], { dtype: "int32" }).sum(), DtypeError, /sum: got int32/],
    [
      "shapes that do not broadcast",
      () => tensor([1, 2]).add(tensor([1, 2, 3])),
      ShapeError,
      /add: shapes \[2\] and \[3\] do not broadcast: axis -1 is 2 and 3/,
    ],
    [
      "an array",
      () => mul(tensor([1]), [1] as never),
      ValueError,
      /mul: expected a tensor or a number, got an array; make a tensor of it/,
    ],
    [
      "undefined",
      () => tensor([1]).add(undefined as never),
      ValueError,
      /add: expected a tensor or a number, got undefined/,
    ],
    ["a text", () => exp("1" as never), ValueError, /exp: expected a tensor or a number, got 1/],
  ])("refuses %s", (_, call, Class, message) => {
    expect(call).toThrow(Class);
    expect(call).toThrow(message);
  });
});
