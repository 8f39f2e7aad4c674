import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GeometryError } from "../../../src/base/errors.js";
import { partition } from "../../../src/geometry/partition/partition.js";
import { tensor } from "../../../src/ops/create.js";
import { evaluate } from "../../../src/pwl/evaluate.js";
import { reluNet } from "../../../src/pwl/net.js";
import { integerNets, type LayerKind } from "../random-nets.js";
import { randomRelu } from "../random-relu.js";
import { diamond } from "./diamond.js";

const KINDS: LayerKind[] = ["relu", "leaky", "abs", "clamp", "max"];
const BOX = [
  [-1, 1],
  [-1, 1],
];
const coordinate = fc.double({ min: -1, max: 1, noNaN: true });

describe("locate", () => {
  it("finds the cell whose pattern is the point's", () => {
    const net = randomRelu([2, 16, 16, 1], 3);
    const p = partition(net, { box: BOX });
    fc.assert(
      fc.property(coordinate, coordinate, (x, y) => {
        const cell = p.locate([x, y])!;
        const states = evaluate(net, [x, y])
          .states.map((s) => s.join(""))
          .join(" ");
        expect(String(cell.pattern)).toBe(states);
      }),
    );
  });

  it("finds a cell that touches the point, at vertices and edges and in degenerate nets too", () => {
    fc.assert(
      fc.property(
        integerNets(2, KINDS),
        fc.integer({ min: -4, max: 4 }),
        fc.integer({ min: -4, max: 4 }),
        (net, i, j) => {
          const p = partition(net, { box: BOX });
          const [x, y] = [i / 4, j / 4];
          const cell = p.locate([x, y]);
          expect(cell).toBeDefined();
          const { vertices } = cell!;
          vertices.forEach(([s, t], k) => {
            const [u, v] = vertices[(k + 1) % vertices.length];
            expect((u - s) * (y - t) - (v - t) * (x - s)).toBeGreaterThan(-1e-12);
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it("finds nothing outside the box", () => {
    const p = partition(diamond, { box: BOX });
    expect(p.locate([1.5, 0])).toBeUndefined();
  });

  it("refuses what is no point of the slice", () => {
    const p = partition(diamond, { box: BOX });
    const wrong: [unknown, RegExp][] = [
      [[Number.NaN, 0], /point\[0\] is NaN/],
      [[0, Number.POSITIVE_INFINITY], /point\[1\] is Infinity/],
      [[0], /1 number, but the partition has 2 coordinates/],
      [["0", "0"], /point\[0\] is "0"/],
      [undefined, /point is undefined: pass 2 numbers/],
    ];
    for (const [point, message] of wrong) {
      expect(() => p.locate(point as never)).toThrow(GeometryError);
      expect(() => p.locate(point as never)).toThrow(message);
    }
    expect(p.locate(tensor([0.1, 0.2]))?.index).toBe(p.locate([0.1, 0.2])?.index);
  });
});

describe("level sets", () => {
  it("of |x| + |y| - 1 at 0 are the diamond's four sides", () => {
    const p = partition(diamond, { box: BOX });
    const level = p.levelSet({ output: 0, level: 0 });
    expect(level.length).toBe(4);
    expect(level.total).toBeCloseTo(4 * Math.SQRT2, 12);
    for (const [from, to] of level) {
      // higher values, outside the diamond, on the left: clockwise
      expect(from[0] * to[1] - from[1] * to[0]).toBeLessThan(0);
    }
  });

  it("of |x| at 0 is the axis once, although no sign changes there", () => {
    const net = reluNet(
      [
        [
          [1, 0],
          [-1, 0],
        ],
        [[1, 1]],
      ],
      [[0, 0], [0]],
    );
    const level = partition(net, { box: BOX }).levelSet();
    expect([...level]).toHaveLength(1);
    expect(level.total).toBe(2);
  });

  it("of relu(x) at 0 is a whole cell, and no segment", () => {
    const p = partition(reluNet([[[1, 0]], [[1]]], [[0], [0]]), { box: BOX });
    const level = p.levelSet();
    expect(level.length).toBe(0);
    expect(level.flat.map((cell) => p.cells.at(cell).area)).toEqual([2]);
  });

  it("the net has the level on every segment, as many as the split at zero adds cells", () => {
    const net = randomRelu([2, 24, 24, 1], 8);
    const middle = evaluate(net, [0.1, 0.1]).output[0];
    net.output.bias[0] -= middle;
    const p = partition(net, { box: BOX });
    const level = p.levelSet();
    expect(level.length).toBeGreaterThan(5);
    for (const ends of level) {
      for (const [x, y] of ends) expect(Math.abs(evaluate(net, [x, y]).output[0])).toBeLessThan(1e-14);
    }
    expect(partition(net, { box: BOX, splitAtOutputZero: true }).cells.length).toBe(p.cells.length + level.length);
  });
});

describe("the class boundary", () => {
  it("separates points whose largest output differs, with the class named on each side", () => {
    const net = randomRelu([2, 16, 4], 11);
    const p = partition(net, { box: BOX });
    const boundary = p.classBoundary();
    expect(boundary.length).toBeGreaterThan(3);
    for (let i = 0; i < boundary.length; i++) {
      const [from, to] = boundary.at(i);
      const normal = [from[1] - to[1], to[0] - from[0]].map(
        (x) => (x * 1e-7) / Math.hypot(from[0] - to[0], from[1] - to[1]),
      );
      const at = (side: number) => {
        const { output } = evaluate(
          net,
          [0, 1].map((k) => (from[k] + to[k]) / 2 + side * normal[k]),
        );
        return output.indexOf(Math.max(...output));
      };
      expect([at(1), at(-1)]).toEqual([boundary.left[i], boundary.right[i]]);
    }
  });

  it("names the cell on the left of each segment, also where outputs are cut at zero", () => {
    // outputs around 0, so that their zeros and the class boundary run through the same cells
    for (const [shape, seed] of [
      [[2, 12, 3], 11],
      [[2, 8, 8, 2], 5],
      [[2, 3], 2],
    ] as const) {
      const net = randomRelu([...shape], seed);
      net.output.bias.forEach((_, k) => {
        net.output.bias[k] -= evaluate(net, [0.1 + 0.2 * k, 0.2]).output[k];
      });
      for (const splitAtOutputZero of [false, true]) {
        const p = partition(net, { box: BOX, splitAtOutputZero });
        const boundary = p.classBoundary();
        expect(boundary.length).toBeGreaterThan(0);
        const named = Array.from(boundary, ([from, to], i) => {
          const [ds, dt] = [to[0] - from[0], to[1] - from[1]];
          const point = [(from[0] + to[0]) / 2 - 1e-6 * dt, (from[1] + to[1]) / 2 + 1e-6 * ds];
          return [boundary.cells[i], p.locate(point)!.index];
        });
        expect(named.map(([own]) => own)).toEqual(named.map(([, located]) => located));
      }
    }
  });

  it("of one output does not exist", () => {
    expect(() => partition(diamond, { box: BOX }).classBoundary()).toThrow(/one output/);
  });
});

describe("what the net attains on the box", () => {
  it("of |x| + |y| - 1: maximum, minimum, Lipschitz constant, integral", () => {
    const p = partition(diamond, { box: BOX });
    expect(p.maximum()).toMatchObject({ value: 1 });
    expect(p.maximum().point.map(Math.abs)).toEqual([1, 1]);
    expect(p.minimum()).toMatchObject({ value: -1, point: [0, 0] });
    expect(p.lipschitz().value).toBeCloseTo(Math.SQRT2, 14);
    expect(p.integral()).toBeCloseTo(0, 14);
  });

  it("bounds what sampling finds, for every output", () => {
    const net = randomRelu([2, 20, 20, 3], 4);
    const p = partition(net, { box: BOX });
    const samples = Array.from({ length: 41 * 41 }, (_, k) => [(k % 41) / 20 - 1, Math.floor(k / 41) / 20 - 1]);
    for (let output = 0; output < 3; output++) {
      const values = samples.map((x) => evaluate(net, x).output[output]);
      const [most, least] = [p.maximum(output), p.minimum(output)];
      expect(most.value).toBeGreaterThanOrEqual(Math.max(...values) - most.error);
      expect(least.value).toBeLessThanOrEqual(Math.min(...values) + least.error);
      expect(evaluate(net, most.point).output[output]).toBeCloseTo(most.value, 12);
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      expect(p.integral(output) / 4).toBeCloseTo(mean, 2);
    }
    const { value } = p.lipschitz();
    const gap = (x: number[], y: number[]) => {
      const [f, g] = [evaluate(net, x).output, evaluate(net, y).output];
      return Math.hypot(...f.map((v, k) => v - g[k])) / Math.hypot(x[0] - y[0], x[1] - y[1]);
    };
    const steepest = samples.slice(1).reduce((most, x, k) => Math.max(most, gap(x, samples[k])), 0);
    expect(value).toBeGreaterThanOrEqual(steepest * (1 - 1e-12));
    expect(value).toBeLessThan(steepest * 2);
  });
});

describe("the Lipschitz constant", () => {
  it("is the largest spectral norm of the cells' maps, in the input's own lengths on a slanted slice", () => {
    fc.assert(
      fc.property(integerNets(3, KINDS), fc.boolean(), (net, whole) => {
        const plane = { origin: [0, 0.5, 0], u: whole ? [1, 0, 0] : [3, 1, 0], v: whole ? [0, 1, 0] : [2, 1, 1] };
        const p = partition(net, { plane, box: BOX });
        const { value, error, cell } = p.lipschitz();
        const norms = Array.from(p.cells, ({ A }) => steepest(A, plane.u, plane.v));
        const most = Math.max(...norms);
        // the directions tried are 1/500 of a half turn apart
        expect(value).toBeGreaterThanOrEqual(most * (1 - 1e-12));
        expect(value).toBeLessThanOrEqual(most * (1 + 1e-3));
        expect(norms[cell]).toBeGreaterThanOrEqual(value * (1 - 1e-3));
        expect(error).toBeLessThanOrEqual(value * 2 ** -50);
      }),
      { numRuns: 60 },
    );
  });

  it("takes the steeper of two cells that no double tells apart", () => {
    // left of 0 the slope is 1, right of it √(1 + 2^-200): relu(-x), relu(x), and 2^-100·relu(x) as another output
    const net = reluNet(
      [
        [[-1], [1]],
        [
          [1, 1],
          [0, 2 ** -100],
        ],
      ],
      [
        [0, 0],
        [0, 0],
      ],
    );
    const p = partition(net, { box: [[-1, 1]] });
    const { value, cell } = p.lipschitz();
    expect(value).toBe(1);
    expect(p.cells.at(cell).center[0]).toBeGreaterThan(0);
    const mirrored = partition(net, { line: { origin: [0], u: [-1] }, box: [[-1, 1]] });
    expect(mirrored.cells.at(mirrored.lipschitz().cell)!.center[0]).toBeLessThan(0);
  });

  it("of numbers whose squares are beyond the doubles is as exact", () => {
    for (const scale of [2 ** 600, 2 ** -600]) {
      const net = reluNet([[[scale], [-scale]], [[1, 2]]], [[0, 0], [0]]);
      expect(partition(net, { box: [[-1, 1]] }).lipschitz()).toMatchObject({ value: 2 * scale });
    }
  });
});

/** The largest change of the outputs per length in input space, among 500 directions of the plane of u and v. */
function steepest(slopes: Float64Array, u: readonly number[], v: readonly number[]): number {
  let most = 0;
  for (let k = 0; k < 500; k++) {
    const [s, t] = [Math.cos((Math.PI * k) / 500), Math.sin((Math.PI * k) / 500)];
    const change = Array.from({ length: slopes.length / 2 }, (_, i) => slopes[2 * i] * s + slopes[2 * i + 1] * t);
    most = Math.max(most, Math.hypot(...change) / Math.hypot(...u.map((x, i) => x * s + v[i] * t)));
  }
  return most;
}

describe("creases", () => {
  it("of first-layer units are their lines", () => {
    const p = partition(diamond, { box: BOX });
    for (const unit of [0, 1]) {
      const { coordinates } = p.crease({ layer: 0, unit });
      expect(coordinates).toHaveLength(1);
      expect([...coordinates[0]].filter((_, k) => k % 2 === 0)).toEqual([0, 0, 0]);
    }
    expect(() => p.crease({ layer: 0, unit: 4 })).toThrow(/no gate 4 of layer 0/);
  });

  it("of every gate hold points where its argument is 0, and all edges inside the box belong to one", () => {
    const net = randomRelu([2, 10, 10, 1], 6);
    const p = partition(net, { box: BOX });
    const creases = p.creases();
    let segments = 0;
    for (const { layer, unit, polylines, coordinates } of creases) {
      polylines.forEach((vertices, k) => {
        segments += vertices.length - 1;
        for (let v = 0; v < vertices.length; v++) {
          const { preactivations } = evaluate(net, coordinates[k].subarray(2 * v, 2 * v + 2));
          expect(Math.abs(preactivations[layer][unit])).toBeLessThan(1e-12);
        }
      });
    }
    const inner = [...p.cells].flatMap(({ sides }) => sides).filter(({ neighbour }) => neighbour !== undefined);
    expect(segments).toBe(inner.length / 2);
  });
});

describe("an integral that doubles cannot hold", () => {
  it("is refused, where its cells are still counted", () => {
    const box = [
      [-1e200, 1e200],
      [-1e200, 1e200],
    ];
    const p = partition(diamond, { box });
    expect(p.cells.length).toBe(4);
    expect(() => p.integral()).toThrow(/beyond the range of doubles.*smaller box/);
  });
});

describe("an incomplete partition", () => {
  const p = partition(randomRelu([2, 16, 16, 2], 3), { box: BOX, limits: { cells: 30 } });

  it("says so, and holds what it found", () => {
    expect([p.complete, p.stopped, p.cells.length]).toEqual([false, "cells", 30]);
    expect(p.cells.at(29).area).toBeGreaterThan(0);
    expect(() => p.cells.at(30)).toThrow("there is no cell 30: they are numbered from 0 to 29");
  });

  it("refuses to speak of the whole", () => {
    const questions = [
      () => p.pieces,
      () => p.levelSet(),
      () => p.classBoundary(),
      () => p.maximum(),
      () => p.lipschitz(),
      () => p.integral(),
    ];
    for (const ask of questions)
      expect(ask).toThrow(/incomplete \(stopped by cells after 30 cells\).*raise the limits/);
  });

  it("is complete when the limit is just enough", () => {
    expect(partition(diamond, { box: BOX, limits: { cells: 4 } }).complete).toBe(true);
    expect(partition(diamond, { box: BOX, limits: { cells: 3 } }).complete).toBe(false);
  });

  it("stops for an aborted signal and for seconds", () => {
    const net = randomRelu([2, 32, 32, 1], 3);
    expect(partition(net, { box: BOX, signal: AbortSignal.abort() }).stopped).toBe("aborted");
    expect(partition(net, { box: BOX, limits: { seconds: 1e-9 } }).stopped).toBe("seconds");
  });
});

describe("two runs", () => {
  it("give the same arrays", () => {
    const [p, q] = [0, 1].map(() => partition(randomRelu([2, 16, 16, 1], 3), { box: BOX }));
    expect(p.complex.vertexS).toEqual(q.complex.vertexS);
    expect(p.complex.cellEdges).toEqual(q.complex.cellEdges);
    expect(p.cells.at(50).A).toEqual(q.cells.at(50).A);
  });
});
