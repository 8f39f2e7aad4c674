/** Steps that are computed together give what they give one by one: sums in loops, what follows a product, vectors side by side. */
import { compile, Generator, losses, matmul, nn, optim, randn, type Tensor, tensor, where } from "crease";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { schedule } from "../../src/compile/schedule.js";
import type { ScheduledUnit } from "../../src/compile/units.js";

type DType = "float32" | "float64";

/** The largest difference relative to the larger of 1 and the largest number. */
function difference(a: Tensor, b: Tensor): number {
  expect(a.shape).toEqual(b.shape);
  const [x, y] = [a, b].map((one) => Array.from(one.data));
  const scale = Math.max(1, ...x.map(Math.abs));
  return Math.max(0, ...x.map((value, i) => Math.abs(value - y[i]))) / scale;
}

const bounds: Readonly<Record<DType, number>> = { float32: 2e-5, float64: 1e-12 };

/** Compares all results of three calls, each with other values. */
function expectSame(fn: (...inputs: Tensor[]) => Tensor[], shapes: readonly (readonly number[])[], dtype: DType): void {
  const compiled = compile(fn);
  for (let i = 0; i < 3; i++) {
    const generator = new Generator(i);
    const inputs = shapes.map((shape) => randn(shape, { dtype, generator }));
    const expected = fn(...inputs);
    compiled(...inputs).forEach((value, k) => {
      expect(difference(expected[k], value)).toBeLessThan(bounds[dtype]);
    });
  }
}

/** The units that a function of no arguments is put into. */
function unitsOf(fn: () => Tensor): readonly ScheduledUnit[] {
  const compiled = compile(fn);
  compiled();
  return schedule(compiled.programs[0]);
}

const dtypes = fc.constantFrom<DType>("float32", "float64");

describe("sums that run along with a loop", () => {
  it("are those of the finished values, over rows, over all and over both, for any length", () => {
    fc.assert(
      fc.property(fc.nat({ max: 18 }), fc.nat({ max: 40 }), fc.nat({ max: 63 }), dtypes, (m, n, wanted, dtype) => {
        const [rows, columns] = [m + 1, n + 1];
        const fn = (x: Tensor, row: Tensor, column: Tensor) => {
          const scaled = x.mul(row);
          const shifted = scaled.add(column).relu();
          const masked = where(shifted.greater(0.5), scaled, 0);
          const results = [
            shifted.sum(0),
            masked.sum(),
            masked.sum(0, { keepdims: true }),
            scaled.square().sum(),
            x.sum(0),
            shifted,
          ];
          return results.filter((_, i) => ((wanted >> i) & 1) === 1).concat(masked.exp());
        };
        expectSame(fn, [[rows, columns], [columns], [rows, 1]], dtype);
      }),
      { numRuns: 60, seed: 5 },
    );
  });

  it("are not read before they are complete", () => {
    const fn = (x: Tensor) => {
      const y = x.mul(2);
      return [y.sub(y.sum(0)), y.div(y.square().sum().add(1)), y.sum(0).add(y.slice([[0, 1]]).reshape([-1]))];
    };
    for (const shape of [
      [1, 8],
      [5, 4],
      [6, 3],
      [2, 16],
    ]) {
      expectSame(fn, [shape], "float32");
    }
  });
});

