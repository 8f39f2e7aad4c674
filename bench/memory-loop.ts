/**
 * The process that memory.ts watches: one synchronous loop of training steps, in which nothing can be collected by a
 * later turn of the event loop. Prints one line of JSON.
 *
 *   node memory-loop.js <folder of the workload> <steps> <keep: 0 or 1> <crease or crease-compiled>
 */
import { compile, type Tensor } from "../src/index.js";
import { workOf } from "./peers/crease.js";
import { readWorkload } from "./workloads.js";

export interface MemoryRecord {
  readonly steps: number;
  readonly seconds: number;
  /** Resident bytes before the first step, and after each tenth of the steps. */
  readonly resident: readonly number[];
  readonly peak: number;
  /** How many of the kept losses no longer held the number they had when they were computed. */
  readonly changed: number;
}

function main(): void {
  const [folder, stepsText, keepText, peer] = process.argv.slice(2);
  const steps = Number(stepsText);
  const keep = keepText === "1";
  const { workload, arrays } = readWorkload(folder);
  const eager = workOf(workload, arrays);
  const work = peer === "crease-compiled" ? compile(eager) : eager;
  const kept: Tensor[] = [];
  const numbers = new Float64Array(keep ? steps : 0);
  const resident = [process.memoryUsage.rss()];
  const start = performance.now();
  for (let step = 0; step < steps; step++) {
    const loss = work();
    if (keep) {
      kept.push(loss);
      numbers[step] = loss.item();
    }
    if ((step + 1) % (steps / 10) === 0) resident.push(process.memoryUsage.rss());
  }
  const seconds = (performance.now() - start) / 1000;
  const changed = kept.filter((loss, step) => !Object.is(loss.item(), numbers[step])).length;
  const peak = process.resourceUsage().maxRSS * 1024;
  console.log(JSON.stringify({ steps, seconds, resident, peak, changed } satisfies MemoryRecord));
}

main();
