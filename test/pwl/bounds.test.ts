import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GeometryError, OptionError, PiecewiseLinearError } from "../../src/base/errors.js";
import { mlp } from "../../src/nn/index.js";
import { bounds } from "../../src/pwl/bounds.js";
import { evaluate } from "../../src/pwl/evaluate.js";
import { reluNet } from "../../src/pwl/net.js";
import { randomNet, stream } from "./nets.js";

const box = (d: number): [number, number][] => Array.from({ length: d }, () => [-1, 2]);

describe("interval bounds over a box", () => {
  it("hold every pre-activation, output and state of every sampled point", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const net = randomNet(seed);
        const { layers, output } = bounds(net, { box: box(net.inputSize) });
        const next = stream(seed + 1);
        for (let k = 0; k < 40; k++) {
          const x = Float64Array.from({ length: net.inputSize }, () =>
            k < 10 ? (next() < 0.5 ? -1 : 2) : 3 * next() - 1,
          );
          const seen = evaluate(net, x);
          layers.forEach(({ lower, upper, possible }, l) => {
            expect(seen.preactivations[l].every((a, i) => a >= lower[i] && a <= upper[i])).toBe(true);
            expect(seen.states[l].every((state, g) => possible[g].includes(state))).toBe(true);
          });
          expect(seen.output.every((y, o) => y >= output.lower[o] && y <= output.upper[o])).toBe(true);
        }
      }),
    );
  });

  it("of one layer are the exact ones, to rounding", () => {
    const net = reluNet(
      [
        [
          [1, -2],
          [3, 0.5],
        ],
        [[1, 1]],
      ],
      [[0.5, -10], [0]],
    );
    const { layers } = bounds(net, {
      box: [
        [-1, 1],
        [0, 2],
      ],
    });
    expect(layers[0].lower[0]).toBeCloseTo(-4.5, 12);
    expect(layers[0].upper[0]).toBeCloseTo(1.5, 12);
    expect(layers[0].upper[1]).toBeCloseTo(-6, 12);
  });

  it("name the units that are always on and always off, and count them", () => {
    const net = reluNet([[[1], [1], [1]], [[1, 1, 1]]], [[5, -5, 0], [0]]);
    const { layers, fixed } = bounds(net, { box: [[-1, 1]] });
    expect([layers[0].alwaysOn, layers[0].alwaysOff, fixed]).toEqual([[0], [1], 2]);
  });

  it("are no proof for a unit that reaches its threshold from above", () => {
    const net = reluNet([[[1]], [[1]]], [[1], [0]]);
    expect(bounds(net, { box: [[-1, 1]] }).layers[0].alwaysOn).toEqual([]);
  });

  it("refuse a box that is too wide, inverted or unbounded, and a net that is not legal", () => {
    const net = reluNet([[[1]], [[1]]], [[1], [0]]);
    expect(() => bounds(net, { box: box(2) })).toThrow(GeometryError);
    expect(() => bounds(net, { box: [[1, 0]] })).toThrow("[1, 0]");
    expect(() => bounds(net, { box: [[0, Number.POSITIVE_INFINITY]] })).toThrow(GeometryError);
    expect(() => bounds(reluNet([[[Number.NaN]], [[1]]], [[1], [0]]), { box: box(1) })).toThrow(PiecewiseLinearError);
  });

  it("refuse a module, which only lower reads, and options that do not say the box", () => {
    const net = reluNet([[[1]], [[1]]], [[1], [0]]);
    expect(() => bounds(mlp([1, 2, 1]) as never, { box: box(1) })).toThrow(/bounds: expected a PwlNet.*lower\(f/);
    expect(() => bounds(net, {} as never)).toThrow(/no box: pass box: \[\[from, to\]\]/);
    expect(() => bounds(net, { domain: box(1) } as never)).toThrow(/unknown option "domain"; known are box/);
    expect(() => bounds(net, undefined as never)).toThrow(OptionError);
  });
});
