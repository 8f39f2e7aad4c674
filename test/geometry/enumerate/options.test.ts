import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GeometryError, OptionError, PiecewiseLinearError } from "../../../src/base/errors.js";
import { type DualGraph, dualGraph, dualGraphToDot } from "../../../src/geometry/dual-graph.js";
import { type EnumerateOptions, enumerate, streamCells } from "../../../src/geometry/enumerate/enumerate.js";
import { enumeratedPieces } from "../../../src/geometry/enumerate/pieces.js";
import { validateEnumeration } from "../../../src/geometry/enumerate/validate.js";
import { partition } from "../../../src/geometry/partition/partition.js";
import { reluNet } from "../../../src/pwl/net.js";
import type { ActivationPattern } from "../../../src/pwl/pattern.js";
import { randomNet } from "../../pwl/nets.js";
import { cube, degenerateNet, genericNet, patternsOf } from "./nets.js";

const net = genericNet(11, [3, 8, 7, 2]);
const box = cube(3);
const methods = ["vertices", "linear-programs"] as const;

describe("a limited enumeration", () => {
  it.each(methods)("stops at its number of cells, says so, and what it found is sound, by %s", async (method) => {
    const whole = await enumerate(net, { box, method });
    const part = await enumerate(net, { box, method, limits: { cells: 50 } });
    expect([part.complete, part.stopped, part.count, part.cells.length]).toEqual([false, "cells", 50, 50]);
    expect(part.frontier.length).toBeGreaterThan(0);
    validateEnumeration(part);
    const all = new Set(patternsOf(whole.cells));
    for (const key of patternsOf(part.cells)) expect(all).toContain(key);
  });

  it.each(methods)("is resumed from its frontier, as JSON, in any pieces, to the same cells, by %s", async (method) => {
    const whole = await enumerate(net, { box, method });
    const first = await enumerate(net, { box, method, limits: { cells: 41 } });
    const found = patternsOf(first.cells);
    let frontier = JSON.parse(JSON.stringify(first.frontier));
    const parts = [
      frontier.filter((_: unknown, k: number) => k % 2 === 0),
      frontier.filter((_: unknown, k: number) => k % 2 === 1),
    ];
    const last = await enumerate(net, { box, method, resume: parts[1] });
    expect(last.complete).toBe(true);
    found.push(...patternsOf(last.cells));
    for ([frontier] = parts; frontier.length > 0; ) {
      const next = await enumerate(net, { box, method, resume: frontier, limits: { cells: 37 } });
      found.push(...patternsOf(next.cells));
      frontier = next.frontier;
      expect(next.complete).toBe(frontier.length === 0);
    }
    expect(found.sort()).toEqual(patternsOf(whole.cells));
  });

  it("is resumed by the other method, in degenerate nets and nets of maxima", async () => {
    const nets = [0, 1, 2, 3].map((seed) => degenerateNet(seed, [3, 6, 5, 1]));
    for (let seed = 0; nets.length < 16; seed++) {
      const random = randomNet(seed);
      if (random.layers.some(({ kind }) => kind === "max")) nets.push(random);
    }
    for (const some of nets) {
      const domain = cube(some.inputSize, 2);
      const whole = await enumerate(some, { box: domain });
      const cells = Math.floor(whole.count / 2);
      const first = await enumerate(some, { box: domain, method: "vertices", limits: { cells } });
      const rest = await enumerate(some, { box: domain, method: "linear-programs", resume: first.frontier });
      expect([...patternsOf(first.cells), ...patternsOf(rest.cells)].sort()).toEqual(patternsOf(whole.cells));
    }
  });

  it("of no seconds finds nothing and can be resumed", async () => {
    const none = await enumerate(net, { box, limits: { seconds: 0 } });
    expect([none.complete, none.stopped, none.count]).toEqual([false, "seconds", 0]);
    const rest = await enumerate(net, { box, resume: none.frontier, countOnly: true });
    expect(rest.count).toBe((await enumerate(net, { box, countOnly: true })).count);
  });

  it("that has as many cells as the limit is complete", async () => {
    const { count } = await enumerate(net, { box, countOnly: true });
    const again = await enumerate(net, { box, countOnly: true, limits: { cells: count } });
    expect([again.count, again.complete, again.frontier]).toEqual([count, true, []]);
  });

  it("counts no more cells than its limit", async () => {
    for (let cells = 0; cells < 12; cells++) {
      expect((await enumerate(net, { box, countOnly: true, limits: { cells } })).count).toBe(cells);
    }
  });
});

