import {
  activationPatterns,
  bounds,
  type CreaseError,
  collapse,
  countsOf,
  dualGraph,
  dualGraphToDot,
  enumerate,
  enumeratedPieces,
  formatNet,
  linearize,
  linearizeAll,
  lower,
  nn,
  partition,
  productBound,
  reluNet,
  streamCells,
  tensor,
  trace,
  validate,
  validateEnumeration,
} from "crease";
import { describe, expect, it } from "vitest";
import {
  AxisError,
  DtypeError,
  GeometryError,
  OptionError,
  PiecewiseLinearError,
  ShapeError,
} from "../../src/base/errors.js";

type Case = readonly [what: string, given: unknown, error: new (message: string) => CreaseError, message: string];

const BOX = [
  [-1, 1],
  [-1, 1],
];
const CUBE = [...BOX, [-1, 1]];
const module_ = nn.mlp([2, 5, 2]);
const net = lower(module_, { shape: [2] });
const wide = lower(nn.mlp([3, 5, 1]), { shape: [3] });

/** Calls that take anything, as JavaScript's do. */
const anyone = <R>(fn: (...given: never[]) => R) => fn as unknown as (...given: unknown[]) => R;
const [cut, find, stream] = [anyone(partition), anyone(enumerate), anyone(streamCells)];

async function refused(run: () => unknown): Promise<CreaseError> {
  try {
    await run();
  } catch (error) {
    return error as CreaseError;
  }
  throw new Error("nothing was refused");
}

function expectRefusal(error: Error, kind: new (message: string) => CreaseError, message: string): void {
  expect(error).toBeInstanceOf(kind);
  expect(error.message).toContain(message);
}

const boxes: Case[] = [
  ["no box", undefined, GeometryError, "there is no box: pass box: [["],
  ["null", null, GeometryError, "the box is null"],
  ["a text", "unit", GeometryError, 'the box is "unit"'],
  ["no interval", [], GeometryError, "0 intervals"],
  ["a flat list", [-1, 1], GeometryError, "box[0] is -1: an interval is [from, to], two numbers"],
  ["null sides", [null, null], GeometryError, "box[0] is null"],
  ["holes", new Array(2), GeometryError, "box[0] is undefined"],
  [
    "texts",
    [
      ["-1", "1"],
      ["-1", "1"],
    ],
    GeometryError,
    'box[0] is ["-1", "1"]: an interval is [from, to], two numbers',
  ],
  [
    "three numbers",
    [
      [-1, 0, 1],
      [-1, 0, 1],
    ],
    GeometryError,
    "box[0] is [-1, 0, 1]",
  ],
  [
    "inverted",
    [
      [1, -1],
      [-1, 1],
    ],
    GeometryError,
    "box[0] is [1, -1]: its first number is above its second; pass [-1, 1]",
  ],
  [
    "NaN",
    [
      [-1, 1],
      [Number.NaN, 1],
    ],
    GeometryError,
    "box[1] is [NaN, 1]: NaN bounds nothing",
  ],
  [
    "infinite",
    [
      [-1, 1],
      [0, Infinity],
    ],
    GeometryError,
    "box[1] is [0, Infinity]: the domain must be bounded",
  ],
  [
    "wider than doubles",
    [
      [-1e308, 1e308],
      [0, 1],
    ],
    GeometryError,
    "wider than doubles reach",
  ],
];

describe("a box is refused that is", () => {
  const functions = { partition: cut, enumerate: find, bounds: anyone(bounds) };
  it.each(boxes)("%s", async (_, box, kind, message) => {
    for (const [name, fn] of Object.entries(functions)) {
      const error = await refused(() => fn(net, { box }));
      expectRefusal(error, kind, message);
      expect(error.message).toMatch(new RegExp(`^${name}: `));
    }
    // before a module is read: its width follows from the box
    expectRefusal(await refused(() => cut(module_, { box })), kind, message);
    expectRefusal(await refused(() => find(module_, { box })), kind, message);
    expectRefusal(await refused(() => stream(module_, { box }).next()), kind, message);
  });

  it("flat, but for bounds, which hold of a point too", async () => {
    const box = [
      [0, 0],
      [-1, 1],
    ];
    expectRefusal(await refused(() => cut(net, { box })), GeometryError, "[0, 0]: it has no width");
    expectRefusal(await refused(() => find(net, { box })), GeometryError, "[0, 0]: it has no width");
    expect(bounds(net, { box }).output.lower.length).toBe(2);
  });

  it("of another width, by whose width it is", async () => {
    for (const fn of [cut, find, anyone(bounds)]) {
      const error = await refused(() => fn(net, { box: CUBE }));
      expectRefusal(error, GeometryError, "the box has 3 intervals, but the net has 2 inputs");
    }
    for (const fn of [cut, find]) {
      const error = await refused(() => fn(module_, { box: CUBE }));
      expectRefusal(error, ShapeError, "the box has 3 intervals, but the function does not take inputs");
      expect(error.message).toMatch(/pass one interval for each input/);
    }
  });
});

