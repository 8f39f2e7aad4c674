import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ValidationError } from "../../../src/base/errors.js";
import { type Enumeration, type EnumerationMethod, enumerate } from "../../../src/geometry/enumerate/enumerate.js";
import { validateEnumeration } from "../../../src/geometry/enumerate/validate.js";
import { floatPattern } from "../../../src/pwl/evaluate.js";
import { type PwlNet, reluNet } from "../../../src/pwl/net.js";
import { ActivationPattern, packPattern, patternLayout } from "../../../src/pwl/pattern.js";
import { decideStates } from "../../../src/pwl/signs.js";
import { randomNet, stream } from "../../pwl/nets.js";
import { integerNets, rescaled } from "../random-nets.js";
import {
  cube,
  degenerateNet,
  generalPositionCells,
  genericNet,
  patternsOf,
  reflectionArrangement,
  reflectionCells,
} from "./nets.js";

const methods: readonly EnumerationMethod[] = ["vertices", "linear-programs"];
const everything = ["witness", "map", "facets", "neighbours", "vertices", "volume", "chebyshev"] as const;
const volumeOf = (box: readonly (readonly [number, number])[]): number =>
  box.reduce((product, [low, high]) => product * (high - low), 1);

/** Both methods' results, after each was validated with all its volumes. */
async function both(net: PwlNet, box: [number, number][]): Promise<[Enumeration, Enumeration]> {
  const results: Enumeration[] = [];
  for (const method of methods) {
    const found = await enumerate(net, { box, method, want: everything });
    validateEnumeration(found, volumeOf(box));
    results.push(found);
  }
  return results as [Enumeration, Enumeration];
}

/** Facets and neighbours of every cell, by patterns, so that two results can be compared. */
function adjacency({ cells }: Enumeration): string[] {
  return Array.from(cells, (cell) => {
    const across = cell.facets!.map(({ gate, boundary, neighbour }) =>
      gate === undefined ? `side ${boundary}` : `${gate.layer}.${gate.unit} ${cells.at(neighbour!).pattern.key}`,
    );
    // of units that share a facet, which one names it depends on the order of the cuts
    return `${cell.pattern.key}: ${across.map((text) => text.replace(/^\d+\.\d+/, "")).sort()}`;
  }).sort();
}

describe("one hidden layer", () => {
  for (const method of methods) {
    it.each([
      [1, 9],
      [2, 8],
      [3, 7],
      [4, 7],
      [5, 7],
      [6, 7],
      [7, 8],
      [8, 9],
      [9, 10],
      [10, 11],
    ])(`in general position in %i dimensions with %i units has the sum of binomials, by ${method}`, async (d, n) => {
      if (method === "vertices" && d > 7) return;
      const net = genericNet(40 + d, [d, n, 1]);
      const { count, complete } = await enumerate(net, { box: cube(d, 1e4), method, countOnly: true });
      expect([count, complete]).toEqual([generalPositionCells(n, d), true]);
    });

    it.each([
      [2, 1],
      [2, 3],
      [3, 1],
      [3, 2],
      [4, 1],
      [4, 2],
    ])(`of all reflections in %i dimensions, %i-fold, has 2^d d! cells, by ${method}`, async (d, copies) => {
      const found = await enumerate(reflectionArrangement(d, copies), { box: cube(d), method });
      expect(found.count).toBe(reflectionCells(d));
      validateEnumeration(found);
      // every chamber is a cone over a simplex, cut off by one side of the box
      for (const { facets } of found.cells) expect(facets).toHaveLength(d + 1);
    });

    it(`of all reflections in 5 dimensions, with duplicates, has 3840 cells, by ${method}`, async () => {
      const { count } = await enumerate(reflectionArrangement(5, 2), { box: cube(5), method, countOnly: true });
      expect(count).toBe(3840);
    });
  }
});

