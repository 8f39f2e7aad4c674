/**
 * Time and memory of n-dimensional enumeration against the number of cells: both are linear.
 *
 *     npx tsx bench/geometry/enumerate-growth.ts
 *
 * One network, enumerated with complete cells until so many are found, one thread; CPU seconds, so that other work on the
 * machine matters less. Writes bench/out/geometry/enumerate-time.svg and enumerate-memory.svg.
 */

import { enumerate } from "../../src/geometry/enumerate/enumerate.js";
import { sizeOf } from "./cell-size.js";
import { cpuSeconds, type GrowthPoint, LIMITS, report } from "./growth.js";
import { randomRelu } from "./nets.js";

const SEED = 7;
const SHAPE = [3, 160, 160, 1];

async function main(): Promise<void> {
  const net = randomRelu(SHAPE, SEED);
  const box = Array.from({ length: SHAPE[0] }, (): [number, number] => [-1, 1]);
  await enumerate(net, { box, limits: { cells: 100_000 } }); // warms up
  const points: GrowthPoint[] = [];
  for (const limit of LIMITS) {
    const { seconds, result } = await cpuSeconds(() => enumerate(net, { box, limits: { cells: limit } }));
    points.push({ cells: result.count, seconds, bytes: sizeOf(result.cells) });
    if (result.complete) break;
  }
  report("enumerate", `Complete cells of [${SHAPE.join(", ")}], seed ${SEED}`, points);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
