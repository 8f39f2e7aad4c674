import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evaluate } from "../../src/pwl/evaluate.js";
import { type Linearization, linearizeNet } from "../../src/pwl/linearize.js";
import { type PwlNet, reluNet } from "../../src/pwl/net.js";
import { decideStates } from "../../src/pwl/signs.js";
import { distance, normal, randomNet, stream, vector } from "./nets.js";

/** A x + b of a linearization. */
function affine({ A, b, net }: Linearization, x: ArrayLike<number>): Float64Array {
  return Float64Array.from(b.data, (value, i) => {
    for (let j = 0; j < net.inputSize; j++) value += A.data[i * net.inputSize + j] * x[j];
    return value;
  });
}

const size = (values: ArrayLike<number>) => Array.from(values).reduce((most, v) => Math.max(most, Math.abs(v)), 1);

function randomUnit(next: () => number, n: number): Float64Array {
  const direction = vector(next, n);
  const length = Math.hypot(...direction);
  return direction.map((value) => value / length);
}

describe("linearize, at any point of any net", () => {
  const netAndPoint = fc.tuple(fc.integer(), fc.integer()).map(([a, b]) => {
    const net = randomNet(a);
    return { net, x: vector(stream(b), net.inputSize, 2), next: stream(a ^ b) };
  });

  test("A x + b is the net's value, here and inside the margin in every direction", () => {
    fc.assert(
      fc.property(netAndPoint, ({ net, x, next }) => {
        const here = linearizeNet(net, x);
        expect(here.onCrease).toBe(false); // almost surely
        const margin = here.margin();
        for (let trial = 0; trial < 4; trial++) {
          const reach = trial === 0 ? 0 : 0.99 * Math.min(margin, 10);
          const direction = randomUnit(next, net.inputSize);
          const point = x.map((value, j) => value + reach * direction[j]);
          const { output } = evaluate(net, point);
          expect(distance(output, affine(here, point)) / size(output)).toBeLessThan(1e-9);
          expect(linearizeNet(net, point).pattern.equals(here.pattern)).toBe(true);
        }
      }),
    );
  });

  test("just beyond the nearest crease exactly that gate is in another state", () => {
    fc.assert(
      fc.property(netAndPoint, ({ net, x }) => {
        const here = linearizeNet(net, x);
        const nearest = here.nearest();
        if (nearest === null) {
          expect(here.margin()).toBe(Number.POSITIVE_INFINITY);
          return;
        }
        fc.pre(nearest.distance < 1e6);
        // a second crease within a billionth of the first would make the question moot
        const beyond = x.map((value, j) => value + (nearest.point[j] - value) * (1 + 1e-7));
        const layout = here.pattern.layout;
        const gate = layout.layerStarts[nearest.layer] + nearest.unit;
        const differences = linearizeNet(net, beyond).pattern.differences(here.pattern);
        expect(differences[0]).toBe(gate);
        expect(differences.filter((g) => g < layout.layerStarts[nearest.layer + 1])).toEqual([gate]);
        if (net.layers[nearest.layer].kind === "max") {
          expect(linearizeNet(net, beyond).pattern.at(gate)).toBe(nearest.rival);
        }
      }),
    );
  });

  test("half-spaces hold exactly in the cell: points inside share the pattern, points outside do not", () => {
    fc.assert(
      fc.property(netAndPoint, ({ net, x, next }) => {
        const here = linearizeNet(net, x);
        const sides = [...here.halfspaces()];
        for (let trial = 0; trial < 10; trial++) {
          const point = x.map((value) => value + normal(next) * 0.5);
          const slack = sides.map(({ normal: n, offset }) =>
            n.reduce((sum, value, j) => sum + value * point[j], offset),
          );
          if (slack.some((value) => Math.abs(value) < 1e-9)) continue;
          const inside = slack.every((value) => value > 0);
          expect(linearizeNet(net, point).pattern.equals(here.pattern)).toBe(inside);
        }
      }),
    );
  });

  test("the margin is the distance to the nearest half-space", () => {
    fc.assert(
      fc.property(netAndPoint, ({ net, x }) => {
        const here = linearizeNet(net, x);
        let least = Number.POSITIVE_INFINITY;
        for (const { normal: n, offset } of here.halfspaces()) {
          least = Math.min(least, n.reduce((sum, value, j) => sum + value * x[j], offset) / Math.hypot(...n));
        }
        if (least === Number.POSITIVE_INFINITY) expect(here.margin()).toBe(least);
        else expect(Math.abs(here.margin() - least) / Math.max(1, least)).toBeLessThan(1e-9);
      }),
    );
  });
});

