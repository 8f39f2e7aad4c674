import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { enumerate } from "../../src/geometry/enumerate/enumerate.js";
import { validateEnumeration } from "../../src/geometry/enumerate/validate.js";
import { partition } from "../../src/geometry/partition/partition.js";
import { validate } from "../../src/geometry/partition/validate.js";
import { valueTolerances } from "../../src/geometry/value-tolerance.js";
import { type PwlNet, reluNet } from "../../src/pwl/net.js";
import { integerNets } from "./random-nets.js";

type Interval = [number, number];
const methods = ["vertices", "linear-programs"] as const;

async function validateAll(net: PwlNet, box: Interval[]): Promise<void> {
  validate(partition(net, { box }));
  for (const method of methods) validateEnumeration(await enumerate(net, { box, method }));
}

/** The net with all weights and biases in tenths, which no double is. */
function inTenths(net: PwlNet): PwlNet {
  for (const { terms, bias } of [...net.layers.map(({ argument }) => argument), net.output]) {
    for (const values of [bias, ...terms.map(({ block }) => block.values)]) {
      for (let k = 0; k < values.length; k++) values[k] *= 0.1;
    }
  }
  return net;
}

describe("the checkers accept outputs that cancel to rounding", () => {
  const boxes: Interval[][] = [
    [
      [-0.1, 0.3],
      [-0.2, 0.4],
    ],
    [
      [-1 / 3, 1],
      [-0.1, 0.7],
    ],
  ];

  it.each([1, 1e12, 1e-12])("relu(x + y) - relu(x) - relu(y), times %d", async (weight) => {
    const net = reluNet(
      [
        [
          [1, 1],
          [1, 0],
          [0, 1],
        ],
        [[weight, -weight, -weight]],
      ],
      [[0, 0, 0], [0]],
    );
    for (const box of boxes) await validateAll(net, box);
  });

  it("in a cell whose map keeps the rounding of a gate that its neighbour has active", async () => {
    const net = reluNet(
      [
        [
          [-0.30000000000000004, -0.30000000000000004],
          [-0.2, 0.30000000000000004],
          [-0.30000000000000004, -0.1],
          [-0.30000000000000004, 0.2],
          [-0.30000000000000004, 0.1],
        ],
        [[0, -0.2, 0.1, -0.30000000000000004, -0.1]],
      ],
      [[0.2, -0.1, 0.1, 0.1, -0.30000000000000004], [0]],
    );
    await validateAll(net, [
      [-1 / 3, 0.7],
      [-0.1, 0.9],
    ]);
  });

  it("of small nets of all kinds of layers with weights in tenths", async () => {
    await fc.assert(
      fc.asyncProperty(integerNets(2, ["relu", "leaky", "abs", "clamp", "max"]), (net) =>
        validateAll(inTenths(net), boxes[1]),
      ),
      { numRuns: 60 },
    );
  });
});

describe("a tolerance", () => {
  it("grows with the products that may cancel, not with the output", () => {
    const net = (weight: number) => reluNet([[[1], [1]], [[weight, -weight]]], [[0, 0], [0]]);
    const [one] = valueTolerances(net(1), Float64Array.of(3));
    expect(one).toBeCloseTo(6e-12, 18);
    expect(valueTolerances(net(1000), Float64Array.of(3))[0]).toBeCloseTo(1000 * one, 15);
  });

  it("refuses a map that is off by a billionth", async () => {
    const net = reluNet([[[1, 1]], [[1]]], [[0], [0]]);
    const found = await enumerate(net, {
      box: [
        [-1, 1],
        [-1, 1],
      ],
    });
    found.cells.arrays.maps[0] += 1e-9;
    expect(() => validateEnumeration(found)).toThrow("its map gives");
  });
});