describe("options are refused that are", () => {
  const never: Case[] = [
    ["absent", undefined, OptionError, "got undefined"],
    ["null", null, OptionError, "got null"],
    ["the box itself", BOX, OptionError, "options are an object such as { box: … }, got an array"],
    ["misspelt", { box: BOX, boxx: 1 }, OptionError, 'unknown option "boxx"; known are box'],
    [
      "of no known exactness",
      { box: BOX, exact: "allways" },
      OptionError,
      'exact is "allways"; pass "filtered" or "always"',
    ],
    ["truthy", { box: BOX, splitAtOutputZero: "yes" }, OptionError, 'splitAtOutputZero is "yes"; pass true or false'],
    ["a limit without a name", { box: BOX, limits: 5 }, OptionError, "limits is an object such as { cells: … }, got 5"],
    ["a misspelt limit", { box: BOX, limits: { cell: 5 } }, OptionError, 'unknown option "limits.cell"'],
    ["a limit in words", { box: BOX, limits: { cells: "5" } }, OptionError, 'limits.cells is "5"; pass a number'],
    ["a limit of NaN", { box: BOX, limits: { seconds: Number.NaN } }, OptionError, "limits.seconds is NaN"],
    [
      "a controller as signal",
      { box: BOX, signal: new AbortController() },
      OptionError,
      "an AbortController; pass an AbortSignal",
    ],
    ["a shape in words", { box: BOX, shape: "2" }, OptionError, 'shape is "2"'],
  ];
  it.each(never)("%s, by partition and enumerate", async (_, options, kind, message) => {
    for (const fn of [cut, find]) expectRefusal(await refused(() => fn(net, options)), kind, message);
  });

  const ofEnumerate: Case[] = [
    ["a wish without a list", { want: "map" }, OptionError, 'want is "map"; pass an array'],
    ["an unknown wish", { want: ["maps"] }, OptionError, 'want has "maps"'],
    ["an unknown method", { method: "lp" }, OptionError, 'method is "lp"; pass "auto"'],
    ["progress without a function", { onProgress: 3 }, OptionError, "onProgress is 3; pass a function"],
    [
      "half-spaces as a list",
      { polytope: [[1, 0]] },
      OptionError,
      "polytope is an object such as { A: … }, got an array",
    ],
    ["half-spaces without b", { polytope: { A: [[1, 0]] } }, OptionError, "its b undefined"],
    [
      "half-spaces as tensors",
      { polytope: { A: tensor([[1, 0]]), b: [0] } },
      OptionError,
      "polytope.A is a Tensor; pass an array",
    ],
    [
      "half-spaces of a third thing",
      { polytope: { A: [[1, 0]], b: [0], c: 1 } },
      OptionError,
      'unknown option "polytope.c"',
    ],
    ["an offset of NaN", { polytope: { A: [[1, 0]], b: [Number.NaN] } }, GeometryError, "the polytope's b[0] is NaN"],
    [
      "a row that is none",
      { polytope: { A: [3], b: [0] } },
      GeometryError,
      "row 0 of the polytope's A is 3: pass 2 numbers",
    ],
    [
      "an enumeration as frontier",
      { resume: { frontier: [] } },
      OptionError,
      "resume is a plain object; pass the frontier",
    ],
    ["a frontier of numbers", { resume: [3] }, OptionError, "sub-problem 0 to resume from has no states"],
  ];
  it.each(ofEnumerate)("%s, by enumerate", async (_, options, kind, message) => {
    expectRefusal(await refused(() => find(net, { box: BOX, ...(options as object) })), kind, message);
  });
});