/** relu(w · x + b) for each row, then their sum. */
const oneLayer = (weights: number[][], biases: number[]): PwlNet =>
  reluNet([weights, [weights.map(() => 1)]], [biases, [0]]);

describe("on a crease", () => {
  const cross = oneLayer(
    [
      [1, 0],
      [0, 1],
      [1, 1],
    ],
    [0, 0, -2],
  );

  test("of one, two and three units, exactly those are named, and the margin is 0", () => {
    const units = (x: number[]) => linearizeNet(cross, x).creases.map(({ unit }) => unit);
    expect(units([0, 5])).toEqual([0]);
    expect(units([0, 2])).toEqual([0, 2]);
    expect(units([1, 1])).toEqual([2]);
    const three = oneLayer(
      [
        [1, 0],
        [0, 1],
        [1, -1],
      ],
      [0, 0, 0],
    );
    const here = linearizeNet(three, [0, 0]);
    expect(here.creases.map(({ unit }) => unit)).toEqual([0, 1, 2]);
    expect(here.onCrease).toBe(true);
    expect(here.margin()).toBe(0);
    expect([...here.pattern]).toEqual([0, 0, 0]); // at zero a unit is inactive
  });

  test("a duplicated unit is two creases at the same place", () => {
    const doubled = oneLayer(
      [
        [1, 2],
        [1, 2],
        [2, 4],
      ],
      [-1, -1, -2],
    );
    expect(linearizeNet(doubled, [0.5, 0.25]).creases.map(({ unit }) => unit)).toEqual([0, 1, 2]);
    const beside = linearizeNet(doubled, [0.5, 0.5]);
    expect(beside.onCrease).toBe(false);
    expect(beside.margin()).toBeCloseTo(0.5 / Math.sqrt(5), 14);
  });

  test("a unit that is constantly 0 makes no crease, nor does one whose inputs are all inactive", () => {
    const zero = oneLayer(
      [
        [0, 0],
        [1, 0],
      ],
      [0, 1],
    );
    expect(linearizeNet(zero, [3, 4])).toMatchObject({ onCrease: false, creases: [] });
    expect(linearizeNet(zero, [3, 4]).margin()).toBe(4);
    expect(linearizeNet(zero, [3, 4]).halfspaces().length).toBe(1);
    const dead = reluNet([[[1], [2]], [[1, 1]], [[1]]], [[0, 0], [0], [0]]);
    const here = linearizeNet(dead, [-1]);
    expect(here.onCrease).toBe(false);
    expect(Array.from(here.A.data)).toEqual([0]);
    expect(here.margin()).toBe(1);
  });

  test("units that cancel exactly make no crease; units that cancel only in rounding do", () => {
    const cancel = reluNet([[[0.1], [0.1], [0.7]], [[3, -3, 0]], [[1]]], [[0, 0, 0], [0], [0]]);
    expect(linearizeNet(cancel, [1])).toMatchObject({ onCrease: false });
    expect(linearizeNet(cancel, [1]).margin()).toBe(1);
    // the double 0.1 + 0.2 is 2^-55 more than the sum of the doubles 0.1 and 0.2
    const almost = reluNet([[[1], [1], [1]], [[-0.1, -0.2, 0.1 + 0.2]], [[1]]], [[0, 0, 0], [0], [0]]);
    expect(evaluate(almost, [1]).preactivations[1][0]).toBe(0);
    expect(linearizeNet(almost, [1]).pattern.toString()).toBe("111 1");
  });

  test("ties of a maximum: the first wins, each rival is named, equal arguments are no crease", () => {
    const identity = Float64Array.of(1, 0, 0, 1, 1, 0);
    const net: PwlNet = {
      inputs: [{ name: "x", shape: [2] }],
      inputSize: 2,
      layers: [
        {
          kind: "max",
          name: "max",
          argument: {
            size: 3,
            terms: [{ source: 0, block: { kind: "dense", rows: 3, columns: 2, values: identity } }],
            bias: new Float64Array(3),
          },
          starts: Int32Array.of(0, 3),
        },
      ],
      output: {
        size: 1,
        terms: [{ source: 1, block: { kind: "dense", rows: 1, columns: 1, values: Float64Array.of(1) } }],
        bias: new Float64Array(1),
      },
      outputShape: [1],
      rounded: [],
    };
    expect(linearizeNet(net, [2, 1])).toMatchObject({ onCrease: false }); // arguments 0 and 2 are the same function
    expect(linearizeNet(net, [2, 1]).margin()).toBeCloseTo(Math.SQRT1_2, 14);
    expect(linearizeNet(net, [1, 1]).creases).toEqual([{ layer: 0, unit: 0, rival: 1 }]);
    expect(linearizeNet(net, [1, 1]).pattern.at(0)).toBe(0);
  });
});

