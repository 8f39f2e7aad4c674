/**
 * Cells per second of n-dimensional enumeration, one thread, every sign certified.
 *
 *     npx tsx bench/geometry/enumerate.ts [filter] [--edge-subdivision PATH]
 *
 * Networks have the usual initialization from a fixed seed, in the box [-1, 1]^d. Each is enumerated again and
 * again for about a second per column; median and best are printed, in cells per CPU second, so that other work on the
 * machine matters less. Then what complete cells hold per cell, the plain baseline (on a part of the cells of large networks)
 * and how many times as fast our best certified count is, and edge subdivision where its repository is given.
 */

import { type EnumerateOptions, enumerate } from "../../src/geometry/enumerate/enumerate.js";
import { sizeOf } from "./cell-size.js";
import { edgeSubdivisionPath, timeEdgeSubdivision } from "./edge-subdivision.js";
import { cpuSeconds } from "./growth.js";
import { randomRelu } from "./nets.js";
import { plainCellCount } from "./plain-enumerate.js";

const networks: readonly (readonly number[])[] = [
  [3, 16, 16, 1],
  [3, 32, 32, 1],
  [4, 10, 10, 1],
  [4, 20, 20, 1],
  [5, 8, 8, 1],
  [6, 6, 6, 1],
  [6, 10, 10, 1],
  [7, 10, 10, 1],
  [8, 12, 1],
  [8, 10, 10, 1],
  [10, 12, 12, 1],
];
/** Measured for so long per column; complete cells only where that is bearable. */
const SECONDS = 1;
const SEED = 7;
/** The plain baseline stops at so many cells: it needs up to a millisecond for each. */
const MOST_PLAIN_CELLS = 2000;

const columns: readonly [string, Partial<EnumerateOptions>][] = [
  ["count", { countOnly: true }],
  ["complete", {}],
  ["with ball", { want: ["witness", "map", "facets", "neighbours", "chebyshev"] }],
];

async function main(filter: string | undefined): Promise<void> {
  const path = edgeSubdivisionPath(process.argv);
  console.log(`seed ${SEED}, Node ${process.version}; thousand cells per CPU second, median and best`);
  console.log(
    `network${" ".repeat(13)}cells   ${columns.map(([name]) => name.padStart(12)).join("")}  bytes/cell   plain   ratio`,
  );
  for (const widths of networks) {
    const name = `[${widths.join(",")}]`;
    if (filter !== undefined && !name.includes(filter)) continue;
    const net = randomRelu(widths, SEED);
    const box = Array.from({ length: widths[0] }, (): [number, number] => [-1, 1]);
    const { count } = await enumerate(net, { box, countOnly: true });
    let line = `${name.padEnd(16)}${String(count).padStart(9)}   `;
    let bytes = 0;
    let counting = 0;
    for (const [column, options] of columns) {
      if (column !== "count" && widths[0] > 8) {
        line += "-".padStart(12);
        continue;
      }
      const rates: number[] = [];
      const start = performance.now();
      for (let run = 0; run < 3 || performance.now() - start < 1000 * SECONDS; run++) {
        const began = process.cpuUsage();
        const found = await enumerate(net, { box, ...options });
        const { user, system } = process.cpuUsage(began);
        rates.push((1000 * found.count) / (user + system));
        if (column === "complete") bytes = sizeOf(found.cells) / found.count;
        if (performance.now() - start > 20_000) break;
      }
      rates.sort((a, b) => a - b);
      if (column === "count") counting = rates[rates.length - 1];
      line += `${rates[rates.length >> 1].toFixed(0)} ${rates[rates.length - 1].toFixed(0)}`.padStart(12);
    }
    const plain = await cpuSeconds(() => plainCellCount(net, box, MOST_PLAIN_CELLS));
    const rate = plain.result / plain.seconds / 1000;
    line += `${bytes.toFixed(0).padStart(12)}${rate.toFixed(2).padStart(8)}${(counting / rate).toFixed(0).padStart(8)}`;
    console.log(line);
    if (plain.result < MOST_PLAIN_CELLS && plain.result !== count) {
      console.log(`  the plain baseline counts ${plain.result} cells: its tolerance decides wrongly there`);
    }
    const edges = path === undefined ? undefined : timeEdgeSubdivision(path, net);
    if (edges !== undefined) {
      const { seconds, vertices } = edges;
      const peer = count / seconds / 1000;
      console.log(
        `  edge subdivision: ${vertices} vertices, ${peer.toFixed(1)} k/s, ratio ${(counting / peer).toFixed(0)}`,
      );
    }
  }
}

main(process.argv[2]?.startsWith("--") ? undefined : process.argv[2]).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
