import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { relu, type Tensor, tensor } from "../../src/index.js";
import { linear, linearRelu } from "../../src/ops/linear.js";

const extent = fc.integer({ min: 1, max: 40 });
const special = fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-40);
const element = fc.oneof({ weight: 9, arbitrary: fc.integer({ min: -8, max: 8 }) }, { weight: 1, arbitrary: special });

describe("linearRelu", () => {
  test("is relu after linear, to the bit, and so are its gradients, for any size, NaN and infinities", () => {
    const problem = fc.tuple(extent, extent, extent).chain(([m, n, k]) =>
      fc.record({
        shape: fc.constant([m, n, k] as const),
        dtype: fc.constantFrom("float32" as const, "float64" as const),
        x: fc.array(element, { minLength: m * k, maxLength: m * k }),
        weight: fc.array(element, { minLength: n * k, maxLength: n * k }),
        bias: fc.array(element, { minLength: n, maxLength: n }),
        dy: fc.array(element, { minLength: m * n, maxLength: m * n }),
        needsX: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(problem, ({ shape: [m, n, k], dtype, x, weight, bias, dy, needsX }) => {
        const run = (layer: (x: Tensor, weight: Tensor, bias: Tensor) => Tensor) => {
          const inputs = [
            tensor(x, { shape: [m, k], dtype, requiresGrad: needsX }),
            tensor(weight, { shape: [n, k], dtype, requiresGrad: true }),
            tensor(bias, { shape: [n], dtype, requiresGrad: true }),
          ] as const;
          // A copy in the kernels' memory, as well as one that is not.
          const y = layer(inputs[0].mul(1), inputs[1], inputs[2]);
          y.backward({ seed: tensor(dy, { shape: [m, n], dtype }) });
          return [y, ...inputs.map((one) => one.grad)].map((one) => (one === null ? null : [...one.data]));
        };
        expect(run(linearRelu)).toEqual(run((...given) => relu(linear(...given))));
      }),
      { numRuns: 300 },
    );
  });
});