describe("exact signs", () => {
  test("where double precision says 0 and the numbers say otherwise, the exact state counts, and onCrease warns", () => {
    const net = oneLayer([[-0.1, -0.2]], [0.1 + 0.2]); // exactly 2^-55 at (1, 1)
    expect(evaluate(net, [1, 1]).preactivations[0][0]).toBe(0);
    const here = linearizeNet(net, [1, 1]);
    expect([...here.pattern]).toEqual([1]);
    expect(here.creases).toEqual([]);
    expect(here.onCrease).toBe(true);
    expect(here.margin() * Math.hypot(0.1, 0.2)).toBeCloseTo(2 ** -55, 30);
  });

  test("of float32 weights, widened: 0.3 - 0.1 - 0.2 is 2^-27 although float32 rounds it to 0", () => {
    const single = Math.fround;
    const net = oneLayer([[single(-0.1), single(-0.2)]], [single(0.3)]);
    expect(single(single(single(-0.1) + single(-0.2)) + single(0.3))).toBe(0);
    expect(decideStates(net, [1, 1]).preactivations[0][0]).toBe(2 ** -27);
    expect([...linearizeNet(net, [1, 1]).pattern]).toEqual([1]);
  });

  test("agree with arithmetic in rationals on integers scaled far apart", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: -4, max: 4 }), fc.integer({ min: -60, max: 60 })), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.integer({ min: -4, max: 4 }),
        (entries, last) => {
          const weights = entries.map(([m, e]) => m * 2 ** e);
          const net = oneLayer([weights], [last * 2 ** -60]);
          const x = weights.map(() => 1);
          const exact = entries.reduce((sum, [m, e]) => sum + (BigInt(m) << BigInt(e + 60)), BigInt(last));
          const decision = decideStates(net, x);
          expect(decision.states[0][0]).toBe(exact > 0n ? 1 : 0);
          expect(decision.creases.length).toBe(exact === 0n && weights.some((w) => w !== 0) ? 1 : 0);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("in deep layers of small integers are those of plain evaluation, and zeros that are no creases stay zero around", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        // small integers: floats are exact, so the plain evaluation is the oracle
        const next = stream(seed);
        const int = () => Math.round(normal(next) * 3);
        const widths = [2, 4, 4, 4, 1];
        const weights = widths
          .slice(1)
          .map((rows, l) => Array.from({ length: rows }, () => Array.from({ length: widths[l] }, int)));
        const biases = weights.map((rows) => rows.map(int));
        const net = reluNet(weights, biases);
        const x = [int(), int()];
        const plain = evaluate(net, x);
        const decision = decideStates(net, x);
        expect(decision.states).toEqual(plain.states);
        const zeros = plain.preactivations.flatMap((layer, l) =>
          Array.from(layer).flatMap((z, unit) => (z === 0 ? [`${l} ${unit}`] : [])),
        );
        const creases = decision.creases.map(({ layer, unit }) => `${layer} ${unit}`);
        expect(zeros).toEqual(expect.arrayContaining(creases));
        // a zero that is no crease stays zero around x whenever no crease runs through x
        if (creases.length === 0 && zeros.length > 0) {
          const nearby = evaluate(
            net,
            x.map((value) => value + 2 ** -20),
          );
          for (const zero of zeros) {
            const [l, unit] = zero.split(" ").map(Number);
            expect(nearby.preactivations[l][unit]).toBe(0);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
