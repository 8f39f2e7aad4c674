import { checkGradients, Generator, type Tensor, tensor } from "crease";
import { describe, expect, it } from "vitest";
import { numbers } from "../../../src/array/expression.js";
import { sizeOf } from "../../../src/array/shape.js";
import { apply } from "../../../src/graph/apply.js";
import type { Op, OpSample } from "../../../src/graph/making.js";
import { updateOps } from "../../../src/nn/optim/updates.js";

const generator = new Generator(17);

function inputsOf({ inputs, range = [-2, 2] }: OpSample, dtype: "float32" | "float64"): Tensor[] {
  return inputs.map((input) => {
    if (typeof input === "function") return input();
    const values = Array.from({ length: sizeOf(input) }, () => range[0] + (range[1] - range[0]) * generator.uniform());
    return tensor(dtype === "float32" ? Float32Array.from(values) : Float64Array.from(values), { shape: input });
  });
}

const cases = updateOps.flatMap((op) =>
  op.samples.map((sample, i) => [`${op.name}, sample ${i}`, op, sample] as const),
);

describe("update ops", () => {
  it("have samples, all of them", () => {
    expect(updateOps.length).toBe(9);
    for (const op of updateOps) expect(op.samples.length).toBeGreaterThan(0);
  });

  it.each(cases)("%s: gradients of both orders agree with finite differences", (_, op: Op, sample) => {
    // The step count of dampenedGradient is no variable: it is compared with 1.
    const fixed = op.name === "dampenedGradient" ? 2 : sample.inputs.length;
    const inputs = inputsOf(sample, "float64");
    checkGradients(
      (...free) => apply(op, [...free, ...inputs.slice(fixed)], sample.attrs ?? {}),
      inputs.slice(0, fixed),
    );
  });

  it.each(cases)("%s: the value is the scalar function of each element", (_, op: Op, sample) => {
    const inputs = inputsOf(sample, "float64");
    const y = apply(op, inputs, sample.attrs ?? {}).data;
    for (let i = 0; i < y.length; i++) {
      const elements = inputs.map((one) => (one.size === 1 ? one.item() : one.data[i]));
      expect(y[i]).toBeCloseTo(op.scalar?.(numbers, ...elements, sample.attrs ?? {}) as number, 12);
    }
  });

  it.each(cases)("%s: float32 agrees with float64", (_, op: Op, sample) => {
    const single = inputsOf(sample, "float32");
    const double = single.map((one) => one.to("float64"));
    const [y, exact] = [apply(op, single, sample.attrs ?? {}), apply(op, double, sample.attrs ?? {})];
    expect(y.dtype).toBe("float32");
    y.data.forEach((value, i) => {
      expect(Math.abs(value - exact.data[i])).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(exact.data[i])));
    });
  });
});