describe("degenerate nets of small integers", () => {
  it("both methods find the same cells, facets and neighbours, whose volumes fill the box", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 1e6 }), fc.integer({ min: 1, max: 4 }), async (seed, d) => {
        const net = degenerateNet(seed, [d, 5, 4, 1]);
        const [a, b] = await both(net, cube(d, 2));
        expect(patternsOf(b.cells)).toEqual(patternsOf(a.cells));
        expect(adjacency(b)).toEqual(adjacency(a));
      }),
      { numRuns: 60 },
    );
  });

  it("no sampled point lies in a cell that was not found", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 1e6 }), fc.integer({ min: 1, max: 4 }), async (seed, d) => {
        const net = degenerateNet(seed, [d, 6, 5, 1]);
        const { cells } = await enumerate(net, { box: cube(d, 2), want: [] });
        const found = new Set(patternsOf(cells));
        const next = stream(seed + 1);
        for (let k = 0; k < 300; k++) {
          const x = Float64Array.from({ length: d }, () => 4 * next() - 2);
          const pattern = new ActivationPattern(
            patternLayout(net),
            packPattern(patternLayout(net), decideStates(net, x).states),
          );
          expect(found).toContain(pattern.key);
        }
      }),
      { numRuns: 25 },
    );
  });

  it.each([2 ** 30, 2 ** -30])("with the input scaled by %d have the same cells, which validate", async (factor) => {
    await fc.assert(
      fc.asyncProperty(integerNets(3, ["relu", "leaky", "abs", "clamp", "max"]), async (net) => {
        const plain = await enumerate(net, { box: cube(3, 2) });
        const [a, b] = await both(rescaled(net, factor), cube(3, 2 * factor));
        expect(patternsOf(a.cells)).toEqual(patternsOf(plain.cells));
        expect(patternsOf(b.cells)).toEqual(patternsOf(plain.cells));
      }),
      { numRuns: 20 },
    );
  });

  it("signs taken from integers alone give the same cells", async () => {
    for (let seed = 0; seed < 6; seed++) {
      const net = degenerateNet(seed, [3, 5, 4, 1]);
      for (const method of methods) {
        const auto = await enumerate(net, { box: cube(3), method });
        const audit = await enumerate(net, { box: cube(3), method, exact: "always" });
        expect(patternsOf(audit.cells)).toEqual(patternsOf(auto.cells));
        expect(adjacency(audit)).toEqual(adjacency(auto));
        expect(audit.statistics.exactDecisions).toBeGreaterThan(auto.statistics.exactDecisions);
      }
    }
  });
});

describe("generic nets", () => {
  it.each([1, 2, 3, 4, 5])("in %i dimensions: both methods agree, and the cells fill the box", async (d) => {
    for (let seed = 0; seed < 4; seed++) {
      const [a, b] = await both(genericNet(seed, [d, 6, 5, 2]), cube(d));
      expect(adjacency(b)).toEqual(adjacency(a));
    }
  });

  it("scaling the input by a power of two changes no count", async () => {
    const [reference] = await both(genericNet(3, [3, 8, 6, 1]), cube(3));
    for (const factor of [2 ** 30, 2 ** -30]) {
      const scaled = genericNet(3, [3, 8, 6, 1]);
      for (const { argument } of scaled.layers.slice(0, 1)) {
        const block = argument.terms[0].block;
        for (let k = 0; k < block.values.length; k++) block.values[k] /= factor;
      }
      const [a, b] = await both(scaled, cube(3, factor));
      expect(patternsOf(a.cells)).toEqual(patternsOf(reference.cells));
      expect(adjacency(b)).toEqual(adjacency(reference));
    }
  });

  it.each([1, 2, 3, 4, 5, 6, 7])("in %i dimensions volumes are exact, whatever else is wanted", async (d) => {
    const net = genericNet(5, [d, 4, 2, 1]);
    for (const method of ["auto", ...methods] as const) {
      const { cells } = await enumerate(net, { box: cube(d), want: ["volume"], method });
      const volumes = Array.from(cells, ({ volume }) => volume!);
      expect(volumes.reduce((sum, volume) => sum + volume, 0) / 2 ** d).toBeCloseTo(1, 12);
    }
  });

  it("in one dimension the volume is the interval's length", async () => {
    const net = genericNet(7, [1, 6, 4, 1]);
    for (const method of methods) {
      const { cells } = await enumerate(net, { box: cube(1), want: ["vertices", "volume"], method });
      const alone = await enumerate(net, { box: cube(1), want: ["volume"], method });
      for (const { index, vertices, volume } of cells) {
        expect(volume).toBe(Math.abs(vertices![1][0] - vertices![0][0]));
        expect(alone.cells.at(index).volume).toBe(volume);
      }
    }
  });

  it.each([1e-170, 1e-150, 1e-80, 1e150])(
    "in a box of ±%d volumes have a bound, and the checker accepts them",
    async (reach) => {
      const net = reflectionArrangement(2);
      for (const method of methods) {
        const found = await enumerate(net, { box: cube(2, reach), want: everything, method });
        for (const { volume, volumeError } of found.cells) {
          expect(Math.abs(volume! - 0.5 * reach * reach)).toBeLessThanOrEqual(volumeError!);
          expect(volumeError).toBeLessThanOrEqual(1e-10 * volume! + Number.MIN_VALUE);
        }
        validateEnumeration(found);
      }
    },
  );

  it.each([1e-45, 1e-25, 1e25, 1e45])(
    "in a box of ±%d in 8 dimensions, estimated volumes have a standard error",
    async (reach) => {
      const one = await enumerate(genericNet(5, [8, 1]), { box: cube(8), want: ["volume"] });
      const found = await enumerate(genericNet(5, [8, 1]), { box: cube(8, reach), want: ["volume"] });
      const [unit, cell] = [one.cells.at(0), found.cells.at(0)];
      validateEnumeration(found);
      if (reach ** 8 === 0 || reach ** 8 === Number.POSITIVE_INFINITY) {
        expect(cell.volumeError).toBe(reach < 1 ? Number.MIN_VALUE : Number.POSITIVE_INFINITY);
      } else {
        expect(cell.volume! / cell.volumeError!).toBeCloseTo(unit.volume! / unit.volumeError!, 6);
      }
    },
  );

  it("in 8 dimensions the estimated volumes add up to the box within their errors", async () => {
    const net = genericNet(5, [8, 6, 1]);
    const found = await enumerate(net, { box: cube(8), want: ["volume", "chebyshev"] });
    expect(found.method).toBe("linear-programs");
    const { volume } = validateEnumeration(found, 2 ** 8);
    expect(volume).toBeGreaterThan(0.8 * 2 ** 8);
    for (const { ball, volume, volumeError } of found.cells) {
      const unit = Math.PI ** 4 / 24; // the volume of the unit ball in 8 dimensions
      expect(unit * ball!.radius ** 8).toBeLessThan(volume! + 5 * volumeError!);
    }
  });
});

