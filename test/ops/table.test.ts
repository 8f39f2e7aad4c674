import { allOps, checkGradients, defineOp, gradients, type Op, randn, type Tensor, tensor } from "crease";
import { describe, expect, test } from "vitest";
import { numbers } from "../../src/array/expression.js";
import { sizeOf } from "../../src/array/shape.js";
import { Generator } from "../../src/base/random.js";
import type { OpSample } from "../../src/graph/making.js";
import { broadcastShape, build, indicesOf, naive, plain, spread, valuesOf } from "../array/oracles.js";
import { inputsOf, isDifferentiable, keepsDtype, leaf, run, samplesOf } from "./samples.js";

const elementwise = allOps.filter((op) => op.scalar !== null);

/** What each elementwise op computes, written a second time. */
const FORMULAS: Record<string, (...args: number[]) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  neg: (x) => -x,
  maximum: (a, b) => Math.max(a, b),
  minimum: (a, b) => Math.min(a, b),
  abs: (x) => (x < 0 ? -x : x),
  sign: (x) => (x > 0 ? 1 : x < 0 ? -1 : 0),
  floor: (x) => Math.floor(x),
  square: (x) => x ** 2,
  reciprocal: (x) => x ** -1,
  sqrt: (x) => x ** 0.5,
  rsqrt: (x) => 1 / x ** 0.5,
  power: (a, b) => Math.exp(b * Math.log(a)),
  exp: (x) => Math.E ** x,
  log: (x) => Math.log2(x) * Math.LN2,
  log1p: (x) => Math.log(1 + x),
  sin: (x) => -Math.cos(x + Math.PI / 2),
  cos: (x) => Math.sin(x + Math.PI / 2),
  erf: (x) => integral((t) => (2 / Math.sqrt(Math.PI)) * Math.exp(-t * t), 0, x),
  relu: (x) => (x + Math.abs(x)) / 2,
  prelu: (x, slope) => Math.max(x, 0) + slope * Math.min(x, 0),
  sigmoid: (x) => (1 + Math.tanh(x / 2)) / 2,
  tanh: (x) => Math.sinh(x) / Math.cosh(x),
  softplus: (x) => Math.log(1 + Math.exp(x)),
  gelu: (x) => x * (0.5 + integral((t) => Math.exp((-t * t) / 2) / Math.sqrt(2 * Math.PI), 0, x)),
  silu: (x) => (x * (1 + Math.tanh(x / 2))) / 2,
  less: (a, b) => Number(a < b),
  lessEqual: (a, b) => Number(a <= b),
  greater: (a, b) => Number(a > b),
  greaterEqual: (a, b) => Number(a >= b),
  equal: (a, b) => Number(a === b),
  notEqual: (a, b) => Number(a !== b),
  where: (condition, a, b) => (condition ? a : b),
};

/** As FORMULAS, for ops with attributes. */
const WITH_ATTRIBUTES: Record<string, (x: number, attrs: Record<string, number>) => number> = {
  pow: (x, { exponent }) => (Number.isInteger(exponent) ? power(x, exponent) : Math.exp(exponent * Math.log(x))),
  leakyRelu: (x, { slope }) => Math.max(x, 0) + slope * Math.min(x, 0),
  clamp: (x, { min, max }) => [min, x, max].sort((a, b) => a - b)[1],
  elu: (x, { alpha }) => (x > 0 ? x : alpha * (Math.exp(x) - 1)),
};

/** Simpson's rule. */
function integral(f: (t: number) => number, from: number, to: number): number {
  const steps = 2000;
  const width = (to - from) / steps;
  let sum = f(from) + f(to);
  for (let i = 1; i < steps; i++) sum += (i % 2 === 1 ? 4 : 2) * f(from + i * width);
  return (sum * width) / 3;
}

function power(x: number, exponent: number): number {
  let product = 1;
  for (let i = 0; i < Math.abs(exponent); i++) product *= x;
  return exponent < 0 ? 1 / product : product;
}

function expectClose(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) => {
    if (!(Math.abs(value - expected[i]) <= tolerance * (1 + Math.abs(expected[i])))) {
      expect.fail(`element ${i} is ${value}, expected ${expected[i]}`);
    }
  });
}

describe("the table", () => {
  test("holds every op once, with a formula in words", () => {
    expect(new Set(allOps.map(({ name }) => name)).size).toBe(allOps.length);
    for (const op of allOps) expect(op.doc.length).toBeGreaterThan(1);
  });

  test("fails for an op without samples", () => {
    const bare = defineOp<readonly [Tensor]>({
      name: "bare",
      doc: "x",
      kind: "affine",
      scalar: (_, x) => x,
      vjp: [(dy) => dy],
      samples: [],
    });
    expect(() => samplesOf(bare.op)).toThrow("bare has no samples");
  });

  test("knows a second formula for every elementwise op", () => {
    const missing = elementwise.filter(({ name }) => !(name in FORMULAS) && !(name in WITH_ATTRIBUTES));
    expect(missing.map(({ name }) => name)).toEqual([]);
  });
});

