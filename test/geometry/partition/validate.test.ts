import { existsSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GeometryError, ValidationError } from "../../../src/base/errors.js";
import { enumerate } from "../../../src/geometry/enumerate/enumerate.js";
import { type Partition, partition } from "../../../src/geometry/partition/partition.js";
import { validate } from "../../../src/geometry/partition/validate.js";
import { reluNet } from "../../../src/pwl/net.js";
import { regionsFiles } from "../../conformance/regions.js";
import { integerNets, type LayerKind, rescaled } from "../random-nets.js";
import { randomRelu } from "../random-relu.js";

const KINDS: LayerKind[] = ["relu", "leaky", "abs", "clamp", "max"];
const directory = "../shared/regions";

describe("validate accepts", () => {
  it.each([
    [1, [1, 12, 12, 1]],
    [2, [2, 12, 12, 1]],
    [3, [2, 8, 8, 8, 3]],
    [4, [2, 32, 16, 2]],
  ])("a random ReLU net (seed %d)", (seed, widths) => {
    const net = randomRelu(widths, seed);
    const box =
      net.inputSize === 1
        ? [[-1, 1]]
        : [
            [-1, 1],
            [-1, 1],
          ];
    const p = partition(net, { box });
    expect(validate(p).cells).toBe(p.cells.length);
    expect(p.cells.length).toBeGreaterThan(10);
  });

  it("degenerate integer nets of all kinds of layers, plain and cut at the outputs' zeros", () => {
    fc.assert(
      fc.property(integerNets(2, KINDS), fc.boolean(), (net, splitAtOutputZero) => {
        validate(
          partition(net, {
            box: [
              [-2, 2],
              [-2, 2],
            ],
            splitAtOutputZero,
          }),
        );
      }),
      { numRuns: 60 },
    );
  });

  it.each([2 ** 30, 2 ** -30])("nets whose input is scaled by %d", (factor) => {
    const box = [
      [-2, 2],
      [-2, 2],
    ].map((side) => side.map((x) => x * factor));
    fc.assert(
      fc.property(integerNets(2, KINDS), (net) => {
        validate(partition(rescaled(net, factor), { box }));
      }),
      { numRuns: 30 },
    );
    const random = partition(rescaled(randomRelu([2, 16, 16, 1], 5), factor), { box });
    const plain = partition(randomRelu([2, 16, 16, 1], 5), {
      box: [
        [-2, 2],
        [-2, 2],
      ],
    });
    validate(random);
    expect(random.cells.length).toBe(plain.cells.length);
  });

  it.skipIf(!existsSync(directory))("the networks of known counts (skipped where ../shared/regions is absent)", () => {
    for (const { weights, biases, box, expect: known, widths } of regionsFiles(directory)) {
      if (widths[0] > 2) continue;
      const found = validate(partition(reluNet(weights, biases), { box }));
      expect(found.cells).toBe(known.regions);
    }
  });

  it("an incomplete partition, as incomplete", () => {
    const p = partition(randomRelu([2, 12, 12, 1], 2), {
      box: [
        [-1, 1],
        [-1, 1],
      ],
      limits: { cells: 20 },
    });
    expect(validate(p)).toMatchObject({ cells: 20, complete: false });
  });
});

describe("validate refuses", () => {
  const fresh = (): Partition =>
    partition(randomRelu([2, 12, 12, 2], 2), {
      box: [
        [-1, 1],
        [-1, 1],
      ],
    });
  const violations = (p: Partition): string => {
    try {
      validate(p);
    } catch (error) {
      if (error instanceof ValidationError) return error.violations.join("\n");
      throw error;
    }
    return "";
  };

  it("a missing cell", () => {
    const p = fresh();
    p.complex.cellCount--;
    expect(violations(p)).toMatch(/areas sum to/);
  });

  it("a cell with another pattern", () => {
    const p = fresh();
    p.tree.layers[1].words[7] ^= 1 << 3;
    expect(violations(p)).toMatch(/cell 7: an interior point has another pattern/);
  });

  it("a cell with a neighbour's pattern", () => {
    const p = fresh();
    const [, second] = p.tree.layers;
    const sibling = second.parents.findIndex((parent, k) => k > 0 && parent === second.parents[k - 1]);
    second.words[sibling] = second.words[sibling - 1];
    expect(violations(p)).toMatch(/have the same pattern/);
  });

  it("a moved vertex", () => {
    const p = fresh();
    const inner = p.complex.vertexS.findIndex(
      (s, v) => v > 4 && Math.abs(s) < 0.9 && Math.abs(p.complex.vertexT[v]) < 0.9,
    );
    p.complex.vertexS[inner] += 0.01;
    expect(violations(p)).not.toBe("");
  });

  it("a neighbour that is not mutual", () => {
    const p = fresh();
    const edge = p.cells.at(3).sides.find(({ neighbour }) => neighbour !== undefined)!.edge;
    p.complex.edgeLeft[edge] = 0;
    p.complex.edgeRight[edge] = 1;
    expect(violations(p)).toMatch(/names cell|not mutual/);
  });

  it("a polygon in clockwise order", () => {
    const p = fresh();
    const [start, end] = [p.complex.cellStarts[5], p.complex.cellStarts[6]];
    p.complex.cellEdges.subarray(start, end).reverse();
    expect(violations(p)).toMatch(/cell 5/);
  });

  it("a net whose weights were changed afterwards", () => {
    const p = fresh();
    const { A } = p.cells.at(0);
    const { block } = p.net.output.terms[0];
    for (let k = 0; k < block.values.length; k++) block.values[k] += 1;
    expect(A.length).toBe(4);
    expect(violations(p)).toMatch(/map gives/);
  });
});

describe("validate refuses, naming what checks it,", () => {
  it("whatever is no partition", async () => {
    const box = [[0, 1]];
    for (const thing of [await enumerate(randomRelu([1, 3, 1], 1), { box: [[0, 1]] }), null, undefined, box]) {
      expect(() => validate(thing as never)).toThrow(GeometryError);
      expect(() => validate(thing as never)).toThrow(/validateEnumeration/);
    }
  });
});