describe("nets with maxima, other hinges, and skip connections", () => {
  it("both methods find the same cells, which fill the box", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 1e6 }), async (seed) => {
        const net = randomNet(seed);
        if (net.inputSize > 3) return;
        const [a, b] = await both(net, cube(net.inputSize, 2));
        expect(adjacency(b)).toEqual(adjacency(a));
      }),
      { numRuns: 60 },
    );
  });
});

describe("cells with more facets than a word has bits", () => {
  const angles = Array.from({ length: 37 }, (_, k) => (2 * Math.PI * (k + 0.1)) / 37);

  it("bounded by tangents of a circle", async () => {
    const rows = angles.map((angle) => [Math.cos(angle), Math.sin(angle)]);
    const net = reluNet([rows, [angles.map(() => 1)]], [angles.map(() => -0.5), [0]]);
    const [a, b] = await both(net, cube(2));
    expect(adjacency(b)).toEqual(adjacency(a));
    const inside = a.cells.at(patternIndex(a, (state) => state === 0));
    expect(inside.facets).toHaveLength(37);
  });

  it("are the Voronoi cells of a ring and its centre, as a maximum of affine functions", async () => {
    const sites = [[0, 0], ...angles.map((angle) => [0.8 * Math.cos(angle), 0.8 * Math.sin(angle)])];
    const { argument } = reluNet([sites, [sites.map(() => 1)]], [sites.map(([x, y]) => -(x * x + y * y) / 2), [0]])
      .layers[0];
    const output = reluNet([[[1]]], [[0]]).output;
    const net: PwlNet = {
      ...reluNet([[[1, 0]]], [[0]]),
      layers: [{ kind: "max", name: "nearest site", argument, starts: Int32Array.from([0, sites.length]) }],
      output: { ...output, terms: [{ source: 1, block: output.terms[0].block }] },
    };
    const [a, b] = await both(net, cube(2));
    expect(a.count).toBe(38);
    expect(adjacency(b)).toEqual(adjacency(a));
    expect(a.cells.at(patternIndex(a, (winner) => winner === 0)).facets).toHaveLength(37);
  });
});

/** The cell all of whose gates are in a state that is wanted. */
function patternIndex({ cells }: Enumeration, wanted: (state: number) => boolean): number {
  return Array.from(cells).findIndex(({ pattern }) => Array.from(pattern).every(wanted));
}

