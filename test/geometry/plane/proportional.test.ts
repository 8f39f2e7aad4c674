import { describe, expect, it } from "vitest";
import { partition } from "../../../src/geometry/partition/partition.js";
import { validate } from "../../../src/geometry/partition/validate.js";
import { proportionalToEarlier } from "../../../src/geometry/plane/proportional.js";
import { type HingeLayer, reluNet } from "../../../src/pwl/net.js";
import { randomRelu } from "../random-relu.js";

const BOX = [
  [-1, 1],
  [-1, 1],
];

/** One layer of hinges with rows [weights..., bias less threshold]. */
function hinges(rows: readonly (readonly number[])[], threshold = 0): HingeLayer {
  const net = reluNet(
    [rows.map((row) => row.slice(0, -1)), [rows.map(() => 1)]],
    [rows.map((row) => row[row.length - 1] + threshold), [0]],
  );
  const layer = net.layers[0] as HingeLayer;
  layer.threshold.fill(threshold);
  return layer;
}

describe("hinges proportional to an earlier one", () => {
  it("are copies, multiples and negations, and nothing that only rounds alike", () => {
    const third = [0.1, 0.2, 0.3];
    const rows = [
      third,
      third,
      [0.2, 0.4, 0.6],
      [-0.1, -0.2, -0.3],
      [0.1, 0.2, 0.3 + 2 ** -54],
      [0.1 * 3, 0.2 * 3, 0.3 * 3],
    ];
    // 3 · 0.1 rounds in another direction than 3 · 0.2 does
    expect([...proportionalToEarlier(hinges(rows))]).toEqual([0, 1, 1, 1, 0, 0]);
  });

  it("include thresholds and zeros, and leave out constants", () => {
    expect([
      ...proportionalToEarlier(
        hinges(
          [
            [1, 0, 2],
            [2, 0, 4],
            [0, 1, 2],
            [0, 0, 1],
            [0, 0, 2],
          ],
          8,
        ),
      ),
    ]).toEqual([0, 1, 0, 0, 0]);
    expect([
      ...proportionalToEarlier(
        hinges([
          [1, 0, 0],
          [3, 0, 0],
          [3, 0, 1],
        ]),
      ),
    ]).toEqual([0, 1, 0]);
  });

  it("need no integers, and change no cell", () => {
    const net = randomRelu([2, 16, 16, 1], 4);
    const { block } = net.layers[1].argument.terms[0];
    const { bias } = net.layers[1].argument;
    [1, 2, -4, 0.5].forEach((factor, k) => {
      for (let j = 0; j < 16; j++) block.values[(12 + k) * 16 + j] = factor * block.values[k * 16 + j];
      bias[12 + k] = factor * bias[k];
    });
    const p = partition(net, { box: BOX });
    const always = partition(net, { box: BOX, exact: "always" });
    validate(p);
    const patterns = (q: typeof p) => [...q.cells].map(({ pattern }) => pattern.key);
    expect(patterns(p)).toEqual(patterns(always));
    expect(p.exact.decisions).toBe(0);
  });
});
