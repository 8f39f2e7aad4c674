import { describe, expect, it } from "vitest";
import { GeometryError } from "../../src/base/errors.js";
import { plotPartition } from "../../src/draw/plot-partition.js";
import { enumerate } from "../../src/geometry/enumerate/enumerate.js";
import { validateEnumeration } from "../../src/geometry/enumerate/validate.js";
import { partition } from "../../src/geometry/partition/partition.js";
import { validate } from "../../src/geometry/partition/validate.js";
import { type PwlNet, reluNet } from "../../src/pwl/net.js";
import { cube } from "./enumerate/nets.js";

const methods = ["vertices", "linear-programs"] as const;

/** relu(relu(k x) k - relu(k y) k). */
const netOf = (k: number): PwlNet =>
  reluNet(
    [
      [
        [k, 0],
        [0, k],
      ],
      [[k, -k]],
      [[1]],
    ],
    [[0, 0], [0], [0]],
  );
const box = cube(2);
const tooMuch = /beyond the range of doubles.*scale its weights or its inputs down/;

function refusal(run: () => unknown): void {
  expect(run).toThrow(GeometryError);
  expect(run).toThrow(tooMuch);
}

describe("a net whose weights multiply to more than doubles hold", () => {
  const cut = partition(netOf(1e160), { box });

  it("is cut into the cells of the same net in smaller numbers", async () => {
    const small = partition(netOf(1), { box });
    expect(cut.cells.length).toBe(small.cells.length);
    expect(cut.pieces.length).toBe(small.pieces.length);
    expect(cut.levelSet({ level: 1 }).length).toBe(2); // beside the diagonal, and beside x = 0 where y < 0
    for (const method of methods) {
      const found = await enumerate(netOf(1e160), { box, want: ["witness", "facets", "neighbours", "volume"], method });
      expect(validateEnumeration(found, 4).cells).toBe(small.cells.length);
    }
  });

  it("has no extremes, Lipschitz constant, maps or values that doubles could tell", () => {
    refusal(() => cut.maximum());
    refusal(() => cut.minimum());
    refusal(() => cut.lipschitz());
    expect(() => cut.integral()).toThrow(GeometryError);
    refusal(() => cut.locate([0.75, 0.25])?.A);
    refusal(() => plotPartition(cut, { colour: "slope" }));
    refusal(() => plotPartition(cut, { colour: "value" }));
  });

  it("is printed all the same", () => {
    for (const cell of cut.cells) expect(`${cell}`).toMatch(/^Cell \d+ \{ pattern/);
  });

  it("is neither validated nor said to contradict itself", () => {
    refusal(() => validate(cut));
  });

  it.each(methods)("has no maps to enumerate, by %s, and the error says how to do without", async (method) => {
    const found = enumerate(netOf(1e160), { box, method });
    await expect(found).rejects.toThrow(GeometryError);
    await expect(found).rejects.toThrow(tooMuch);
    await expect(found).rejects.toThrow(/leave "map" out of want/);
  });
});

describe("a net whose maps are doubles, but not its values", () => {
  const huge = reluNet([[[1e300, 1]], [[1]]], [[0], [0]]);
  const wide = cube(2, 1e10);

  it("has no maximum, and is not validated", () => {
    const cut = partition(huge, { box: wide });
    expect(cut.lipschitz().value).toBe(1e300);
    refusal(() => cut.maximum());
    refusal(() => validate(cut));
  });
});
