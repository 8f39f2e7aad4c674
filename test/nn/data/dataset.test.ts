import { data, Generator, ShapeError, tensor, zeros } from "crease";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

/** Row i holds [i, −i] and label 10 i, so that rows that were torn apart would show. */
const numbered = (count: number): data.Dataset => ({
  inputs: tensor(
    Float32Array.from({ length: 2 * count }, (_, k) => (k % 2 === 0 ? k / 2 : -(k - 1) / 2)),
    {
      shape: [count, 2],
    },
  ),
  labels: tensor(Int32Array.from({ length: count }, (_, i) => 10 * i)),
});

/** The numbers of the rows, having checked that inputs and labels still belong together. */
function rowsOf({ inputs, labels }: data.Dataset): number[] {
  const classes = Array.from(labels.data);
  expect(inputs.shape).toEqual([classes.length, 2]);
  return classes.map((label, i) => {
    expect(inputs.data[2 * i]).toBe(label / 10);
    expect(inputs.data[2 * i + 1] + label / 10).toBe(0);
    return label / 10;
  });
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe("split", () => {
  it("divides the rows: each is in one part, inputs and labels together", () => {
    fc.assert(
      fc.property(fc.nat(30), fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(9), (count, fraction, seed) => {
        const { train, test } = data.split(numbered(count), fraction, { seed });
        const [first, second] = [rowsOf(train), rowsOf(test)];
        expect(first.length).toBe(Math.round(fraction * count));
        expect([...first, ...second].sort((a, b) => a - b)).toEqual(upTo(count));
      }),
    );
  });

  it("is at random unless told, the same for the same seed", () => {
    const of = (options: data.SplitOptions): number[] => rowsOf(data.split(numbered(20), 0.5, options).train);
    expect(of({ shuffle: false })).toEqual(upTo(10));
    expect(of({ seed: 3 })).toEqual(of({ seed: 3 }));
    expect(of({ seed: 3 })).not.toEqual(of({ seed: 4 }));
  });

  it("refuses bad fractions, unequal rows and two sources of randomness", () => {
    expect(() => data.split(numbered(3), 1.5)).toThrow(/fraction is a number from 0 to 1, got 1.5/);
    expect(() => data.split({ inputs: zeros([3, 2]), labels: zeros([2]) }, 0.5)).toThrow(ShapeError);
    expect(() => data.split({ inputs: [[1]], labels: [1] } as never, 0.5)).toThrow(/both tensors/);
    expect(() => data.split(numbered(3), 0.5, { seed: 1, generator: new Generator(1) })).toThrow(/not both/);
  });
});

describe("batches", () => {
  it("visit every row once, in order or at random, the last batch being what is left", () => {
    fc.assert(
      fc.property(fc.nat(25), fc.integer({ min: 1, max: 9 }), fc.boolean(), (count, size, shuffle) => {
        const all = [...data.batches(numbered(count), size, { shuffle, seed: 1 })].map(rowsOf);
        const visited = all.flat();
        expect(shuffle ? visited.sort((a, b) => a - b) : visited).toEqual(upTo(count));
        expect(all.map((one) => one.length)).toEqual(
          Array.from({ length: Math.ceil(count / size) }, (_, i) => Math.min(size, count - i * size)),
        );
        const whole = [...data.batches(numbered(count), size, { shuffle, seed: 1, dropLast: true })];
        expect(whole.map((one) => one.labels.size)).toEqual(new Array(Math.floor(count / size)).fill(size));
      }),
    );
  });

  it("come in another order from a generator that goes on, and in the same from the same seed", () => {
    const generator = new Generator(1);
    const order = (options: data.BatchOptions): number[] => {
      const all = [...data.batches(numbered(12), 4, { shuffle: true, ...options })];
      return all.flatMap(rowsOf);
    };
    expect(order({ generator })).not.toEqual(order({ generator }));
    expect(order({ seed: 1 })).toEqual(order({ seed: 1 }));
  });

  it("refuse a size that is no positive integer", () => {
    expect(() => [...data.batches(numbered(3), 0)]).toThrow(/size is an integer of at least 1, got 0/);
  });
});
