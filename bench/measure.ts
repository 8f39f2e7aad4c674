/**
 * Measures contestants at one workload, interleaved: in each round every contestant works for a slice of time, in an
 * order that turns with the rounds, so that what disturbs the machine disturbs all of them. Before that, all must give
 * the same values from the same start.
 */
import { Child, type ContestantName, Failure } from "./child.js";
import { Unavailable } from "./peers/contestant.js";
import type { Clock } from "./peers/serve.js";
import { type Spread, spreadOf } from "./statistics.js";

export interface Effort {
  readonly clock: Clock;
  readonly rounds: number;
  /** When this has passed since the first round, the third is the last. */
  readonly budgetMilliseconds: number;
  /** Of one contestant in one round. */
  readonly sliceMilliseconds: number;
  readonly warmupMilliseconds: number;
  /** A contestant that takes longer to answer is left out as failed. */
  readonly limitMilliseconds?: number;
}

export interface Agreement {
  /** How many steps' values are compared. */
  readonly steps: number;
  /** Largest difference from ours, relative to the largest value. */
  readonly tolerance: number;
}

export interface Measurement {
  readonly name: ContestantName;
  readonly description: string;
  /** Milliseconds per piece of work, one per round. */
  readonly rounds: readonly number[];
  readonly milliseconds: Spread;
  /** The values compared: after 1, 2, … steps. */
  readonly values: readonly number[];
  /** Largest difference from the first contestant's values, relative to the largest. */
  readonly difference: number;
  /** Steps in all, from the initial weights, and the value after the last. */
  readonly steps: number;
  readonly lastValue: number;
}

export interface Skipped {
  readonly name: ContestantName;
  readonly reason: string;
  /** Whether it broke off or gave other values, rather than not being there. */
  readonly failed: boolean;
}

export interface MeasurementGroup {
  readonly measured: readonly Measurement[];
  /** Contestants left out, and why. */
  readonly skipped: readonly Skipped[];
}

interface Runner {
  readonly child: Child;
  readonly values: readonly number[];
  readonly difference: number;
  count: number;
  steps: number;
  readonly rounds: number[];
}

function differenceOf(values: readonly number[], reference: readonly number[]): number {
  if (values.length !== reference.length || values.length === 0) return Number.POSITIVE_INFINITY;
  const scale = Math.max(...reference.map(Math.abs));
  const largest = Math.max(...values.map((value, i) => Math.abs(value - reference[i])));
  return Number.isFinite(largest) ? largest / scale : Number.POSITIVE_INFINITY;
}

/**
 * Works until so many milliseconds have passed in all, and finds how often the work fits into a slice. The first piece of
 * work does not count: it may be spent on compiling, and what was compiled is to be warm.
 */
async function warmUp(runner: Runner, { clock, sliceMilliseconds, warmupMilliseconds }: Effort): Promise<void> {
  let passed = 0;
  let count = 1;
  await runner.child.time(1, clock);
  runner.steps++;
  while (true) {
    const each = await runner.child.time(count, clock);
    passed += each * count;
    runner.steps += count;
    runner.count = Math.max(1, Math.round(sliceMilliseconds / Math.max(each, 1e-6)));
    if (passed >= warmupMilliseconds) return;
    count = Math.min(2 * count, runner.count);
  }
}

/**
 * Measures `names`, the first of those that are there being the reference for values, on the workload in `folder`.
 * A contestant whose values differ from the reference by more than the tolerance is left out as failed.
 */
export async function measure(
  names: readonly ContestantName[],
  folder: string,
  compiled: string,
  effort: Effort,
  agreement: Agreement,
): Promise<MeasurementGroup> {
  const runners: Runner[] = [];
  const skipped: Skipped[] = [];
  const children: Child[] = [];
  try {
    const skip = (name: ContestantName, error: unknown): void => {
      if (!(error instanceof Unavailable || error instanceof Failure)) throw error;
      skipped.push({ name, reason: error.message, failed: error instanceof Failure });
    };
    // All are started before the first is asked, so that they load at the same time.
    for (const name of names) {
      try {
        children.push(new Child(name, compiled, effort.limitMilliseconds));
      } catch (error) {
        skip(name, error);
      }
    }
    for (const child of children) {
      const { name } = child;
      try {
        if (runners.length === 0 && !name.startsWith("crease"))
          throw new Unavailable("nothing of ours to compare with");
        await child.prepare(folder);
        const values = await child.values(agreement.steps);
        const difference = differenceOf(values, runners[0]?.values ?? values);
        if (!(difference <= agreement.tolerance)) {
          throw new Failure(
            `${name} does not do the same work as ${runners[0]?.child.name ?? name}: values differ by ${difference}, relative; ${values.slice(0, 5)} … instead of ${runners[0]?.values.slice(0, 5)} …`,
          );
        }
        runners.push({ child, values, difference, count: 1, steps: agreement.steps, rounds: [] });
      } catch (error) {
        skip(name, error);
      }
    }
    for (const runner of runners) await warmUp(runner, effort);
    const end = performance.now() + effort.budgetMilliseconds;
    for (let round = 0; round < effort.rounds && (round < 3 || performance.now() < end); round++) {
      for (let turn = 0; turn < runners.length; turn++) {
        const runner = runners[(round + turn) % runners.length];
        runner.rounds.push(await runner.child.time(runner.count, effort.clock));
        runner.steps += runner.count;
      }
    }
    const measured: Measurement[] = [];
    for (const { child, values, difference, rounds, steps } of runners) {
      const [lastValue] = await child.values(1);
      measured.push({
        name: child.name,
        description: child.description,
        rounds,
        milliseconds: spreadOf(rounds),
        values,
        difference,
        steps: steps + 1,
        lastValue,
      });
    }
    return { measured, skipped };
  } finally {
    for (const child of children) child.end();
  }
}
