import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scaledToNumber, toInteger } from "../../../src/exact/dyadic.js";
import { partition } from "../../../src/geometry/partition/partition.js";
import { AffineCursor } from "../../../src/geometry/plane/affine-cursor.js";
import { errorOf } from "../../../src/geometry/plane/affine-rows.js";
import type { PwlNet } from "../../../src/pwl/net.js";
import { integerNets, type LayerKind } from "../random-nets.js";
import { randomRelu } from "../random-relu.js";

const KINDS: LayerKind[] = ["relu", "leaky", "abs", "clamp", "max"];
const BOX = [
  [-1, 1],
  [-0.5, 2],
];

/** The net with its weights multiplied by numbers that doubles only approximate: everything rounds. */
function roughened(net: PwlNet): PwlNet {
  const rough = <T extends { readonly terms: PwlNet["output"]["terms"]; readonly bias: Float64Array }>(
    affine: T,
  ): T => ({
    ...affine,
    terms: affine.terms.map(({ source, block }) => ({
      source,
      block: { ...block, values: block.values.map((x, i) => x * (1 + Math.sin(i + source) / 3)) },
    })),
    bias: affine.bias.map((x, i) => x * (1 + Math.cos(i) / 7)),
  });
  return {
    ...net,
    layers: net.layers.map((layer) => ({ ...layer, argument: rough(layer.argument) })),
    output: rough(net.output),
  };
}

/** Walks over all cells in a shuffled order and compares every row with its exact value at the box's corners. */
function largestErrorOverBound(net: PwlNet, shuffle: (cells: number[]) => number[]): number {
  const p = partition(net, { box: BOX });
  const cursor = new AffineCursor(net, p.slice, p.tree, true);
  let worst = 0;
  for (const cell of shuffle(Array.from({ length: p.cells.length }, (_, k) => k))) {
    cursor.moveTo(cell);
    for (let target = 0; target <= net.layers.length; target++) {
      const rows = cursor.rows(target);
      const node = target === 0 ? 0 : p.tree.ancestor(net.layers.length - 1, cell, target - 1);
      const exponent = p.exact.maps.exponentOf(target);
      for (let r = 0; r < rows.size; r++) {
        const exact = p.exact.maps.argument(target, node, r);
        // the difference as an integer times 2^low, summed over the coefficients at their largest in the box
        const low = Math.min(exponent, -1074);
        const off = [rows.a[r], rows.b[r], rows.c[r]].map((x, k) => {
          const difference = (exact[k] << BigInt(exponent - low)) - toInteger(x, low);
          return Math.abs(scaledToNumber(difference, low));
        });
        const error = off[0] + 2 * off[1] + off[2];
        if (error > 0) worst = Math.max(worst, error / errorOf(rows.relativeError, rows.m[r]));
      }
    }
  }
  return worst;
}

describe("the float maps that move from cell to cell", () => {
  it("stay within their bound of the exact ones, for all kinds of layers", () => {
    fc.assert(
      fc.property(integerNets(2, KINDS), fc.infiniteStream(fc.nat()), (net, stream) => {
        const shuffle = (cells: number[]) =>
          cells
            .map((cell) => [stream.next().value as number, cell])
            .sort((p, q) => p[0] - q[0])
            .map(([, cell]) => cell);
        expect(largestErrorOverBound(roughened(net), shuffle)).toBeLessThan(1);
      }),
      { numRuns: 60 },
    );
  });

  it("and not by so much that the bound is idle", () => {
    const worst = largestErrorOverBound(randomRelu([2, 12, 12, 12, 1], 3), (cells) => cells);
    expect(worst).toBeLessThan(1);
    expect(worst).toBeGreaterThan(1e-4);
  });
});
