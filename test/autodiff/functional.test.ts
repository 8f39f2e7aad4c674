import {
  exp,
  grad,
  hessian,
  jacobian,
  jvp,
  matmul,
  noGrad,
  randn,
  sin,
  type Tensor,
  tensor,
  trace,
  valueAndGrad,
  vjp,
} from "crease";
import { describe, expect, test } from "vitest";
import { DtypeError, GradientError, ShapeError, TraceError } from "../../src/base/errors.js";
import { Generator } from "../../src/base/random.js";
import { plain } from "../array/oracles.js";

const f64 = (values: number | number[] | number[][]) => tensor(values, { dtype: "float64" });
const close = (x: Tensor, expected: readonly number[]) => {
  const { values } = plain(x);
  expect(values.length).toBe(expected.length);
  values.forEach((value, i) => {
    expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(1e-12 * (1 + Math.abs(expected[i])));
  });
};

describe("grad", () => {
  test("of one argument is a tensor, of several a list", () => {
    const cube = grad((x: Tensor) => x.pow(3).sum());
    close(cube(f64([1, 2])), [3, 12]);
    const [da, db] = grad((a: Tensor, b: Tensor) => a.mul(b).sum())(f64([1, 2]), f64([3, 4]));
    close(da, [3, 4]);
    close(db, [1, 2]);
  });

  test("nests: the derivatives of sin, up to the fifth", () => {
    let f: (x: Tensor) => Tensor = sin;
    for (const expected of [Math.cos, (x: number) => -Math.sin(x), (x: number) => -Math.cos(x), Math.sin, Math.cos]) {
      f = grad(f);
      close(f(f64(0.7)), [expected(0.7)]);
    }
  });

  test("nests inside of a function that uses the same variable: d/dx (x · d/dx x²) = 4x", () => {
    const f = (x: Tensor) => x.mul(grad((y: Tensor) => y.square())(x));
    close(grad(f)(f64(3)), [12]);
  });

  test("of an inner function that uses the outer variable: d/dx d/dy (x·y²) at y = x is 2·x·x, so 4x outside", () => {
    const f = (x: Tensor) => grad((y: Tensor) => x.mul(y.square()))(x);
    close(f(f64(3)), [18]);
    close(grad(f)(f64(3)), [12]);
  });

  test("gives the value as well", () => {
    const [value, slope] = valueAndGrad((x: Tensor) => x.square().sum())(f64([1, 2]));
    expect(value.item()).toBe(5);
    close(slope, [2, 4]);
    expect([value.requiresGrad, slope.requiresGrad]).toEqual([false, false]);
  });

  test("of a function that does not depend on its argument is 0", () => {
    close(grad((_: Tensor) => f64(7))(f64([1, 2])), [0, 0]);
    close(grad((x: Tensor) => x.detach().sum())(f64([1, 2])), [0, 0]);
  });

  test("stays connected to what requires a gradient outside", () => {
    const w = tensor([2, 3], { dtype: "float64", requiresGrad: true });
    const slope = grad((x: Tensor) => x.mul(w).square().sum())(f64([1, 1]));
    close(slope, [8, 18]);
    slope.sum().backward();
    close(w.grad as Tensor, [8, 12]);
  });

  test("works inside noGrad, and leaves no .grad behind", () => {
    const x = tensor([1, 2], { dtype: "float64", requiresGrad: true });
    const slope = noGrad(() => grad((y: Tensor) => y.square().sum())(x));
    close(slope, [2, 4]);
    expect(slope.requiresGrad).toBe(false);
    expect(x.grad).toBeNull();
  });

  test("inside a trace is connected to the trace's input", () => {
    const graph = trace((x) => grad((y: Tensor) => y.pow(3).sum())(x), f64([1, 2]));
    const reached = new Set(graph.outputs);
    for (const node of reached) for (const input of node.inputs) reached.add(input);
    expect(reached.has(graph.inputs[0])).toBe(true);
    expect(graph.parameters).toEqual([]);
    close(graph.outputs[0].value, [3, 12]);
  });
});

describe("vjp and jvp", () => {
  const generator = new Generator(4);
  const A = randn([3, 2], { dtype: "float64", generator });
  const f = (x: Tensor) => exp(matmul(A, x));
  const x = f64([0.3, -0.2]);
  const exact = () => {
    const y = f(x).data;
    return [0, 1, 2].map((i) => [0, 1].map((j) => A.data[2 * i + j] * y[i]));
  };

  test("multiply the jacobian from the left and from the right", () => {
    const J = exact();
    const dy = [1, -2, 0.5];
    const [value, pull] = vjp(f, x);
    close(value, [...f(x).data]);
    close(
      pull(f64(dy))[0],
      [0, 1].map((j) => J.reduce((sum, row, i) => sum + dy[i] * row[j], 0)),
    );
    // More than once.
    close(pull(f64([0, 0, 0]))[0], [0, 0]);
    const dx = [0.7, 4];
    const [again, pushed] = jvp(f, [x], [f64(dx)]);
    close(again, [...f(x).data]);
    close(
      pushed,
      J.map((row) => row[0] * dx[0] + row[1] * dx[1]),
    );
    expect(pushed.requiresGrad).toBe(false);
  });

  test("take several arguments", () => {
    const [, pushed] = jvp((a, b) => a.mul(b), [f64(2), f64(3)], [f64(10), f64(100)]);
    close(pushed, [230]);
    const [, pull] = vjp((a, b) => a.mul(b), f64(2), f64(3));
    expect(pull(f64(1)).map((gradient) => gradient.item())).toEqual([3, 2]);
  });

  test("of a linear function is the function of the tangent", () => {
    close(jvp((y) => matmul(A, y), [x], [f64([1, 0])])[1], [A.data[0], A.data[2], A.data[4]]);
  });

  test("of a constant are 0", () => {
    close(jvp(() => f64([1, 2]), [x], [x])[1], [0, 0]);
    close(vjp(() => f64([1, 2]), x)[1](f64([1, 1]))[0], [0, 0]);
  });

  test("nest: the second directional derivative of x³ along v is 6·x·v²", () => {
    const v = f64(2);
    const slope = (y: Tensor) => jvp((z) => z.pow(3), [y], [v])[1];
    close(jvp(slope, [f64(5)], [v])[1], [6 * 5 * 4]);
  });
});

