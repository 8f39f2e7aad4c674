import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ValidationError } from "../../src/base/errors.js";
import { type Enumeration, enumerate } from "../../src/geometry/enumerate/enumerate.js";
import { validateEnumeration } from "../../src/geometry/enumerate/validate.js";
import { outputMaps } from "../../src/geometry/partition/output-maps.js";
import { type Partition, partition } from "../../src/geometry/partition/partition.js";
import { validate } from "../../src/geometry/partition/validate.js";
import { cube, genericNet } from "./enumerate/nets.js";
import { randomRelu } from "./random-relu.js";

/** A number from 0 below a limit, drawn for the test. */
type Pick = (limit: number) => number;

/** Does one thing wrong to a result; gives what a violation must say of it. */
type Mutilation<Result> = (result: Result, pick: Pick) => RegExp;

function expectNamed(check: () => unknown, named: RegExp): void {
  try {
    check();
  } catch (error) {
    expect(error).toBeInstanceOf(ValidationError);
    expect((error as ValidationError).violations).toContainEqual(expect.stringMatching(named));
    return;
  }
  throw new Error(`nothing was found, expected ${named}`);
}

const picks = fc.infiniteStream(fc.nat()).map(
  (stream): Pick =>
    (limit) =>
      (stream.next().value as number) % limit,
);

describe("validate finds, and names,", () => {
  const nets = [
    [2, 8, 1],
    [2, 10, 10, 2],
    [2, 5, 5, 5, 1],
    [1, 10, 10, 1],
  ].map((widths, seed) => randomRelu(widths, 20 + seed));

  const mutilations: Record<string, Mutilation<Partition>> = {
    "a dropped cell": ({ complex }) => {
      complex.cellCount--;
      return /areas sum to|names cells .* of/;
    },
    "a flipped neighbour": ({ complex }, pick) => {
      let edge = pick(complex.edgeCount);
      while (complex.edgeLeft[edge] < 0 || complex.edgeRight[edge] < 0) edge = (edge + 1) % complex.edgeCount;
      complex.edgeLeft[edge] = (complex.edgeLeft[edge] + 1 + pick(complex.cellCount - 1)) % complex.cellCount;
      return new RegExp(`edge ${edge}\\b`);
    },
    "a moved vertex": ({ complex, dimension }, pick) => {
      const vertex = pick(complex.vertexCount);
      const moved = dimension === 1 || pick(2) === 0 ? complex.vertexS : complex.vertexT;
      moved[vertex] += [1e-2, -1e-4, 1e-6, -1e-8][pick(4)];
      return new RegExp(`vertex ${vertex} is at .* (its lines meet in|away from its side)`);
    },
    "a changed slope": (p, pick) => {
      const cell = pick(p.cells.length);
      const { a } = outputMaps(p, pick(p.net.output.size));
      a[cell] += 1e-5 * (1 + Math.abs(a[cell]));
      return new RegExp(`cell ${cell}: its map gives|cells .*\\b${cell}\\b.* disagree by`);
    },
    "a changed constant": (p, pick) => {
      const cell = pick(p.cells.length);
      outputMaps(p, pick(p.net.output.size)).c[cell] += 1e-5;
      return new RegExp(`cell ${cell}: its map gives|cells .*\\b${cell}\\b.* disagree by`);
    },
    "a flipped bit of a pattern": ({ tree }, pick) => {
      const layer = pick(tree.layers.length);
      const { words, count, packing } = tree.layers[layer];
      const [node, gate] = [pick(count), pick(packing.gates)];
      words[node * packing.words + (gate >> 5)] ^= 1 << (gate & 31);
      if (layer < tree.layers.length - 1) return /cell \d+: an interior point has another pattern/;
      return new RegExp(`cell ${node}: an interior point has another pattern`);
    },
  };

  it.each(Object.entries(mutilations))("%s, whichever it is, in one dimension and in two", (_, mutilate) => {
    fc.assert(
      fc.property(fc.constantFrom(...nets), fc.boolean(), picks, (net, splitAtOutputZero, pick) => {
        const box = cube(net.inputSize) as number[][];
        const p = partition(net, { box, splitAtOutputZero });
        const named = mutilate(p, pick);
        expectNamed(() => validate(p), named);
      }),
      { numRuns: 40 },
    );
  });
});

describe("validateEnumeration finds, and names,", () => {
  const net = genericNet(11, [3, 6, 5, 2]);
  const box = cube(3);
  const want = ["witness", "map", "facets", "neighbours", "volume"] as const;

  const mutilations: Record<string, Mutilation<Enumeration>> = {
    "a lost cell": ({ cells }) => {
      cells.arrays.length--;
      return /cells are held, but .* were counted/;
    },
    "a wrong neighbour": ({ cells: { arrays, length } }, pick) => {
      const facets = arrays.facetStarts[length];
      let at = pick(facets);
      while (arrays.neighbours[at] < 0) at = (at + 1) % facets;
      const cell = arrays.facetStarts.findIndex((start, i) => start <= at && at < arrays.facetStarts[i + 1]);
      arrays.neighbours[at] = (arrays.neighbours[at] + 1 + pick(length - 1)) % length;
      return new RegExp(`cells? ${cell}\\b|neighbour of ${cell}\\b`);
    },
    "a witness in another cell": ({ cells: { arrays, length } }, pick) => {
      const [cell, by] = [pick(length), 1 + pick(length - 1)];
      const other = (cell + by) % length;
      arrays.witnesses.copyWithin(3 * cell, 3 * other, 3 * other + 3);
      return new RegExp(`cell ${cell}: its witness .* lies in another cell`);
    },
    "a changed map": ({ cells: { arrays, length } }, pick) => {
      const cell = pick(length);
      arrays.maps[8 * cell + pick(8)] += 0.01;
      return new RegExp(`cell ${cell}: its map gives|cells .*\\b${cell}\\b.*: their maps differ`);
    },
    "a changed volume": ({ cells: { arrays, length } }, pick) => {
      arrays.volumes[pick(length)] *= 1.5;
      return /volumes sum to .* the domain's is 8/;
    },
    "a flipped bit of a pattern": ({ cells: { arrays, layout, length } }, pick) => {
      const cell = pick(length);
      arrays.patterns[cell] ^= 1 << pick(layout.gates);
      return new RegExp(`cell ${cell}: its witness .* lies in another cell`);
    },
  };

  it.each(Object.entries(mutilations))("%s, whichever it is", async (_, mutilate) => {
    await fc.assert(
      fc.asyncProperty(picks, async (pick) => {
        const found = await enumerate(net, { box, want });
        const named = mutilate(found, pick);
        expectNamed(() => validateEnumeration(found, 8), named);
      }),
      { numRuns: 15 },
    );
  });
});