describe("a product of small matrices", () => {
  it("may be followed by a mask, other elementwise steps, and sums of its rows", () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 20 }),
        fc.constantFrom(8, 16, 24, 12, 5, 1),
        fc.nat({ max: 19 }),
        fc.nat({ max: 15 }),
        fc.nat({ max: 63 }),
        dtypes,
        (rows, n, inner, form, wanted, dtype) => {
          const [m, k] = [rows + 1, inner + 1];
          const [transposeA, transposeB, biased, active] = [1, 2, 4, 8].map((bit) => (form & bit) !== 0);
          const fn = (a: Tensor, b: Tensor, bias: Tensor, like: Tensor, row: Tensor) => {
            const product = matmul(a, b, { transposeA, transposeB });
            const shifted = biased ? product.add(bias) : product;
            const y = active ? shifted.relu() : shifted;
            const masked = where(like.greater(0), y, 0);
            const moved = like.sub(masked.mul(0.1));
            const results = [y, masked, masked.sum(0), moved, y.mul(row).sum(0), moved.tanh()];
            return results.filter((_, i) => ((wanted >> i) & 1) === 1).concat(masked.mul(row));
          };
          const shapes = [transposeA ? [k, m] : [m, k], transposeB ? [n, k] : [k, n], [n], [m, n], [n]];
          expectSame(fn, shapes, dtype);
        },
      ),
      { numRuns: 120, seed: 6 },
    );
  });

  it("updates a parameter that it is the gradient of, in place, also where the old value is needed", () => {
    const make = () => {
      const weight = randn([8, 16], { generator: new Generator(1) });
      const step = (x: Tensor, y: Tensor) => {
        const before = weight.mul(1);
        weight.assign_(weight.sub(matmul(x, y, { transposeA: true }).mul(0.1)));
        return [before, matmul(weight, weight, { transposeB: true })];
      };
      return { weight, step };
    };
    const [eager, replayed] = [make(), make()];
    const compiled = compile(replayed.step);
    for (let i = 0; i < 4; i++) {
      const [x, y] = [
        [6, 8],
        [6, 16],
      ].map((shape, k) => randn(shape, { generator: new Generator(10 * i + k) }));
      const expected = eager.step(x, y);
      compiled(x, y).forEach((value, k) => {
        expect(difference(expected[k], value)).toBeLessThan(1e-4);
      });
      expect(difference(eager.weight, replayed.weight)).toBeLessThan(1e-5);
    }
  });
});

describe("a product that has its operand's new value for a result", () => {
  it.each([
    ["left", (x: Tensor, weight: Tensor) => matmul(weight, x)],
    ["right", (x: Tensor, weight: Tensor) => matmul(x, weight)],
    ["turned", (x: Tensor, weight: Tensor) => matmul(weight, x, { transposeA: true })],
  ] as const)("does not write over it while it is read, on the %s", (_, product) => {
    const make = () => {
      const weight = randn([16, 16], { generator: new Generator(1) });
      const step = (x: Tensor) => {
        weight.assign_(weight.sub(product(x, weight).mul(0.1)));
        return [weight.sum()];
      };
      return { weight, step };
    };
    const [eager, replayed] = [make(), make()];
    const compiled = compile(replayed.step);
    for (let i = 0; i < 4; i++) {
      const x = randn([16, 16], { generator: new Generator(10 + i) });
      eager.step(x);
      compiled(x);
      expect(difference(eager.weight, replayed.weight)).toBeLessThan(1e-5);
    }
  });
});

describe("an outer product, and one of a single row", () => {
  it.each(["float32", "float64"] as const)("are elementwise loops in %s, turned or not", (dtype) => {
    for (const [m, n, k] of [
      [5, 7, 1],
      [1, 6, 9],
      [1, 16, 33],
      [1, 1, 4],
      [4, 1, 1],
      [3, 40, 1],
      [1, 20, 5],
    ]) {
      for (const transposeA of [false, true]) {
        for (const transposeB of [false, true]) {
          const fn = (a: Tensor, b: Tensor) => {
            const product = matmul(a, b, { transposeA, transposeB });
            return [product, product.mul(a.sum()), matmul(a, a, { transposeB: true })];
          };
          expectSame(fn, [transposeA ? [k, m] : [m, k], transposeB ? [n, k] : [k, n]], dtype);
        }
      }
    }
  });
});

describe("vectors that are computed side by side", () => {
  it("are those of one after the other, to the end of any length, and leave what lies behind alone", () => {
    fc.assert(
      fc.property(fc.nat({ max: 130 }), fc.nat({ max: 6 }), dtypes, (n, m, dtype) => {
        const [rows, columns] = [m + 1, n + 1];
        const fn = (x: Tensor, row: Tensor) => {
          const first = x.mul(0.5);
          const second = x.tanh();
          const third = x.add(row).exp().log1p();
          return [
            first,
            second,
            third,
            second.mul(third).sum(),
            third.sum(-1),
            x.sub(x.sum(1, { keepdims: true })).sigmoid(),
          ];
        };
        expectSame(fn, [[rows, columns], [columns]], dtype);
      }),
      { numRuns: 60, seed: 7 },
    );
  });
});

