import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GeometryError, OptionError, PiecewiseLinearError } from "../../../src/base/errors.js";
import { partition } from "../../../src/geometry/partition/partition.js";
import { validate } from "../../../src/geometry/partition/validate.js";
import { evaluate } from "../../../src/pwl/evaluate.js";
import { type PwlNet, reluNet } from "../../../src/pwl/net.js";
import { integerNets, type LayerKind } from "../random-nets.js";
import { randomRelu } from "../random-relu.js";

const KINDS: LayerKind[] = ["relu", "leaky", "abs", "clamp", "max"];
const BOX = [
  [-1, 1],
  [-1, 1],
];

/** Creases as sorted texts of their rounded coordinates: to compare partitions by geometry. */
const outlines = (vertices: number[][][]): string[] =>
  vertices
    .map((cell) =>
      cell
        .map((v) => v.map((x) => x.toFixed(9)).join(","))
        .sort()
        .join(" "),
    )
    .sort();

describe("a plane through a net of many inputs", () => {
  it("is cut as the net composed with the plane is: exactly, for integer nets", () => {
    fc.assert(
      fc.property(
        integerNets(4, KINDS),
        fc.array(fc.integer({ min: -2, max: 2 }), { minLength: 12, maxLength: 12 }),
        (net, numbers) => {
          const [u, v, origin] = [0, 4, 8].map((k) => numbers.slice(k, k + 4));
          fc.pre(u.some((x, i) => u.some((y, j) => x * v[j] !== y * v[i])));
          const plane = partition(net, { plane: { origin, u, v }, box: BOX });
          validate(plane);
          const composed = partition(composedWith(net, u, v, origin), { box: BOX });
          expect([...plane.cells].map(({ pattern }) => String(pattern)).sort()).toEqual(
            [...composed.cells].map(({ pattern }) => String(pattern).replace(/^1111 /, "")).sort(),
          );
          const points = [origin, origin.map((x, i) => x + u[i]), origin.map((x, i) => x + v[i])] as const;
          const through = partition(net, { plane: { points }, box: BOX });
          expect(through.cells.length).toBe(plane.cells.length);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("tells the input at its points: the net there has the values that the slice has", () => {
    const net = randomRelu([5, 9, 7, 1], 4);
    const plane = partition(net, { plane: { points: [1, 2, 3].map((k) => [k, -k, 1, k * k, 0]) as never } });
    const { point, value, error } = plane.maximum(0);
    expect(Math.abs(evaluate(net, plane.inputAt(point)).output[0] - value)).toBeLessThanOrEqual(error + 1e-12);
    expect(Array.from(plane.inputAt([0, 1]))).toEqual([3, -3, 1, 9, 0]);
    const line = partition(net, { line: { origin: [1, 0, 0, 0, 0], u: [0, 2, 0, 0, 0] }, box: [[0, 1]] });
    expect(Array.from(line.inputAt([0.5]))).toEqual([1, 1, 0, 0, 0]);
    expect(() => plane.inputAt([0])).toThrow(GeometryError);
    expect(() => plane.inputAt([0, Number.NaN])).toThrow(/inputAt: the point/);
  });

  it("of float vectors is exact over those numbers: a unit and its copy agree although composed rows round", () => {
    // unit 1 is unit 0 with inputs and weights permuted: the composed row is the same number, its float sums are not
    const w = [0.1, 0.7, -0.3, 0.9, 0.2];
    const u = [0.3, 0.11, 0.77, -0.5, 0.123];
    const v = [-0.2, 0.31, 0.05, 0.61, 0.3];
    const rotate = (x: number[]) => [...x.slice(2), ...x.slice(0, 2)];
    const zeros = w.map(() => 0);
    const net = reluNet(
      [
        [
          [...w, ...zeros],
          [...zeros, ...rotate(w)],
        ],
        [[1, 1]],
      ],
      [[0.013, 0.013], [0]],
    );
    const plane = { origin: [...zeros, ...zeros], u: [...u, ...rotate(u)], v: [...v, ...rotate(v)] };
    const p = partition(net, { plane, box: BOX });
    expect(p.cells.length).toBe(2);
    expect([...p.cells].map(({ pattern }) => String(pattern)).sort()).toEqual(["00", "11"]);
    validate(p);
  });

  it("evaluates to the net's value at the point of input space", () => {
    const net = randomRelu([10, 12, 12, 2], 7);
    const points = [1, 2, 3].map((seed) =>
      Array.from({ length: 10 }, (_, i) => Math.sin(seed * 10 + i)),
    ) as unknown as [number[], number[], number[]];
    const p = partition(net, { plane: { points } });
    validate(p);
    const corner = p.locate([1, 0])!;
    const value = [0, 1].map((k) => corner.A[2 * k] + corner.b[k]);
    const { output } = evaluate(net, points[1]);
    value.forEach((x, k) => {
      expect(x).toBeCloseTo(output[k], 12);
    });
  });

  it("scales its Lipschitz constant to distances in input space", () => {
    const net = reluNet([[[3, 4, 0]], [[1]]], [[10], [0]]);
    const p = partition(net, { plane: { origin: [0, 0, 0], u: [2, 0, 0], v: [1, 1, 0] }, box: BOX });
    expect(p.lipschitz().value).toBeCloseTo(5, 12);
  });
});

describe("one dimension", () => {
  it("has breakpoints for cells' ends, and lengths for areas", () => {
    // relu(x) - 2 relu(x - 1/2): breakpoints 0 and 1/2
    const net = reluNet([[[1], [1]], [[1, -2]]], [[0, -0.5], [0.25]]);
    const p = partition(net, { box: [[-1, 2]] });
    validate(p);
    expect(outlines([...p.cells].map(({ vertices }) => vertices))).toEqual(
      outlines([
        [[-1], [0]],
        [[0], [0.5]],
        [[0.5], [2]],
      ]),
    );
    expect([...p.cells].map(({ area }) => area).sort()).toEqual([0.5, 1, 1.5]);
    expect(p.breakpoints).toEqual(Float64Array.of(0, 0.5));
    expect([...p.levelSet({ level: 0 })].flat()).toEqual([[1.25]]);
    expect(p.maximum()).toMatchObject({ value: 0.75, point: [0.5] });
    expect(p.integral()).toBeCloseTo(0.25 * 3 + 2 - 2.25, 12);
    expect(p.lipschitz().value).toBe(1);
    const middle = p.locate([0.25])!;
    expect([...middle.A, ...middle.b]).toEqual([1, 0.25]);
    expect(middle.sides.map(({ gate }) => gate?.unit)).toEqual([0, 1]);
    expect(p.creases().map(({ coordinates }) => [...coordinates[0]])).toEqual([[0], [0.5]]);
  });

  it("has two sides per cell, left and right, and both ends of the interval", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.constantFrom([1, 9, 9, 2], [3, 12, 4, 1]), (seed, widths) => {
        const line = { origin: [0.3, -0.2, 0.7], u: [1, 0.3, -2] };
        const p = partition(randomRelu(widths, seed), { box: [[-3, 3]], ...(widths[0] === 3 ? { line } : {}) });
        expect(p.breakpoints.length).toBe(p.cells.length - 1);
        const cells = [...p.cells].sort((a, b) => a.vertices[0][0] - b.vertices[0][0] || a.area - b.area);
        cells.forEach(({ sides, neighbours }, i) => {
          const beside = [cells[i - 1]?.index, cells[i + 1]?.index];
          expect(sides.map(({ neighbour }) => neighbour)).toEqual(beside);
          expect(neighbours).toEqual(beside.filter((one) => one !== undefined));
        });
      }),
      { numRuns: 40 },
    );
  });

  it("is also a line through many inputs", () => {
    const net = randomRelu([5, 16, 2], 9);
    const origin = [0, 0.1, 0.2, 0.3, 0.4];
    const u = [1, -1, 0.5, 2, 0];
    const p = partition(net, { line: { origin, u }, box: [[-2, 2]] });
    validate(p);
    expect(p.breakpoints.length).toBe(p.cells.length - 1);
    const end = origin.map((x, i) => x + u[i]);
    expect(partition(net, { line: { points: [origin, end] }, box: [[-2, 2]] }).cells.length).toBe(p.cells.length);
    const boundary = p.classBoundary();
    for (let i = 0; i < boundary.length; i++) {
      const [[s]] = boundary.at(i);
      const { output } = evaluate(
        net,
        origin.map((x, k) => x + s * u[k]),
      );
      expect(output[0]).toBeCloseTo(output[1], 12);
    }
  });
});

describe("bad input is refused with what is wrong and what to do", () => {
  const net = randomRelu([2, 4, 1], 1);
  const wide = randomRelu([3, 4, 1], 1);
  const origin = [0, 0, 0];
  it.each([
    [net, {}, GeometryError, /there is no box/],
    [net, { box: [[-1, 1]] }, GeometryError, /1 interval, but the net has 2 inputs/],
    [
      net,
      {
        box: [
          [-1, 1],
          [1, 1],
        ],
      },
      GeometryError,
      /box\[1\] is \[1, 1\]/,
    ],
    [
      net,
      {
        box: [
          [1, -1],
          [0, 1],
        ],
      },
      GeometryError,
      /box\[0\] is \[1, -1\]/,
    ],
    [
      net,
      {
        box: [
          [0, Infinity],
          [0, 1],
        ],
      },
      GeometryError,
      /must be bounded/,
    ],
    [
      net,
      {
        box: [
          [0, NaN],
          [0, 1],
        ],
      },
      GeometryError,
      /two finite numbers/,
    ],
    [wide, { box: BOX }, GeometryError, /3 inputs.*use enumerate/],
    [wide, { box: BOX, plane: { origin, u: [1, 0], v: [0, 1, 0] } }, GeometryError, /u has 2 numbers.*3 inputs/],
    [wide, { box: BOX, plane: { origin, u: [1, 2, 3], v: [2, 4, 6] } }, GeometryError, /parallel/],
    [wide, { box: BOX, plane: { origin, u: [1, 2, NaN], v: [2, 4, 6] } }, GeometryError, /u\[2\] is NaN/],
    [wide, { box: [[0, 1]], line: { origin, u: [0, 0, 0] } }, GeometryError, /direction u is 0/],
    [net, { box: BOX, exact: "sometimes" }, OptionError, /"filtered" or "always"/],
    [net, { box: BOX, colour: 1 }, OptionError, /unknown option "colour"/],
    [net, { box: BOX, limits: { cells: 0 } }, OptionError, /limits.cells is 0/],
    [reluNet([[[NaN, 1]], [[1]]], [[0], [0]]), { box: BOX }, PiecewiseLinearError, /NaN/],
  ] as const)("%#", (bad, options, kind, message) => {
    const attempt = () => partition(bad, options as never);
    expect(attempt).toThrow(kind);
    expect(attempt).toThrow(message);
  });
});

/** The net behind one more layer that computes origin + s·u + t·v (kept positive by nothing: hinges that pass all). */
function composedWith(net: PwlNet, u: number[], v: number[], origin: number[]): PwlNet {
  // a hinge far below every value is always active and passes its argument
  const size = u.length;
  return {
    ...net,
    inputs: [{ name: "x", shape: [2] }],
    inputSize: 2,
    layers: [
      {
        kind: "hinge",
        name: "plane",
        argument: {
          size,
          terms: [
            {
              source: 0,
              block: {
                kind: "dense",
                rows: size,
                columns: 2,
                values: Float64Array.from(u.flatMap((x, i) => [x, v[i]])),
              },
            },
          ],
          bias: Float64Array.from(origin),
        },
        threshold: new Float64Array(size).fill(-1000),
        lo: new Float64Array(size),
        hi: new Float64Array(size).fill(1),
      },
      ...net.layers.map((layer) => ({ ...layer, argument: shifted(layer.argument) })),
    ],
    output: shifted(net.output),
  };
}

function shifted(affine: PwlNet["output"]): PwlNet["output"] {
  return { ...affine, terms: affine.terms.map(({ source, block }) => ({ source: source + 1, block })) };
}
