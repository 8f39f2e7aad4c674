import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Partition, partition } from "../../../src/geometry/partition/partition.js";
import { pieces } from "../../../src/geometry/partition/pieces.js";
import { integerNets, type LayerKind, rescaled } from "../random-nets.js";
import { type OracleCell, oracleCells } from "./clipping-oracle.js";

const KINDS: LayerKind[] = ["relu", "leaky", "abs", "clamp", "max"];
const BOX = [
  [-2, 3],
  [-1, 2],
] as const;

/** The key of a cell as the oracle writes it. */
function keyOf(p: Partition, cell: number): string {
  return p.tree
    .states(cell)
    .map((states) => states.join(""))
    .join(" ");
}

function expectSameCells(p: Partition, expected: OracleCell[], unit = 1): void {
  const found = new Map([...p.cells].map((cell) => [keyOf(p, cell.index), cell]));
  expect(found.size).toBe(p.cells.length);
  expect([...found.keys()].sort()).toEqual(expected.map(({ key }) => key).sort());
  for (const { key, area, corners } of expected) {
    const cell = found.get(key)!;
    // what the area is documented to be good to; thin cells come near it
    expect(Math.abs(cell.area / unit ** 2 - area)).toBeLessThanOrEqual(1e-11 * area);
    expect(cell.vertices.length).toBe(corners.length);
    for (const [x, y] of corners) {
      const nearest = Math.min(...cell.vertices.map(([s, t]) => Math.hypot(s / unit - x, t / unit - y)));
      expect(nearest).toBeLessThan(1e-12);
    }
  }
}

describe("a partition has the cells that exact clipping finds", () => {
  it.each(KINDS)("for nets of %s layers", (kind) => {
    fc.assert(
      fc.property(integerNets(2, [kind]), (net) => {
        expectSameCells(partition(net, { box: BOX }), oracleCells(net, BOX));
      }),
      { numRuns: 40 },
    );
  });

  it("for nets that mix all kinds of layers, with skips and sparse blocks, filtered and always exact", () => {
    fc.assert(
      fc.property(integerNets(2, KINDS), (net) => {
        const expected = oracleCells(net, BOX);
        expectSameCells(partition(net, { box: BOX }), expected);
        expectSameCells(partition(net, { box: BOX, exact: "always" }), expected);
      }),
      { numRuns: 60 },
    );
  });

  it.each([2 ** 30, 2 ** -30])("with the input scaled by %d", (factor) => {
    const box = BOX.map((interval) => interval.map((x) => x * factor));
    fc.assert(
      fc.property(integerNets(2, KINDS), (net) => {
        expectSameCells(partition(rescaled(net, factor), { box }), oracleCells(net, BOX), factor);
      }),
      { numRuns: 40 },
    );
  });

  it("and as many different affine maps", () => {
    fc.assert(
      fc.property(integerNets(2, KINDS), (net) => {
        const expected = new Set(oracleCells(net, BOX).map(({ maps }) => maps));
        expect(pieces(partition(net, { box: BOX })).distinctMaps).toBe(expected.size);
      }),
      { numRuns: 40 },
    );
  });
});