describe("a training step", () => {
  const makers: Readonly<Record<string, (parameters: Iterable<Tensor>) => optim.Optimizer>> = {
    sgd: (p) => new optim.SGD(p, { learningRate: 0.05 }),
    momentum: (p) => new optim.SGD(p, { learningRate: 0.02, momentum: 0.9, weightDecay: 0.01 }),
    adam: (p) => new optim.Adam(p, { learningRate: 0.01 }),
  };

  function training(widths: readonly number[], activation: "relu" | "tanh", optimizer: string, dtype: DType) {
    const net = nn.mlp(widths, { activation, generator: new Generator(4), dtype });
    const parameters = [...net.parameters()];
    const optimize = makers[optimizer](parameters);
    const step = (x: Tensor, y: Tensor) => {
      optimize.zeroGrad();
      const loss = losses.mseLoss(net.forward(x), y);
      loss.backward();
      optimize.step();
      return [loss];
    };
    return { parameters, step };
  }

  it("leaves the parameters and gradients of an eager one, for any widths and batch", () => {
    const width = fc.constantFrom(1, 2, 3, 4, 8, 11, 16, 24, 32);
    fc.assert(
      fc.property(
        fc.array(width, { minLength: 2, maxLength: 4 }),
        fc.integer({ min: 1, max: 21 }),
        fc.constantFrom("relu" as const, "tanh" as const),
        fc.constantFrom(...Object.keys(makers)),
        dtypes,
        (widths, batch, activation, optimizer, dtype) => {
          const [eager, replayed] = [0, 1].map(() => training(widths, activation, optimizer, dtype));
          const compiled = compile(replayed.step);
          for (let i = 0; i < 4; i++) {
            const generator = new Generator(20 + i);
            const [x, y] = [widths[0], widths[widths.length - 1]].map((length) =>
              randn([batch, length], { dtype, generator }),
            );
            const [expected] = eager.step(x, y);
            expect(difference(expected.detach(), compiled(x, y)[0])).toBeLessThan(10 * bounds[dtype]);
          }
          // Adam divides by the root of second moments: where a gradient is nothing but rounding, so is the update.
          const bound = (optimizer === "adam" ? 1e4 : 50) * bounds[dtype];
          eager.parameters.forEach((parameter, i) => {
            expect(difference(parameter, replayed.parameters[i])).toBeLessThan(bound);
            const [a, b] = [parameter, replayed.parameters[i]].map(({ grad }) => grad as Tensor);
            expect(difference(a, b)).toBeLessThan(bound);
          });
        },
      ),
      { numRuns: 60, seed: 8 },
    );
  });

  it("of a small network writes no mask, and reads each gradient once", () => {
    const { step } = training([2, 16, 16, 1], "relu", "sgd", "float32");
    const [x, y] = [randn([100, 2]), randn([100, 1])];
    const units = unitsOf(() => step(x, y)[0]);
    const stored = units.flatMap((unit) => (unit.kind === "loop" || unit.kind === "product" ? [...unit.stored] : []));
    const masks = units.flatMap((unit) =>
      unit.kind === "loop" ? unit.steps : unit.kind === "product" ? unit.epilogue : [],
    );
    const comparisons = masks.filter(({ op }) => op.name === "greater");
    expect(comparisons.length).toBe(2);
    for (const { output } of comparisons) expect(stored).not.toContain(output);
    expect(units.filter(({ kind }) => kind === "sum" || kind === "call")).toEqual([]);
    expect(units.length).toBeLessThan(13);
  });
});

it("numbers that depend on constants alone are computed once", () => {
  const compiled = compile((x: Tensor) => x.mul(tensor(3).add(1).div(2)));
  compiled(tensor([1, 2]));
  expect(compiled.programs[0].steps.map(({ op }) => op.name)).toEqual(["mul"]);
  expect(compiled(tensor([1, 2])).toArray()).toEqual([2, 4]);
});