describe("a signal", () => {
  it("that is aborted before stops at once", async () => {
    const { complete, stopped, count } = await enumerate(net, { box, signal: AbortSignal.abort() });
    expect([complete, stopped, count]).toEqual([false, "aborted", 0]);
  });

  it("that is aborted on the way stops there; found and frontier together are everything", async () => {
    const large = genericNet(2, [4, 14, 14, 1]);
    const controller = new AbortController();
    const part = await enumerate(large, {
      box: cube(4),
      countOnly: true,
      signal: controller.signal,
      onProgress: ({ cells }) => cells > 100 && controller.abort(),
    });
    expect([part.complete, part.stopped]).toEqual([false, "aborted"]);
    const rest = await enumerate(large, { box: cube(4), countOnly: true, resume: part.frontier });
    const whole = await enumerate(large, { box: cube(4), countOnly: true });
    expect(part.count + rest.count).toBe(whole.count);
  });
});

describe("a stream", () => {
  it("gives the same cells, numbered, and ends early when it is broken off", async () => {
    const whole = await enumerate(net, { box });
    const keys: string[] = [];
    for await (const cell of streamCells(net, { box })) {
      expect(cell.index).toBe(keys.length);
      const same = whole.cells.at(cell.index);
      expect(cell.facets!.map(({ gate }) => gate)).toEqual(same.facets!.map(({ gate }) => gate));
      expect(cell.A).toEqual(same.A);
      keys.push(cell.pattern.key);
      if (keys.length === 300) break;
    }
    expect(keys).toEqual(Array.from(whole.cells, ({ pattern }) => pattern.key).slice(0, 300));
  });
});

describe("a polytope", () => {
  const simplex = {
    A: [
      [1, 1, 1],
      [-1, 0, 0],
      [0, -1, 0],
      [0, 0, -1],
      [2, 2, 2], // the first again
      [1, 0, 0], // a side of the box
    ],
    b: [1, 0, 0, 0, 2, 1],
  };

  it.each(methods)("bounds the cells: volumes sum to its volume, by %s", async (method) => {
    const want = ["neighbours", "map", "volume", "vertices"] as const;
    const found = await enumerate(net, { box, polytope: simplex, method, want });
    validateEnumeration(found, 1 / 6);
    const sides = new Set(Array.from(found.cells, ({ facets }) => facets!.map(({ boundary }) => boundary)).flat());
    expect([...sides].filter((side) => side !== undefined).sort()).toEqual([6, 7, 8, 9]);
  });

  it.each(methods)("of many sides gives cells of as many facets, by %s", async (method) => {
    const angles = Array.from({ length: 150 }, (_, k) => ((k + 0.5) * 2 * Math.PI) / 150);
    const polygon = { A: angles.map((angle) => [Math.cos(angle), Math.sin(angle)]), b: angles.map(() => 1) };
    const halves = reluNet([[[1, 0]], [[1]]], [[0], [0]]);
    const found = await enumerate(halves, { box: cube(2, 2), polytope: polygon, method });
    // the crease, 74 sides, and one side above and one below, which the crease cuts in two
    const facets = Array.from(found.cells, (cell) => cell.facets!.map(({ boundary }) => boundary));
    expect(facets.map((sides) => new Set(sides).size)).toEqual([77, 77]);
    expect(new Set(facets.flat()).size).toBe(150 + 1);
  });

  it.each(methods)("without interior is refused, by %s", async (method) => {
    const flat = {
      A: [
        [1, 0, 0],
        [-1, 0, 0],
      ],
      b: [0.5, -0.5],
    };
    await expect(enumerate(net, { box, polytope: flat, method })).rejects.toThrow(GeometryError);
    const outside = { A: [[1, 0, 0]], b: [-2] };
    await expect(enumerate(net, { box, polytope: outside, method })).rejects.toThrow("no interior");
  });
});

