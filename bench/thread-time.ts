import { readFileSync } from "node:fs";
import { quantile } from "./statistics.js";

/** What a run took, in milliseconds. */
export interface Times {
  readonly wall: number;
  /** Of the calling thread on a processor (Linux only, else NaN): its wall time on a machine that does nothing else. */
  readonly caller: number;
  /** Of all threads on a processor. */
  readonly all: number;
}

/** Milliseconds that the calling thread has spent on a processor. */
function callerTime(): number {
  try {
    return Number(readFileSync("/proc/thread-self/schedstat", "utf8").split(" ")[0]) / 1e6;
  } catch {
    return Number.NaN;
  }
}

export async function timesOf(run: () => unknown): Promise<Times> {
  const cpu = process.cpuUsage();
  const caller = callerTime();
  const start = performance.now();
  await run();
  const wall = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { wall, caller: callerTime() - caller, all: (user + system) / 1000 };
}

export const header = "wall 1 / 2          caller 1 / 2        all 2 / 1";

/** Median and quartiles of one thread's times divided by two threads', and the reverse for all processor time. */
export function comparison(one: readonly Times[], two: readonly Times[]): string {
  const ratios = [
    one.map(({ wall }, i) => wall / two[i].wall),
    one.map(({ caller }, i) => caller / two[i].caller),
    one.map(({ all }, i) => two[i].all / all),
  ];
  const spread = (values: number[]) => [0.5, 0.25, 0.75].map((share) => quantile(values, share).toFixed(2)).join(" ");
  return ratios
    .map((values) => spread(values).padEnd(20))
    .join("")
    .trimEnd();
}