describe("jacobian", () => {
  test("has shape [...out, ...in]", () => {
    const f = (x: Tensor) => x.transpose().reshape([3, 2, 1]);
    const J = jacobian(
      f,
      f64([
        [1, 2, 3],
        [4, 5, 6],
      ]),
    );
    expect(J.shape).toEqual([3, 2, 1, 2, 3]);
    // Output (j, i, 0) is input (i, j).
    for (const i of [0, 1]) for (const j of [0, 1, 2]) expect(J.data[(j * 2 + i) * 6 + i * 3 + j]).toBe(1);
    expect(J.sum().item()).toBe(6);
  });

  test("of an elementwise function is diagonal, of a linear one its matrix", () => {
    close(jacobian(sin, f64([0.1, 0.2])), [Math.cos(0.1), 0, 0, Math.cos(0.2)]);
    const A = f64([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    close(
      jacobian((x) => matmul(A, x), f64([7, 8])),
      [1, 2, 3, 4, 5, 6],
    );
    expect(jacobian((x) => x.square(), f64(3)).shape).toEqual([]);
    expect(jacobian((x) => x.mul(2), tensor(new Float64Array(0))).shape).toEqual([0, 0]);
  });

  test("of a function without its argument is 0", () => {
    close(
      jacobian(() => f64([1, 2]), f64([1])),
      [0, 0],
    );
  });
});

describe("hessian", () => {
  test("of xᵀA·x/2 + b·x is (A + Aᵀ)/2", () => {
    const A = f64([
      [2, 1],
      [0, 4],
    ]);
    const f = (x: Tensor) =>
      x
        .matmul(A)
        .matmul(x)
        .mul(0.5)
        .add(x.mul(f64([9, 9])).sum());
    close(hessian(f, f64([3, -1])), [2, 0.5, 0.5, 4]);
  });

  test("of the Rosenbrock function is the closed form", () => {
    const f = (p: Tensor) => {
      const [x, y] = [p.slice([[0, 1]]), p.slice([[1, 2]])];
      return x.sub(1).square().add(y.sub(x.square()).square().mul(100)).sum();
    };
    const [x, y] = [-1.2, 1];
    close(hessian(f, f64([x, y])), [2 - 400 * (y - 3 * x * x), -400 * x, -400 * x, 200]);
  });

  test("of a linear function is 0, of a scalar argument a scalar", () => {
    close(
      hessian((x) => x.sum(), f64([1, 2])),
      [0, 0, 0, 0],
    );
    const second = hessian((x) => x.pow(4), f64(2));
    expect([second.shape, second.item()]).toEqual([[], 48]);
  });
});

describe("bad calls", () => {
  const x = f64([1, 2]);
  test.each<[string, () => unknown, new (...args: never[]) => Error, RegExp]>([
    [
      "a value of several numbers",
      () => grad((y: Tensor) => y.mul(2))(x),
      GradientError,
      /grad: the function returned shape \[2\].*use jacobian/,
    ],
    ["no tensor as argument", () => grad((y: Tensor) => y.sum())(3 as never), GradientError, /grad: argument 0 is 3/],
    [
      "an index as argument",
      () => grad((y: Tensor) => y.sum())(tensor([1], { dtype: "int32" })),
      DtypeError,
      /grad: argument 0 is int32/,
    ],
    [
      "no tensor as result",
      () => vjp(() => 3 as never, x),
      GradientError,
      /vjp: the function returned 3; return one tensor/,
    ],
    [
      "a promise",
      () => grad((async (y: Tensor) => y) as never)(x as never),
      TraceError,
      /grad: the function returned a promise/,
    ],
    ["too few tangents", () => jvp((a) => a, [x], []), GradientError, /1 inputs and 0 tangents/],
    [
      "a tangent of another shape",
      () => jvp((a) => a, [x], [f64(1)]),
      ShapeError,
      /tangent 0 has shape \[\], its input \[2\]/,
    ],
    [
      "a seed of another shape",
      () => vjp((a) => a.mul(2), x)[1](f64(1)),
      ShapeError,
      /seed has shape \[\], the output \[2\]/,
    ],
    [
      "a hessian of several numbers",
      () => hessian((y) => y, x),
      GradientError,
      /hessian: the function returned shape \[2\]/,
    ],
  ])("%s", (_, call, Class, message) => {
    expect(call).toThrow(Class);
    expect(call).toThrow(message);
  });
});