describe("bad input is refused with what to do", () => {
  const cases: [string, Partial<EnumerateOptions> | object, new (...args: never[]) => Error, string][] = [
    ["no box", { box: undefined }, GeometryError, "there is no box: pass box: [[from, to], ...]"],
    ["a box of another width", { box: cube(2) }, GeometryError, "2 intervals, but the net has 3 inputs"],
    [
      "an inverted box",
      {
        box: [
          [-1, 1],
          [1, -1],
          [0, 1],
        ],
      },
      GeometryError,
      "[1, -1]",
    ],
    [
      "an empty box",
      {
        box: [
          [-1, 1],
          [1, 1],
          [0, 1],
        ],
      },
      GeometryError,
      "no width",
    ],
    [
      "a NaN box",
      {
        box: [
          [-1, 1],
          [Number.NaN, 1],
          [0, 1],
        ],
      },
      GeometryError,
      "NaN",
    ],
    [
      "an unbounded box",
      {
        box: [
          [-1, 1],
          [0, Number.POSITIVE_INFINITY],
          [0, 1],
        ],
      },
      GeometryError,
      "bounded",
    ],
    ["a polytope of another width", { box, polytope: { A: [[1, 2]], b: [1] } }, GeometryError, "row 0"],
    ["a polytope of two lengths", { box, polytope: { A: [[1, 2, 3]], b: [] } }, GeometryError, "1 rows in A and 0"],
    [
      "a polytope with NaN",
      { box, polytope: { A: [[1, 2, Number.NaN]], b: [1] } },
      GeometryError,
      "NaN: pass a finite number",
    ],
    ["an unknown method", { box, method: "simplex" }, OptionError, '"simplex"'],
    ["an unknown wish", { box, want: ["colour"] }, OptionError, '"colour"'],
    ["a negative limit", { box, limits: { cells: -1 } }, OptionError, "limits.cells is -1"],
    ["another net's frontier", { box, resume: [{ of: "", states: [1, 0] }] }, OptionError, "2 states"],
    [
      "a frontier with a state no gate has",
      { box, resume: [{ of: "", states: new Array(15).fill(7) }] },
      OptionError,
      "state 7",
    ],
  ];
  it.each(cases)("%s", async (_, options, error, message) => {
    const run = enumerate(net, options as EnumerateOptions);
    await expect(run).rejects.toThrow(error);
    await expect(run).rejects.toThrow(message);
  });

  it("a frontier of other weights, another box, another polytope or another split", async () => {
    const { frontier } = await enumerate(net, { box, limits: { cells: 20 } });
    const whole = await enumerate(net, { box, limits: { cells: 20 }, splitAtOutputZero: true });
    const others = [
      enumerate(genericNet(12, [3, 8, 7, 2]), { box, resume: frontier }),
      enumerate(net, { box: cube(3, 2), resume: frontier }),
      enumerate(net, { box, polytope: { A: [[1, 0, 0]], b: [0.5] }, resume: frontier }),
    ];
    for (const other of others) {
      await expect(other).rejects.toThrow(OptionError);
      await expect(other).rejects.toThrow(/belongs to another net, box or polytope \(fingerprint "[0-9a-f]{16}", here/);
    }
    await expect(enumerate(net, { box, resume: whole.frontier })).rejects.toThrow("17 states");
    const same = genericNet(11, [3, 8, 7, 2]);
    expect((await enumerate(same, { box, resume: frontier, countOnly: true })).complete).toBe(true);
  });

  it("a stream that only counts", async () => {
    const stream = streamCells(net, { box, countOnly: true } as EnumerateOptions);
    await expect(stream.next()).rejects.toThrow(/streamCells gives cells: to count them call enumerate/);
  });

  it("a NaN weight", async () => {
    const bad = reluNet([[[Number.NaN]], [[1]]], [[0], [0]]);
    await expect(enumerate(bad, { box: [[0, 1]] })).rejects.toThrow(PiecewiseLinearError);
  });
});

describe("pieces", () => {
  it("merge cells that a dead layer cuts, and count the maps that differ", async () => {
    const dead = reluNet(
      [
        [
          [1, 0, 0],
          [0, 1, 0],
          [0, 0, 1],
        ],
        [
          [1, 0, 0],
          [1, 0, 0],
          [-1, 0, 0],
        ],
        [[1, -1, 1]],
      ],
      [[0, 0, 0], [0, 0, -1], [0]],
    );
    const found = await enumerate(dead, { box: cube(3) });
    expect(found.count).toBe(8);
    const { length, distinctMaps, ofCell } = enumeratedPieces(found);
    expect([length, distinctMaps, new Set(ofCell).size]).toEqual([1, 1, 1]);
  });

  it("that are apart may share a map", async () => {
    // relu(x - 1) + relu(-x - 1) is flat between, and |x| - 1 outside; clipped at 1 it is flat again
    const hat = reluNet([[[1], [-1], [1], [-1]], [[1, 1, -1, -1]]], [[-1, -1, -2, -2], [0]]);
    const found = await enumerate(hat, { box: [[-4, 4]] });
    const { length, distinctMaps } = enumeratedPieces(found);
    expect([found.count, length, distinctMaps]).toEqual([5, 5, 4]);
  });

  it("are refused where they would be parts of pieces", async () => {
    const part = await enumerate(net, { box, limits: { cells: 5 } });
    expect(() => enumeratedPieces(part)).toThrow(GeometryError);
    const bare = await enumerate(net, { box, want: [] });
    expect(() => enumeratedPieces(bare)).toThrow("want");
  });
});

describe("the dual graph", () => {
  it("of d crossing hyperplanes is the cube's", async () => {
    const axes = reluNet(
      [
        [
          [1, 0, 0],
          [0, 1, 0],
          [0, 0, 1],
        ],
        [[1, 1, 1]],
      ],
      [[0, 0, 0], [0]],
    );
    const { cells } = await enumerate(axes, { box });
    const graph = dualGraph(cells);
    expect([graph.nodes, graph.edges]).toEqual([8, 12]);
    for (let e = 0; e < 12; e++) {
      const [a, b] = graph.ends.subarray(2 * e, 2 * e + 2);
      expect(cells.at(a).pattern.differences(cells.at(b).pattern)).toEqual([graph.gates[e]]);
    }
    const dot = dualGraphToDot(graph, {
      label: (i) => cells.at(i).pattern.toString(),
      edgeLabel: (gate) => `z${gate}`,
    });
    expect(dot).toContain('[label="111"]');
    expect(dot.match(/ -- /g)).toHaveLength(12);
    expect(dot.startsWith("graph cells {")).toBe(true);
  });

  it("of a partition is that of the enumeration of the same net, and names a gate that changes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 1e6 }), async (seed) => {
        const net = degenerateNet(seed, [2, 5, 4, 1]);
        const square = cube(2);
        const cut = partition(net, { box: square });
        const { cells } = await enumerate(net, { box: square });
        const edgesOf = (graph: DualGraph, pattern: (cell: number) => ActivationPattern) =>
          Array.from({ length: graph.edges }, (_, e) => {
            const [one, other] = [pattern(graph.ends[2 * e]), pattern(graph.ends[2 * e + 1])];
            expect(one.differences(other)).toContain(graph.gates[e]);
            return [one.toString(), other.toString()].sort().join(" ");
          }).sort();
        const [plane, space] = [dualGraph(cut), dualGraph(cells)];
        expect(plane.nodes).toBe(space.nodes);
        expect(edgesOf(plane, (cell) => cut.cells.at(cell).pattern)).toEqual(
          edgesOf(space, (cell) => cells.at(cell).pattern),
        );
      }),
      { numRuns: 40 },
    );
  });
});
