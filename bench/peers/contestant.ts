import type { Arrays, Workload } from "../workloads.js";

/** One library at one workload, at the workload's initial weights. */
export interface Contestant {
  /** Does the work `count` times; when it returns, or its promise resolves, all results are there. */
  run(count: number): void | Promise<void>;
  /** What the last run gave: a training step's loss (before its update), or some elements of the result. */
  values(): readonly number[] | Promise<readonly number[]>;
}

/** What a peer's file exports. */
export interface Peer {
  /** Version and whatever else tells which code ran, such as the kernels chosen. */
  describe(): Promise<string>;
  /** @throws Unavailable where the library cannot do this workload. */
  prepare(workload: Workload, arrays: Arrays): Promise<Contestant>;
}

/** Why a row, or a peer in it, is left out. */
export class Unavailable extends Error {
  override readonly name = "Unavailable";
}

/** Some elements of a long result, spread over all of it. */
export function sampleOf(values: ArrayLike<number>): number[] {
  const count = Math.min(values.length, 97);
  return Array.from(
    { length: count },
    (_, i) => values[Math.floor((i * (values.length - 1)) / Math.max(count - 1, 1))],
  );
}
