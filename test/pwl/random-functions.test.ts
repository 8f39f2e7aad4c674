import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { jacobian } from "../../src/autodiff/functional.js";
import { copyOf, fromArray } from "../../src/graph/new-tensor.js";
import type { Tensor } from "../../src/graph/tensor.js";
import { checkNet } from "../../src/pwl/check.js";
import { evaluate } from "../../src/pwl/evaluate.js";
import { linearize, linearizeNet } from "../../src/pwl/linearize.js";
import { flattened } from "../../src/pwl/point.js";
import { lower } from "../../src/pwl/read.js";
import { countsOf } from "../../src/pwl/text.js";
import { type RandomFunction, randomFunction } from "./functions.js";
import { distance, stream, vector } from "./nets.js";

const seen = new Map<string, number>();
let functions = 0;
let gates = 0;
const note = ({ features }: RandomFunction) => {
  functions++;
  for (const feature of features) seen.set(feature, (seen.get(feature) ?? 0) + 1);
};

const lowered = (random: RandomFunction) =>
  lower(
    random.fn,
    random.shapes.map((shape) => ({ shape, dtype: random.dtype })),
  );

/** What single or double precision can be expected to keep of a computation of a few dozen steps on numbers of this size. */
const tolerance = (random: RandomFunction, values: ArrayLike<number>): number => {
  const size = Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  return size * (random.dtype === "float64" ? 1e-11 : 2e-4);
};

const seedPair = fc.tuple(fc.integer(), fc.integer());

describe("any random piecewise-linear function", () => {
  test("is the PwlNet that it is lowered to, at any input, also a large one", () => {
    fc.assert(
      fc.property(seedPair, fc.constantFrom(1, 100, 1e6), ([seed, at], scale) => {
        const random = randomFunction(seed);
        const net = checkNet(lowered(random));
        note(random);
        gates += countsOf(net).gates;
        const inputs = random.inputs(at, scale);
        const value = copyOf(random.fn(...inputs));
        expect(distance(evaluate(net, flattened(inputs)).output, value)).toBeLessThan(
          tolerance(random, [...value, scale]),
        );
      }),
      { numRuns: 400 },
    );
  });

  test("is A x + b around x, and beyond the nearest crease exactly that gate is in another state", () => {
    fc.assert(
      fc.property(seedPair, ([seed, at]) => {
        const random = randomFunction(seed);
        const inputs = random.inputs(at);
        const here = linearize(random.fn, inputs);
        if (here.onCrease) return;
        const x = flattened(inputs);
        const { data: A } = here.A;
        const affine = (point: Float64Array) =>
          Float64Array.from(here.b.data, (value, i) => {
            for (let j = 0; j < point.length; j++) value += A[i * point.length + j] * point[j];
            return value;
          });
        const value = copyOf(random.fn(...inputs));
        expect(distance(affine(x), value)).toBeLessThan(tolerance(random, value));
        const margin = here.margin();
        const next = stream(seed ^ at);
        for (let trial = 0; trial < 3; trial++) {
          const direction = vector(next, x.length);
          const reach = (0.99 * Math.min(margin, 3)) / Math.hypot(...direction);
          const point = x.map((one, j) => one + reach * direction[j]);
          const there = evaluate(here.net, point).output;
          expect(distance(affine(point), there)).toBeLessThan(1e-11 * Math.max(1, ...there.map(Math.abs)));
          expect(linearizeNet(here.net, point).pattern.equals(here.pattern)).toBe(true);
        }
        const nearest = here.nearest();
        if (nearest === null || nearest.distance > 1e3 || nearest.distance < 1e-9) return;
        const beyond = x.map((one, j) => one + (nearest.point[j] - one) * (1 + 1e-7));
        const differences = linearizeNet(here.net, beyond).pattern.differences(here.pattern);
        const { layerStarts } = here.pattern.layout;
        expect(differences[0]).toBe(layerStarts[nearest.layer] + nearest.unit);
      }),
      { numRuns: 300 },
    );
  });

  test("has the jacobian of automatic differentiation as its A, wherever it is not on a crease", () => {
    let compared = 0;
    fc.assert(
      fc.property(seedPair, ([seed, at]) => {
        const random = randomFunction(seed);
        if (random.shapes.length > 1) return;
        const [x] = random.inputs(at);
        const here = linearize(random.fn, x);
        if (here.onCrease) return;
        compared++;
        const J = jacobian(random.fn as (x: Tensor) => Tensor, x);
        expect(J.shape).toEqual(here.A.shape);
        expect(distance(J.data, here.A.data)).toBeLessThan(tolerance(random, here.A.data));
      }),
      { numRuns: 300 },
    );
    expect(compared).toBeGreaterThan(150);
  });

  test("has the same net whether it is declared without or traced with its batch axis", () => {
    const random = randomFunction(12);
    const [shape] = random.shapes;
    const x = random.inputs(3)[0];
    const net = lowered(random);
    expect(net.inputs[0].shape).toEqual(shape);
    expect(evaluate(net, copyOf(fromArray(copyOf(x), x.dtype, [x.size]))).output.length).toBe(2);
  });

  afterAll(() => {
    const share = (count: number) => `${Math.round((100 * count) / functions)} %`;
    const lines = [...seen].sort(([, a], [, b]) => b - a).map(([feature, count]) => `${feature} ${share(count)}`);
    console.log(
      `${functions} random functions, ${(gates / functions).toFixed(1)} gates on average; with ${lines.join(", ")}`,
    );
  });
});
