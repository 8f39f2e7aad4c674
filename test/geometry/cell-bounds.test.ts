import { describe, expect, it } from "vitest";
import { productBound, zaslavsky } from "../../src/geometry/cell-bounds.js";
import { partition } from "../../src/geometry/partition/partition.js";
import { randomRelu } from "./random-relu.js";

describe("bounds of the number of cells", () => {
  it("Zaslavsky's number is the sum of the first binomials", () => {
    expect([0, 1, 2, 3, 4].map((n) => zaslavsky(n, 2))).toEqual([1n, 2n, 4n, 7n, 11n]);
    expect(zaslavsky(5, 1)).toBe(6n);
    expect(zaslavsky(10, 10)).toBe(1024n);
    expect(zaslavsky(200, 100)).toBe((2n ** 200n + 90548514656103281165404177077484163874504589675413336841320n) / 2n);
    expect(() => zaslavsky(-1, 2)).toThrow(/hyperplanes is -1/);
  });

  it("is attained by lines in general position in a large box", () => {
    const net = randomRelu([2, 9, 1], 12);
    const box = [
      [-1e4, 1e4],
      [-1e4, 1e4],
    ];
    expect(BigInt(partition(net, { box }).cells.length)).toBe(zaslavsky(9, 2));
  });

  it("a deeper net stays below the product of its layers, narrow layers counted as such", () => {
    const net = randomRelu([2, 6, 6, 1], 2);
    expect(productBound(net)).toBe(22n * 22n);
    expect(() => productBound({ layer: 3 } as never)).toThrow(/productBound: expected a PwlNet/);
    expect(productBound(randomRelu([3, 5, 1, 7, 1], 2))).toBe(26n * 2n * 8n);
    const box = [
      [-10, 10],
      [-10, 10],
    ];
    expect(BigInt(partition(net, { box }).cells.length)).toBeLessThanOrEqual(productBound(net));
  });
});
