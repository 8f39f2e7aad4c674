import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OptionError } from "../../src/base/errors.js";
import { defaultGenerator, Generator, manualSeed, philox } from "../../src/base/random.js";

const seeds = fc.maxSafeNat();

function words(generator: Generator, count: number): number[] {
  return Array.from({ length: count }, () => generator.word());
}

/** Philox4x32-10 with arbitrary precision: the paper's round as it is printed. */
function philoxOracle(counter: readonly number[], key: readonly number[]): number[] {
  let [c0, c1, c2, c3] = counter.map(BigInt);
  let [k0, k1] = key.map(BigInt);
  const low = (x: bigint) => x & 0xffffffffn;
  for (let round = 0; round < 10; round++) {
    const p0 = 0xd2511f53n * c0;
    const p1 = 0xcd9e8d57n * c2;
    [c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, low(p1), (p0 >> 32n) ^ c3 ^ k1, low(p0)];
    k0 = low(k0 + 0x9e3779b9n);
    k1 = low(k1 + 0xbb67ae85n);
  }
  return [c0, c1, c2, c3].map(Number);
}

describe("philox", () => {
  // The vectors published with Random123 (kat_vectors, philox 4x32 with 10 rounds).
  test.each([
    ["zeros", [0, 0, 0, 0], [0, 0], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]],
    [
      "ones",
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      "digits of pi",
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])("gives the published words for %s", (_, counter, key, expected) => {
    const out = new Uint32Array(4);
    philox(counter, key, out);
    expect([...out]).toEqual(expected);
  });

  test("equals the same rounds in arbitrary precision", () => {
    const word = fc.nat({ max: 0xffffffff });
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), fc.tuple(word, word), (counter, key) => {
        const out = new Uint32Array(4);
        philox(counter, key, out);
        expect([...out]).toEqual(philoxOracle(counter, key));
      }),
    );
  });
});

