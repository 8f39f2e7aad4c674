/**
 * Time and memory of n-dimensional enumeration against the number of cells: both are linear.
 *
 *     npx tsx geometry/enumerate-growth.ts
 *
 * Networks [3, w, w, 1] of growing width, complete cells, one thread; CPU seconds, so that other work on the machine
 * matters less. The bars are microseconds per cell: linear growth is a column of equal bars.
 */

import { enumerate } from "../../src/geometry/enumerate.js";
import { randomRelu } from "./nets.js";

const SEED = 7;
const widths = [16, 24, 32, 48, 64, 96, 128, 160];

async function main(): Promise<void> {
  console.log(`[3, w, w, 1], seed ${SEED}, Node ${process.version}`);
  console.log("    w     cells   seconds   MB held   us/cell");
  for (const width of [32, 32, 48, 48]) {
    const box = Array.from({ length: 3 }, (): [number, number] => [-1, 1]);
    await enumerate(randomRelu([3, width, width, 1], SEED), { box }); // warms up
  }
  for (const width of widths) {
    const net = randomRelu([3, width, width, 1], SEED);
    const box = Array.from({ length: 3 }, (): [number, number] => [-1, 1]);
    const start = process.cpuUsage();
    const { count, cells } = await enumerate(net, { box });
    const { user, system } = process.cpuUsage(start);
    const seconds = (user + system) / 1e6;
    const { arrays, pool } = cells;
    const facets = arrays.facetStarts[count];
    // what the cells need: the arrays themselves are up to twice as long, having doubled when full
    const bytes = count * (4 * cells.layout.words + 8 * 3 + 1 + 8 * 4 + 4) + 8 * facets + pool.count * (8 * 4 + 12);
    const micros = (1e6 * seconds) / count;
    const columns = [
      String(width).padStart(5),
      String(count).padStart(9),
      seconds.toFixed(3).padStart(9),
      (bytes / 1e6).toFixed(1).padStart(9),
      micros.toFixed(2).padStart(9),
    ];
    console.log(`${columns.join(" ")}  ${"#".repeat(Math.round(2 * micros))}`);
  }
}

main();
