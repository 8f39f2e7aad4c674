/**
 * Cells per second of the exact partition of a plane, certified and complete with neighbours.
 *
 *     npx tsx bench/geometry/partition.ts [--growth]
 *
 * For each network: cells, the best time of several runs in one warm process, cells per second, bytes held per cell, signs
 * that needed integers, and the ratio to the plain baseline. `--growth` then cuts one large network up to a growing number
 * of cells, to show that time and memory grow linearly.
 */

import { partition } from "../../src/geometry/partition.js";
import { randomRelu } from "./nets.js";
import { plainCellCount } from "./plain-partition.js";

const SEED = 1;
const BOX = [
  [-1, 1],
  [-1, 1],
];
const NETS = [
  [2, 64, 64, 1],
  [2, 128, 128, 1],
  [2, 256, 256, 1],
  [2, 128, 128, 128, 1],
];

/** The best of as many runs as begin within 3 seconds, in seconds. */
function best<T>(run: () => T): { seconds: number; result: T } {
  let seconds = Number.POSITIVE_INFINITY;
  let result: T;
  const start = performance.now();
  do {
    const before = performance.now();
    result = run();
    seconds = Math.min(seconds, (performance.now() - before) / 1000);
  } while (performance.now() - start < 3000);
  return { seconds, result };
}

function line(cells: readonly (string | number)[], widths: readonly number[]): void {
  console.log(cells.map((cell, k) => String(cell).padStart(widths[k])).join("  "));
}

function thousands(cells: number, seconds: number): string {
  return (cells / seconds / 1000).toFixed(0);
}

function speed(): void {
  const widths = [18, 8, 9, 9, 9, 8, 12, 7];
  console.log(`box [-1, 1]^2, seed ${SEED}, ${process.version}; k/s: thousand certified cells per second`);
  line(["network", "cells", "ms", "k/s", "first k/s", "B/cell", "plain k/s", "ratio"], widths);
  for (const shape of NETS) {
    const net = randomRelu(shape, SEED);
    const before = performance.now();
    partition(net, { box: BOX });
    const first = (performance.now() - before) / 1000;
    const { seconds, result } = best(() => partition(net, { box: BOX }));
    const cells = result.cells.length;
    const bytes = (result.complex.byteLength + result.tree.byteLength) / cells;
    const plain = best(() => plainCellCount(net, BOX));
    if (plain.result !== cells)
      console.log(`the plain baseline counts ${plain.result} cells: floats decide wrongly there`);
    line(
      [
        `[${shape}]`,
        cells,
        (1000 * seconds).toFixed(1),
        thousands(cells, seconds),
        thousands(cells, first),
        bytes.toFixed(0),
        thousands(plain.result, plain.seconds),
        (plain.seconds / seconds).toFixed(1),
      ],
      widths,
    );
  }
}

function growth(): void {
  const shape = [2, 1024, 1024, 1];
  const net = randomRelu(shape, SEED);
  console.log(`\n[${shape}] cut until so many cells are found`);
  const widths = [10, 9, 8, 8];
  line(["cells", "seconds", "k/s", "B/cell"], widths);
  for (let cells = 1000; cells <= 1_000_000; cells *= 10) {
    for (const limit of [cells, 3 * cells]) {
      const before = performance.now();
      const found = partition(net, { box: BOX, limits: { cells: limit } });
      const seconds = (performance.now() - before) / 1000;
      const bytes = (found.complex.byteLength + found.tree.byteLength) / found.cells.length;
      line([found.cells.length, seconds.toFixed(3), thousands(found.cells.length, seconds), bytes.toFixed(0)], widths);
      if (found.complete) return;
    }
  }
}

speed();
if (process.argv.includes("--growth")) growth();
