/** The program of a thread that helps to enumerate. */

import { parentPort } from "node:worker_threads";
import { HyperplanePool } from "../cell-tree/path.js";
import type { Plan } from "../cell-tree/plan.js";
import { CellCollector } from "./collect.js";
import { type EnumerationJob, planOf } from "./job.js";
import { buffersOf, cellsFound } from "./join.js";
import { BATCH, type Part, PartSearch } from "./search.js";
import type { HelperAnswer, HelperTask } from "./threads.js";

interface Briefing {
  readonly job: EnumerationJob;
  readonly plan: Plan;
  /** 1 ends every search. */
  readonly stop: Int32Array;
}

let briefing: Briefing | undefined;

function answer(message: HelperAnswer, buffers: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, buffers);
}

function search({ job, plan, stop }: Briefing, part: Part): void {
  const pool = job.countOnly ? undefined : new HyperplanePool(plan.dimension + 1);
  const collector = pool === undefined ? undefined : new CellCollector(plan, pool, job.want);
  const search = new PartSearch(job, plan, pool, part);
  const batch = BATCH[job.method];
  while (Atomics.load(stop, 0) === 0) {
    const more = search.step(batch, collector === undefined ? undefined : (tree) => collector.visit(tree));
    const spare = search.spare();
    if (spare !== undefined) answer({ kind: "spare", part: spare });
    if (!more) break;
  }
  const cells = collector === undefined ? undefined : cellsFound(collector);
  const found = { tally: search.tally(), cells, left: search.frontier() };
  answer({ kind: "found", found }, cells === undefined ? [] : buffersOf(cells));
}

parentPort?.on("message", (task: HelperTask) => {
  try {
    if ("job" in task) briefing = { job: task.job, plan: planOf(task.job), stop: task.stop };
    else search(briefing!, task.part);
  } catch {
    // the caller searches the part itself, and meets the error
    answer({ kind: "failed" });
  }
});
answer({ kind: "ready" });