describe.each(allOps.map((op) => [op.name, op] as const))("%s", (_, op) => {
  const samples = samplesOf(op).map((sample, i) => [`${i}: ${describeSample(sample)}`, sample, i + 1] as const);

  test.each(samples)("has the shape that its rule says, sample %s", (_, sample, seed) => {
    const inputs = inputsOf(sample, seed);
    const shapes = inputs.map((input) => input.shape);
    const y = run(op, sample, inputs);
    expect([...y.shape]).toEqual(
      op.shape === null ? broadcastShape(...shapes) : [...op.shape(shapes, sample.attrs ?? {})],
    );
    expect(y.size).toBe(sizeOf(y.shape));
    expect(y.requiresGrad).toBe(false);
  });

  test.each(samples)("gives in float32 what it gives in float64, sample %s", (_, sample, seed) => {
    const singles = inputsOf(sample, seed).map((x) => (x.dtype === "int32" ? x : x.to("float32")));
    const doubles = singles.map((x) => (x.dtype === "int32" ? x : x.to("float64")));
    const y = run(op, sample, singles);
    if (keepsDtype(op)) expect(y.dtype).toBe("float32");
    expectClose(plain(y).values, plain(run(op, sample, doubles)).values, 1e-5);
  });

  test.each(samples)("has the gradient of its value, first and second order, sample %s", (_, sample, seed) => {
    const inputs = inputsOf(sample, seed);
    const places = inputs.flatMap((x, i) => (x.dtype !== "int32" && isDifferentiable(op, i) ? [i] : []));
    const through = (...points: Tensor[]) =>
      run(
        op,
        sample,
        inputs.map((x, i) => (places.includes(i) ? points[places.indexOf(i)] : x)),
      );
    if (places.length === 0) {
      expect(
        run(
          op,
          sample,
          inputs.map((x) => leaf(x)),
        ).requiresGrad,
      ).toBe(false);
      return;
    }
    checkGradients(
      through,
      places.map((i) => inputs[i]),
    );
    // The same rule read by float32 tensors.
    const seedOf = randn(through(...places.map((i) => inputs[i])).shape, { generator: new Generator(seed) });
    const gradientsIn = (dtype: "float32" | "float64") => {
      const points = places.map((i) => leaf(inputs[i].to("float32"), dtype));
      const y = through(...points);
      return gradients(y, points, { seed: seedOf.to(y.dtype as "float32") });
    };
    const doubles = gradientsIn("float64");
    gradientsIn("float32").forEach((gradient, k) => {
      expect(gradient.dtype).toBe("float32");
      expectClose(plain(gradient).values, plain(doubles[k]).values, 2e-5);
    });
  });

  test.each(samples)(`depends on its inputs as its kind (${op.kind}) says, sample %s`, (_, sample, seed) => {
    const inputs = inputsOf(sample, seed);
    const moved = inputsOf(sample, seed + 1000);
    const places = inputs.flatMap((x, i) => (x.dtype !== "int32" && isDifferentiable(op, i) ? [i] : []));
    const at = (share: number, which: readonly number[]) => {
      const point = inputs.map((x, i) => (which.includes(i) ? x.mul(1 - share).add(moved[i].mul(share)) : x));
      return plain(run(op, sample, point)).values;
    };
    /** Whether the value is affine along the way from `inputs` to `moved`. */
    const isAffineAlong = (which: readonly number[]) => {
      const [start, end, middle] = [at(0, which), at(1, which), at(0.3, which)];
      expectClose(
        middle,
        start.map((value, i) => 0.7 * value + 0.3 * end[i]),
        1e-12,
      );
    };
    if (op.kind === "affine") isAffineAlong(places);
    if (op.kind === "bilinear") for (const i of places) isAffineAlong([i]);
    if (op.kind === "gate" || op.kind === "step") {
      // Near almost every point a gate is affine in each input, and a step is constant.
      for (const i of op.kind === "gate" ? places : [...inputs.keys()].filter((k) => inputs[k].dtype !== "int32")) {
        const [start, near, nearer] = [at(0, [i]), at(1e-9, [i]), at(0.3e-9, [i])];
        if (op.kind === "step") expect(near).toEqual(start);
        else
          expectClose(
            nearer,
            start.map((value, k) => 0.7 * value + 0.3 * near[k]),
            1e-14,
          );
      }
    }
  });
});

