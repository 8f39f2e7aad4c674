import { inspect } from "node:util";
import {
  activationPatterns,
  compile,
  enumerate,
  linearize,
  linearizeAll,
  lower,
  nn,
  partition,
  reluNet,
  streamCells,
  tensor,
  trace,
} from "crease";
import { describe, expect, it } from "vitest";
import { diamond } from "./geometry/partition/diamond.js";

const box = [
  [-2, 2],
  [-2, 2],
];

/** What console.log shows, and a template string. */
function printed(value: unknown): string {
  expect(inspect(value)).toBe(String(value));
  return inspect(value);
}

describe("what people print is short and says what it is:", () => {
  const p = partition(diamond, { box });

  it("a partition, its cells, a cell, and what they answer", () => {
    expect(printed(p)).toBe("Partition { box [-2, 2] × [-2, 2], 4 cells, 4 pieces, 4 gates in 1 layer }");
    expect(printed(p.cells)).toBe("Cells { 4 cells, at(0) … at(3) }");
    expect(printed(p.locate([1, 1]))).toMatch(
      /^Cell \d \{ pattern 1010, A \[\[1, 1\]\], b \[-1\], area 4, 4 edges \}$/,
    );
    expect(printed(p.levelSet())).toBe("LevelSet { 4 segments, at(0) … at(3), of total length 5.6569 }");
    expect(printed(p.levelSet({ level: 9 }))).toBe("LevelSet { 0 segments, of total length 0 }");
    expect(inspect({ p })).toBe(`{\n  p: ${p}\n}`);
  });

  it("a slice, and a partition that was stopped", () => {
    const line = partition(diamond, { line: { origin: [0, 1], u: [1, 0] }, box: [[-1, 1]] });
    expect(printed(line)).toBe("Partition { line in 2 inputs, box [-1, 1], 2 cells, 2 pieces, 4 gates in 1 layer }");
    expect(printed(line.cells.at(0))).toMatch(/^Cell 0 \{ pattern \d+, A \[\[-?1\]\], b \[0\], length 1 \}$/);
    const part = partition(diamond, { box, limits: { cells: 2 } });
    expect(printed(part)).toContain("2 cells found before it was stopped (cells)");
  });

  it("an enumeration and its cells", async () => {
    const found = await enumerate(diamond, { box, want: ["map"] });
    expect(printed(found)).toMatch(
      /^Enumeration \{ complete, 4 cells in \[-2, 2\] × \[-2, 2\], 4 gates in 1 layer, by vertices in .* s \}$/,
    );
    expect(printed(found.cells)).toBe("EnumeratedCells { 4 cells, at(0) … at(3), in 2 dimensions, with map }");
    expect(printed(await enumerate(diamond, { box, limits: { cells: 1 } }))).toMatch(
      /^Enumeration \{ stopped \(cells\), \d+ sub-problems? left, 1 cell in/,
    );
    const all = ["witness", "map", "facets", "chebyshev", "vertices", "volume"] as const;
    const wanted = await enumerate(diamond, { box, want: all });
    const text =
      /^EnumeratedCell 0 \{ pattern \d{4}, witness \[.*\], A \[\[-?1, -?1\]\], b \[-1\], 4 facets, inscribed ball of radius 1, 4 vertices, volume 4 \}$/;
    expect(printed(wanted.cells.at(0))).toMatch(text);
    expect(Object.keys(wanted.cells.at(0))).toContain("witness");
    for await (const cell of streamCells(diamond, { box, want: all, limits: { cells: 1 } })) {
      expect(printed(cell)).toMatch(text);
    }
    const many = Array.from({ length: 6 }, () => [0, 1]);
    const wide = reluNet([[[1, 1, 1, 1, 1, 1]], [[1]]], [[-3], [0]]);
    expect(printed(await enumerate(wide, { box: many }))).toContain("× … (6 intervals)");
  });

  it("a net", () => {
    expect(printed(diamond)).toBe("PwlNet { x[2] → [1], 4 gates in 1 layer; formatNet(net) shows its maps }");
    expect(printed(lower(nn.mlp([3, 5, 2]), { shape: [3] }))).toContain("x[3] → [2], 5 gates in 1 layer");
  });

  it("a linearization, its pattern and its half-spaces", () => {
    const here = linearize(diamond, [1, 1]);
    expect(printed(here)).toBe(
      "Linearization {\n  A: tensor([[1., 1.]], float64),\n  b: tensor([-1.], float64),\n  pattern: 1010\n}",
    );
    expect(printed(linearize(diamond, [0, 1]))).toContain("pattern: 0010,\n  on a crease\n}");
    expect(inspect(here.pattern)).toBe("ActivationPattern { 1010 }");
    expect(printed(here.halfspaces())).toBe("HalfSpaces { 4 half-spaces, at(0) … at(3), of 2 inputs }");
    expect(printed(linearizeAll(diamond, [[1, 1]]))).toBe("Linearizations { 1 row, at(0) }");
    const large = linearize(nn.mlp([2, 500, 1]), [0.1, 0.2]).pattern;
    expect(inspect(large)).toMatch(/^ActivationPattern \{ [01]{60}… 500 gates \}$/);
    expect(String(large).length).toBe(500);
  });

  it("activation patterns", () => {
    const rows = [
      [1, 1],
      [0.5, 1],
      [0, -1],
    ];
    expect(printed(activationPatterns(diamond, rows))).toBe(
      "ActivationPatterns { 3 rows, at(0) … at(2), in 2 cells of 4 gates in 1 layer, 1 row on a crease }",
    );
  });

  it("a graph, its nodes, and a compiled function", () => {
    const graph = trace((x) => x.mul(2).relu(), tensor([1, 2]));
    expect(printed(graph)).toMatch(/^Graph \{ x float32\[2\] → relu float32\[2\], 4 nodes, 0 parameters; graphText/);
    expect(printed(graph.outputs[0])).toMatch(/^GraphNode \{ %3 relu\(%2\), float32\[2\] \}$/);
    const double = compile(function double(x) {
      return x.mul(2);
    });
    expect(printed(double)).toContain("Compiled { double, not called yet");
    double(tensor([1]));
    expect(printed(double)).toContain("Compiled { double, 1 program;");
  });

  it("and plain data stays plain: its text is in no key, copy or JSON", () => {
    expect(Object.keys(diamond)).toEqual(["inputs", "inputSize", "layers", "output", "outputShape", "rounded"]);
    expect(structuredClone(diamond)).toEqual(diamond);
    expect(JSON.stringify(diamond)).not.toContain("PwlNet");
  });
});
