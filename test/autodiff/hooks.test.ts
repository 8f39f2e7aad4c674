import { type Tensor, tensor, zeros } from "crease";
import { describe, expect, test } from "vitest";
import { ShapeError } from "../../src/base/errors.js";

const leaf = (values: number | number[]) => tensor(values, { requiresGrad: true, dtype: "float64" });

describe("hooks", () => {
  test("see the whole gradient, once, of leaves and of intermediates", () => {
    const x = leaf([1, 2]);
    const hidden = x.mul(2);
    const seen: [string, unknown][] = [];
    const note = (name: string) => (gradient: Tensor) => {
      seen.push([name, gradient.toArray()]);
      return undefined;
    };
    hidden.onGradient(note("hidden"));
    x.onGradient(note("x"));
    hidden.square().sum().add(hidden.sum()).backward();
    expect(seen).toEqual([
      ["hidden", [5, 9]],
      ["x", [10, 18]],
    ]);
  });

  test("replace the gradient by what they return, one after another", () => {
    for (const x of [leaf([1, 2]), leaf(1)]) {
      x.onGradient((gradient) => gradient.mul(10));
      x.onGradient((gradient) => gradient.add(1));
      x.mul(3).sum().backward();
      expect(x.grad?.data[0]).toBe(31);
    }
  });

  test("stop when they are undone", () => {
    const x = leaf(1);
    const undo = x.onGradient((gradient) => gradient.mul(10));
    undo();
    x.mul(3).backward();
    expect(x.grad?.item()).toBe(3);
  });

  test("must return a tensor of the same shape and dtype, or nothing", () => {
    const wrong = (returned: unknown) => {
      const x = leaf([1, 2]);
      x.onGradient((() => returned) as () => undefined);
      return () => x.sum().backward();
    };
    expect(wrong(zeros([3], { dtype: "float64" }))).toThrow(ShapeError);
    expect(wrong(zeros([3], { dtype: "float64" }))).toThrow(
      /gradient hook: returned shape \[3\] for a tensor of shape \[2\]/,
    );
    expect(wrong(7)).toThrow(/gradient hook: returned 7; return a gradient/);
    expect(wrong(zeros([2]))).toThrow(/gradient hook: returned float32 for a float64 tensor/);
  });

  test("cannot start another backward", () => {
    const x = leaf(1);
    const y = leaf(1);
    const other = y.square();
    x.onGradient(() => {
      other.backward();
      return undefined;
    });
    expect(() => x.mul(2).backward()).toThrow(/while another backward is under way/);
    y.square().backward();
    expect(y.grad?.item()).toBe(2);
  });

  test("are refused where no gradient comes", () => {
    expect(() => tensor(1).onGradient(() => undefined)).toThrow(/does not require a gradient/);
  });
});