describe("a generator", () => {
  test("gives the words of Philox with the seed as key and the block as counter", () => {
    const expected = [0, 1, 2].flatMap((block) => philoxOracle([block, 0, 0, 0], [7, 3]));
    expect(words(new Generator(3 * 2 ** 32 + 7), 12)).toEqual(expected);
  });

  test("carries the block number into the second counter word", () => {
    const generator = new Generator(5);
    generator.setState({ seed: 5, drawn: 4 * (2 ** 32 - 1) });
    expect(words(generator, 8)).toEqual([
      ...philoxOracle([0xffffffff, 0, 0, 0], [5, 0]),
      ...philoxOracle([0, 1, 0, 0], [5, 0]),
    ]);
  });

  test("repeats its stream for the same seed, and another for another seed", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        expect(words(new Generator(seed), 9)).toEqual(words(new Generator(seed), 9));
        expect(words(new Generator(seed), 9)).not.toEqual(words(new Generator((seed + 1) % 2 ** 40), 9));
      }),
    );
  });

  test("continues from a saved state, wherever it was taken", () => {
    fc.assert(
      fc.property(seeds, fc.nat({ max: 23 }), (seed, drawn) => {
        const generator = new Generator(seed);
        words(generator, drawn);
        const state = JSON.parse(JSON.stringify(generator.state));
        const continued = new Generator(0);
        continued.setState(state);
        expect(words(continued, 6)).toEqual(words(generator, 6));
        expect(continued.state).toEqual(generator.state);
      }),
    );
  });

  test.each([-1, 0.5, Number.NaN, 2 ** 53])("refuses the seed %s", (seed) => {
    expect(() => new Generator(seed)).toThrow(OptionError);
    expect(() => manualSeed(seed)).toThrow(/seed is an integer from 0 to 2\^53 - 1, got/);
  });

  test.each([{ seed: -1, drawn: 0 }, { seed: 1, drawn: -4 }, { seed: 1, drawn: Number.NaN }, { seed: 1 } as never])(
    "refuses the state %o",
    (state) => {
      expect(() => new Generator(0).setState(state)).toThrow(OptionError);
    },
  );

  test("draws uniform numbers in [0, 1) with the moments of a uniform", () => {
    const generator = new Generator(11);
    const count = 100_000;
    const values = Array.from({ length: count }, () => generator.uniform());
    expect(Math.min(...values.slice(0, 50_000))).toBeGreaterThanOrEqual(0);
    expect(values.every((value) => value < 1)).toBe(true);
    const mean = values.reduce((sum, value) => sum + value) / count;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
    // Within five standard errors: √(1 / 12 / n) of the mean, √(1 / 180 / n) of the variance.
    expect(Math.abs(mean - 1 / 2)).toBeLessThan(5 * Math.sqrt(1 / 12 / count));
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / count));
  });

  test("fills every tenth of [0, 1) equally, by the chi-squared statistic", () => {
    const generator = new Generator(12);
    const counts = new Array(10).fill(0);
    for (let i = 0; i < 50_000; i++) counts[Math.floor(generator.uniform() * 10)]++;
    const statistic = counts.reduce((sum, one) => sum + (one - 5000) ** 2 / 5000, 0);
    // Nine degrees of freedom: above 33.7 with probability 1e-4, below 0.9 with 2e-4.
    expect(statistic).toBeLessThan(33.7);
    expect(statistic).toBeGreaterThan(0.9);
  });

  test("draws normal numbers with the first four moments of a normal, finite always", () => {
    const generator = new Generator(13);
    const count = 100_000;
    const moment = [0, 0, 0, 0, 0];
    let finite = true;
    for (let i = 0; i < count; i++) {
      const value = generator.normal();
      finite &&= Number.isFinite(value);
      for (let power = 1; power <= 4; power++) moment[power] += value ** power / count;
    }
    expect(finite).toBe(true);
    // Variances of x, x², x³, x⁴ are 1, 2, 15, 96.
    const within = (variance: number) => 5 * Math.sqrt(variance / count);
    expect(Math.abs(moment[1])).toBeLessThan(within(1));
    expect(Math.abs(moment[2] - 1)).toBeLessThan(within(2));
    expect(Math.abs(moment[3])).toBeLessThan(within(15));
    expect(Math.abs(moment[4] - 3)).toBeLessThan(within(96));
  });

  test("draws integers below the bound, each equally often", () => {
    const generator = new Generator(14);
    const counts = new Array(7).fill(0);
    for (let i = 0; i < 35_000; i++) counts[generator.integer(7)]++;
    const statistic = counts.reduce((sum, one) => sum + (one - 5000) ** 2 / 5000, 0);
    expect(statistic).toBeLessThan(27.9);
    expect(generator.integer(1)).toBe(0);
    expect(generator.integer(2 ** 32)).toBeLessThan(2 ** 32);
    // Just above half of the words are taken: without rejection small numbers would come twice as often.
    const bound = 3 * 2 ** 30;
    let low = 0;
    for (let i = 0; i < 3000; i++) if (generator.integer(bound) < bound / 3) low++;
    expect(Math.abs(low - 1000)).toBeLessThan(5 * Math.sqrt(3000 * (2 / 9)));
  });

  test.each([0, -3, 1.5, 2 ** 33, Number.NaN])("refuses integers below %s", (bound) => {
    expect(() => new Generator(1).integer(bound)).toThrow(OptionError);
  });

  test("gives permutations: each number once, every order reached", () => {
    fc.assert(
      fc.property(seeds, fc.nat({ max: 40 }), (seed, count) => {
        const order = new Generator(seed).permutation(count);
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
      }),
    );
    const generator = new Generator(15);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const key = generator.permutation(3).join("");
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});

test("manualSeed restarts the default stream", () => {
  manualSeed(99);
  const first = words(defaultGenerator, 5);
  manualSeed(99);
  expect(words(defaultGenerator, 5)).toEqual(first);
  expect(first).toEqual(words(new Generator(99), 5));
});
