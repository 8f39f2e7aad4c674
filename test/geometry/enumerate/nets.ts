/** Networks for enumeration tests: reflection arrangements, degenerate integer nets, and counts known in closed form. */

import { type PwlNet, reluNet } from "../../../src/pwl/net.js";
import { integer, stream } from "../../pwl/nets.js";

/** One hidden layer with the hyperplanes x_i = 0, x_i = x_j, x_i = -x_j: 2^d d! cells. `copies` repeats, scaled by -k. */
export function reflectionArrangement(d: number, copies = 1): PwlNet {
  const rows: number[][] = [];
  for (let i = 0; i < d; i++) {
    rows.push(Array.from({ length: d }, (_, k) => (k === i ? 1 : 0)));
    for (let j = 0; j < i; j++) {
      for (const sign of [1, -1]) rows.push(Array.from({ length: d }, (_, k) => (k === i ? 1 : k === j ? sign : 0)));
    }
  }
  const all = Array.from({ length: copies }, (_, k) =>
    rows.map((row) => row.map((x) => (k === 0 ? x : -k * x))),
  ).flat();
  return reluNet([all, [all.map((_, k) => 1 + (k % 3))]], [all.map(() => 0), [0]]);
}

export const reflectionCells = (d: number): number => (d === 0 ? 1 : 2 * d * reflectionCells(d - 1));

/** A net with small integer weights: coincident, concurrent, vanishing units abound. Some rows copy or scale others. */
export function degenerateNet(seed: number, widths: readonly number[]): PwlNet {
  const next = stream(seed);
  const weights: number[][][] = [];
  const biases: number[][] = [];
  for (let l = 1; l < widths.length; l++) {
    const rows: number[][] = [];
    const bias: number[] = [];
    for (let i = 0; i < widths[l]; i++) {
      const copied = i > 0 && next() < 0.3 ? integer(next, 0, i - 1) : -1;
      const factor = [1, 2, -1, -3, 0.5][integer(next, 0, 4)];
      rows.push(
        copied >= 0
          ? rows[copied].map((x) => factor * x)
          : Array.from({ length: widths[l - 1] }, () => integer(next, -2, 2)),
      );
      bias.push(copied >= 0 ? factor * bias[copied] : integer(next, -1, 1));
    }
    weights.push(rows);
    biases.push(bias);
  }
  return reluNet(weights, biases);
}

/** Real weights, in general position. */
export function genericNet(seed: number, widths: readonly number[], scale = 1): PwlNet {
  const next = stream(seed);
  const weights = widths
    .slice(1)
    .map((width, l) =>
      Array.from({ length: width }, () => Array.from({ length: widths[l] }, () => scale * (2 * next() - 1))),
    );
  const biases = widths.slice(1).map((width) => Array.from({ length: width }, () => 2 * next() - 1));
  return reluNet(weights, biases);
}

/** Cells of n hyperplanes in general position in d dimensions: Σ C(n, k), k = 0..d (Buck 1943; Zaslavsky 1975). */
export function generalPositionCells(n: number, d: number): number {
  let sum = 0;
  let binomial = 1;
  for (let k = 0; k <= d; k++) {
    sum += binomial;
    binomial = (binomial * (n - k)) / (k + 1);
  }
  return sum;
}

export const cube = (d: number, half = 1): [number, number][] => Array.from({ length: d }, () => [-half, half]);

/** The patterns of an enumeration, one text each, sorted. */
export function patternsOf(cells: Iterable<{ readonly pattern: { readonly key: string } }>): string[] {
  return Array.from(cells, ({ pattern }) => pattern.key).sort();
}
