import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PiecewiseLinearError } from "../../src/base/errors.js";
import { mlp } from "../../src/nn/index.js";
import { checkNet } from "../../src/pwl/check.js";
import { type PwlNet, reluNet } from "../../src/pwl/net.js";
import { countsOf, formatNet } from "../../src/pwl/text.js";
import { convBlock, denseBlock, randomNet, stream } from "./nets.js";

const small = reluNet(
  [
    [
      [1, -1],
      [2, 0.5],
    ],
    [[1, -3]],
  ],
  [[0, -1], [0.1 + 0.2]],
);

describe("a net's text", () => {
  test("says what each layer reads and what gates stand on it", () => {
    expect(formatNet(small)).toBe(
      [
        "PwlNet x[2] → [1]: 2 gates in 1 layer, depth 1, 8 parameters",
        '  h1 = 2 × relu(dense[2, 2]·x + bias)  "relu 1"',
        "  y = dense[1, 2]·h1 + bias",
      ].join("\n"),
    );
  });

  test("shows the numbers when asked", () => {
    expect(formatNet(small, { values: true })).toContain("    x:\n      1 -1\n      2 0.5\n    bias: 0 -1\n");
    expect(formatNet(small, { values: true })).toContain("bias: 0.3");
  });

  test("names convolutions with what is not ordinary about them, maxima by group sizes, and what was rounded", () => {
    const block = { ...convBlock(stream(3)), stride: [2, 1] as const };
    const net: PwlNet = {
      inputs: [{ name: "image", shape: block.inputShape }],
      inputSize: block.columns,
      layers: [
        {
          kind: "max",
          name: "pool",
          argument: { size: block.rows, terms: [{ source: 0, block }], bias: new Float64Array(block.rows) },
          starts: Int32Array.of(0, 1, block.rows),
        },
      ],
      output: { size: 2, terms: [{ source: 1, block: denseBlock(stream(1), 2, 2) }], bias: new Float64Array(2) },
      outputShape: [2],
      rounded: ["batch norm folded"],
    };
    const text = formatNet(net);
    expect(text).toContain("stride 2×1");
    expect(text).toContain(`2 × max of 1 or ${block.rows - 1}(conv[`);
    expect(text.endsWith("rounded:\n  batch norm folded")).toBe(true);
  });
});

describe("counts", () => {
  test("of a plain relu network follow from its widths", () => {
    expect(countsOf(small)).toEqual({ gates: 2, hinges: 2, maxima: 0, parameters: 8, depth: 1, layers: 1 });
  });

  test("depth is the longest path of gates, not the number of layers; shared weights count once", () => {
    const relu = (source: number, block = denseBlock(stream(5), 2, 2)) => ({
      ...small.layers[0],
      argument: { size: 2, terms: [{ source, block }], bias: new Float64Array(2) },
    });
    const shared = denseBlock(stream(6), 2, 2);
    const parallel: PwlNet = { ...small, layers: [relu(0, shared), relu(0, shared)] };
    expect(countsOf(parallel)).toMatchObject({ gates: 4, layers: 2, depth: 1, parameters: 4 + 2 + 1 });
    const chained: PwlNet = {
      ...small,
      layers: [relu(0), relu(1)],
      output: { size: 1, terms: [{ source: 2, block: denseBlock(stream(7), 1, 2) }], bias: new Float64Array(1) },
    };
    expect(countsOf(chained).depth).toBe(2);
  });
});

describe("a legal net", () => {
  test("is what the generator makes", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const net = randomNet(seed);
        expect(checkNet(net)).toBe(net);
        expect(formatNet(net).split("\n").length).toBe(net.layers.length + 2);
      }),
    );
  });

  const layer = small.layers[0];
  if (layer.kind !== "hinge") throw new Error("a relu is a hinge");
  const term = layer.argument.terms[0];
  const dense = denseBlock(stream(1), 2, 2);
  const broken: [string, PwlNet, RegExp][] = [
    [
      "inputs that do not fill the input vector",
      { ...small, inputSize: 3 },
      /inputs hold 2 numbers, but inputSize is 3/,
    ],
    [
      "a source that comes later",
      { ...small, layers: [{ ...layer, argument: { ...layer.argument, terms: [{ ...term, source: 1 }] } }] },
      /layer 1 "relu 1" reads source 1, which does not come before/,
    ],
    [
      "a source in two terms",
      { ...small, layers: [{ ...layer, argument: { ...layer.argument, terms: [term, term] } }] },
      /source 0 in two terms/,
    ],
    [
      "a NaN weight",
      {
        ...small,
        layers: [
          {
            ...layer,
            argument: {
              ...layer.argument,
              terms: [{ source: 0, block: { ...dense, values: Float64Array.of(1, Number.NaN, 1, 1) } }],
            },
          },
        ],
      },
      /holds NaN as weight 1/,
    ],
    [
      "an infinite threshold",
      { ...small, layers: [{ ...layer, threshold: Float64Array.of(0, Infinity) }] },
      /Infinity as threshold 1/,
    ],
    [
      "a hinge that does not bend",
      { ...small, layers: [{ ...layer, lo: Float64Array.of(0, 1) }] },
      /equal slopes 1 .* unit 1/,
    ],
    ["an output of another size", { ...small, outputShape: [2] }, /output has 1 numbers for shape \[2\]/],
    [
      "an empty group",
      { ...small, layers: [{ kind: "max", name: "max", argument: layer.argument, starts: Int32Array.of(0, 0, 2) }] },
      /empty group 0/,
    ],
  ];
  test.each(broken)("has not %s", (_, net, message) => {
    expect(() => checkNet(net)).toThrow(PiecewiseLinearError);
    expect(() => checkNet(net)).toThrow(message);
  });
});

describe("a module in the place of a PwlNet", () => {
  test.each([formatNet, countsOf, checkNet])("is refused by %o with the remedy", (read) => {
    for (const thing of [mlp([2, 3, 1]), () => small, null, undefined]) {
      expect(() => read(thing as never)).toThrow(PiecewiseLinearError);
      expect(() => read(thing as never)).toThrow(/expected a PwlNet, got .*lower\(f, \{ shape/);
    }
  });
});
