import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GeometryError } from "../../src/base/errors.js";
import { zaslavsky } from "../../src/geometry/cell-bounds.js";
import { counts } from "../../src/geometry/counts.js";
import { enumerate } from "../../src/geometry/enumerate/enumerate.js";
import { partition } from "../../src/geometry/partition/partition.js";
import { reluNet } from "../../src/pwl/net.js";
import { cube, degenerateNet, genericNet } from "./enumerate/nets.js";
import { randomRelu } from "./random-relu.js";

describe("counts", () => {
  it("of two axes through a square: four cells of four sides each, as many as two lines can make", () => {
    const axes = reluNet(
      [
        [
          [1, 0],
          [0, 1],
        ],
        [[1, 1]],
      ],
      [[0, 0], [0]],
    );
    const found = counts(partition(axes, { box: cube(2) }));
    expect(found).toEqual({ cells: 4, pieces: 4, averageFacets: 4, cellsPerLayer: [4], boundPerLayer: [4n] });
    expect(`${found}`).toBe("Counts { 4 cells, 4 pieces, 4 facets per cell, by layers 4 of at most 4 }");
  });

  it("of a partition and of an enumeration of the same net are the same", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 1e6 }), async (seed) => {
        const net = degenerateNet(seed, [2, 5, 4, 1]);
        const enumeration = await enumerate(net, { box: cube(2) });
        const found = counts(partition(net, { box: cube(2) }));
        expect(found).toEqual(counts(enumeration));
        found.cellsPerLayer.forEach((cells, l) => {
          expect(BigInt(cells)).toBeLessThanOrEqual(found.boundPerLayer[l]);
        });
      }),
      { numRuns: 40 },
    );
  });

  it("tell Zaslavsky's number for the first layer, and in one dimension two ends per cell", () => {
    const net = randomRelu([1, 6, 1], 3);
    const found = counts(partition(net, { box: [[-1e4, 1e4]] }));
    expect(found.boundPerLayer).toEqual([zaslavsky(6, 1)]);
    expect([found.cells, found.averageFacets]).toEqual([7, 2]);
  });

  it("leave out what was not wanted, or cannot be told of a part", async () => {
    const net = genericNet(11, [3, 8, 7, 2]);
    const box = cube(3);
    const only = counts(await enumerate(net, { box, countOnly: true }));
    expect([only.pieces, only.averageFacets, only.cells]).toEqual([undefined, undefined, only.cellsPerLayer[1]]);
    const plain = counts(await enumerate(net, { box, want: ["witness"] }));
    expect([plain.pieces, plain.averageFacets, plain.cells]).toEqual([undefined, undefined, only.cells]);
    const part = counts(await enumerate(net, { box, limits: { cells: 20 } }));
    expect([part.pieces, part.cells]).toEqual([undefined, 20]);
    expect(part.averageFacets).toBeGreaterThan(3);
    expect(`${only}`).toContain("by layers");
  });

  it("refuse what is neither a partition nor an enumeration", () => {
    for (const thing of [undefined, {}, 3, enumerate(genericNet(1, [2, 3, 1]), { box: cube(2) })]) {
      expect(() => counts(thing as never)).toThrow(GeometryError);
    }
  });
});
