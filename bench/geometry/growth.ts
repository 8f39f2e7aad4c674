/** Time and memory against the number of cells: a table, and a plot of each with the line of exact proportion beside it. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { plot } from "../plot.js";

/** One run, stopped at a number of cells. */
export interface GrowthPoint {
  readonly cells: number;
  /** CPU seconds. */
  readonly seconds: number;
  /** Of what the result holds. */
  readonly bytes: number;
}

/** The numbers of cells to stop at: 1,000 to 1,000,000, four to a decade. */
export const LIMITS: readonly number[] = Array.from({ length: 13 }, (_, k) => Math.round(1000 * 10 ** (k / 4)));

const FOLDER = join(import.meta.dirname, "..", "out", "geometry");

/** Runs shorter than this are repeated, and the best one counts. */
const SHORT_SECONDS = 0.5;

/** CPU seconds of a piece of work (other work on the machine left out): the best of as many runs as fill half a second. */
export async function cpuSeconds<T>(run: () => T | Promise<T>): Promise<{ seconds: number; result: T }> {
  let best = Number.POSITIVE_INFINITY;
  let total = 0;
  for (;;) {
    const start = process.cpuUsage();
    const result = await run();
    const { user, system } = process.cpuUsage(start);
    const seconds = (user + system) / 1e6;
    best = Math.min(best, seconds);
    total += seconds;
    if (total >= SHORT_SECONDS) return { seconds: best, result };
  }
}

/** Prints the points and writes `<name>-time.svg` and `<name>-memory.svg`. */
export function report(name: string, title: string, points: readonly GrowthPoint[]): void {
  console.log(`\n${title}\n     cells   seconds   us/cell   MB held    B/cell`);
  for (const { cells, seconds, bytes } of points) {
    const columns = [
      String(cells).padStart(10),
      seconds.toFixed(3).padStart(9),
      ((1e6 * seconds) / cells).toFixed(2).padStart(9),
      (bytes / 1e6).toFixed(1).padStart(9),
      (bytes / cells).toFixed(0).padStart(9),
    ];
    console.log(columns.join(" "));
  }
  // the slope of a line fitted to the logarithms: 1 is linear growth
  const exponent = (of: (point: GrowthPoint) => number): number => {
    const logs = points.map((point) => [Math.log(point.cells), Math.log(of(point))]);
    const [mx, my] = [0, 1].map((axis) => logs.reduce((sum, log) => sum + log[axis], 0) / logs.length);
    const covariance = logs.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0);
    return covariance / logs.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
  };
  mkdirSync(FOLDER, { recursive: true });
  const draw = (quantity: string, unit: string, of: (point: GrowthPoint) => number): void => {
    const last = points[points.length - 1];
    const share = of(last) / last.cells;
    const curves = [
      { name: "proportional", color: "#999999", points: points.map(({ cells }) => [cells, share * cells] as const) },
      { name: "measured", color: "#d55e00", points: points.map((point) => [point.cells, of(point)] as const) },
    ];
    const path = join(FOLDER, `${name}-${quantity}.svg`);
    writeFileSync(path, plot(`${title}: ${quantity}`, "cells", unit, curves));
    console.log(`${quantity} grows as cells to the ${exponent(of).toFixed(3)}; ${relative(process.cwd(), path)}`);
  };
  draw("time", "CPU seconds", ({ seconds }) => seconds);
  draw("memory", "megabytes", ({ bytes }) => bytes / 1e6);
}