function describeSample({ inputs, attrs = {} }: OpSample): string {
  const shapes = inputs.map((input) => (typeof input === "function" ? "index" : `[${input}]`));
  return `${shapes.join(" ")} ${JSON.stringify(attrs)}`;
}

/** Sets of shapes for a number of arguments: equal, scalar, broadcast, size 1, empty, and long enough for SIMD. */
function shapesFor(arity: number): (readonly number[])[][] {
  const lists = [
    [[], [], []],
    [[1], [1], [1]],
    [[5], [5], [5]],
    [[2, 1, 3], [4, 1], []],
    [[0], [0], [1]],
    [[2, 0, 3], [1, 3], []],
    [[40], [40], [40]],
    [[3, 33], [33], [3, 1]],
  ];
  return lists.map((list) => list.slice(0, arity));
}

/** Values at which some op has a kink or a tie, and others. */
const TELLING = [0, -0, 1, -1, 0.5, -0.5, 0.7, 2, -2, 1.5, 0.25, 6];

describe.each(elementwise.map((op) => [op.name, op] as const))("elementwise %s", (name, op) => {
  const arity = op.samples[0].inputs.length;
  const attrs = op.samples[0].attrs ?? {};
  const positive = op.samples[0].range !== undefined;
  const inputsFor = (shapes: readonly (readonly number[])[], offset: number) =>
    shapes.map((shape, k) => {
      const values = indicesOf(shape).map((_, i) => TELLING[(i * (k + 1) + 5 * k + offset) % TELLING.length]);
      return tensor(
        Float64Array.from(values, (value) => (positive ? Math.abs(value) + 0.25 : value)),
        { shape },
      );
    });

  test("computes its formula at every index of every broadcast", () => {
    for (const shapes of shapesFor(arity)) {
      const inputs = inputsFor(shapes, 1);
      const shape = broadcastShape(...shapes) as number[];
      const args = inputs.map((x) => spread(naive(x), shape));
      const expected = build(shape, (index) => {
        const values = args.map((x) => x.at(index));
        return name in FORMULAS
          ? FORMULAS[name](...values)
          : WITH_ATTRIBUTES[name](values[0], attrs as Record<string, number>);
      });
      const y = run(op, { inputs: [], attrs }, inputs);
      expect([...y.shape]).toEqual(shape);
      expectClose(plain(y).values, valuesOf(expected), 1e-12);
    }
  });

  test.each(["float64", "float32"] as const)("has one gradient, fused or run as ops, in %s", (dtype) => {
    for (const shapes of shapesFor(arity)) {
      for (let offset = 0; offset < (shapes[0].length === 0 ? TELLING.length : 2); offset++) {
        const inputs = inputsFor(shapes, offset);
        const leaves = inputs.map((x) => leaf(x, dtype));
        const y = run(op, { inputs: [], attrs }, leaves);
        if (!y.requiresGrad) continue;
        const seed = randn(y.shape, { dtype, generator: new Generator(offset) });
        const fused = gradients(y, leaves, { seed });
        const asOps = gradients(y, leaves, { seed, createGraph: true });
        y.backward({ seed });
        fused.forEach((gradient, i) => {
          const tolerance = dtype === "float64" ? 1e-14 : 1e-5;
          expectClose(plain(gradient).values, plain(asOps[i]).values, tolerance);
          expect([...gradient.shape]).toEqual([...leaves[i].shape]);
          // backward takes another way where all are scalars.
          const accumulated = leaves[i].grad;
          if (accumulated === null) expect(isDifferentiable(op, i)).toBe(false);
          else expectClose(plain(accumulated).values, plain(gradient).values, tolerance);
        });
      }
    }
  });
});

test("the scalar statement of an op and its tensors agree where numbers are extreme", () => {
  const extreme = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e300, -1e300, 1e-300, 0, 1];
  for (const op of elementwise as readonly Op[]) {
    const arity = op.samples[0].inputs.length;
    const attrs = op.samples[0].attrs ?? {};
    for (const [i, a] of extreme.entries()) {
      const values = [a, extreme[(i + 3) % 8], extreme[(i + 6) % 8]].slice(0, arity);
      const expected = op.scalar?.(numbers as never, ...values, attrs) as number;
      for (const shape of [[], [1], [3], [40]]) {
        const inputs = values.map((value) => tensor(new Float64Array(sizeOf(shape)).fill(value), { shape }));
        for (const value of run(op, { inputs: [], attrs }, inputs).data) {
          if (Math.abs(value - expected) <= 1e-13 * Math.abs(expected)) continue;
          expect([op.name, values, value + 0]).toEqual([op.name, values, expected + 0]);
        }
      }
    }
  }
});
