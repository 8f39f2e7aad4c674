import { data, manualSeed } from "crease";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

type Point = [x: number, y: number];

const pointsOf = (set: data.Dataset, label?: number): Point[] => {
  const classes = set.labels.toArray() as number[];
  return (set.inputs.toArray() as Point[]).filter((_, i) => label === undefined || classes[i] === label);
};

const makers: [string, (options: data.SampleOptions) => data.Dataset, classes: number][] = [
  ["xor", data.xor, 2],
  ["moons", data.moons, 2],
  ["circles", data.circles, 2],
  ["spirals", (options) => data.spirals({ ...options, arms: 3 }), 3],
  ["blobs", (options) => data.blobs({ ...options, centers: 4 }), 4],
];

describe.each(makers)("data.%s", (name, make, classes) => {
  it("gives points [n, 2] and int32 classes [n] in turn", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 }), (samples) => {
        const set = make({ samples, seed: 1, noise: 0.1 });
        expect([set.inputs.shape, set.inputs.dtype]).toEqual([[samples, 2], "float32"]);
        expect([set.labels.shape, set.labels.dtype]).toEqual([[samples], "int32"]);
        expect(set.labels.toArray()).toEqual(Array.from({ length: samples }, (_, i) => i % classes));
        expect(set.inputs.data.every(Number.isFinite)).toBe(true);
      }),
    );
  });

  it("is the same for the same seed, and for the same default stream", () => {
    const noisy = (seed: number): unknown => make({ samples: 20, noise: 0.2, seed }).inputs.toArray();
    expect(noisy(4)).toEqual(noisy(4));
    expect(noisy(4)).not.toEqual(noisy(5));
    const byDefault = (): unknown => {
      manualSeed(2);
      return make({ samples: 20, noise: 0.2 }).inputs.toArray();
    };
    expect(byDefault()).toEqual(byDefault());
  });

  it("can be float64, which float32 rounds", () => {
    const [single, double] = [make({ samples: 9, seed: 1 }), make({ samples: 9, seed: 1, dtype: "float64" })];
    expect(double.inputs.dtype).toBe("float64");
    expect(single.inputs.data).toEqual(Float32Array.from(double.inputs.data));
  });

  it("refuses bad options", () => {
    expect(() => make({ samples: -1 })).toThrow(`${name}: samples is a non-negative integer, got -1`);
    expect(() => make({ noise: Number.NaN })).toThrow(/noise is a standard deviation of at least 0, got NaN/);
    expect(() => make({ sample: 3 } as never)).toThrow(/unknown option "sample"; known are samples/);
    expect(() => make({ dtype: "int32" })).toThrow(/float32 or float64, got int32/);
    expect(() => make({ seed: -1 })).toThrow(/seed/);
  });
});

describe("where the points lie without noise", () => {
  const options = { samples: 50, dtype: "float64", seed: 1 } as const;

  it("xor: at the corners, class 0 where the coordinates are equal", () => {
    const set = data.xor();
    expect(new Set(pointsOf(set, 0).map(String))).toEqual(new Set(["0,0", "1,1"]));
    expect(new Set(pointsOf(set, 1).map(String))).toEqual(new Set(["0,1", "1,0"]));
  });

  it("moons: on two half circles, the upper around (0, 0), the lower around (1, 0.5)", () => {
    const set = data.moons(options);
    for (const [x, y] of pointsOf(set, 0)) {
      expect(Math.hypot(x, y)).toBeCloseTo(1, 14);
      expect(y).toBeGreaterThanOrEqual(0);
    }
    for (const [x, y] of pointsOf(set, 1)) {
      expect(Math.hypot(x - 1, y - 0.5)).toBeCloseTo(1, 14);
      expect(y).toBeLessThanOrEqual(0.5);
    }
    expect(pointsOf(set, 0)[0]).toEqual([1, 0]);
  });

  it("circles: at radius 1 and at the factor", () => {
    const set = data.circles({ ...options, factor: 0.3 });
    for (const point of pointsOf(set, 0)) expect(Math.hypot(...point)).toBeCloseTo(1, 14);
    for (const point of pointsOf(set, 1)) expect(Math.hypot(...point)).toBeCloseTo(0.3, 14);
    expect(() => data.circles({ factor: 2 })).toThrow(/factor is a radius from 0 to 1, got 2/);
  });

  it("spirals: each arm is the first one turned", () => {
    const set = data.spirals({ ...options, samples: 60, arms: 3, turns: 1.5 });
    const [cos, sin] = [Math.cos((2 * Math.PI) / 3), Math.sin((2 * Math.PI) / 3)];
    const turned = pointsOf(set, 0).map(([x, y]) => [cos * x - sin * y, sin * x + cos * y]);
    pointsOf(set, 1).forEach(([x, y], i) => {
      expect(x).toBeCloseTo(turned[i][0], 12);
      expect(y).toBeCloseTo(turned[i][1], 12);
    });
    expect(Math.hypot(...(pointsOf(set, 0).at(-1) as Point))).toBeCloseTo(1, 14);
  });

  it("blobs: around the given centers, with the noise as deviation", () => {
    const centers = [
      [-4, 2],
      [6, 0],
    ] as const;
    const set = data.blobs({ centers, samples: 4000, noise: 0.5, seed: 8 });
    centers.forEach(([centerX, centerY], label) => {
      const points = pointsOf(set, label);
      const mean = (of: (point: Point) => number): number => points.reduce((sum, p) => sum + of(p), 0) / points.length;
      // Five standard errors of a mean of 2,000.
      expect(Math.abs(mean(([x]) => x) - centerX)).toBeLessThan((5 * 0.5) / Math.sqrt(2000));
      expect(Math.abs(mean(([, y]) => y) - centerY)).toBeLessThan((5 * 0.5) / Math.sqrt(2000));
      expect(Math.abs(Math.sqrt(mean(([x]) => (x - centerX) ** 2)) / 0.5 - 1)).toBeLessThan(0.08);
    });
    expect(() => data.blobs({ centers: [[1, 2, 3] as never] })).toThrow(/centers are points/);
    expect(() => data.blobs({ centers: 0 })).toThrow(/number of centers is an integer of at least 1, got 0/);
  });
});