describe("a slice is refused with", () => {
  const [o, u, v] = [
    [0, 0, 0],
    [1, 0, 0],
    [0, 1, 0],
  ];
  const slices: Case[] = [
    [
      "points on one line",
      { plane: { points: [o, [1, 1, 1], [2, 2, 2]] } },
      GeometryError,
      "three points lie on one line",
    ],
    ["two points for a plane", { plane: { points: [o, u] } }, GeometryError, "goes through 3 points, and 2 are given"],
    [
      "four points for a plane",
      { plane: { points: [o, u, v, v] } },
      GeometryError,
      "goes through 3 points, and 4 are given",
    ],
    [
      "three points for a line",
      { line: { points: [o, u, v] } },
      GeometryError,
      "goes through 2 points, and 3 are given",
    ],
    ["one point twice", { line: { points: [u, u] } }, GeometryError, "two points of the line are the same"],
    ["no list of points", { plane: { points: 3 } }, GeometryError, "has 3 as its points"],
    ["a point that is none", { plane: { points: [null, u, v] } }, GeometryError, "points[0] is null"],
    ["a point of NaN", { plane: { points: [[0, 0, Number.NaN], u, v] } }, GeometryError, "points[0][2] is NaN"],
    ["a point in words", { plane: { points: [["0", 0, 0], u, v] } }, GeometryError, 'points[0][0] is "0"'],
    [
      "a point of another width",
      { plane: { points: [[0, 0], u, v] } },
      GeometryError,
      "points[0] has 2 numbers, but the net has 3 inputs",
    ],
    ["no v", { plane: { origin: o, u }, box: BOX }, GeometryError, "the plane has no v"],
    ["a v on a line", { line: { origin: o, u, v }, box: [[0, 1]] }, GeometryError, 'the line has "v"'],
    [
      "a misspelt origin",
      { plane: { orgin: o, u, v }, box: BOX },
      GeometryError,
      'the plane has "orgin": pass { origin, u, v }',
    ],
    ["a direction of 0", { plane: { origin: o, u, v: o }, box: BOX }, GeometryError, "the plane's v is 0"],
    ["parallel directions", { plane: { origin: o, u, v: [2, 0, 0] }, box: BOX }, GeometryError, "u and v are parallel"],
    ["a list for a plane", { plane: [o, u, v], box: BOX }, GeometryError, "the plane is a list of 3"],
    ["null for a plane", { plane: null, box: BOX }, GeometryError, "the plane is null"],
    ["both a plane and a line", { plane: { points: [o, u, v] }, line: { points: [o, u] } }, GeometryError, "pass one"],
    ["no box", { plane: { origin: o, u, v } }, GeometryError, "there is no box"],
    [
      "a box of another width",
      { line: { points: [o, u] }, box: BOX },
      GeometryError,
      "2 intervals, but the line has 1 coordinate:",
    ],
  ];
  it.each(slices)("%s", async (_, options, kind, message) => {
    expectRefusal(await refused(() => cut(wide, options)), kind, message);
  });

  it("a module that reads more than the points have", async () => {
    const error = await refused(() =>
      cut(nn.mlp([3, 4, 1]), {
        plane: {
          points: [
            [0, 0],
            [1, 0],
            [0, 1],
          ],
        },
      }),
    );
    expectRefusal(error, ShapeError, "points[0] has 2 numbers, but the function does not take inputs");
  });

  it("tensors as points gives what their numbers give, of a module too, and images keep their shape", () => {
    const image = new nn.Sequential(new nn.Conv2d(1, 2, 2), new nn.ReLU(), new nn.Flatten(), new nn.Linear(8, 1));
    const points = [0, 1, 2].map((k) => Array.from({ length: 9 }, (_, i) => Math.sin(9 * k + i)));
    const images = points.map((point) => tensor(point, { dtype: "float64" }).reshape([1, 3, 3]));
    const [byTensors, byNumbers] = [
      partition(image, { plane: { points: images as never } }),
      partition(image, { plane: { points: points as never }, shape: [1, 3, 3] }),
    ];
    expect(byTensors.cells.length).toBe(byNumbers.cells.length);
    expect(byTensors.cells.length).toBeGreaterThan(1);
    expect(byTensors.maximum()).toEqual(byNumbers.maximum());
  });
});

