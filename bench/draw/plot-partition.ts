/**
 * Pictures of some 20,000 cells: size of the SVG and CPU seconds, which are to stay below 5 MB and 2 s.
 *
 *     npx tsx bench/draw/plot-partition.ts
 */
import { plotPartition } from "../../src/draw/index.js";
import { partition } from "../../src/geometry/partition/partition.js";
import { cpuSeconds } from "../geometry/growth.js";
import { randomRelu } from "../geometry/nets.js";

const box = [
  [-1, 1],
  [-1, 1],
] as const;
const looks = [
  { colour: "pattern" },
  { colour: "slope" },
  { colour: "value" },
  { colour: "depth" },
  { colour: "pattern", labels: true },
] as const;

const widths = [2, 192, 192, 1];
const cut = partition(randomRelu(widths, 1), { box });
console.log(`[${widths}], seed 1: ${cut.cells.length} cells, ${process.version}`);
for (const look of looks) {
  const { seconds, result } = await cpuSeconds(() => plotPartition(cut, look));
  const megabytes = result.length / 1e6;
  if (megabytes > 5 || seconds > 2) process.exitCode = 1;
  console.log(`${JSON.stringify(look)}: ${megabytes.toFixed(2)} MB, ${seconds.toFixed(2)} s`);
}