describe("cells", () => {
  const net = genericNet(11, [3, 6, 5, 2]);

  it("have the inscribed ball inside, as large as the best of many points", async () => {
    const { cells } = await enumerate(net, { box: cube(3), want: everything });
    for (const cell of cells) {
      const { centre, radius } = cell.ball!;
      const distance = (x: Float64Array): number =>
        Math.min(
          ...cell.facets!.map(({ normal, offset }) => {
            const norm = Math.hypot(...normal);
            return (offset - normal.reduce((sum, a, j) => sum + a * x[j], 0)) / norm;
          }),
        );
      expect(distance(centre)).toBeCloseTo(radius, 12);
      expect(distance(cell.witness!)).toBeLessThanOrEqual(radius * (1 + 1e-9));
      for (const vertex of cell.vertices!) {
        for (const share of [0.2, 0.6]) {
          const x = vertex.map((v, j) => v + share * (centre[j] - v));
          expect(distance(x)).toBeLessThanOrEqual(radius * (1 + 1e-9));
        }
      }
    }
  });

  it("satisfy all their half-spaces at their vertices, and each with equality at d of them", async () => {
    for (const method of methods) {
      const { cells } = await enumerate(net, { box: cube(3), want: everything, method });
      for (const { facets, vertices } of cells) {
        for (const { normal, offset } of facets!) {
          const slacks = vertices!.map((x) => offset - normal.reduce((sum, a, j) => sum + a * x[j], 0));
          expect(Math.min(...slacks)).toBeGreaterThan(-1e-12);
          expect(slacks.filter((slack) => slack < 1e-12).length).toBeGreaterThanOrEqual(3);
        }
      }
    }
  });

  it("cut along the zero set of the outputs have outputs of one sign", async () => {
    const { cells } = await enumerate(net, { box: cube(3), splitAtOutputZero: true });
    const { layerStarts } = cells.layout;
    for (const { A, b, witness, pattern } of cells) {
      for (let o = 0; o < 2; o++) {
        const value = b![o] + witness!.reduce((sum, x, j) => sum + A![o * 3 + j] * x, 0);
        expect(pattern.at(layerStarts[2] + o)).toBe(value > 0 ? 1 : 0);
      }
    }
  });

  it("too thin for doubles are counted, and say that their witness is not strict", async () => {
    // x > 1 and x < 1 + 2^-52, with nothing between
    const thin = degenerateThin();
    for (const method of methods) {
      const { count, cells } = await enumerate(thin, { box: [[0, 2]], method });
      expect(count).toBe(3);
      expect(Array.from(cells, ({ strict }) => strict).filter((strict) => !strict)).toHaveLength(1);
    }
  });

  it("of a net without gates are one", async () => {
    const affine = genericNet(1, [3, 2]);
    for (const method of methods) {
      const found = await enumerate(affine, { box: cube(3), method, want: everything });
      expect(found.count).toBe(1);
      expect(validateEnumeration(found, 8).boundary).toBe(6);
    }
  });

  it("have their witness's pattern by the plain forward pass too", async () => {
    const { cells } = await enumerate(net, { box: cube(3) });
    for (const { witness, pattern } of cells) expect(floatPattern(net, witness!)).toEqual(pattern.words);
  });
});

function degenerateThin(): PwlNet {
  const net = genericNet(0, [1, 2, 1]);
  const block = net.layers[0].argument.terms[0].block;
  block.values.set([1, 1]);
  net.layers[0].argument.bias.set([-1, -1 - 2 ** -52]);
  return net;
}

describe("validateEnumeration", () => {
  const net = genericNet(11, [3, 6, 5, 2]);
  const box = cube(3);

  it("accepts a sound result and says what it checked", async () => {
    const found = await enumerate(net, { box, want: everything });
    const summary = validateEnumeration(found, 8);
    expect(summary.cells).toBe(found.count);
    expect(summary.witnesses).toBe(found.count);
    expect(summary.volume).toBeCloseTo(8, 12);
  });

  it.each<[string, (found: Enumeration) => void]>([
    ["a flipped pattern bit", ({ cells }) => void (cells.arrays.patterns[3] ^= 1)],
    ["a moved witness", ({ cells }) => void (cells.arrays.witnesses[0] += 1.5)],
    ["a wrong neighbour", ({ cells }) => void cells.arrays.neighbours.set([7], cells.arrays.neighbours.indexOf(1))],
    ["a wrong map", ({ cells }) => void (cells.arrays.maps[1] += 1)],
    ["a wrong volume", ({ cells }) => void (cells.arrays.volumes[2] *= 1.5)],
    ["a lost cell", ({ cells }) => void cells.arrays.length--],
  ])("refuses %s", async (_, mutilate) => {
    const found = await enumerate(net, { box, want: everything });
    mutilate(found);
    expect(() => validateEnumeration(found, 8)).toThrow(ValidationError);
  });
});