describe("what cannot be read is refused by every function that reads: ", () => {
  const readers = {
    partition: (f: unknown) => cut(f, { box: BOX }),
    enumerate: (f: unknown) => find(f, { box: BOX }),
    streamCells: (f: unknown) => stream(f, { box: BOX }).next(),
    linearize: (f: unknown) => anyone(linearize)(f, [0, 0]),
    linearizeAll: (f: unknown) => anyone(linearizeAll)(f, [[0, 0]]),
    activationPatterns: (f: unknown) => anyone(activationPatterns)(f, [[0, 0]]),
    collapse: (f: unknown) => anyone(collapse)(f),
  };
  const onlyNets = {
    bounds: (f: unknown) => anyone(bounds)(f, { box: BOX }),
    countsOf: anyone(countsOf),
    formatNet: anyone(formatNet),
    productBound: anyone(productBound),
  };

  it.each([undefined, null, "net", 3, {}, [], tensor([1, 2]), Promise.resolve(net)])("%s", async (thing) => {
    for (const [name, read] of Object.entries({ ...readers, ...onlyNets })) {
      const error = await refused(() => read(thing));
      expectRefusal(error, PiecewiseLinearError, "expected a");
      expect(error.message).toMatch(new RegExp(`^${name}: .*got `));
    }
  });

  it("a class, of which no module was made", async () => {
    for (const read of Object.values(readers)) {
      expectRefusal(
        await refused(() => read(nn.ReLU)),
        PiecewiseLinearError,
        "ReLU is a class; pass a module made of it",
      );
    }
  });

  it("a pattern of another net, or none, to compare with", async () => {
    const { pattern } = linearize(net, [0, 0]);
    for (const other of [linearize(nn.mlp([2, 9, 1]), [0, 0]).pattern, undefined, [1, 0]]) {
      for (const ask of [() => pattern.equals(other as never), () => pattern.differences(other as never)]) {
        expectRefusal(await refused(ask), PiecewiseLinearError, "a pattern of 5 gates is compared with");
      }
    }
    expect(pattern.equals(linearize(net, [0, 0]).pattern)).toBe(true);
  });

  it("a promise, with the advice to await it", async () => {
    expect((await refused(() => cut(Promise.resolve(net), { box: BOX }))).message).toMatch(/a Promise; await it first/);
  });

  it("a net that went through JSON, or is none", async () => {
    const broken = [JSON.parse(JSON.stringify(net)), { layers: [], output: {}, inputSize: 2 }];
    for (const thing of broken) {
      for (const [name, read] of Object.entries({ ...readers, ...onlyNets })) {
        const error = await refused(() => read(thing));
        expectRefusal(error, PiecewiseLinearError, `${name}: the PwlNet's`);
      }
    }
    expect(partition(structuredClone(net), { box: BOX }).complete).toBe(true);
  });

  it("a net with NaN weights", async () => {
    const bad = reluNet([[[Number.NaN, 1]], [[1]]], [[0], [0]]);
    for (const read of [...Object.values(readers), onlyNets.bounds]) {
      expectRefusal(await refused(() => read(bad)), PiecewiseLinearError, "NaN");
    }
  });

  it("a net for lower, and a shape for a graph", async () => {
    const low = anyone(lower);
    expectRefusal(await refused(() => low(net)), PiecewiseLinearError, "a PwlNet already");
    const graph = trace((x) => module_.forward(x), tensor([0, 0]));
    expectRefusal(await refused(() => low(graph, { shape: [2] })), PiecewiseLinearError, "a graph knows its inputs");
    expectRefusal(await refused(() => low(module_, [2])), OptionError, "expected { shape: [...] }");
    expectRefusal(await refused(() => low(module_, [])), OptionError, "expected { shape: [...] }");
    expectRefusal(await refused(() => low(module_, { shape: [2], dtype: "float16" })), DtypeError, '"float16"');
  });

  it("weights that make no network", async () => {
    const make = anyone(reluNet);
    for (const [weights, biases, message] of [
      [undefined, undefined, "got undefined and undefined"],
      [[], [], "0 matrices"],
      [[[[1, 2]], [[1]]], [[1]], "2 matrices and 1 lists of biases"],
      [[[[1, 2], [1]]], [[1, 2]], "row 1 of matrix 0 has 1 numbers, the layer reads 2"],
      [[[[1, 2]], [[1, 2]]], [[1], [1]], "row 0 of matrix 1 has 2 numbers, the layer reads 1"],
      [[[[1, 2]]], [[1, 2]], "layer 0 has 1 rows and 2 biases"],
    ] as const) {
      expectRefusal(await refused(() => make(weights, biases)), ShapeError, message);
    }
  });
});

