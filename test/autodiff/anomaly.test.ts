import { AnomalyError, add, detectAnomaly, div, log, mul, type Tensor, tensor, trace } from "crease";
import { describe, expect, test } from "vitest";
import { TraceError } from "../../src/base/errors.js";

function anomalyOf(fn: () => unknown): string {
  try {
    detectAnomaly(fn);
  } catch (error) {
    expect(error).toBeInstanceOf(AnomalyError);
    return (error as Error).message;
  }
  return "none";
}

/** The line of this file that the caller stands on, as a call site shows it. */
function hereAt(offset: number): RegExp {
  const line = /anomaly\.test\.ts:(\d+)/.exec(new Error("here").stack?.split("\n")[2] ?? "")?.[1];
  return new RegExp(`anomaly\\.test\\.ts:${Number(line) + offset}:\\d+`);
}

describe("detectAnomaly", () => {
  test("names the op, the element, the inputs and the user's line of the first NaN or infinity forward", () => {
    const x = tensor([1, 0, -1]);
    const here = hereAt(1);
    const text = anomalyOf(() => add(log(x), 1));
    expect(text).toMatch(/^detectAnomaly: log\(\[3\]\) gave -Infinity at element 1 of shape \[3\]/);
    expect(text).toMatch(here);
    expect(anomalyOf(() => div(tensor(0), tensor(0)))).toMatch(/div\(\[\] = 0, \[\] = 0\) gave NaN/);
  });

  test("names the op whose gradient it was, and the line that applied the op", () => {
    for (const x of [tensor(0, { requiresGrad: true }), tensor([4, 0], { requiresGrad: true })]) {
      const here = hereAt(2);
      const text = anomalyOf(() => {
        const y = x.sqrt();
        y.sum().backward();
      });
      expect(text).toMatch(/^detectAnomaly: the gradient of sqrt gave Infinity/);
      expect(text).toMatch(here);
    }
  });

  test("passes what is finite through, with its gradients", () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const result = detectAnomaly(() => {
      const y = x.square().sum();
      y.backward();
      return y;
    });
    expect(result.item()).toBe(5);
    expect(x.grad?.toArray()).toEqual([2, 4]);
  });

  test("does not blame an op for the infinity that it was given", () => {
    expect(anomalyOf(() => mul(tensor(Number.POSITIVE_INFINITY), 2))).toBe("none");
    expect(anomalyOf(() => tensor([Number.NEGATIVE_INFINITY, 0]).softmax())).toBe("none");
  });

  test("ends with its function, also after an error, and lets an outer trace go on", () => {
    expect(() =>
      detectAnomaly(() => {
        throw new RangeError("mine");
      }),
    ).toThrow(RangeError);
    expect(log(tensor(0)).item()).toBe(Number.NEGATIVE_INFINITY);
    const graph = trace((x: Tensor) => detectAnomaly(() => x.exp()).mul(2), tensor([1]));
    expect(graph.nodes.map((node) => node.op?.name ?? node.role)).toEqual(["input", "exp", "constant", "mul"]);
  });

  test("refuses a promise", () => {
    expect(() => detectAnomaly(async () => 1)).toThrow(TraceError);
    expect(() => detectAnomaly(async () => 1)).toThrow(/detectAnomaly: the function returned a promise/);
  });
});
