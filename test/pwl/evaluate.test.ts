import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ShapeError } from "../../src/base/errors.js";
import { evaluate, floatPattern } from "../../src/pwl/evaluate.js";
import { type Affine, type PwlNet, reluNet } from "../../src/pwl/net.js";
import { ActivationPattern, gatePosition, packPattern, patternLayout, stateOf } from "../../src/pwl/pattern.js";
import { integer, randomNet, stream, vector } from "./nets.js";

const identity = (size: number, source: number): Affine => ({
  size,
  terms: [
    {
      source,
      block: {
        kind: "csr",
        rows: size,
        columns: size,
        starts: Int32Array.from({ length: size + 1 }, (_, i) => i),
        indices: Int32Array.from({ length: size }, (_, i) => i),
        values: new Float64Array(size).fill(1),
      },
    },
  ],
  bias: new Float64Array(size),
});

/** One hinge on the identity of a scalar. */
function hinge(threshold: number, lo: number, hi: number): (x: number) => number {
  const net: PwlNet = {
    inputs: [{ name: "x", shape: [1] }],
    inputSize: 1,
    layers: [
      {
        kind: "hinge",
        name: "hinge",
        argument: identity(1, 0),
        threshold: Float64Array.of(threshold),
        lo: Float64Array.of(lo),
        hi: Float64Array.of(hi),
      },
    ],
    output: identity(1, 1),
    outputShape: [1],
    rounded: [],
  };
  return (x) => evaluate(net, [x]).output[0];
}

const maximum: PwlNet = {
  inputs: [{ name: "x", shape: [5] }],
  inputSize: 5,
  layers: [{ kind: "max", name: "max", argument: identity(5, 0), starts: Int32Array.of(0, 3, 4, 5) }],
  output: identity(3, 1),
  outputShape: [3],
  rounded: [],
};

describe("evaluate", () => {
  test("a relu network as its formula says", () => {
    const net = reluNet(
      [
        [
          [1, -1],
          [2, 1],
        ],
        [[1, -3]],
      ],
      [[0, -1], [0.5]],
    );
    const at = evaluate(net, [1, 0.25]);
    expect(Array.from(at.preactivations[0])).toEqual([0.75, 1.25]);
    expect(Array.from(at.output)).toEqual([0.75 - 3 * 1.25 + 0.5]);
    expect(Array.from(at.states[0])).toEqual([1, 1]);
    expect(Array.from(evaluate(net, [0, 1]).states[0])).toEqual([0, 0]); // 2·0 + 1 - 1 = 0: at zero a unit is inactive
  });

  test("a hinge selects: relu, leaky relu, abs, both halves of a clamp", () => {
    expect([-2, 0, 3].map(hinge(0, 0, 1))).toEqual([0, 0, 3]);
    expect([-2, 0, 3].map(hinge(0, 0.25, 1))).toEqual([-0.5, 0, 3]);
    expect([-2, 0, 3].map(hinge(0, -1, 1))).toEqual([2, 0, 3]);
    expect([-2, 6, 9].map(hinge(6, 1, 0))).toEqual([-2, 6, 6]);
    expect([-2, -1, 9].map(hinge(-1, 0, 1))).toEqual([-1, -1, 9]);
  });

  test("large and infinite arguments lose nothing", () => {
    expect(hinge(1e-30, 0, 1)(1e30)).toBe(1e30);
    expect(hinge(6, 1, 0)(Number.POSITIVE_INFINITY)).toBe(6);
    expect(hinge(6, 1, 0)(Number.NEGATIVE_INFINITY)).toBe(Number.NEGATIVE_INFINITY);
    expect(hinge(0, 0, 1)(Number.NEGATIVE_INFINITY)).toBe(0);
    expect(hinge(0, 0, 1)(Number.NaN)).toBeNaN();
    expect(hinge(0, 0.1, 1)(-1e300)).toBe(-1e300 * 0.1);
  });

  test("a maximum takes its first largest argument, and its state says which", () => {
    const at = evaluate(maximum, [1, 4, 4, -7, 0]);
    expect(Array.from(at.output)).toEqual([4, -7, 0]);
    expect(Array.from(at.states[0])).toEqual([1, 0, 0]);
    expect(evaluate(maximum, [1, Number.NaN, 4, 0, 0]).output[0]).toBeNaN();
    expect(evaluate(maximum, [-1e308, 1e308, 0, 0, 0]).output[0]).toBe(1e308);
  });

  test("an input of the wrong length is refused with both lengths", () => {
    expect(() => evaluate(maximum, [1, 2])).toThrow(ShapeError);
    expect(() => evaluate(maximum, [1, 2])).toThrow(/2 numbers, but the net reads 5 \(x \[5\]\)/);
  });
});

describe("activation patterns", () => {
  test("packed states unpack to themselves, for any net", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const net = randomNet(seed);
        const layout = patternLayout(net);
        const { states } = evaluate(net, vector(stream(seed + 1), net.inputSize, 3));
        const words = packPattern(layout, states);
        expect([...new ActivationPattern(layout, words)]).toEqual(states.flatMap((layer) => Array.from(layer)));
        expect(floatPattern(net, vector(stream(seed + 1), net.inputSize, 3))).toEqual(words);
      }),
    );
  });

  test("a net of hinges has gate g at bit g", () => {
    const next = stream(7);
    const weights = [40, 30, 1].map((rows, l) =>
      Array.from({ length: rows }, () => Array.from(vector(next, [2, 40, 30][l]))),
    );
    const net = reluNet(
      weights,
      weights.map((rows) => Array.from(vector(next, rows.length))),
    );
    const layout = patternLayout(net);
    const states = [40, 30].map((size) => Int32Array.from({ length: size }, () => integer(next, 0, 1)));
    const words = packPattern(layout, states);
    expect(layout.words).toBe(3);
    states
      .flatMap((layer) => Array.from(layer))
      .forEach((state, gate) => {
        expect((words[gate >> 5] >>> (gate & 31)) & 1).toBe(state);
        expect(stateOf(layout, words, gate)).toBe(state);
      });
    expect(gatePosition(layout, 39)).toEqual({ layer: 0, unit: 39 });
    expect(gatePosition(layout, 40)).toEqual({ layer: 1, unit: 0 });
  });

  test("differ in exactly the gates whose states differ, and read as digits by layer", () => {
    const layout = patternLayout(maximum);
    const a = new ActivationPattern(layout, packPattern(layout, [Int32Array.of(2, 0, 0)]));
    const b = new ActivationPattern(layout, packPattern(layout, [Int32Array.of(1, 0, 0)]));
    expect(a.differences(b)).toEqual([0]);
    expect(a.equals(b)).toBe(false);
    expect(a.equals(new ActivationPattern(layout, a.words.slice()))).toBe(true);
    expect(a.key).not.toBe(b.key);
    expect(a.toString()).toBe("200");
  });
});
