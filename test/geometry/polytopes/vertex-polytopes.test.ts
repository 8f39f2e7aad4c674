import { describe, expect, it } from "vitest";
import { lowestExponent, NO_EXPONENT, toInteger, toNumber } from "../../../src/exact/dyadic.js";
import { meetIntegers } from "../../../src/exact/linear-program-exact.js";
import { CellTree } from "../../../src/geometry/cell-tree/cell-tree.js";
import { buildPlan } from "../../../src/geometry/cell-tree/plan.js";
import { VertexPolytopes } from "../../../src/geometry/polytopes/vertex-polytopes.js";
import { genericNet } from "../enumerate/nets.js";

/** |x - numerator / denominator| as a double. */
function distance(x: number, numerator: bigint, denominator: bigint): number {
  const lowest = lowestExponent(x);
  const exponent = lowest === NO_EXPONENT ? 0 : Math.min(lowest, 0);
  const shift = BigInt(-exponent);
  return Math.abs(toNumber(toInteger(x, exponent) * denominator - (numerator << shift), denominator << shift));
}

describe("the vertices of a walk's polytopes", () => {
  it.each([2, 3, 4, 5])("in %i dimensions lie within their radius of the exact ones", (d) => {
    const net = genericNet(20 + d, [d, 11, 11, 1]);
    const plan = buildPlan(net, new Float64Array(d).fill(-1), new Float64Array(d).fill(1));
    let polytopes: VertexPolytopes | undefined;
    const tree = new CellTree(plan, undefined, (p, path) => {
      polytopes = new VertexPolytopes(p, path, 1);
      return polytopes;
    });
    tree.begin();
    let vertices = 0;
    let beyond = 0;
    let off = 0;
    tree.step(150, () => {
      const { count, ids, codes, pool } = polytopes!.current;
      const { masks, x, radius } = pool;
      for (const v of ids.subarray(0, count)) {
        const facets = Array.from({ length: 32 }, (_, slot) => slot).filter((slot) => (masks[v] >>> slot) & 1);
        expect(facets).toHaveLength(d);
        const point = meetIntegers(
          facets.map((slot) => tree.path.exact(codes[slot] < 0 ? -1 - codes[slot] : codes[slot])),
        )!;
        for (let j = 0; j < d; j++) {
          const far = distance(x[v * d + j], point[j], point[d]);
          if (far > radius[v]) beyond++;
          if (far > 0) off++;
        }
        vertices++;
      }
    });
    expect(vertices).toBeGreaterThan(200);
    expect(beyond).toBe(0);
    expect(off).toBeGreaterThan(0);
  });
});
