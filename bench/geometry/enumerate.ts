/**
 * Cells per second of n-dimensional enumeration, one thread, every sign certified.
 *
 *     npx tsx geometry/enumerate.ts [filter]
 *
 * Networks have the usual initialization from a fixed seed, in the box [-1, 1]^d. Each is enumerated again and
 * again for about a second per column; median and best are printed, in cells per CPU second, so that other work on the
 * machine matters less. The last column is what complete cells hold per cell.
 */

import { type EnumerateOptions, enumerate } from "../../src/geometry/enumerate.js";
import { randomRelu } from "./nets.js";

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

const columns: readonly [string, Partial<EnumerateOptions>][] = [
  ["count", { countOnly: true }],
  ["complete", {}],
  ["with ball", { want: ["witness", "map", "facets", "neighbours", "chebyshev"] }],
];

async function main(filter: string | undefined): Promise<void> {
  console.log(`seed ${SEED}, Node ${process.version}; thousand cells per CPU second, median and best`);
  console.log(`network${" ".repeat(13)}cells   ${columns.map(([name]) => name.padStart(12)).join("")}  bytes/cell`);
  for (const widths of networks) {
    const name = `[${widths.join(",")}]`;
    if (filter !== undefined && !name.includes(filter)) continue;
    const net = randomRelu(widths, SEED);
    const box = Array.from({ length: widths[0] }, (): [number, number] => [-1, 1]);
    const { count } = await enumerate(net, { box, countOnly: true });
    let line = `${name.padEnd(16)}${String(count).padStart(9)}   `;
    let bytes = 0;
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
      line += `${rates[rates.length >> 1].toFixed(0)} ${rates[rates.length - 1].toFixed(0)}`.padStart(12);
    }
    console.log(`${line}${bytes.toFixed(0).padStart(12)}`);
  }
}

/** Bytes of the parts of the arrays in use, and of the hyperplanes they share. */
function sizeOf({ arrays, pool, length }: Awaited<ReturnType<typeof enumerate>>["cells"]): number {
  const facets = arrays.facetStarts[length];
  const perCell = (array: { byteLength: number; length: number }, used: number): number =>
    array.length === 0 ? 0 : (array.byteLength / array.length) * used;
  return (
    arrays.patterns.byteLength * (length / (arrays.strict.length || length)) +
    perCell(arrays.witnesses, (arrays.witnesses.length / arrays.strict.length) * length) +
    length +
    perCell(arrays.maps, (arrays.maps.length / arrays.strict.length) * length) +
    4 * length +
    8 * facets +
    pool.count * (8 * pool.width + 12)
  );
}

main(process.argv[2]);
