/**
 * Cells per second of the exact partition of a plane, certified and complete with neighbours.
 *
 *     npx tsx bench/geometry/partition.ts [--growth] [--edge-subdivision PATH]
 *
 * For each network: cells, the best time of several runs in one warm process, cells per second, bytes held per cell,
 * the ratio to the plain baseline, and, where the repository of edge subdivision is given, the ratio to that. `--growth`
 * instead cuts one large network up to a growing number of cells, to show that time and memory grow linearly, and plots both
 * (bench/out/geometry/partition-time.svg and partition-memory.svg); its million weights are a fixed cost of some 30 ms.
 */

import { partition } from "../../src/geometry/partition/partition.js";
import { edgeSubdivisionPath, timeEdgeSubdivision } from "./edge-subdivision.js";
import { cpuSeconds, type GrowthPoint, LIMITS, report } from "./growth.js";
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
  const path = edgeSubdivisionPath(process.argv);
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
    const edges = path === undefined ? undefined : timeEdgeSubdivision(path, net);
    if (edges !== undefined) {
      // Euler: cells = edges - vertices + 1
      const counted = edges.edges - edges.vertices + 1;
      const rate = thousands(counted, edges.seconds);
      console.log(`  edge subdivision: ${counted} cells, ${rate} k/s, ratio ${(edges.seconds / seconds).toFixed(1)}`);
    }
  }
}

async function growth(): Promise<void> {
  const shape = [2, 1024, 1024, 1];
  const net = randomRelu(shape, SEED);
  partition(net, { box: BOX, limits: { cells: 100_000 } }); // warms up
  const points: GrowthPoint[] = [];
  for (const limit of LIMITS) {
    const { seconds, result } = await cpuSeconds(() => partition(net, { box: BOX, limits: { cells: limit } }));
    const bytes = result.complex.byteLength + result.tree.byteLength;
    points.push({ cells: result.cells.length, seconds, bytes });
    if (result.complete) break;
  }
  report("partition", `Cells of [${shape.join(", ")}], seed ${SEED}`, points);
}

if (process.argv.includes("--growth")) {
  growth().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
} else {
  speed();
}
