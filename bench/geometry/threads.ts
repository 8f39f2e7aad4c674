/**
 * Enumeration on one thread and on two, in turns.
 *
 *     npx tsx bench/geometry/threads.ts [filter] [seconds per row]
 *
 * Median and quartiles over the turns: wall time of one thread divided by that of two, the same of the calling thread's
 * processor time (more is better), and processor time of two threads divided by that of one (what sharing costs). On a
 * machine that is busy otherwise wall time gains nothing: there is no second core to be had.
 */

import { type EnumerateOptions, enumerate } from "../../src/geometry/enumerate/enumerate.js";
import { partsOfHelpers } from "../../src/geometry/enumerate/threads.js";
import { comparison, header, type Times, timesOf } from "../thread-time.js";
import { randomRelu } from "./nets.js";

const networks: readonly (readonly number[])[] = [
  [3, 32, 32, 1],
  [4, 20, 20, 1],
  [6, 12, 12, 1],
  [8, 10, 10, 1],
];
const columns: readonly [string, Partial<EnumerateOptions>][] = [
  ["count", { countOnly: true }],
  ["complete", {}],
];
const SEED = 7;

async function main(filter: string | undefined, seconds: number): Promise<void> {
  console.log(`seed ${SEED}, Node ${process.version}; median and quartiles`);
  console.log(`network            cells   what       ${header}`);
  for (const widths of networks) {
    const name = `[${widths.join(",")}]`;
    if (filter !== undefined && !name.includes(filter)) continue;
    const net = randomRelu(widths, SEED);
    const box = Array.from({ length: widths[0] }, (): [number, number] => [-1, 1]);
    for (const [column, options] of columns) {
      // The second thread needs some time to start; then it rests for two seconds between enumerations.
      const before = partsOfHelpers;
      const limit = performance.now() + 20_000;
      let cells = 0;
      while (partsOfHelpers === before && performance.now() < limit) {
        ({ count: cells } = await enumerate(net, { box, ...options, threads: 2 }));
      }
      const one: Times[] = [];
      const two: Times[] = [];
      const end = performance.now() + 1000 * seconds;
      for (let turn = 0; turn < 5 || performance.now() < end; turn++) {
        one.push(await timesOf(() => enumerate(net, { box, ...options, threads: 1 })));
        two.push(await timesOf(() => enumerate(net, { box, ...options, threads: 2 })));
      }
      console.log(`${name.padEnd(15)}${String(cells).padStart(9)}   ${column.padEnd(11)}${comparison(one, two)}`);
    }
  }
}

main(process.argv[2] || undefined, Number(process.argv[3] ?? 5)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
