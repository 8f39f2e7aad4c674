import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { activationPatterns, Generator } from "crease";
import { describe, expect, it } from "vitest";
import { main } from "../../examples/dynamics/dynamics.js";
import { axisNames, controlNames, fly, stateNames } from "../../examples/dynamics/helicopter.js";
import { LAGS, LinearModel, place, ReluNetworkModel, windows } from "../../examples/dynamics/models.js";

const twoFlights = () => {
  const generator = new Generator(7);
  return [fly(300, generator), fly(200, generator)];
};

describe("examples: the simulated helicopter", () => {
  it("flies the same flight for the same seed, within bounds", () => {
    const flight = fly(1000, new Generator(3));
    expect(fly(1000, new Generator(3))).toEqual(flight);
    for (const state of flight.states) {
      expect(Math.hypot(...state.slice(0, 3))).toBeLessThan(30);
      // the direction of up has length 1, but for the noise
      expect(Math.hypot(...state.slice(6))).toBeCloseTo(1, 1);
    }
  });
});

describe("examples: models of its accelerations", () => {
  it("see the present sample first, then those before it, and never those of another flight", () => {
    const flights = twoFlights();
    const { inputs, labels } = windows(flights);
    expect(inputs.shape).toEqual([300 + 200 - 2 * (LAGS - 1), LAGS * (stateNames.length + controlNames.length)]);
    const rows = inputs.toArray() as number[][];
    // the first window of the second flight ends at that flight's sample LAGS - 1
    const first = rows[300 - (LAGS - 1)];
    for (let lag = 0; lag < LAGS; lag++) {
      const sample = LAGS - 1 - lag;
      expect(first[place("vx", lag)]).toBe(Math.fround(flights[1].states[sample][0]));
      expect(first[place("yaw", lag)]).toBe(Math.fround(flights[1].controls[sample][3]));
    }
    const accelerations = flights[1].accelerations[LAGS - 1];
    expect((labels.toArray() as number[][])[300 - (LAGS - 1)]).toEqual(accelerations.map(Math.fround));
  });

  it("the linear one is the best of all affine ones: what it leaves is uncorrelated with every number it sees", () => {
    const data = windows(twoFlights());
    const model = new LinearModel(data, new Generator(1));
    const left = data.labels.sub(model.forward(data.inputs));
    const centred = data.inputs.sub(data.inputs.mean(0));
    const correlation = centred
      .transpose(0, 1)
      .matmul(left.sub(left.mean(0)))
      .div(data.inputs.shape[0])
      .div(centred.square().mean(0).sqrt().unsqueeze(1))
      .div(left.square().mean(0).sqrt());
    expect(correlation.abs().max().item()).toBeLessThan(0.01);
    expect(left.mean(0).abs().max().item()).toBeLessThan(1e-3);
  });

  it("the ReLU one starts as the linear one, and each of its creases parts the data", () => {
    const data = windows(twoFlights());
    const linear = new LinearModel(data, new Generator(1));
    const relu = new ReluNetworkModel(data, 16, new Generator(1));
    expect(relu.forward(data.inputs).sub(linear.forward(data.inputs)).abs().max().item()).toBe(0);
    const patterns = activationPatterns(relu, data.inputs);
    expect([patterns.net.layers[0].argument.size, patterns.dead(), patterns.alwaysActive()]).toEqual([16, [], []]);
  });
});

describe("examples", () => {
  it("dynamics: ReLU features improve on the linear model on every axis, and find drag that grows with speed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "crease-"));
    try {
      const lines: string[] = [];
      await main((line) => lines.push(line), folder);
      const rowOf = (name: string): number[] => {
        const line = lines.findLast((one) => one.startsWith(name)) ?? "";
        return Array.from(line.matchAll(/-?\d+(?:\.\d+)?/g), Number);
      };
      for (const name of axisNames) {
        const [before, after, percent, noise] = rowOf(name.padEnd(10));
        expect(after).toBeLessThan(before);
        expect(after).toBeGreaterThan(noise);
        expect(percent).toBeGreaterThan(15);
      }
      const constant = rowOf("linear");
      expect(new Set(constant).size).toBe(1);
      const drag = rowOf("ReLU");
      const [fastest, slowest] = [Math.max(drag[0], drag[7]), Math.min(drag[3], drag[4])];
      expect(fastest).toBeLessThan(constant[0]);
      expect(slowest).toBeGreaterThan(constant[0]);
      expect(await readFile(join(folder, "dynamics.svg"), "utf8")).toContain("with ReLU features");
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
