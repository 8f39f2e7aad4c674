import { activationPatterns, CreaseError, nn, partition, tensor } from "crease";
import {
  plotAffineRows,
  plotCreases,
  plotHinges,
  plotLines,
  plotPartition,
  plotPatterns,
  rasterize,
  render,
} from "crease/draw";
import { describe, expect, it } from "vitest";

const BOX = [
  [-1, 1],
  [-1, 1],
];
const net = nn.mlp([2, 4, 2]);
const line = nn.mlp([1, 4, 1]);
const p = partition(net, { box: BOX });
const rows = [
  [1, 2],
  [3, 4],
];
const svg = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>";

/** A function as JavaScript calls it: with anything. */
type Anyhow = (...given: unknown[]) => unknown;

const calls: (readonly [of: unknown, given: readonly unknown[], message: string])[] = [
  ...[undefined, null, {}, net, "p"].map(
    (one) => [plotPartition, [one], "pass a partition: plotPartition(partition(net, { box }))"] as const,
  ),
  [
    plotPartition,
    [net, { box: [[-1, 1]] }],
    "pass a partition: plotPartition(partition(net, { box })); got a Sequential",
  ],
  [plotPartition, [(x: unknown) => x], "got a function"],
  [plotPartition, [partition(line, { box: [[0, 1]] })], "use plotHinges"],
  [plotPartition, [p, { color: "slope" }], 'unknown option "color"; known are colour'],
  [plotPartition, [p, { colour: "slopes" }], 'colour is "slopes"; pass "pattern", "slope"'],
  [plotPartition, [p, { output: 2 }], "output is a number from 0 to 1, got 2"],
  [plotPartition, [p, { output: "0" }], 'output is "0"; pass a number'],
  [plotPartition, [p, { size: -1 }], "size is -1; pass a finite number above 0"],
  [plotPartition, [p, { size: Number.POSITIVE_INFINITY }], "size is Infinity"],
  [plotPartition, [p, { title: 3 }], "title is 3; pass a text"],
  [plotPartition, [p, { title: null }], "title is null; pass a text"],
  [plotPartition, [p, { boundary: "yes" }], 'boundary is "yes"; pass true or false'],
  [plotPartition, [p, null], "got null"],
  [plotPartition, [p, { data: rows }], "data is an object such as { points: … }, got an array"],
  [plotPartition, [p, { data: { point: rows } }], 'unknown option "data.point"'],
  [
    plotPartition,
    [p, { data: { points: rows, classes: [0, 20] } }],
    "the class of point 1 is 20: plots tell 20 classes apart",
  ],
  [
    plotPartition,
    [p, { data: { points: rows, labels: [0, 1] } }],
    "data has labels and points; pass { points, classes }",
  ],
  [
    plotPartition,
    [p, { data: { inputs: rows, classes: [0, 1] } }],
    "data has inputs and classes; pass { points, classes }",
  ],
  [plotPartition, [p, { data: { inputs: [[0, 0, 0]] } }], "data.inputs: point 0 is [0, 0, 0]"],
  [plotPartition, [p, { data: { labels: [0] } }], "data.inputs: expected rows of numbers"],
  [plotCreases, [nn.mlp([2, 4, 21])], "the net has 21 outputs, plots tell 20 classes apart; pass surface: false"],
  [plotHinges, [line, { data: { inputs: [1, 2], labels: [1] } }], "data has 2 inputs and 1 labels"],
  [plotHinges, [line, { data: { inputs: [1], y: [1] } }], "data has inputs and y; pass { x, y }"],
  [plotPatterns, [activationPatterns(net, rows), { classes: [0, 20] }], "the class of row 1 is 20"],
  [plotPartition, [p, { data: {} }], "data.points: expected rows of numbers"],
  [plotPartition, [p, { data: { points: "abc" } }], 'got "abc"'],
  [plotPartition, [p, { data: { points: [[0, Number.NaN]] } }], "point 0 is [0, NaN]; pass two finite numbers"],
  [plotPartition, [p, { data: { points: [[0, 0, 0]] } }], "point 0 is [0, 0, 0]"],
  [plotPartition, [p, { data: { points: rows, classes: [0] } }], "2 points, but 1 class; give one for each point"],
  [plotPartition, [p, { data: { points: rows, classes: [0, -1] } }], "the class of point 1 is -1"],
  [plotPartition, [p, { data: { points: rows, classes: [0, 0.5] } }], "numbered 0, 1, 2"],
  [plotPartition, [p, { data: { points: rows, classes: 1 } }], "expected a list of numbers or a tensor, got 1"],
  [plotCreases, [undefined], "plotCreases: expected a function of tensors"],
  [plotCreases, [line], "draws functions of 2 numbers, but"],
  [plotCreases, [net, { box: [[-1, 1]] }], "the box has 1 interval"],
  [plotCreases, [net, { box: [null, null] }], "box[0] is null"],
  [
    plotCreases,
    [
      net,
      {
        box: [
          [1, -1],
          [0, 1],
        ],
      },
    ],
    "pass [-1, 1]",
  ],
  [plotCreases, [net, { data: 3 }], "data is an object such as"],
  [plotHinges, [line, { domain: [1, -1] }], "is [1, -1]: its first number is above its second"],
  [plotHinges, [line, { domain: 3 }], "is 3: an interval is [from, to]"],
  [plotHinges, [line, { box: [[0, 1]] }], 'unknown option "box"; known are domain'],
  [plotHinges, [line, { target: 3 }], "target is 3; pass a function"],
  [plotHinges, [line, { data: { x: [1] } }], "data.y: expected a list of numbers"],
  ...[undefined, null, {}, "a"].map((one) => [plotLines, [one], "expected a list of { name, y }"] as const),
  [plotLines, [[{}]], "series 0 has no name; pass { name, y }"],
  [plotLines, [[[1, 2]]], "series 0: options are an object"],
  [plotLines, [[{ label: "a", y: [1] }]], 'unknown option "label"; known are name, y, x, dashed'],
  [plotLines, [[{ name: "a" }]], "plotLines: a: expected a list of numbers or a tensor, got undefined"],
  [plotLines, [[{ name: "a", y: [1] }], { yScale: "ln" }], 'pass "linear" or "log"'],
  ...[undefined, null, {}, "a", net].map((one) => [plotPatterns, [one], "expected rows of numbers"] as const),
  [plotPatterns, [activationPatterns(net, rows), { tite: 1 }], 'unknown option "tite"'],
  [plotPatterns, [activationPatterns(net, rows), { order: "as is" }], 'pass "as given" or "grouped"'],
  [plotPatterns, [activationPatterns(net, rows), { classes: [0] }], "2 rows, but 1 class; give one for each row"],
  ...[undefined, null, {}, "a", 3].map((one) => [plotAffineRows, [one], "expected rows of numbers"] as const),
  [plotAffineRows, [[]], "there are no numbers to draw"],
  [plotAffineRows, [rows, { b: [1] }], "2 rows, but 1 offsets b"],
  [plotAffineRows, [rows, { b: "ab" }], 'b: expected a list of numbers or a tensor, got "ab"'],
  [plotAffineRows, [rows, { shape: 3 }], "shape is 3; pass an array"],
  [plotAffineRows, [rows, { columns: 0 }], "columns is 0; pass a whole number of at least 1"],
  [plotAffineRows, [rows, { cell: Number.NaN }], "cell is NaN"],
  ...[undefined, null, 3, {}].map((one) => [render, [one], "expected the DOT text that toDot gives"] as const),
  [render, ["digraph {}", { limit: Number.NaN }], "limit is NaN"],
  [render, ["digraph {}", { format: "jpg" }], 'format is "jpg"; pass "svg" or "png"'],
  ...[undefined, null, 3].map((one) => [rasterize, [one], "expected the text of an SVG"] as const),
  ...["", "abc", "<svg"].map((one) => [rasterize, [one], "this is no SVG of a size"] as const),
  [rasterize, [svg, { scale: -1 }], "scale is -1"],
  [rasterize, [svg, { scal: 1 }], 'unknown option "scal"'],
  [rasterize, [svg, null], "got null"],
];

describe("what cannot be drawn is refused, with what to pass:", () => {
  it.each(calls.map((one, i) => [`${(one[0] as Anyhow).name}: ${one[2]}`, i] as const))("%s", async (_, i) => {
    const [of, given, message] = calls[i];
    const attempt = async () => (of as Anyhow)(...given);
    await expect(attempt()).rejects.toThrow(CreaseError);
    await expect(attempt()).rejects.toThrow(message);
  });

  it("a tensor of rows is drawn", () => {
    expect(plotAffineRows(tensor(rows))).toContain("<svg");
  });
});