describe("an index is a whole number from 0", async () => {
  const p = partition(net, { box: BOX });
  const enumeration = await enumerate(net, { box: BOX });
  const patterns = activationPatterns(net, [
    [0, 0],
    [1, 1],
  ]);
  const here = linearize(net, [0.1, 0.2]);
  const lists: readonly [string, number, (i: never) => unknown][] = [
    ["cells of a partition", p.cells.length, (i) => p.cells.at(i)],
    ["cells of an enumeration", enumeration.cells.length, (i) => enumeration.cells.at(i)],
    ["segments", p.classBoundary().length, (i) => p.classBoundary().at(i)],
    ["edges", p.complex.edgeCount, (i) => p.gatesAcross(i)],
    ["gates of a pattern", here.pattern.length, (i) => here.pattern.at(i)],
    ["patterns", patterns.length, (i) => patterns.at(i)],
    [
      "linearizations",
      2,
      (i) =>
        linearizeAll(net, [
          [0, 0],
          [1, 1],
        ]).at(i),
    ],
    ["half-spaces", here.halfspaces().length, (i) => here.halfspaces().at(i)],
  ];
  it.each(lists)("of %s", async (_, length, at) => {
    expect(at(0 as never)).toBeDefined();
    expect(at((length - 1) as never)).toBeDefined();
    for (const wrong of [-1, length, 1e9, 0.5, Number.NaN, "0", null, undefined]) {
      expectRefusal(await refused(() => at(wrong as never)), AxisError, `numbered from 0 to ${length - 1}`);
    }
  });

  it("of an output or a gate", async () => {
    for (const wrong of [-1, 2, 0.5, Number.NaN, "0", null]) {
      for (const ask of ["maximum", "minimum", "integral"] as const) {
        expectRefusal(await refused(() => p[ask](wrong as never)), GeometryError, "there is no output");
      }
      expectRefusal(await refused(() => p.levelSet({ output: wrong as never })), GeometryError, "there is no output");
    }
    for (const wrong of [undefined, null, 0, [0, 0], { layer: 0, gate: 0 }, { layer: 1, unit: 0 }]) {
      expectRefusal(await refused(() => p.crease(wrong as never)), GeometryError, "pass { layer, unit }");
    }
  });

  it("and a level set's options are its own", async () => {
    const ask = (options: unknown) => refused(() => p.levelSet(options as never));
    expectRefusal(await ask({ ouput: 1 }), OptionError, 'unknown option "ouput"; known are output, level');
    expectRefusal(await ask(1), OptionError, "got 1");
    expectRefusal(await ask(null), OptionError, "got null");
    expectRefusal(await ask({ level: "0" }), GeometryError, 'the level is "0"');
  });
});

describe("the checkers and graphs of enumerations refuse other things", async () => {
  const p = partition(net, { box: BOX });
  const enumeration = await enumerate(net, { box: BOX });
  it.each([undefined, null, p, enumeration.cells, Promise.resolve(enumeration), net])("%#", async (thing) => {
    for (const fn of [anyone(validateEnumeration), anyone(enumeratedPieces)]) {
      expectRefusal(await refused(() => fn(thing)), GeometryError, "expected what enumerate gave");
    }
    if (thing !== enumeration.cells && thing !== p) {
      expectRefusal(await refused(() => anyone(dualGraph)(thing)), GeometryError, "expected what enumerate gave");
    }
    expectRefusal(await refused(() => anyone(dualGraphToDot)(thing)), GeometryError, "expected what dualGraph gave");
  });

  it("and options they do not know", async () => {
    expect(dualGraph(enumeration)).toEqual(dualGraph(enumeration.cells));
    const dot = anyone(dualGraphToDot);
    expectRefusal(await refused(() => dot(dualGraph(enumeration), { labels: String })), OptionError, '"labels"');
    expectRefusal(await refused(() => dot(dualGraph(enumeration), { label: "a" })), OptionError, "pass a function");
    expectRefusal(await refused(() => validate(enumeration as never)), GeometryError, "validateEnumeration");
    for (const volume of [Number.NaN, 0, "8"]) {
      const run = () => anyone(validateEnumeration)(enumeration, volume);
      expectRefusal(await refused(run), GeometryError, "the domain's volume is");
    }
  });
});
