import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { enumerate } from "../../src/geometry/enumerate/enumerate.js";
import { partition } from "../../src/geometry/partition/partition.js";
import { evaluate } from "../../src/pwl/evaluate.js";
import type { PwlNet } from "../../src/pwl/net.js";
import { packPattern, patternLayout } from "../../src/pwl/pattern.js";
import { integerNets, type LayerKind } from "./random-nets.js";
import { randomRelu } from "./random-relu.js";

const KINDS: LayerKind[] = ["relu", "leaky", "abs", "clamp", "max"];
const boxOf = (net: PwlNet): [number, number][] => Array.from({ length: net.inputSize }, () => [-2, 2]);

const planar = (net: PwlNet, splitAtOutputZero = false): string[] =>
  Array.from(partition(net, { box: boxOf(net), splitAtOutputZero }).cells, ({ pattern }) => pattern.key).sort();

async function enumerated(net: PwlNet, splitAtOutputZero = false): Promise<string[]> {
  const { cells } = await enumerate(net, { box: boxOf(net), splitAtOutputZero });
  return Array.from(cells, ({ pattern }) => pattern.key).sort();
}

describe("partition and enumerate, which share no geometry, find the same patterns", () => {
  it.each([1, 2])("in degenerate nets of %d inputs", async (inputs) => {
    await fc.assert(
      fc.asyncProperty(integerNets(inputs, KINDS), fc.boolean(), async (net, split) => {
        expect(await enumerated(net, split)).toEqual(planar(net, split));
      }),
      { numRuns: 40 },
    );
  });

  it("in slices: what a generic plane or line meets of the cells of three dimensions, at the points of its own cells", async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const net = randomRelu([3, 8, 6, 1], seed);
      const known = new Set(await enumerated(net));
      const [origin, u, v] = [
        [0.11, -0.23, 0.31],
        [1, 0.37, -0.41],
        [-0.29, 1, 0.53],
      ];
      const plane = partition(net, {
        plane: { origin, u, v },
        box: boxOf(net)
          .slice(1)
          .map(() => [-1, 1]),
      });
      const line = partition(net, { line: { origin, u }, box: [[-1, 1]] });
      expect(plane.cells.length).toBeGreaterThan(10);
      for (const p of [plane, line]) for (const { pattern } of p.cells) expect(known).toContain(pattern.key);
      // the line is the plane's t = 0
      const met = new Set(Array.from(line.cells, ({ center: [s] }) => plane.locate([s, 0])!.pattern.key));
      expect(met).toEqual(new Set(Array.from(line.cells, ({ pattern }) => pattern.key)));
    }
  });

  it("in a random ReLU net", async () => {
    const net = randomRelu([2, 20, 20, 1], 5);
    const found = planar(net);
    expect(found.length).toBeGreaterThan(100);
    expect(await enumerated(net)).toEqual(found);
  });
});

describe("brute-force sampling finds no pattern that is not a cell's", () => {
  it("in nets of integer weights, at points off every crease", () => {
    const coordinate = fc.double({ min: -2, max: 2, noNaN: true });
    fc.assert(
      fc.property(
        integerNets(2, KINDS),
        fc.array(fc.tuple(coordinate, coordinate), { minLength: 50 }),
        (net, points) => {
          const known = new Set(planar(net));
          for (const point of points) {
            const { states, preactivations } = evaluate(net, point);
            const clear = net.layers.every((layer, l) =>
              layer.kind === "hinge"
                ? preactivations[l].every((z, unit) => Math.abs(z - layer.threshold[unit]) > 1e-9)
                : isClear(layer.starts, preactivations[l]),
            );
            if (!clear) continue;
            const words = packPattern(patternLayout(net), states);
            expect(known).toContain(Array.from(words, (word) => word.toString(36)).join("."));
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});

/** Whether every group's largest argument leads by more than rounding. */
function isClear(starts: Int32Array, z: Float64Array): boolean {
  for (let g = 0; g + 1 < starts.length; g++) {
    const [first, second = Number.NEGATIVE_INFINITY] = [...z.subarray(starts[g], starts[g + 1])].sort((a, b) => b - a);
    if (!(first - second > 1e-9)) return false;
  }
  return true;
}
