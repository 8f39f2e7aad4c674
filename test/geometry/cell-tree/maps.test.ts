import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commonExponent, scaledToNumber, toInteger } from "../../../src/exact/dyadic.js";
import { CellTree } from "../../../src/geometry/cell-tree/cell-tree.js";
import { buildPlan } from "../../../src/geometry/cell-tree/plan.js";
import { VertexPolytopes } from "../../../src/geometry/polytopes/vertex-polytopes.js";
import type { PwlNet } from "../../../src/pwl/net.js";
import { randomNet } from "../../pwl/nets.js";
import { genericNet } from "../enumerate/nets.js";

/** The walk over all cells of a net in [-2, 2]^d. */
function walk(net: PwlNet): CellTree {
  const d = net.inputSize;
  const plan = buildPlan(net, new Float64Array(d).fill(-2), new Float64Array(d).fill(2));
  const tree = new CellTree(plan, undefined, (p, path) => new VertexPolytopes(p, path, 2));
  tree.begin();
  return tree;
}

/**
 * The largest |map - exact map| over the corners of the box as a share of the proven bound, over all arguments of all
 * layers in one cell.
 */
function shareOfBound(tree: CellTree): number {
  const { plan, maps } = tree;
  const d = plan.dimension;
  tree.outputMap();
  const exact = tree.exactMaps();
  let largest = 0;
  plan.layers.forEach(({ size, error }, l) => {
    exact.validate(l, maps[l].epoch);
    for (let i = 0; i < size; i++) {
      const row = maps[l].rows.subarray(i * (d + 1), (i + 1) * (d + 1));
      const known = exact.row(l, i);
      const exponent = Math.min(exact.exponent(l), commonExponent(row));
      const shift = BigInt(exact.exponent(l) - exponent);
      let off = 0;
      for (let c = 0; c <= d; c++) {
        // the corner that makes every coefficient's error count
        const difference = scaledToNumber(toInteger(row[c], exponent) - (known[c] << shift), exponent);
        off += Math.abs(difference) * (c < d ? 2 : 1);
      }
      largest = Math.max(largest, off / error[i]);
    }
  });
  return largest;
}

describe("the maps of a walk", () => {
  it("are within their proven error of the exact maps, in every cell, however many updates made them", () => {
    const tree = walk(genericNet(5, [3, 12, 12, 8, 2]));
    let cells = 0;
    let largest = 0;
    tree.step(1500, () => {
      cells++;
      largest = Math.max(largest, shareOfBound(tree));
    });
    expect(cells).toBe(1500);
    expect(largest).toBeLessThan(1);
    expect(largest).toBeGreaterThan(0); // there is something to bound
  });

  it("are so in nets of maxima, other hinges, and skip connections", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), (seed) => {
        const net = randomNet(seed);
        if (net.inputSize > 3) return;
        const tree = walk(net);
        let largest = 0;
        tree.step(60, () => {
          largest = Math.max(largest, shareOfBound(tree));
        });
        expect(largest).toBeLessThan(1);
      }),
      { numRuns: 40 },
    );
  });
});
